#include "storage/postgres/row_sight.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <string_view>

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
/// Desks of several threads ask at the same time. Guess.
constexpr std::size_t workers_count = 4;
/// A change that nobody can be asked about is lost to its followers, so a server that restarts is
/// waited for; new changes wait in the database meanwhile.
constexpr auto look_patience = 60s;
constexpr auto look_again_after = 250ms;
constexpr auto early_again_after = 1ms;

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
std::string object_of(const table& of, const tuple& row) {
  std::string out = "{";
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (row[i].kind == cell_kind::unchanged)
      continue;
    if (out.size() > 1)
      out += ',';
    append_json_string(out, of.columns[i].name);
    out += ':';
    append_value_json(out, of.columns[i].type, row[i]);
  }
  return out + '}';
}

/// What finds a row, as texts, whatever the types. All cells until the database has said which of
/// them are the primary key: it knows better than the stream.
std::string key_of(const table& of, const tuple& row, const std::vector<std::string>* names) {
  std::string out = "{";
  for (std::size_t i = 0; i < row.size(); ++i) {
    constexpr std::size_t key_bytes_max = 2704; // Of a B-tree's entry: nothing longer is a key.
    if (row[i].kind != cell_kind::text || row[i].value.size() > key_bytes_max
        || (names && std::find(names->begin(), names->end(), of.columns[i].name) == names->end()))
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
  const table* of = nullptr;
  std::vector<std::size_t> places;
};

std::vector<std::string> names_of(const nlohmann::json& list) {
  std::vector<std::string> names;
  if (list.is_array())
    for (const auto& name : list)
      if (name.is_string())
        names.push_back(name.get<std::string>());
  return names;
}

std::size_t number_of(const std::optional<std::string>& text) {
  std::size_t number = 0;
  for (char c : text.value_or(""))
    if (c >= '0' && c <= '9')
      number = number * 10 + static_cast<std::size_t>(c - '0');
  return number;
}

/// "{3,17}": an array of small numbers; NULL among them is nothing.
std::vector<bool> images_of(const std::optional<std::string>& text) {
  std::vector<bool> images;
  std::size_t number = 0;
  for (char c : text.value_or("")) {
    if (c >= '0' && c <= '9') {
      number = number * 10 + static_cast<std::size_t>(c - '0');
      continue;
    }
    if (number != 0) {
      if (number >= images.size())
        images.resize(number + 1);
      images[number] = true;
    }
    number = 0;
  }
  return images;
}

void take_records(const std::string& json, std::vector<std::string>& into) {
  for (const auto& one : nlohmann::json::parse(json, nullptr, false)) {
    auto place = one[0].get<std::size_t>();
    if (place - 1 < into.size())
      into[place - 1] = one[1].get<std::string>();
  }
}

void take_answer(std::vector<text_row>& rows, table_sights& into) {
  for (auto& row : rows) {
    auto subject = number_of(row[0]);
    auto place = number_of(row[1]);
    const auto& kind = *row[2];
    if (kind == "now" || kind == "old") {
      auto& one = into.places[place - 1];
      auto image = static_cast<std::uint32_t>(number_of(row[4]));
      (kind == "now" ? one.now : one.old) = image;
      if (kind == "now")
        one.record = std::move(row[3]).value_or("");
    } else if (kind == "seen" || kind == "exact") {
      auto& one = into.subjects[subject - 1];
      one.exact = kind == "exact";
      one.images = images_of(row[4]);
      if (!one.exact)
        continue;
      auto& records = into.roles[place - 1].records;
      records.resize(into.places.size());
      if (row[3])
        take_records(*row[3], records);
    } else if (kind == "rules") {
      auto read = nlohmann::json::parse(row[3].value_or("{}"), nullptr, false);
      into.rules.row_security = read.value("secured", true);
      into.rules.primary_key = names_of(read.value("key", nlohmann::json::array()));
    } else {
      auto& role = into.roles[subject - 1];
      role.forbidden = kind == "forbidden";
      role.readable = std::make_shared<const std::vector<std::string>>(
        names_of(nlohmann::json::parse(row[3].value_or("[]"), nullptr, false)));
    }
  }
}

/// What is the same for all tables: the subjects, each role once, and the transactions.
struct asked_subjects {
  std::string roles = "{";
  std::string role_of = "{";
  std::string claims = "{";
  std::string transactions = "{";
  std::size_t role_count = 0;

  asked_subjects(const sight_question& what, std::vector<std::uint32_t>& indexes) {
    std::map<std::string_view, std::uint32_t> known;
    for (auto xid : what.transactions)
      append_element(transactions, std::to_string(xid));
    for (const auto& one : what.subjects) {
      auto [found, fresh] = known.emplace(one.role, static_cast<std::uint32_t>(known.size()));
      if (fresh)
        append_element(roles, one.role);
      indexes.push_back(found->second);
      append_element(role_of, std::to_string(found->second + 1));
      append_element(claims, one.claims);
    }
    role_count = known.size();
    roles += '}';
    role_of += '}';
    claims += '}';
    transactions += '}';
  }
};

/// One table's part of the question; `keys` knows its primary key, or is told it.
result<table_sights> look_at(text_link& link, const sight_question& what, const group& of,
                             const asked_subjects& subjects,
                             std::map<std::uint32_t, std::vector<std::string>>& keys,
                             const std::function<bool()>& give_up) {
  for (;;) {
    auto known = keys.find(of.of->id);
    std::string rows = "[";
    std::string olds = "[";
    for (auto at : of.places) {
      const auto& change = *what.changes[at];
      if (rows.size() > 1) {
        rows += ',';
        olds += ',';
      }
      rows += change.kind == change_kind::remove
                ? "null"
                : key_of(*change.of, change.row, known == keys.end() ? nullptr : &known->second);
      // Policies are not asked about a row of which only the key is known.
      olds += change.old.empty() || change.old_is_key ? "null" : object_of(*change.of, change.old);
    }
    auto answer = link.run("SELECT * FROM lapwing_realtime.sight($1::oid, $2::bigint[], $3::jsonb,"
                           " $4::jsonb, $5::text[], $6::int[], $7::text[])",
                           {std::to_string(of.of->id), subjects.transactions, rows + ']', olds + ']', subjects.roles,
                            subjects.role_of, subjects.claims});
    if (!answer)
      return answer.error();
    if (!answer->empty() && answer->back()[2] == "early") {
      if (give_up())
        return error{errc::store_unavailable, "a transaction is not to be seen yet"};
      continue;
    }
    table_sights made;
    made.places.resize(of.places.size());
    made.roles.resize(subjects.role_count);
    made.subjects.resize(what.subjects.size());
    take_answer(*answer, made);
    if (known == keys.end() || known->second == made.rules.primary_key) {
      keys[of.of->id] = made.rules.primary_key;
      return made;
    }
    keys.erase(known); // Another key by now.
  }
}

result<sights> look_with(text_link& link, const sight_question& what,
                         std::map<std::uint32_t, std::vector<std::string>>& keys,
                         const std::function<bool()>& give_up) {
  sights made;
  asked_subjects subjects{what, made.role_of};
  std::map<std::uint32_t, std::uint32_t> table_of;
  std::vector<group> groups;
  for (std::size_t i = 0; i < what.changes.size(); ++i) {
    const auto& of = what.changes[i]->of;
    auto [found, fresh] = table_of.emplace(of->id, static_cast<std::uint32_t>(groups.size()));
    if (fresh)
      groups.push_back({of.get(), {}});
    auto& places = groups[found->second].places;
    made.of.emplace_back(found->second, static_cast<std::uint32_t>(places.size()));
    places.push_back(i);
  }
  for (const auto& of : groups) {
    auto seen = look_at(link, what, of, subjects, keys, give_up);
    if (!seen)
      return seen.error();
    made.tables.push_back(std::move(*seen));
  }
  return made;
}

} // namespace

