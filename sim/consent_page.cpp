#include "sim/consent_page.hpp"

#include <algorithm>

#include "sim/oauth.hpp"
#include "sim/text.hpp"

namespace lapwing::sim {
namespace {

/// Links of one page. Guess: who looks for one person among more adds `sim_user` by hand.
constexpr std::uint32_t people_max = 12;

constexpr std::string_view page_head = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Simulated consent</title><style>
:root { color-scheme: light dark; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center;
  font: 1rem/1.5 system-ui, sans-serif; }
main { width: min(24rem, 90vw); padding: 1.75rem; border: 1px solid #8884; border-radius: .9rem; }
h1 { margin: 0 0 .25rem; font-size: 1.2rem; } p { margin: 0 0 1.25rem; opacity: .7; }
a { display: block; margin: .5rem 0; padding: .6rem .9rem; border-radius: .6rem;
  text-decoration: none; color: inherit; border: 1px solid #8886; }
a:hover, a:focus-visible { border-color: #1c7c54; outline: 2px solid #1c7c5455; }
a.no { color: #b3402e; }
</style></head><body><main>
)";

std::string html_text(std::string_view text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

} // namespace

bool wants_consent_page(const call& from) {
  return from.header("Accept").find("text/html") != std::string_view::npos
         && !oauth::names_person(from) && from.query.get("deny") != "1";
}

http_response consent_page(const world_state& state, const call& from) {
  std::string_view url = from.request->url;
  url = url.substr(0, url.find('#'));
  auto query = html_text(url.substr(std::min(url.find('?'), url.size())));
  std::string out{page_head};
  out += "<h1>Simulated " + html_text(from.host) + "</h1>\n<p>"
         + html_text(from.query.get("client_id"))
         + " asks for access. Who are you over there?</p>\n";
  auto shown = std::min(state.persons.count(), people_max);
  for (std::uint32_t i = 0; i < shown; ++i) {
    const auto& name = state.persons.at(i).name;
    out += "<a href=\"" + query + "&amp;sim_user=" + percent_encoded(name) + "\">Agree as "
           + html_text(name) + "</a>\n";
  }
  out += "<a class=\"no\" href=\"" + query + "&amp;deny=1\">Refuse</a>\n</main></body></html>\n";
  auto page = text_answer(200, std::move(out));
  for (auto& [name, value] : page.headers)
    if (equal_ignoring_case(name, "Content-Type"))
      value = "text/html; charset=utf-8";
  page.headers.emplace_back("Content-Security-Policy",
                            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
                            "form-action 'none'; frame-ancestors 'none'");
  return page;
}

} // namespace lapwing::sim
