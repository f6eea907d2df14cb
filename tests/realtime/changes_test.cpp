// Entries of `postgres_changes`.
#define CAF_SUITE realtime_changes
#include "tests/support/caf_test.hpp"

#include "realtime/answers.hpp"
#include "realtime/changes.hpp"

using namespace lapwing;
using namespace lapwing::realtime;

namespace {

row_change of_table(std::string schema, std::string name, change_kind kind) {
  auto of = std::make_shared<table>();
  of->schema = std::move(schema);
  of->name = std::move(name);
  return {kind, of, {}, {}, false};
}

} // namespace

CAF_TEST(an entry says which changes it wants) {
  auto entry = read_change_entry(R"({"event":"update","schema":"public","table":"messages"})");
  CAF_CHECK_EQUAL(entry.problem, "");
  CAF_CHECK(entry.wants(of_table("public", "messages", change_kind::update)));
  CAF_CHECK(!entry.wants(of_table("public", "messages", change_kind::insert)));
  CAF_CHECK(!entry.wants(of_table("public", "others", change_kind::update)));
  CAF_CHECK(!entry.wants(of_table("private", "messages", change_kind::update)));
}

CAF_TEST(stars and what is left out) {
  auto all = read_change_entry(R"({"event":"*","schema":"*","table":"*"})");
  CAF_CHECK(all.wants(of_table("a", "b", change_kind::remove)));
  CAF_CHECK(!all.wants(of_table("a", "b", change_kind::truncate)));
  auto schema = read_change_entry(R"({"event":"nonsense","schema":"public"})");
  CAF_CHECK_EQUAL(schema.event, "*");
  CAF_CHECK(schema.wants(of_table("public", "b", change_kind::insert)));
  auto name = read_change_entry(R"({"table":"b","filter":null})");
  CAF_CHECK(name.wants(of_table("public", "b", change_kind::insert)));
  CAF_CHECK(!name.wants(of_table("other", "b", change_kind::insert)));
}

CAF_TEST(entries that say too little or what does not go together) {
  CAF_CHECK_EQUAL(read_change_entry("{}").problem,
                  "No subscription params provided. Please provide at least a `schema` or `table` "
                  "to subscribe to: {}");
  CAF_CHECK(read_change_entry(R"({"schema":1,"table":"b"})").problem != "");
  CAF_CHECK(read_change_entry(R"({"table":"b","filter":"id=eq.1"})").problem != "");
  auto secret = read_change_entry(R"({"user_token":"abc"})").problem;
  CAF_CHECK(secret.ends_with("<redacted>"));
  CAF_CHECK_EQUAL(read_change_entry(R"({"schema":"a","table":"*","select":["id"]})").problem,
                  "Column selection is not supported for wildcard subscriptions. Provide an "
                  "explicit schema and table name.");
  CAF_CHECK(read_change_entry(R"({"schema":"a","table":"b","select":"id"})").problem.starts_with(
    "Error parsing `select` params"));
  CAF_CHECK_EQUAL(
    read_change_entry(R"({"schema":"a","table":"b","filter":"x=foo.1"})").problem,
    R"(Error parsing `filter` params: ["foo", "1"])");
}

CAF_TEST(equal entries share an id and others do not) {
  std::vector<change_entry> entries;
  entries.push_back(read_change_entry(R"({"schema":"public","table":"a"})"));
  entries.push_back(read_change_entry(R"({ "table":"a","schema":"public" })"));
  entries.push_back(read_change_entry(R"({"schema":"public","table":"b"})"));
  number_entries(entries);
  CAF_CHECK_EQUAL(entries[0].id, entries[1].id);
  CAF_CHECK_NOT_EQUAL(entries[0].id, entries[2].id);
  CAF_CHECK(entries[0].id >= 1U);
  CAF_CHECK(entries[0].id <= 1U << 27U);
}

CAF_TEST(a join is answered with the entries as they came) {
  std::vector<change_entry> entries;
  entries.push_back(read_change_entry("{\"event\":\"*\",\"schema\":\"public\"\n}"));
  entries[0].id = 5;
  CAF_CHECK_EQUAL(join_response(entries),
                  R"({"postgres_changes":[{"event":"*","schema":"public" ,"id":5}]})");
  CAF_CHECK_EQUAL(join_response({}), R"({"postgres_changes":[]})");
  entries[0] = read_change_entry("{ }");
  entries[0].id = 6;
  CAF_CHECK_EQUAL(join_response(entries), R"({"postgres_changes":[{ "id":6}]})");
}

CAF_TEST(refusals name the entry) {
  auto entry = read_change_entry(
    R"({"schema":"public","table":"t","filter":"id=not.eq.1,b=gt.2","select":["a","b"]})");
  CAF_CHECK_EQUAL(
    no_such_table(entry),
    "Unable to subscribe to changes with given parameters. Please check Realtime is enabled for the "
    R"(given connect parameters: [event: *, schema: public, table: t, filters: [{"id", "eq", "1", )"
    R"(true}, {"b", "gt", "2", false}], select: ["a", "b"]])");
  CAF_CHECK(unfit_entry(entry, "invalid column for filter id")
              .ends_with("Exception: ERROR P0001 (raise_exception) invalid column for filter id"));
}
