#include "storage/postgres/row_sight.hpp"

#include <chrono>
#include <map>

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include "core/json_text.hpp"
#include "realtime/row_json.hpp"
#include "storage/postgres/sight_sql.hpp"

namespace lapwing::postgres {
namespace {

using namespace realtime;

using namespace std::chrono_literals;

/// Beyond these somebody has to wait elsewhere: guess.
constexpr std::size_t waiting_max = 10'000;
/// A change that nobody can be asked about is lost to its followers, so a server that restarts is
/// waited for; new changes wait in the database meanwhile.
constexpr auto look_patience = 60s;
constexpr auto look_again_after = 250ms;

error unavailable() {
  return {errc::store_unavailable, "the database cannot be asked"};
}

void append_element(std::string& array, std::string_view value) {
  array += array == "{" ? "\"" : ",\"";
  for (char c : value) {
    if (c == '"' || c == '\\')
      array += '\\';
    array += c;
  }
  array += '"';
}

/// A row's cells as an object; what is not known is left out.
std::string object_of(const table& of, const tuple& row, bool key_only) {
  std::string out = "{";
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (row[i].kind == cell_kind::unchanged || (key_only && !of.columns[i].key))
      continue;
    if (out.size() > 1)
      out += ',';
    append_json_string(out, of.columns[i].name);
    out += ':';
    append_value_json(out, of.columns[i].type, row[i]);
  }
  return out + '}';
}

/// Keys are compared by their text, whatever their type. All cells: which of them are the primary
/// key the database knows better than the stream.
std::string texts_of_all(const table& of, const tuple& row) {
  std::string out = "{";
  for (std::size_t i = 0; i < row.size(); ++i) {
    constexpr std::size_t key_bytes_max = 2704; // Of a B-tree's entry: nothing longer is a key.
    if (row[i].kind != cell_kind::text || row[i].value.size() > key_bytes_max)
      continue;
    if (out.size() > 1)
      out += ',';
    append_json_string(out, of.columns[i].name);
    out += ':';
    append_json_string(out, row[i].value);
  }
  return out + '}';
}

/// The changes of one table, by their places in the question.
struct group {
  std::vector<std::size_t> places;
  std::string keys = "[";
  std::string olds = "[";
};

std::vector<std::string> names_of(const std::string& json) {
  std::vector<std::string> names;
  auto read = nlohmann::json::parse(json, nullptr, false);
  if (read.is_array())
    for (const auto& name : read)
      if (name.is_string())
        names.push_back(name.get<std::string>());
  return names;
}

void take_answer(const std::vector<text_row>& rows, const group& asked, sights& into) {
  for (const auto& row : rows) {
    auto subject = static_cast<std::size_t>(std::stoul(row[0].value_or("0")));
    auto place = static_cast<std::size_t>(std::stoul(row[1].value_or("0")));
    const auto& kind = *row[2];
    if (kind == "rules") {
      auto read = nlohmann::json::parse(row[3].value_or("{}"), nullptr, false);
      table_rules rules;
      rules.row_security = read.value("secured", true);
      rules.primary_key = names_of(read.value("key", nlohmann::json::array()).dump());
      for (auto at : asked.places)
        into.rules[at] = rules;
      continue;
    }
    auto& of = into.of[subject - 1];
    if (kind == "forbidden" || kind == "readable") {
      auto names
        = std::make_shared<const std::vector<std::string>>(names_of(row[3].value_or("[]")));
      for (auto at : asked.places) {
        of[at].forbidden = kind == "forbidden";
        of[at].readable = names;
      }
      continue;
    }
    auto& one = of[asked.places[place - 1]];
    if (kind == "current")
      one.record = row[3].value_or("");
    else
      one.old_shown = true;
  }
}

result<sights> look_with(text_link& link, const sight_question& what) {
  sights made;
  made.of.assign(what.subjects.size(), std::vector<sight>(what.changes.size()));
  made.rules.resize(what.changes.size());
  std::string roles = "{";
  std::string claims = "{";
  for (const auto& one : what.subjects) {
    append_element(roles, one.role);
    append_element(claims, one.claims);
  }
  std::map<std::uint32_t, group> groups;
  for (std::size_t i = 0; i < what.changes.size(); ++i) {
    const auto& change = *what.changes[i];
    auto& of = groups[change.of->id];
    if (!of.places.empty()) {
      of.keys += ',';
      of.olds += ',';
    }
    of.places.push_back(i);
    bool removed = change.kind == change_kind::remove;
    of.keys += removed ? "null" : texts_of_all(*change.of, change.row);
    of.olds += change.old.empty() ? "null" : object_of(*change.of, change.old, change.old_is_key);
  }
  for (auto& [relation, of] : groups) {
    auto rows = link.run("SELECT * FROM lapwing_realtime.sight($1::oid, $2::jsonb, $3::jsonb,"
                         " $4::text[], $5::text[])",
                         {std::to_string(relation), of.keys + ']', of.olds + ']', roles + '}',
                          claims + '}'});
    if (!rows)
      return rows.error();
    take_answer(*rows, of, made);
  }
  return made;
}

} // namespace

