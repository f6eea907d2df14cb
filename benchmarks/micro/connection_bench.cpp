// How many polls a second the SQLite store keeps book of with many connections, what one costs in
// processor time and disk writes, and how long one waits.
//
// A poll is what the node does for one: what is due is asked for in rounds, and of each connection
// the progress is saved and its timer set anew; every `--every`th brings an item and an event as
// well. With --rate, rounds start at even times; otherwise as soon as the last one is done.
//
//   connection_bench --dir /tmp/bench --connections 300000 --seconds 20 --rate 500
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "storage/sqlite_store.hpp"

namespace {

using namespace lapwing;
using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

struct settings {
  std::string directory;
  std::size_t connections = 300'000;
  double seconds = 20;
  double rate = 0;
  std::size_t round = 50;
  std::size_t every = 10;
};

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

/// Bytes this process has had the kernel write to disks (proc(5), /proc/pid/io).
double written_bytes() {
  std::ifstream io{"/proc/self/io"};
  std::string name;
  double value = 0;
  while (io >> name >> value) {
    if (name == "write_bytes:")
      return value;
  }
  return 0;
}

/// Counts answers down, and remembers how long each took.
class round_of_calls {
public:
  template <class T>
  std::function<void(result<T>)> expect() {
    ++open_; // Only the asking thread adds, before it waits.
    return [this, asked = steady::now()](const result<T>& answer) {
      std::lock_guard lock{mutex_};
      waits_.push_back(std::chrono::duration<double, std::milli>(steady::now() - asked).count());
      failed_ += answer ? 0 : 1;
      if (++answered_ == open_)
        ready_.notify_one();
    };
  }
  void wait() {
    std::unique_lock lock{mutex_};
    ready_.wait(lock, [this] { return answered_ == open_; });
  }
  std::size_t failed() const { return failed_; }
  double quantile(double q) {
    std::sort(waits_.begin(), waits_.end());
    return waits_.empty() ? 0
                          : waits_[static_cast<std::size_t>(
                              q * static_cast<double>(waits_.size() - 1))];
  }

private:
  std::mutex mutex_;
  std::condition_variable ready_;
  std::atomic<std::size_t> open_{0};
  std::size_t answered_ = 0;
  std::size_t failed_ = 0;
  std::vector<double> waits_;
};

class driver {
public:
  driver(node_store& store, const settings& how) : store_(store), how_(how) {}

  void prefill() {
    const auto first = start_ - 1h;
    std::size_t failed = 0;
    for (std::size_t done = 0; done < how_.connections;) {
      round_of_calls calls;
      for (std::size_t i = 0; i < 1500 && done < how_.connections; ++i, ++done) {
        connection fresh;
        fresh.user = user_id{"user-" + std::to_string(done / 3)};
        fresh.platform = platform_id{platforms[done % 3]};
        fresh.tokens.access_token = std::string(220, 'a');
        fresh.tokens.refresh_token = std::string(120, 'r');
        fresh.tokens.expires_at = start_;
        fresh.granted_at = start_;
        const connection_key key{fresh.user, fresh.platform};
        const auto when = first + std::chrono::milliseconds{random_() % 3'600'000};
        auto& connections = store_.connections();
        connections.connect(fresh, when, calls.expect<std::uint64_t>());
        connections.save_progress(key, progress("first", when), when, calls.expect<bool>());
        connections.save_progress(key, progress("second", when), when, calls.expect<bool>());
      }
      calls.wait();
      failed += calls.failed();
    }
    std::printf("prefilled, failed %zu\n", failed);
  }

