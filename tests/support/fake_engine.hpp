// An engine without actors: keeps events in memory, hands them to the sessions that are open, and
// refuses what it is told to refuse. For tests of net.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "core/cursor.hpp"
#include "core/engine.hpp"

namespace lapwing::test {

class fake_engine final : public engine {
public:
  /// `shards[i]` runs home thread i, as in net::server.
  explicit fake_engine(std::vector<boost::asio::io_context*> shards) : shards_(std::move(shards)) {}

  // -- what tests set before or between requests --------------------------------

  std::atomic<bool> answers_later{false}; ///< Callbacks come in a later turn of the caller's loop.
  std::atomic<errc> publish_failure{errc::none};
  std::atomic<errc> stream_failure{errc::none}; ///< Sessions refuse before the first write.
  std::atomic<bool> is_ready{true};
  std::atomic<bool> remembers{true}; ///< False: publish forgets, for measuring.

  /// The only users there are; none: everybody is.
  void know(std::set<std::string> users) {
    std::lock_guard guard{mutex_};
    known_ = std::move(users);
  }

  // -- what tests look at ----------------------------------------------------------

  std::vector<publish_request> published() const {
    std::lock_guard guard{mutex_};
    return published_;
  }
  std::vector<stream_request> streams() const {
    std::lock_guard guard{mutex_};
    return streams_;
  }
  /// Waits for the n-th command (from 0) that any session got.
  client_command command_at(std::size_t n) {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return commands_.size() > n; });
    return commands_[n];
  }
  void wait_for_drained(std::size_t count) {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return drained_ >= count; });
  }
  void wait_for_closed(std::size_t count) {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return closed_ >= count; });
  }
  std::vector<std::pair<std::string, std::string>> admin_commands() const {
    std::lock_guard guard{mutex_};
    return admin_commands_;
  }

  /// Runs on the stream's home thread for every session of the user.
  void for_each_sink(const std::string& user, std::function<void(client_sink&)> what) {
    auto& io = *shards_[home_of(user, shards_.size())];
    boost::asio::post(io, [this, user, what = std::move(what)] {
      std::vector<std::shared_ptr<live>> sessions;
      {
        std::lock_guard guard{mutex_};
        sessions = live_[user];
      }
      for (auto& s : sessions)
        what(*s->sink);
    });
  }

  // -- engine ------------------------------------------------------------------------

  void publish(publish_request request, callback<publish_receipt> done) override {
    if (publish_failure != errc::none)
      return finish(done, error{publish_failure, "as the test wants"});
    publish_receipt receipt;
    event_ptr made;
    std::string user;
    {
      std::lock_guard guard{mutex_};
      auto& kept = logs_[to_key(request.target)];
      if (request.target.kind == log_kind::user && !known_.empty()
          && !known_.contains(request.target.name))
        return finish(done, error{errc::unknown_user, {}});
      auto key = request.source + '\n' + request.delivery_id;
      if (!request.delivery_id.empty() && remembers) {
        auto [found, fresh] = kept.deliveries.try_emplace(key, kept.events.size() + 1);
        if (!fresh) {
          receipt.duplicate = true;
          receipt.id = text_of(request.target, found->second);
          return finish(done, std::move(receipt));
        }
      }
      auto seq = request.ephemeral ? 0 : kept.events.size() + 1;
      if (remembers)
        published_.push_back(request);
      made = make_event(request.target, seq, timestamp{}, std::move(request.draft));
      if (seq != 0) {
        receipt.id = text_of(request.target, seq);
        if (remembers)
          kept.events.push_back(made);
      }
      if (request.target.kind == log_kind::user)
        receipt.sessions = live_[request.target.name].size();
      user = request.target.name;
    }
    if (receipt.sessions != 0)
      for_each_sink(user, [made, this](client_sink& sink) {
        std::string bytes;
        codec_of(sink).append_event(bytes, *made, text_of(made->log, made->seq), false);
        sink.write(bytes);
      });
    finish(done, std::move(receipt));
  }

  std::unique_ptr<stream_session> open_stream(stream_request request,
                                              std::shared_ptr<client_sink> sink) override {
    auto l = std::make_shared<live>(live{request, sink});
    {
      std::lock_guard guard{mutex_};
      streams_.push_back(request);
      live_[request.user.str()].push_back(l);
    }
    changed_.notify_all();
    auto made = std::make_unique<session>(*this, l);
    if (stream_failure != errc::none) {
      sink->close({stream_failure, "as the test wants"});
      return made;
    }
    std::string hello;
    request.codec->append_control(hello, "connected",
                                  R"({"type":"connected","userId":")" + request.user.str()
                                    + R"("})",
                                  "u0");
    sink->write(hello);
    return made;
  }

  void history(log_id log, sequence after, std::size_t limit,
               callback<event_page> done) override {
    event_page page;
    {
      std::lock_guard guard{mutex_};
      for (auto& e : logs_[to_key(log)].events)
        if (e->seq > after) {
          if (page.events.size() == limit) {
            page.more = true;
            break;
          }
          page.events.push_back(e);
        }
    }
    finish(done, std::move(page));
  }

  void find_event(log_id wanted, sequence seq, callback<event_ptr> done) override {
    event_ptr found;
    {
      std::lock_guard guard{mutex_};
      for (auto& e : logs_[to_key(wanted)].events)
        if (e->seq == seq)
          found = e;
    }
    finish(done, std::move(found));
  }

  void put_user(user_id user, std::vector<account> accounts, callback<bool> done) override {
    {
      std::lock_guard guard{mutex_};
      known_.insert(user.str());
      for (auto& a : accounts)
        accounts_[a.platform.str() + '/' + a.name] = user.str();
    }
    finish(done, true);
  }

  void find_account(account which, callback<std::optional<user_id>> done) override {
    std::optional<user_id> found;
    {
      std::lock_guard guard{mutex_};
      auto it = accounts_.find(which.platform.str() + '/' + which.name);
      if (it != accounts_.end())
        found = user_id{it->second};
    }
    finish(done, std::move(found));
  }

  engine_counts counts() const override { return {3, 2, 1, 4}; }

  void inspect(std::string path, callback<std::string> done) override {
    finish(done, R"({"path":")" + path + R"("})");
  }

  void command(std::string verb, std::string argument, callback<std::string> done) override {
    {
      std::lock_guard guard{mutex_};
      admin_commands_.emplace_back(verb, argument);
    }
    finish(done, std::string{R"({"done":true})"});
  }

  bool ready(std::string& why) const override {
    if (!is_ready)
      why = "store";
    return is_ready;
  }

