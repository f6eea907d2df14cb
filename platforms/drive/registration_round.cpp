#include "platforms/drive/registration_round.hpp"

#include <algorithm>
#include <utility>

#include "platforms/oauth/requests.hpp"
#include "platforms/poll/answer_class.hpp"

namespace lapwing {
namespace {

/// Repositories or channels watched for one user.
constexpr std::size_t resources_max = 100;
/// Calls of one round; what is left stays due.
constexpr std::size_t tasks_max = 20;
/// The budget's name for these calls.
constexpr const char* budget_name = "registrations";

} // namespace

bool registers(const driven_connection& of) noexcept {
  return of.spec.registration.style != registration_style::none && !of.ports.public_url.empty()
         && of.is_open();
}

bool registration_is_due(const registration& at, timestamp now) noexcept {
  if (at.renew_at)
    return *at.renew_at <= now;
  // One that is active and has no end needs nothing; any other was left in the middle.
  return at.status != "active" || (at.expires_at && *at.expires_at <= now);
}

registration_round::registration_round(driven_connection& of, token_source& tokens, hooks calls)
    : of_(of), tokens_(tokens), calls_(std::move(calls)) {}

bool registration_round::is_hub() const noexcept {
  return of_.spec.registration.style == registration_style::websub;
}

void registration_round::start() {
  if (!registers(of_))
    return calls_.done();
  const auto& spec = of_.spec.registration;
  if (spec.resources_from.empty()) {
    choose({spec.resources.empty() ? std::vector<std::string>{""} : spec.resources, true});
    return next();
  }
  find_resources(of_, spec.resources_from, spec.resources_if, resources_max, alive_,
                 [this](const result<resource_names>& found) {
                   if (found && registers(of_))
                     choose(*found);
                   next();
                 });
}

void registration_round::start_removal(std::chrono::milliseconds patience) {
  give_up_at_ = of_.host.now() + patience;
  if (of_.known && of_.spec.registration.style != registration_style::none)
    for (const auto& one : of_.known->registrations)
      left_.push_back({one.resource, registration_goal::absent});
  next();
}

void registration_round::choose(const resource_names& found) {
  const auto& wanted = found.names;
  auto now = of_.host.now();
  for (const auto& one : of_.known->registrations)
    // What is not among the first of very many is not gone.
    if (found.is_complete && std::ranges::find(wanted, one.resource) == wanted.end())
      left_.push_back({one.resource, registration_goal::absent});
  for (const auto& resource : wanted) {
    auto& row = of_.registration_of(resource);
    if (row.status.empty()) {
      // Counted among the timers even if this round does not come to it.
      row.status = "pending";
      row.renew_at = now;
    }
    if (registration_is_due(row, now))
      left_.push_back({resource, registration_goal::present});
  }
  // The last one is next: what was wanted first comes first, the sweep after all.
  auto first_wanted = std::ranges::find(left_, registration_goal::present, &task::goal);
  std::reverse(first_wanted, left_.end());
  if (left_.size() > tasks_max)
    left_.erase(left_.begin(), left_.end() - tasks_max);
}

void registration_round::next() {
  auto now = of_.host.now();
  if (left_.empty() || !of_.known || now >= give_up_at_)
    return calls_.done(); // The owner may destroy us in this call.
  if (!is_hub()) {
    auto from = of_.ports.traffic->not_before(of_.party(), budget_name, now);
    if (from > now) {
      for (const auto& one : left_)
        if (one.goal == registration_goal::present)
          of_.registration_of(one.resource).renew_at = from;
      return calls_.done();
    }
  }
  current_ = std::move(left_.back());
  left_.pop_back();
  begin(current_);
}

/// All of a connection share one secret, so that a delivery is checked without knowing which of them
/// it belongs to.
std::string registration_round::secret_of_connection() const {
  for (const auto& one : of_.known->registrations)
    if (!one.secret.empty())
      return one.secret;
  return of_.ports.fresh_secret();
}

void registration_round::begin(const task& what) {
  registration_target target;
  target.spec = &of_.spec.registration;
  target.account = of_.known->at.account;
  target.resource = what.resource;
  target.callback_url = of_.ports.public_url + "/api/webhooks/" + of_.key.platform.str();
  // Pub/Sub has one endpoint for all; the others say whose delivery it is in the path.
  if (target.spec->style != registration_style::gmail)
    target.callback_url += '/' + of_.key.user.str();
  registration_means means;
  means.fresh_secret = secret_of_connection();
  means.fresh_id = of_.ports.fresh_secret();
  means.chance = of_.host.chance();
  means.now = of_.host.now();
  if (means.fresh_secret.empty() || means.fresh_id.empty())
    return calls_.done(); // No randomness: nothing is registered that anybody could guess.
  rejected_once_ = false;
  const auto& row = of_.registration_of(what.resource);
  was_active_ = row.status == "active" && (!row.expires_at || *row.expires_at > means.now);
  run_ = std::make_unique<registration_run>(std::move(target), what.goal, of_.spec.limits, row,
                                            std::move(means));
  if (what.goal == registration_goal::absent)
    return step();
  // Durable before the first request: the provider may call back before it answers.
  auto& kept = of_.registration_of(what.resource);
  kept = run_->pending();
  of_.ports.store->save_registration(
    of_.key, kept, of_.next_due(),
    [this, post = of_.host.make_poster(),
     alive = std::weak_ptr<bool>{alive_}](const result<bool>& done) {
      post([this, alive, done] {
        if (!alive.lock())
          return;
        if (done)
          return step();
        run_.reset();
        calls_.done(); // The store is away: everything is still due.
      });
    });
}

void registration_round::step() {
  auto request = run_->next();
  if (!request)
    return settle();
  if (is_hub()) // It knows no person, and must not see a person's token.
    return send(std::move(*request), nullptr);
  tokens_.need([this](const result<access_token>& token) {
    if (token)
      return send(*run_->next(), &*token);
    run_.reset();
    left_.clear();
    next();
  });
}

void registration_round::send(http_request request, const access_token* token) {
  std::uint64_t version = 0;
  if (token != nullptr) {
    version = token->version;
    of_.ports.traffic->sending(of_.party(), budget_name, of_.host.now());
    request.headers.emplace_back("Authorization", bearer(token->value));
  }
  of_.ports.http->send(
    std::move(request), [this, post = of_.host.make_poster(), version, with_token = token != nullptr,
                         alive = std::weak_ptr<bool>{alive_}](result<http_response> answer) {
      auto box = std::make_shared<result<http_response>>(std::move(answer));
      post([this, alive, box, version, with_token] {
        if (!alive.lock())
          return;
        const auto& got = *box;
        if (with_token && got)
          of_.ports.traffic->saw(of_.party(), budget_name, *got, of_.host.now());
        bool is_rejected = false;
        if (with_token && got)
          if (auto problem = problem_of(*got, of_.spec.limits))
            is_rejected = problem->kind == answer_failure::unauthorised;
        if (is_rejected && !std::exchange(rejected_once_, true)) {
          return tokens_.rejected(version, [this, box](const result<access_token>& again) {
            if (again)
              return send(*run_->next(), &*again);
            run_->take(*box);
            step();
          });
        }
        run_->take(got);
        step();
      });
    });
}

void registration_round::settle() {
  auto outcome = run_->take_outcome();
  run_.reset();
  if (!of_.known)
    return next();
  bool ends = outcome.removed || current_.goal == registration_goal::absent;
  auto done = [this, post = of_.host.make_poster(),
               alive = std::weak_ptr<bool>{alive_}](const result<bool>&) {
    post([this, alive] {
      if (alive.lock())
        next();
    });
  };
  if (ends) {
    // Also when the provider could not be asked: what is still delivered is not taken any more.
    std::erase_if(of_.known->registrations,
                  [&](const registration& one) { return one.resource == current_.resource; });
    calls_.settled(outcome, false);
    return of_.ports.store->remove_registration(of_.key, current_.resource, std::move(done));
  }
  auto& row = of_.registration_of(current_.resource);
  bool was_verified = is_hub() && !outcome.problem && row.status == "active"
                      && !registration_details::of(row).awaits_verification;
  if (!was_verified) {
    // Deliveries may have come meanwhile.
    auto last_delivery = row.last_delivery;
    row = outcome.at;
    row.last_delivery = std::max(row.last_delivery, last_delivery);
  }
  calls_.settled(outcome, row.status == "active" && !was_active_);
  of_.ports.store->save_registration(of_.key, row, of_.next_due(), std::move(done));
}

} // namespace lapwing
