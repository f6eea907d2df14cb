// What one client is shown of a change.
#define CAF_SUITE realtime_shown_change
#include "tests/support/caf_test.hpp"

#include <nlohmann/json.hpp>

#include "realtime/shown_change.hpp"

using namespace lapwing;
using namespace lapwing::realtime;
using json = nlohmann::json;

namespace {

cell text(std::string value) {
  return {cell_kind::text, std::move(value)};
}

row_change change(change_kind kind) {
  auto of = std::make_shared<table>();
  of->schema = "public";
  of->name = "docs";
  of->replica_identity = 'f';
  of->columns = {{"id", "int4", true}, {"owner", "text", true}, {"body", "text", true}};
  row_change made{kind, of, {}, {}, false};
  if (kind != change_kind::remove)
    made.row = {text("7"), text("ann"), text("as written")};
  if (kind != change_kind::insert)
    made.old = {text("7"), text("ann"), text("before")};
  return made;
}

const table_rules secured{true, {"id"}};
const table_rules open_table{false, {"id"}};

sight may(std::string_view record, bool old_shown, std::vector<std::string> readable = {"id", "owner", "body"}) {
  return {false, old_shown, record,
          std::make_shared<const std::vector<std::string>>(std::move(readable))};
}

json shown(change_kind kind, const table_rules& rules, const sight& what, bool seen = false,
           std::optional<std::vector<std::string>> select = {}) {
  auto made = shown_change(change(kind), timestamp{}, rules, what, seen, select);
  return made ? json::parse(*made) : json{};
}

const std::string now = R"({"id": 7, "owner": "ann", "body": "as it is"})";

} // namespace

CAF_TEST(under row security the row is shown as it is now or not at all) {
  CAF_CHECK(shown(change_kind::insert, secured, may(now, false))["record"]["body"] == "as it is");
  CAF_CHECK(shown(change_kind::insert, secured, may("", false)).is_null());
  CAF_CHECK(shown(change_kind::update, secured, may("", true)).is_null());
}

CAF_TEST(without row security it is shown as it was written) {
  CAF_CHECK(shown(change_kind::insert, open_table, may("", false))["record"]["body"]
            == "as written");
  CAF_CHECK(shown(change_kind::remove, open_table, may("", false))["old_record"]["body"]
            == "before");
}

CAF_TEST(an old row is for those who might have seen it) {
  CAF_CHECK(shown(change_kind::update, secured, may(now, true))["old_record"]["body"] == "before");
  auto cautious = shown(change_kind::update, secured, may(now, false))["old_record"];
  CAF_CHECK_EQUAL(cautious.dump(), R"({"id":7})");
}

CAF_TEST(a delete is for those who might have seen the row or did and tells the key) {
  CAF_CHECK_EQUAL(shown(change_kind::remove, secured, may("", true))["old_record"].dump(),
                  R"({"id":7})");
  CAF_CHECK_EQUAL(shown(change_kind::remove, secured, may("", false), true)["old_record"].dump(),
                  R"({"id":7})");
  CAF_CHECK(shown(change_kind::remove, secured, may("", false)).is_null());
}

CAF_TEST(columns that the role may not read or did not select are nowhere) {
  auto narrow = shown(change_kind::update, open_table, may("", true, {"id", "owner"}));
  CAF_CHECK_EQUAL(narrow.dump().find("body"), std::string::npos);
  auto picked = shown(change_kind::update, secured, may(now, true), false,
                      std::vector<std::string>{"body"});
  CAF_CHECK_EQUAL(picked["record"].dump(), R"({"body":"as it is","id":7})");
  CAF_CHECK_EQUAL(picked["columns"].size(), 2U);
}

CAF_TEST(a table without a key and a role without rights get the documented errors) {
  CAF_CHECK(shown(change_kind::insert, {false, {}}, may("", false))["errors"][0]
            == "Error 400: Bad Request, no primary key");
  sight forbidden;
  forbidden.forbidden = true;
  auto refused = shown(change_kind::insert, secured, forbidden);
  CAF_CHECK(refused["errors"][0] == "Error 401: Unauthorized");
  CAF_CHECK(!refused.contains("record"));
  CAF_CHECK(shown(change_kind::remove, secured, forbidden).is_null());
}

CAF_TEST(rows are told apart by their primary key) {
  CAF_CHECK_EQUAL(row_key(change(change_kind::insert), secured), R"({"id":"7"})");
  CAF_CHECK_EQUAL(row_key(change(change_kind::remove), secured), R"({"id":"7"})");
  CAF_CHECK_EQUAL(row_key(change(change_kind::insert), {true, {"id", "gone"}}), "");
}