  void run() {
    round_of_calls saves;
    round_of_calls appends;
    round_of_calls questions;
    const auto begin = steady::now();
    const double cpu_before = cpu_seconds();
    const double written_before = written_bytes();
    std::size_t polls = 0;
    std::size_t rounds = 0;
    for (auto now = begin; now - begin < std::chrono::duration<double>(how_.seconds);
         now = steady::now(), ++rounds) {
      std::vector<connection_key> keys;
      auto told = questions.expect<std::vector<connection_key>>();
      store_.connections().due(platform_id{platforms[rounds % 3]}, start_, how_.round, [&keys, &told](auto answer) {
        if (answer)
          keys = *answer;
        told(std::move(answer));
      });
      questions.wait();
      for (const auto& key : keys)
        poll(key, ++polls, saves, appends);
      saves.wait();
      appends.wait();
      if (how_.rate > 0)
        std::this_thread::sleep_until(
          begin
          + std::chrono::duration_cast<steady::duration>(std::chrono::duration<double>(
            static_cast<double>(polls) / how_.rate)));
    }
    const double elapsed = std::chrono::duration<double>(steady::now() - begin).count();
    const double n = static_cast<double>(polls);
    std::printf("%.0f polls/s  due p50 %.3f p99 %.3f ms  save p50 %.3f p99 %.3f max %.1f ms  append"
                " p50 %.3f p99 %.3f ms  CPU %.1f us/poll (%.1f %% of a core)  disk %.1f KB/poll"
                "  failed %zu\n",
                n / elapsed, questions.quantile(0.5), questions.quantile(0.99),
                saves.quantile(0.5), saves.quantile(0.99), saves.quantile(1),
                appends.quantile(0.5), appends.quantile(0.99),
                (cpu_seconds() - cpu_before) / n * 1e6,
                (cpu_seconds() - cpu_before) / elapsed * 100,
                (written_bytes() - written_before) / n / 1024,
                saves.failed() + appends.failed() + questions.failed());
  }

private:
  static constexpr const char* platforms[] = {"spotify", "youtube", "github"};

  poll_progress progress(const char* endpoint, timestamp when) {
    return {endpoint, std::to_string(random_()), "W/\"" + std::to_string(random_()) + "\"", when,
            when + 2h, 0};
  }

  void poll(const connection_key& key, std::size_t count, round_of_calls& saves,
            round_of_calls& appends) {
    const auto next = start_ + 2h + std::chrono::milliseconds{random_() % 1'440'000};
    if (how_.every == 0 || count % how_.every != 0) {
      store_.connections().save_progress(key, progress("first", start_), next,
                                         saves.expect<bool>());
      return;
    }
    event_draft draft;
    draft.type = "new_data";
    draft.platform = key.platform.str();
    draft.message = "1 new item";
    draft.data = "{\"dataType\":\"recently_played\",\"count\":1}";
    auto effect = std::make_shared<sync_effect>();
    effect->of = key;
    effect->data_type = "recently_played";
    effect->items = {{std::to_string(count), "{\"text\":\"" + std::string(1500, 'x') + "\"}"}};
    effect->progress = progress("first", start_);
    effect->next_due = next;
    append_request request{make_event(log_id::of(key.user), count, start_, std::move(draft)),
                           key.platform.str(), "d" + std::to_string(count)};
    request.with = std::move(effect);
    std::vector<append_request> batch;
    batch.push_back(std::move(request));
    store_.append(std::move(batch), appends.expect<std::vector<append_result>>());
  }

  node_store& store_;
  const settings& how_;
  const timestamp start_ = system_wall_clock{}.now();
  std::mt19937_64 random_{42};
};

} // namespace

int main(int argc, char** argv) {
  settings how;
  CLI::App app{"Keeping book of polls in the SQLite store"};
  app.add_option("--dir", how.directory, "Where the database is made (and left)")->required();
  app.add_option("--connections", how.connections);
  app.add_option("--seconds", how.seconds);
  app.add_option("--rate", how.rate, "Polls a second; 0: as fast as they are taken");
  app.add_option("--round", how.round, "Connections asked for at once");
  app.add_option("--every", how.every, "Every so manyth poll brings an item; 0: none");
  CLI11_PARSE(app, argc, argv);
  std::filesystem::create_directories(how.directory);
  sqlite_options options;
  options.path = (std::filesystem::path{how.directory} / "bench.db").string();
  options.encryption_keys = {std::string(64, 'a')};
  const bool fresh = !std::filesystem::exists(options.path);
  auto store = sqlite_store::open_file(options);
  if (!store) {
    std::fprintf(stderr, "%s\n", store.error().detail.c_str());
    return 1;
  }
  driver drive{**store, how};
  if (fresh)
    drive.prefill();
  drive.run();
}
