#include "storage/postgres/event_worker.hpp"

#include <algorithm>

#include "storage/job_refused.hpp"
#include "storage/postgres/failure.hpp"
#include "storage/postgres/parameters.hpp"

namespace lapwing::postgres {

namespace {

/// Others of its transaction need not suffer.
bool is_of_the_job(const failure& why) noexcept {
  return why.kind() == fault::statement || why.kind() == fault::two_writers;
}

} // namespace

append_job::append_job(std::vector<append_request> requests,
                       std::function<void(result<std::vector<append_result>>)> done)
    : batch_(std::move(requests)), done_(std::move(done)) {
  lanes_.reserve(batch_.requests().size());
  for (const auto& request : batch_.requests())
    lanes_.push_back(std::hash<log_id>{}(request.item->log));
  std::sort(lanes_.begin(), lanes_.end());
  lanes_.erase(std::unique(lanes_.begin(), lanes_.end()), lanes_.end());
}

void append_worker::append(std::vector<append_job*>& jobs) {
  std::vector<append_batch*> batches;
  for (auto* job : jobs)
    batches.push_back(&job->batch());
  event_appender appender{*link_, means_.fence, means_.rows};
  std::vector<append_result> results;
  try {
    results = appender.append(batches);
  } catch (const failure& why) {
    means_.counters.failed_commits.fetch_add(1, std::memory_order_relaxed);
    if (why.kind() == fault::connection) // It was at work: nobody knows how far it has come.
      throw failure{why.kind(), why.sqlstate(), why.what(), true};
    throw;
  }
  means_.counters.commits.fetch_add(1, std::memory_order_relaxed);
  auto next = results.begin();
  for (auto* job : jobs) {
    const auto& requests = job->batch().requests();
    std::vector<append_result> own(next, next + static_cast<std::ptrdiff_t>(requests.size()));
    next += static_cast<std::ptrdiff_t>(requests.size());
    std::uint64_t stored = 0;
    for (std::size_t i = 0; i < own.size(); ++i) {
      if (own[i].outcome != append_outcome::stored)
        continue;
      ++stored;
      means_.ledger.appended(to_log_column(requests[i].item->log), own[i].seq);
    }
    means_.counters.stored.fetch_add(stored, std::memory_order_relaxed);
    means_.counters.duplicates.fetch_add(own.size() - stored, std::memory_order_relaxed);
    job->answer(std::move(own));
  }
}

void append_worker::serve(std::vector<database_job_ptr>& group) {
  std::vector<append_job*> jobs;
  for (auto& job : group)
    jobs.push_back(static_cast<append_job*>(job.get()));
  try {
    append(jobs);
    for (auto& job : group)
      job.reset();
    return;
  } catch (const job_refused& refusal) {
    if (group.size() == 1)
      return group.front()->refuse(refusal.why);
  } catch (const failure& why) {
    if (!is_of_the_job(why))
      throw;
    if (group.size() == 1)
      return group.front()->refuse(to_error(why));
  }
  // One of them is at fault, and nothing was stored: each by itself.
  for (auto& job : group) {
    std::vector<append_job*> one{static_cast<append_job*>(job.get())};
    try {
      append(one);
    } catch (const job_refused& refusal) {
      job->refuse(refusal.why);
    } catch (const failure& why) {
      if (!is_of_the_job(why))
        throw;
      job->refuse(to_error(why));
    }
    job.reset();
  }
}

void page_worker::serve(std::vector<database_job_ptr>& group) {
  event_pages pages{*link_};
  for (auto& job : group) {
    if (!job)
      continue;
    try {
      static_cast<page_job&>(*job).run(pages);
    } catch (const job_refused& refusal) {
      job->refuse(refusal.why);
    } catch (const failure& why) {
      if (why.kind() == fault::connection) // A question may be asked again.
        throw failure{why.kind(), why.sqlstate(), why.what()};
      if (!is_of_the_job(why))
        throw;
      job->refuse(to_error(why));
    }
    job.reset();
  }
}

} // namespace lapwing::postgres
