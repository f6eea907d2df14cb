// /admin/...: the admin actor's documents and commands.
#include <utility>

#include <simdjson.h>

#include "net/http/handlers.hpp"
#include "net/http/node.hpp"

namespace lapwing::net {
namespace {

void with_administrator(const exchange_ptr& x, std::function<void()> then) {
  with_principal(x, [x, then = std::move(then)](const principal& who) {
    // Development identity believes anybody, so at least they must be on this machine.
    if (!may_administer(who) || (who.development && !x->peer().loopback()))
      return x->fail({errc::forbidden, "the role admin is needed"});
    then();
  });
}

void answer_document(const exchange_ptr& x, const result<std::string>& document) {
  if (!document)
    return x->fail_inside(document.error());
  x->answer_json(200, *document);
}

} // namespace

void handle_admin_read(const exchange_ptr& x) {
  with_administrator(x, [x] {
    x->core().inspect(x->parameter(0),
                      [x](result<std::string> document) { answer_document(x, document); });
  });
}

void handle_admin_command(const exchange_ptr& x) {
  with_administrator(x, [x] {
    auto verb_text = x->parameter(0);
    std::string argument;
    if (auto slash = verb_text.find('/'); slash != std::string::npos) {
      argument = verb_text.substr(slash + 1);
      verb_text.resize(slash);
    } else if (!x->body.empty()) {
      thread_local simdjson::dom::parser parser;
      simdjson::dom::element root;
      if (parser.parse(x->body).get(root))
        return x->fail({errc::malformed_json, "the body is not JSON"});
      std::string_view text;
      if (root["argument"].get(text))
        return x->fail({errc::bad_request, "argument must be a string"});
      argument = text;
    }
    x->core().command(std::move(verb_text), std::move(argument),
                      [x](result<std::string> document) { answer_document(x, document); });
  });
}

} // namespace lapwing::net
