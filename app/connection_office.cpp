#include "app/connection_office.hpp"

#include <algorithm>
#include <utility>

#include <caf/send.hpp>
#include <spdlog/spdlog.h>

#include "actors/messages.hpp"
#include "app/random_name.hpp"
#include "app/returning.hpp"
#include "core/json_text.hpp"
#include "platforms/monitor/method_choice.hpp"
#include "platforms/oauth/pkce.hpp"
#include "platforms/oauth/requests.hpp"
#include "platforms/oauth/text_forms.hpp"
#include "platforms/oauth/token_answer.hpp"
#include "platforms/spec_loader.hpp"

namespace lapwing {
namespace {

using namespace std::chrono_literals;

/// PLATFORMS 3.2: as long as GitHub's codes live.
constexpr auto state_life = 10min;
/// Of token_keeper: refreshes come up to so much later than ten minutes ahead.
constexpr auto refresh_jitter_max = 5min;

void append_time(std::string& out, std::string_view name, const std::optional<timestamp>& when) {
  out.append(",\"").append(name).append("\":");
  if (when)
    append_json_string(out, to_rfc3339(*when));
  else
    out += "null";
}

void append_connection(std::string& out, const connection& one, bool can_connect) {
  out += "{\"platform\":";
  append_json_string(out, one.platform.str());
  out += ",\"status\":";
  append_json_string(out, to_string_view(one.status));
  out += ",\"account\":";
  append_json_string(out, one.account);
  append_time(out, "connectedAt", one.granted_at);
  append_time(out, "lastSync", one.last_sync);
  append_time(out, "tokenExpiresAt", one.tokens.expires_at);
  append_time(out, "grantExpiresAt", one.tokens.grant_expires_at);
  out += ",\"cause\":";
  append_json_string(out, one.cause);
  out += ",\"message\":";
  append_json_string(out, one.message);
  // The link that puts it right keeps cursors and settings.
  out += ",\"reconnect\":";
  if (can_connect && one.status != connection_status::connected)
    append_json_string(out, "/api/oauth/" + one.platform.str() + "/authorize");
  else
    out += "null";
  out += '}';
}

} // namespace

/// A code on its way to become a connection.
struct connection_office::exchange_in_progress {
  const platform_spec* platform = nullptr;
  oauth_state state;
  std::string code;
  connection fresh;
  callback<authorization_result> done;
};

connection_office::connection_office(asio_scheduler& scheduler, const node_context& context,
                                     http_client& http,
                                     const std::vector<platform_spec>& platforms,
                                     std::string public_url, due_scanner_actor scanner)
    : scheduler_(scheduler), context_(context), directories_(context.directories), http_(http), platforms_(platforms),
      public_url_(std::move(public_url)), scanner_(std::move(scanner)),
      secrets_(
        [store = context.connections](connection_key which, auto done) {
          store->load(std::move(which), std::move(done));
        },
        *context.clock) {}

const platform_spec* connection_office::find(const platform_id& platform) const {
  auto at = std::ranges::find(platforms_, platform, &platform_spec::name);
  return at == platforms_.end() ? nullptr : &*at;
}

result<const platform_spec*> connection_office::find_connectable(
  const platform_id& platform) const {
  const auto* spec = find(platform);
  if (spec == nullptr)
    return error{errc::not_found, "there is no such platform"};
  if (!connectable(*spec))
    return error{errc::not_configured, "this node has no client id for that platform"};
  return spec;
}

std::string connection_office::callback_url(const platform_id& platform) const {
  return public_url_ + "/api/oauth/" + platform.str() + "/callback";
}

void connection_office::authorize(user_id user, platform_id platform, std::string redirect_to,
                                  callback<authorization_start> done) {
  done = returning(scheduler_, std::move(done));
  auto spec = find_connectable(platform);
  if (!spec)
    return done(spec.error());
  oauth_state state;
  state.state = random_name();
  state.verifier = random_name();
  if (state.state.empty() || state.verifier.empty())
    return done(error{errc::internal, "no randomness"});
  state.of = {std::move(user), platform};
  state.redirect_to = std::move(redirect_to);
  state.expires_at = context_.clock->now() + state_life;
  authorization_start start{authorize_url(**spec, state.state, pkce_challenge(state.verifier),
                                          callback_url(platform)),
                            state.state};
  context_.connections->put_oauth_state(
    std::move(state), [done, start = std::move(start)](const result<bool>& kept) {
      if (!kept)
        return done(kept.error());
      done(start);
    });
}

void connection_office::authorized(authorization_answer answer,
                                   callback<authorization_result> done) {
  done = returning(scheduler_, std::move(done));
  auto spec = find_connectable(answer.platform);
  if (!spec)
    return done(spec.error());
  auto work = std::make_shared<exchange_in_progress>();
  work->platform = *spec;
  work->code = std::move(answer.code);
  work->done = std::move(done);
  // The state is used up whatever comes of it.
  context_.connections->take_oauth_state(
    std::move(answer.state), context_.clock->now(),
    [this, work, refused = !answer.refusal.empty(),
     platform = answer.platform](result<std::optional<oauth_state>> found) {
      if (!found)
        return work->done(found.error());
      if (!*found || (*found)->of.platform != platform)
        return work->done(error{errc::bad_request, "this authorization is unknown, used or too old"});
      if (refused)
        return work->done(error{errc::forbidden, "the platform or the person refused"});
      if (work->code.empty())
        return work->done(error{errc::bad_request, "the platform sent no code"});
      work->state = std::move(**found);
      trade_code(work);
    });
}

void connection_office::trade_code(std::shared_ptr<exchange_in_progress> work) {
  auto request = code_request(*work->platform, work->code, work->state.verifier,
                              callback_url(work->platform->name));
  http_.send(std::move(request), [this, work](const result<http_response>& response) {
    auto now = context_.clock->now();
    auto outcome = read_token_answer(*work->platform, response, now);
    if (auto* failure = std::get_if<token_failure>(&outcome)) {
      spdlog::warn("{} connection refused: {} ({})", work->platform->name.str(), failure->code,
                   to_string_view(failure->kind));
      switch (failure->kind) {
        case token_failure_kind::configuration:
          return work->done(error{errc::not_configured, "the platform does not accept this node"});
        case token_failure_kind::transient:
          return work->done(error{errc::upstream_unavailable, "the platform could not be asked"});
        default: return work->done(error{errc::bad_request, "the platform refused the code"});
      }
    }
    auto& got = std::get<token_answer>(outcome);
    auto& fresh = work->fresh;
    fresh.user = work->state.of.user;
    fresh.platform = work->platform->name;
    fresh.account = std::move(got.account);
    fresh.granted_at = now;
    fresh.tokens = std::move(got.tokens);
    fresh.tokens.grant_expires_at = grant_end(work->platform->oauth, fresh.tokens, now);
    ask_account(work);
  });
}

void connection_office::ask_account(std::shared_ptr<exchange_in_progress> work) {
  auto request = work->fresh.account.empty()
                   ? account_request(*work->platform, work->fresh.tokens.access_token)
                   : std::nullopt;
  if (!request)
    return keep(work);
  http_.send(std::move(*request), [this, work](const result<http_response>& response) {
    // Without a name the connection is as good; endpoints that need one say so when they are read.
    if (response)
      if (auto account = read_account(*work->platform, *response))
        work->fresh.account = std::move(*account);
    keep(work);
  });
}

void connection_office::keep(std::shared_ptr<exchange_in_progress> work) {
  auto now = context_.clock->now();
  auto fresh = work->fresh;
  context_.connections->connect(std::move(fresh), now, [this, work](
                                                         const result<std::uint64_t>& kept) {
    if (!kept)
      return work->done(kept.error());
    const auto& key = work->state.of;
    spdlog::info("{} connected for user {}", key.platform.str(), key.user.str());
    caf::anon_send(directories_[home_of(key.user.str(), directories_.size())],
                   user_created{key.user});
    // A delivery that names the account instead of the user finds its way from now on.
    if (!work->fresh.account.empty())
      context_.store->put_user(key.user, {{key.platform, work->fresh.account}},
                               [](const result<bool>&) {});
    tell(key, connection_work::connected, {});
    work->done(authorization_result{key.user, key.platform, work->state.redirect_to});
  });
}

void connection_office::tell(connection_key of, connection_work work,
                             std::function<void(result<bool>)> done) {
  auto task = std::make_shared<platform_task>();
  task->work = work;
  task->done = std::move(done);
  send(std::move(of), std::move(task));
}

void connection_office::send(connection_key of, platform_task_ptr task) {
  auto& directory = directories_[home_of(of.user.str(), directories_.size())];
  task->of = std::move(of);
  caf::anon_send(directory, platform_message{std::move(task)});
}

void connection_office::list(user_id user, callback<std::string> done) {
  done = returning(scheduler_, std::move(done));
  context_.connections->list(
    std::move(user), [this, done](result<std::vector<loaded_connection>> found) {
      if (!found)
        return done(found.error());
      std::string out = R"({"connections":[)";
      for (const auto& one : *found) {
        if (out.back() == '}')
          out += ',';
        const auto* spec = find(one.at.platform);
        append_connection(out, one.at, spec != nullptr && connectable(*spec));
      }
      out += R"(],"platforms":[)";
      for (const auto& spec : platforms_) {
        if (out.back() == '}')
          out += ',';
        out += "{\"name\":";
        append_json_string(out, spec.name.str());
        out += ",\"title\":";
        append_json_string(out, spec.title);
        out += ",\"connectable\":";
        out += connectable(spec) ? "true}" : "false}";
      }
      done(out + "]}");
    });
}

void connection_office::disconnect(user_id user, platform_id platform, callback<bool> done) {
  tell({std::move(user), std::move(platform)}, connection_work::remove,
       returning(scheduler_, std::move(done)));
}

void connection_office::sync(user_id user, std::optional<platform_id> platform,
                             callback<std::size_t> done) {
  done = returning(scheduler_, std::move(done));
  context_.connections->list(user, [this, user, platform,
                                    done](const result<std::vector<loaded_connection>>& found) {
    if (!found)
      return done(found.error());
    std::size_t told = 0;
    for (const auto& one : *found) {
      if ((platform && one.at.platform != *platform)
          || one.at.status == connection_status::disconnected)
        continue;
      ++told;
      tell({user, one.at.platform}, connection_work::sync, {});
    }
    done(told);
  });
}

void connection_office::webhook_secret(user_id user, platform_id platform,
                                       callback<std::string> done) {
  const auto* spec = find(platform);
  if (spec == nullptr || spec->registration.style == registration_style::none)
    return done(std::string{});
  secrets_.find({std::move(user), std::move(platform)}, returning(scheduler_, std::move(done)));
}

void connection_office::misdelivered(user_id user, platform_id platform,
                                     std::string registration) {
  connection_key key{std::move(user), std::move(platform)};
  secrets_.doubt(key);
  if (registration.empty())
    return;
  auto task = std::make_shared<platform_task>();
  task->misdelivered = std::move(registration);
  send(std::move(key), std::move(task));
}

void connection_office::verify_subscription(subscription_question question, callback<bool> done) {
  done = returning(scheduler_, std::move(done));
  connection_key key{std::move(question.user), std::move(question.platform)};
  const auto* spec = find(key.platform);
  if (spec == nullptr || spec->registration.style != registration_style::websub)
    return done(error{errc::not_found, "nothing is registered there"});
  // Looked up first: whoever asks for a user that nobody knows must not bring an actor into being.
  context_.connections->load(
    key, [this, key, done, question = std::move(question)](
           const result<std::optional<loaded_connection>>& found) mutable {
      if (!found)
        return done(found.error());
      if (!*found || (*found)->registrations.empty()) {
        if (question.mode == "unsubscribe" && *found)
          return done(true); // What was forgotten may end.
        return done(error{errc::not_found, "nothing is registered there"});
      }
      auto task = std::make_shared<platform_task>();
      task->hub = hub_word{std::move(question.mode), std::move(question.topic), question.lease};
      task->done = std::move(done);
      send(std::move(key), std::move(task));
    });
}

void connection_office::items(item_query what, callback<std::string> done) {
  done = returning(scheduler_, std::move(done));
  context_.connections->items(
    {std::move(what.user), std::move(what.platform)}, std::move(what.type), std::move(what.after),
    what.limit, [done](result<stored_items> found) {
      if (!found)
        return done(found.error());
      std::string out = R"({"items":[)";
      for (const auto& one : found->items) {
        if (out.back() == '}')
          out += ',';
        out += "{\"id\":";
        append_json_string(out, one.id);
        out += ",\"dataType\":";
        append_json_string(out, one.data_type);
        out += ",\"extractedAt\":";
        append_json_string(out, one.extracted_at);
        out += ",\"data\":" + one.json + '}';
      }
      out += R"(],"next":)";
      if (found->next.empty())
        out += "null";
      else
        append_json_string(out, found->next);
      done(out + '}');
    });
}

void connection_office::run_job(std::string job, callback<std::string> done) {
  done = returning(scheduler_, std::move(done));
  constexpr std::string_view poll = "poll-";
  auto polls = std::string_view{job}.starts_with(poll);
  if (job != "token-refresh" && (!polls || find(platform_id{job.substr(poll.size())}) == nullptr))
    return done(error{errc::not_found, "there is no such job"});
  // Timers are rows: what an outside scheduler adds is a look at them now, and at tokens before the
  // jitter that spreads their refreshes.
  if (polls)
    caf::anon_send(scanner_, look_ahead{{}, {}, platform_id{job.substr(poll.size())}});
  else
    caf::anon_send(scanner_, look_ahead{refresh_jitter_max, connection_work::refresh, {}});
  std::string out = R"({"status":"ok","job":)";
  append_json_string(out, job);
  done(out + '}');
}

} // namespace lapwing
