// Asks the database who may see which rows: some threads with a connection each, and one queue of
// questions.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "realtime/change_feed.hpp"
#include "storage/postgres/text_link.hpp"

namespace lapwing::postgres {

class row_sight {
public:
  row_sight(const std::string& parameters, std::string publication);
  ~row_sight();
  row_sight(const row_sight&) = delete;
  row_sight& operator=(const row_sight&) = delete;

  /// As realtime::change_feed has them.
  void describe(std::string role,
                std::function<void(result<std::vector<realtime::table_facts>>)> done);
  void look(realtime::sight_question what, std::function<void(result<realtime::sights>)> done);
  /// Refuses what waits, and everything from now on.
  void stop();

private:
  struct worker {
    text_link link;
    std::map<std::uint32_t, std::vector<std::string>> keys; ///< Primary keys, by table.
    std::thread thread;
  };
  /// With nothing, when it is refused.
  using question = std::function<void(worker* with)>;

  void ask(question what);
  void run(worker& with);
  /// Waits; true when it has to stop.
  bool stops_within(std::chrono::milliseconds time);

  std::string publication_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<question> waiting_;
  bool stopping_ = false;
  std::vector<std::unique_ptr<worker>> workers_;
};

} // namespace lapwing::postgres
