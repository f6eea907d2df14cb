// Asks the database who may see which rows: a thread with a connection and a queue of questions.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "realtime/change_feed.hpp"
#include "storage/postgres/text_link.hpp"

namespace lapwing::postgres {

class row_sight {
public:
  row_sight(std::string parameters, std::string publication);
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
  /// With nothing, when it is refused.
  using question = std::function<void(text_link* link)>;

  void ask(question what);
  void run();
  /// Waits; true when it has to stop.
  bool stops_within(std::chrono::milliseconds time);

  std::string publication_;
  text_link link_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<question> waiting_;
  bool stopping_ = false;
  std::thread thread_;
};

} // namespace lapwing::postgres