row_sight::row_sight(const std::string& parameters, std::string publication)
    : publication_(std::move(publication)) {
  // A question's rows and what the policies look up are of one moment.
  for (std::size_t i = 0; i < workers_count; ++i)
    workers_.push_back(std::make_unique<worker>(
      worker{text_link{parameters, "-c default_transaction_isolation=repeatable\\\\ read"}, {}, {}}));
  for (auto& one : workers_)
    one->thread = std::thread{[this, &one = *one] { run(one); }};
}

row_sight::~row_sight() {
  stop();
}

void row_sight::stop() {
  {
    std::lock_guard guard{mutex_};
    stopping_ = true;
  }
  wake_.notify_all();
  for (auto& one : workers_)
    if (one->thread.joinable())
      one->thread.join();
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

void row_sight::run(worker& with) {
  std::unique_lock lock{mutex_};
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty())
      return;
    auto next = std::move(waiting_.front());
    waiting_.pop_front();
    bool refused = stopping_;
    lock.unlock();
    next(refused ? nullptr : &with);
    lock.lock();
  }
}

void row_sight::describe(std::string role,
                         std::function<void(result<std::vector<table_facts>>)> done) {
  ask([this, role = std::move(role), done = std::move(done)](worker* with) {
    if (!with)
      return done(unavailable());
    auto rows = with->link.run(tables_sql, {publication_, role});
    if (!rows && rows.error().code == errc::store_unavailable) // Perhaps only that connection.
      rows = with->link.run(tables_sql, {publication_, role});
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
  ask([this, what = std::move(what), done = std::move(done)](worker* with) {
    if (!with)
      return done(unavailable());
    auto end = std::chrono::steady_clock::now() + look_patience;
    auto no_more = [this, end](std::chrono::milliseconds wait) {
      return std::chrono::steady_clock::now() >= end || stops_within(wait);
    };
    auto give_up = [&] { return no_more(early_again_after); };
    auto seen = look_with(with->link, what, with->keys, give_up);
    while (!seen && seen.error().code == errc::store_unavailable && !no_more(look_again_after))
      seen = look_with(with->link, what, with->keys, give_up);
    if (!seen) {
      spdlog::warn("realtime: rows could not be looked at: {}", seen.error().detail);
      return done(unavailable());
    }
    done(std::move(seen));
  });
}

} // namespace lapwing::postgres
