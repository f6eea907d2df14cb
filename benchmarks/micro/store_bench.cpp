// How many durable appends a second the SQLite store takes, what one costs in processor time and
// disk writes, and how long one waits.
//
// A closed loop: one thread stands for all submitters, each of which offers its next event when its
// last one is durable (or, with --rate, at even times whatever became of the last). `--prefill` fills
// the indexes first, because a fresh database flatters: its index pages are few and all warm.
//
//   store_bench --dir /tmp/bench --seconds 10 --submitters 32 --logs 1000 --prefill 1000000
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
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
using steady = std::chrono::steady_clock;

struct settings {
  std::string directory;
  double seconds = 10;
  std::size_t submitters = 32;
  std::size_t logs = 1000;
  std::size_t payload = 6144;
  std::size_t prefill = 0;
  std::size_t page = 0;
  std::size_t batch_max = 256;
  std::size_t wal = 0;
  double rate = 0;
  std::uint64_t keep = 0;
};

double cpu_seconds(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
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

class driver {
public:
  driver(sqlite_store& store, const settings& how)
      : store_(store), how_(how), sent_(how.submitters), next_(how.logs, 1) {
    // Text that looks like a delivery: half of it differs from event to event.
    const std::string words = "\"repository\":{\"id\":1296269,\"full_name\":\"octo/hello\"},";
    while (payload_.size() < how.payload)
      payload_ += words + "\"sha\":\"" + hex(20) + hex(20) + "\",";
    payload_.resize(how.payload);
  }

  void prefill() {
    const auto payload = std::exchange(payload_, std::string{});
    for (std::size_t done = 0; done < how_.prefill;) {
      std::vector<append_request> batch;
      for (std::size_t i = 0; i < 4096 && done < how_.prefill; ++i, ++done)
        batch.push_back(request(timestamp{std::chrono::milliseconds{done}}));
      std::mutex mutex;
      std::condition_variable ready;
      bool answered = false;
      store_.append(std::move(batch), [&](const auto& stored) {
        std::lock_guard lock{mutex};
        answered = true;
        if (!stored)
          std::fprintf(stderr, "prefill: %s\n", stored.error().detail.c_str());
        ready.notify_one();
      });
      std::unique_lock lock{mutex};
      ready.wait(lock, [&] { return answered; });
    }
    payload_ = payload;
  }

  void run() {
    const auto start = steady::now();
    const auto end = start
                     + std::chrono::duration_cast<steady::duration>(
                       std::chrono::duration<double>(how_.seconds));
    const double cpu_before = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
    const double own_before = cpu_seconds(CLOCK_THREAD_CPUTIME_ID);
    const double written_before = written_bytes();
    const auto counts_before = store_.counts();
    std::thread trimmer;
    std::atomic<bool> ended{false};
    if (how_.keep > 0)
      trimmer = std::thread{[&] { trim(ended); }};
    if (how_.rate > 0)
      run_open(start, end);
    else
      run_closed(end);
    const double elapsed = std::chrono::duration<double>(steady::now() - start).count();
    ended = true;
    if (trimmer.joinable())
      trimmer.join();
    const auto counts = store_.counts();
    const double n = static_cast<double>(counts.stored - counts_before.stored);
    const double own = cpu_seconds(CLOCK_THREAD_CPUTIME_ID) - own_before;
    const double cpu = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_before - own;
    std::sort(waits_.begin(), waits_.end());
    std::printf("%-8.0f appends/s  group %5.1f  p50 %6.3f p99 %6.3f p99.9 %6.3f max %6.1f ms  "
                "store CPU %5.1f us  client CPU %4.1f us  disk %5.1f KB/event  failed %zu\n",
                n / elapsed, n / static_cast<double>(counts.commits - counts_before.commits),
                quantile(0.5), quantile(0.99), quantile(0.999), quantile(1), cpu / n * 1e6,
                own / n * 1e6, (written_bytes() - written_before) / n / 1024, failed_);
  }

private:
  struct answer {
    std::size_t submitter;
    bool stored;
    steady::time_point at;
  };

  std::string hex(std::size_t bytes) {
    std::string text;
    for (std::size_t i = 0; i < bytes; ++i) {
      char two[3];
      std::snprintf(two, sizeof two, "%02x", static_cast<unsigned>(random_() & 255));
      text += two;
    }
    return text;
  }

  append_request request(timestamp time) {
    const auto which = random_() % how_.logs;
    event_draft draft;
    draft.type = "webhook_received";
    draft.platform = "github";
    draft.message = "push to octo/hello by alice (3 commits)";
    draft.data = data_;
    draft.payload = payload_;
    const auto log = log_id::of(user_id{"user-" + std::to_string(which)});
    return {make_event(log, next_[which]++, time, std::move(draft)), "github", hex(16)};
  }

  void submit(std::size_t submitter, steady::time_point due) {
    sent_[submitter] = due;
    std::vector<append_request> batch;
    batch.push_back(request(system_wall_clock{}.now()));
    store_.append(std::move(batch), [this, submitter](const auto& result) {
      const auto now = steady::now();
      std::lock_guard lock{mutex_};
      answers_.push_back({submitter, result.has_value(), now});
      if (answers_.size() == 1)
        ready_.notify_one();
    });
  }

  void take(std::vector<answer>& answers) {
    for (const auto& each : answers) {
      waits_.push_back(std::chrono::duration<double, std::milli>(each.at - sent_[each.submitter]).count());
      failed_ += each.stored ? 0 : 1;
    }
  }

  void run_closed(steady::time_point end) {
    data_ = "{\"event\":\"push\",\"summary\":\"" + std::string(400, 's') + "\"}";
    for (std::size_t i = 0; i < how_.submitters; ++i)
      submit(i, steady::now());
    std::vector<answer> answers;
    for (auto open = how_.submitters; open > 0;) {
      {
        std::unique_lock lock{mutex_};
        ready_.wait(lock, [this] { return !answers_.empty(); });
        answers.swap(answers_);
      }
      take(answers);
      const auto now = steady::now();
      for (const auto& each : answers) {
        if (now < end)
          submit(each.submitter, now);
        else
          --open;
      }
      answers.clear();
    }
  }

  void run_open(steady::time_point start, steady::time_point end) {
    data_ = "{\"event\":\"push\",\"summary\":\"" + std::string(400, 's') + "\"}";
    const auto total = static_cast<std::size_t>(how_.rate * how_.seconds);
    sent_.resize(total);
    for (std::size_t i = 0; i < total && steady::now() < end; ++i) {
      const auto due = start
                       + std::chrono::duration_cast<steady::duration>(
                         std::chrono::duration<double>(static_cast<double>(i) / how_.rate));
      std::this_thread::sleep_until(due);
      submit(i, steady::now());
      ++offered_;
    }
    std::vector<answer> answers;
    while (waits_.size() < offered_) {
      std::unique_lock lock{mutex_};
      ready_.wait(lock, [this] { return !answers_.empty(); });
      answers.swap(answers_);
      take(answers);
      answers.clear();
    }
  }

  /// Retention as a node would run it, but all the time: it must keep up with the appends.
  void trim(std::atomic<bool>& ended) {
    std::uint64_t removed = 0;
    double longest = 0;
    while (!ended) {
      std::mutex mutex;
      std::condition_variable ready;
      bool answered = false;
      bool more = false;
      const auto start = steady::now();
      store_.trim({how_.keep, timestamp{}}, [&](const auto& step) {
        std::lock_guard lock{mutex};
        answered = true;
        if (step) {
          removed += step->removed;
          more = step->more;
        }
        ready.notify_one();
      });
      std::unique_lock lock{mutex};
      ready.wait(lock, [&] { return answered; });
      longest = std::max(longest, std::chrono::duration<double, std::milli>(steady::now() - start).count());
      if (!more)
        std::this_thread::sleep_for(std::chrono::milliseconds{100});
    }
    std::printf("removed %llu, longest call %.1f ms  ", static_cast<unsigned long long>(removed), longest);
  }

  double quantile(double q) const {
    if (waits_.empty())
      return 0;
    return waits_[static_cast<std::size_t>(q * static_cast<double>(waits_.size() - 1))];
  }

  sqlite_store& store_;
  const settings& how_;
  std::mt19937_64 random_{42};
  std::string payload_;
  std::string data_ = "{}";
  std::vector<steady::time_point> sent_;
  std::vector<sequence> next_;
  std::vector<double> waits_;
  std::size_t failed_ = 0;
  std::size_t offered_ = 0;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::vector<answer> answers_;
};

} // namespace