row_sight::row_sight(std::string parameters, std::string publication)
    : publication_(std::move(publication)), link_(std::move(parameters)),
      thread_([this] { run(); }) {}

row_sight::~row_sight() {
  stop();
}

void row_sight::stop() {
  {
    std::lock_guard guard{mutex_};
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable())
    thread_.join();
}

void row_sight::ask(question what) {
  {
    std::lock_guard guard{mutex_};
    if (!stopping_ && waiting_.size() < waiting_max) {
      waiting_.push_back(std::move(what));
      what = nullptr;
    }
  }
  if (what)
    what(nullptr);
  else
    wake_.notify_one();
}

bool row_sight::stops_within(std::chrono::milliseconds time) {
  std::unique_lock lock{mutex_};
  return wake_.wait_for(lock, time, [this] { return stopping_; });
}

void row_sight::run() {
  std::unique_lock lock{mutex_};
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty())
      return;
    auto next = std::move(waiting_.front());
    waiting_.pop_front();
    bool refused = stopping_;
    lock.unlock();
    next(refused ? nullptr : &link_);
    lock.lock();
  }
}

void row_sight::describe(std::string role,
                         std::function<void(result<std::vector<table_facts>>)> done) {
  ask([this, role = std::move(role), done = std::move(done)](text_link* link) {
    if (!link)
      return done(unavailable());
    auto rows = link->run(tables_sql, {publication_, role});
    if (!rows && rows.error().code == errc::store_unavailable) // Perhaps only that connection.
      rows = link->run(tables_sql, {publication_, role});
    if (!rows) {
      spdlog::warn("realtime: the live tables could not be listed: {}", rows.error().detail);
      return done(unavailable());
    }
    std::vector<table_facts> tables;
    std::shared_ptr<table> shape;
    for (const auto& row : *rows) {
      auto id = static_cast<std::uint32_t>(std::stoul(*row[0]));
      if (!shape || shape->id != id) {
        shape = std::make_shared<table>();
        shape->id = id;
        shape->schema = *row[1];
        shape->name = *row[2];
        tables.push_back({shape, {}});
      }
      bool key = row[5] == "true";
      shape->columns.push_back({*row[3], *row[4], key});
      tables.back().primary_key.push_back(key);
    }
    done(std::move(tables));
  });
}

void row_sight::look(sight_question what, std::function<void(result<sights>)> done) {
  ask([this, what = std::move(what), done = std::move(done)](text_link* link) {
    if (!link)
      return done(unavailable());
    auto patience = std::chrono::steady_clock::now() + look_patience;
    auto seen = look_with(*link, what);
    while (!seen && seen.error().code == errc::store_unavailable
           && std::chrono::steady_clock::now() < patience && !stops_within(look_again_after))
      seen = look_with(*link, what);
    if (!seen) {
      spdlog::warn("realtime: rows could not be looked at: {}", seen.error().detail);
      return done(unavailable());
    }
    done(std::move(seen));
  });
}

} // namespace lapwing::postgres