private:
  struct live {
    stream_request request;
    std::shared_ptr<client_sink> sink;
  };
  struct kept_log {
    std::vector<event_ptr> events;
    std::map<std::string, sequence> deliveries;
  };

  class session final : public stream_session {
  public:
    session(fake_engine& owner, std::shared_ptr<live> l) : owner_(owner), live_(std::move(l)) {}
    void command(client_command what) override {
      std::string text = std::holds_alternative<stream_command::ping>(what) ? "pong" : "answer";
      if (auto* bad = std::get_if<stream_command::invalid>(&what))
        text = to_string(bad->why.code);
      {
        std::lock_guard guard{owner_.mutex_};
        owner_.commands_.push_back(std::move(what));
      }
      owner_.changed_.notify_all();
      std::string bytes;
      live_->request.codec->append_control(bytes, text, R"({"type":")" + text + R"("})", {});
      live_->sink->write(bytes);
    }
    void drained() override {
      {
        std::lock_guard guard{owner_.mutex_};
        ++owner_.drained_;
      }
      owner_.changed_.notify_all();
    }
    void closed() override {
      {
        std::lock_guard guard{owner_.mutex_};
        std::erase(owner_.live_[live_->request.user.str()], live_);
        ++owner_.closed_;
      }
      live_->sink.reset();
      owner_.changed_.notify_all();
    }

  private:
    fake_engine& owner_;
    std::shared_ptr<live> live_;
  };

  static std::string text_of(const log_id& log, sequence seq) {
    stream_cursor cursor;
    cursor.set(log, seq);
    return seq == 0 ? std::string{} : cursor.text();
  }

  const wire_codec& codec_of(client_sink& sink) {
    std::lock_guard guard{mutex_};
    for (auto& [user, sessions] : live_)
      for (auto& l : sessions)
        if (l->sink.get() == &sink)
          return *l->request.codec;
    std::abort();
  }

  /// Calls back at once, or in a later turn of the loop that is running.
  template <class T, class Value>
  void finish(callback<T>& done, Value value) {
    if (!answers_later)
      return done(result<T>{std::move(value)});
    for (auto* io : shards_)
      if (io->get_executor().running_in_this_thread())
        return boost::asio::post(
          *io, [done = std::move(done), value = std::move(value)]() mutable {
            done(result<T>{std::move(value)});
          });
  }

  std::vector<boost::asio::io_context*> shards_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::string> known_;
  std::map<std::string, kept_log> logs_;
  std::map<std::string, std::string> accounts_;
  std::map<std::string, std::vector<std::shared_ptr<live>>> live_;
  std::vector<publish_request> published_;
  std::vector<stream_request> streams_;
  std::vector<client_command> commands_;
  std::vector<std::pair<std::string, std::string>> admin_commands_;
  std::size_t closed_ = 0;
  std::size_t drained_ = 0;
};

} // namespace lapwing::test