int main(int argc, char** argv) {
  settings how;
  CLI::App app{"Durable appends through the SQLite store"};
  app.add_option("--dir", how.directory, "Where the database is made (and left)")->required();
  app.add_option("--seconds", how.seconds);
  app.add_option("--submitters", how.submitters, "Events under way at once");
  app.add_option("--logs", how.logs);
  app.add_option("--payload", how.payload, "Bytes");
  app.add_option("--prefill", how.prefill, "Small events stored before");
  app.add_option("--page", how.page, "Bytes of a database page; 0: the store's own choice");
  app.add_option("--batch-max", how.batch_max);
  app.add_option("--wal", how.wal, "Bytes of write-ahead log; 0: the store's own choice");
  app.add_option("--rate", how.rate, "Events a second, evenly; 0: as fast as they are taken");
  app.add_option("--keep", how.keep, "Run retention to so many events a log all the while");
  CLI11_PARSE(app, argc, argv);
  std::filesystem::create_directories(how.directory);
  sqlite_options options;
  options.path = (std::filesystem::path{how.directory} / "bench.db").string();
  options.batch_max = how.batch_max;
  if (how.page > 0)
    options.page_bytes = how.page;
  if (how.wal > 0)
    options.wal_bytes = how.wal;
  auto store = sqlite_store::open_file(options);
  if (!store) {
    std::fprintf(stderr, "%s\n", store.error().detail.c_str());
    return 1;
  }
  driver drive{**store, how};
  drive.prefill();
  drive.run();
}
