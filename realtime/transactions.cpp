#include "realtime/transactions.hpp"

#include <utility>

#include "realtime/column_type.hpp"

namespace lapwing::realtime {
namespace {

error nonsense(std::string_view what) {
  return {errc::protocol_error, "pgoutput: " + std::string{what}};
}

timestamp commit_time(std::int64_t us) {
  return timestamp{std::chrono::floor<std::chrono::milliseconds>(std::chrono::microseconds{us})};
}

std::size_t weight(const row_change& change) {
  std::size_t bytes = sizeof change;
  for (const auto* row : {&change.row, &change.old})
    for (const cell& one : *row)
      bytes += sizeof one + one.value.size();
  return bytes;
}

template <class... Functions>
struct overloaded : Functions... {
  using Functions::operator()...;
};

} // namespace

std::size_t table::find(std::string_view column) const noexcept {
  for (std::size_t i = 0; i < columns.size(); ++i)
    if (columns[i].name == column)
      return i;
  return npos;
}

result<void> transaction_assembler::take_relation(pgoutput::relation& made) {
  auto seen = std::make_shared<table>();
  seen->id = made.id;
  seen->schema = std::move(made.schema);
  seen->name = std::move(made.name);
  seen->replica_identity = made.replica_identity;
  for (auto& one : made.columns) {
    std::string type{builtin_type_name(one.type)};
    if (type.empty()) {
      auto told = types_.find(one.type);
      type = told == types_.end() ? "unknown" : told->second;
    }
    seen->columns.push_back({std::move(one.name), std::move(type), one.key});
  }
  tables_[made.id] = std::move(seen);
  return {};
}

result<row_change> transaction_assembler::change_of(change_kind kind, std::uint32_t relation) {
  auto found = tables_.find(relation);
  if (found == tables_.end())
    return nonsense("a row of a table that was not described");
  row_change made;
  made.kind = kind;
  made.of = found->second;
  return made;
}

void transaction_assembler::end_part(std::vector<transaction_part>& out, bool last, lsn end_lsn) {
  transaction_part next;
  next.xid = current_.xid;
  next.time = current_.time;
  next.commit_lsn = current_.commit_lsn;
  current_.last = last;
  current_.end_lsn = end_lsn;
  out.push_back(std::exchange(current_, std::move(next)));
}

result<void> transaction_assembler::add(std::uint32_t xid, row_change change,
                                        std::vector<transaction_part>& out) {
  auto columns = change.of->columns.size();
  if ((change.kind == change_kind::insert || change.kind == change_kind::update)
      && change.row.size() != columns)
    return nonsense("a row with another number of columns than its table");
  if (!change.old.empty() && change.old.size() != columns)
    return nonsense("an old row with another number of columns than its table");
  if (!change.old.empty() && !change.old_is_key)
    for (std::size_t i = 0; i < change.row.size(); ++i)
      if (change.row[i].kind == cell_kind::unchanged && change.old[i].kind == cell_kind::text)
        change.row[i] = change.old[i];
  if (streaming_ != 0) {
    streamed& kept = streamed_[streaming_];
    auto bytes = weight(change);
    if (kept.lost || streamed_bytes_ + bytes > limits_.streamed_bytes) {
      streamed_bytes_ -= kept.bytes;
      kept = {{}, 0, true};
      return {};
    }
    kept.bytes += bytes;
    streamed_bytes_ += bytes;
    kept.changes.emplace_back(xid, std::move(change));
    return {};
  }
  if (!open_)
    return nonsense("a row outside of a transaction");
  current_.changes.push_back(std::move(change));
  if (current_.changes.size() >= limits_.part_changes)
    end_part(out, false, 0);
  return {};
}

void transaction_assembler::finish_streamed(const pgoutput::stream_commit& end,
                                            std::vector<transaction_part>& out) {
  streamed kept;
  if (auto node = streamed_.extract(end.xid))
    kept = std::move(node.mapped());
  streamed_bytes_ -= kept.bytes;
  current_ = {};
  current_.xid = end.xid;
  current_.time = commit_time(end.how.time_us);
  current_.commit_lsn = end.how.commit_lsn;
  for (auto& [xid, change] : kept.changes) {
    if (current_.changes.size() >= limits_.part_changes)
      end_part(out, false, 0);
    current_.changes.push_back(std::move(change));
  }
  current_.lost = kept.lost;
  end_part(out, true, end.how.end_lsn);
}

void transaction_assembler::drop_streamed(const pgoutput::stream_abort& end) {
  auto found = streamed_.find(end.xid);
  if (found == streamed_.end())
    return;
  streamed& kept = found->second;
  if (end.subtransaction == end.xid) {
    streamed_bytes_ -= kept.bytes;
    streamed_.erase(found);
    return;
  }
  // What was kept of a lost one is gone already; it stays lost, since its rest is not known.
  std::size_t freed = 0;
  std::erase_if(kept.changes, [&](const auto& one) {
    if (one.first != end.subtransaction)
      return false;
    freed += weight(one.second);
    return true;
  });
  kept.bytes -= freed;
  streamed_bytes_ -= freed;
}

result<void> transaction_assembler::take(std::string_view message,
                                         std::vector<transaction_part>& out) {
  auto read = pgoutput::decode(message, streaming_ != 0);
  if (!read)
    return read.error();
  auto xid = read->xid;
  return std::visit(
    overloaded{
      [&](pgoutput::begin& begin) -> result<void> {
        if (inside())
          return nonsense("a transaction inside of another");
        open_ = true;
        current_ = {};
        current_.xid = begin.xid;
        current_.time = commit_time(begin.time_us);
        current_.commit_lsn = begin.final_lsn;
        return {};
      },
      [&](pgoutput::commit& commit) -> result<void> {
        if (!open_)
          return nonsense("a commit without its begin");
        open_ = false;
        end_part(out, true, commit.end_lsn);
        return {};
      },
      [&](pgoutput::relation& made) { return take_relation(made); },
      [&](pgoutput::type& made) -> result<void> {
        types_[made.id] = std::move(made.name);
        return {};
      },
      [&](pgoutput::insert& made) -> result<void> {
        auto change = change_of(change_kind::insert, made.relation);
        if (!change)
          return change.error();
        change->row = std::move(made.row);
        return add(xid, std::move(*change), out);
      },
      [&](pgoutput::update& made) -> result<void> {
        auto change = change_of(change_kind::update, made.relation);
        if (!change)
          return change.error();
        change->row = std::move(made.row);
        if (made.old)
          change->old = std::move(*made.old);
        change->old_is_key = made.old_is_key;
        return add(xid, std::move(*change), out);
      },
      [&](pgoutput::remove& made) -> result<void> {
        auto change = change_of(change_kind::remove, made.relation);
        if (!change)
          return change.error();
        change->old = std::move(made.old);
        change->old_is_key = made.old_is_key;
        return add(xid, std::move(*change), out);
      },
      [&](pgoutput::truncate& made) -> result<void> {
        for (auto relation : made.relations) {
          auto change = change_of(change_kind::truncate, relation);
          if (!change)
            return change.error();
          if (auto added = add(xid, std::move(*change), out); !added)
            return added.error();
        }
        return {};
      },
      [&](pgoutput::stream_start& start) -> result<void> {
        if (inside() || start.xid == 0)
          return nonsense("a block inside of a transaction");
        streaming_ = start.xid;
        streamed_[start.xid];
        return {};
      },
      [&](pgoutput::stream_stop&) -> result<void> {
        if (streaming_ == 0)
          return nonsense("the end of a block that did not begin");
        streaming_ = 0;
        return {};
      },
      [&](pgoutput::stream_commit& end) -> result<void> {
        if (inside())
          return nonsense("a commit inside of a block");
        finish_streamed(end, out);
        return {};
      },
      [&](pgoutput::stream_abort& end) -> result<void> {
        drop_streamed(end);
        return {};
      },
      [](const auto&) -> result<void> { return {}; }, // Origins and emitted messages change no row.
    },
    read->what);
}

} // namespace lapwing::realtime
