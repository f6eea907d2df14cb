// Rows as clients see them.
#define CAF_SUITE realtime_row_json
#include "tests/support/caf_test.hpp"

#include <nlohmann/json.hpp>

#include "realtime/row_json.hpp"

using namespace lapwing;
using namespace lapwing::realtime;

namespace {

std::string value(std::string_view type, std::string text) {
  std::string out;
  append_value_json(out, type, {cell_kind::text, std::move(text)});
  return out;
}

row_change change(change_kind kind, tuple row, tuple old, bool old_is_key = false) {
  auto of = std::make_shared<table>();
  of->schema = "public";
  of->name = "messages";
  of->columns = {{"id", "int8", true}, {"body", "text", false}, {"tags", "_text", false}};
  return {kind, of, std::move(row), std::move(old), old_is_key};
}

cell text(std::string value) {
  return {cell_kind::text, std::move(value)};
}

const timestamp nine{std::chrono::milliseconds{1'795'251'600'123}};
const change_view everything{{}, {true, false, false}, false};

} // namespace

CAF_TEST(values have the types that clients expect) {
  CAF_CHECK_EQUAL(value("int8", "9007199254740993"), "9007199254740993");
  CAF_CHECK_EQUAL(value("numeric", "-1.50"), "-1.50");
  CAF_CHECK_EQUAL(value("float8", "1e+20"), "1e+20");
  CAF_CHECK_EQUAL(value("float8", "NaN"), "\"NaN\"");
  CAF_CHECK_EQUAL(value("numeric", "-Infinity"), "\"-Infinity\"");
  CAF_CHECK_EQUAL(value("bool", "t"), "true");
  CAF_CHECK_EQUAL(value("bool", "f"), "false");
  CAF_CHECK_EQUAL(value("text", "a\"b\n"), "\"a\\\"b\\n\"");
  CAF_CHECK_EQUAL(value("jsonb", "{\"a\": [1, null]}"), "{\"a\": [1, null]}");
  CAF_CHECK_EQUAL(value("json", "{\n\"a\":1}"), "{ \"a\":1}");
  CAF_CHECK_EQUAL(value("uuid", "6f9619ff-8b86-d011-b42d-00c04fc964ff"),
                  "\"6f9619ff-8b86-d011-b42d-00c04fc964ff\"");
  CAF_CHECK_EQUAL(value("timestamp", "2026-11-21 09:00:00.5"), "\"2026-11-21T09:00:00.5\"");
  CAF_CHECK_EQUAL(value("timestamptz", "2026-11-21 09:00:00+00"), "\"2026-11-21T09:00:00+00:00\"");
  CAF_CHECK_EQUAL(value("timestamptz", "2026-11-21 09:00:00+05:30"),
                  "\"2026-11-21T09:00:00+05:30\"");
  CAF_CHECK_EQUAL(value("timestamp", "infinity"), "\"infinity\"");
  CAF_CHECK_EQUAL(value("timestamp", "0044-03-15 00:00:00 BC"), "\"0044-03-15 00:00:00 BC\"");
  CAF_CHECK_EQUAL(value("mood", "glad"), "\"glad\"");
  CAF_CHECK_EQUAL(value("text", "\xff"), "\"\xef\xbf\xbd\"");
  std::string null;
  append_value_json(null, "int4", {});
  CAF_CHECK_EQUAL(null, "null");
}

CAF_TEST(arrays are arrays of their elements) {
  CAF_CHECK_EQUAL(value("_int4", "{1,NULL,3}"), "[1,null,3]");
  CAF_CHECK_EQUAL(value("_text", R"({a,"b,\"c\"",NULL,"NULL",""})"),
                  R"(["a","b,\"c\"",null,"NULL",""])");
  CAF_CHECK_EQUAL(value("_int4", "{}"), "[]");
  CAF_CHECK_EQUAL(value("_int4", "{{1,2},{3,4}}"), "[[1,2],[3,4]]");
  CAF_CHECK_EQUAL(value("_int4", "[0:1]={5,6}"), "[5,6]");
  CAF_CHECK_EQUAL(value("_bool", "{t,f}"), "[true,false]");
  CAF_CHECK_EQUAL(value("_mood", "{glad,sad}"), R"(["glad","sad"])");
  for (auto bad : {"{1", "1}", "{1,}", "{1}{2}", "{{{{{{{1}}}}}}}", "", "{\"a}", "[0:1]"})
    CAF_CHECK(value("_int4", bad).starts_with('"'));
}

CAF_TEST(an insert has its record) {
  auto json = nlohmann::json::parse(
    change_json(change(change_kind::insert, {text("7"), text("new"), text("{a,b}")}, {}), nine,
                everything));
  auto wanted = nlohmann::json::parse(R"({"schema":"public","table":"messages","type":"INSERT",
    "commit_timestamp":"2026-11-21T09:00:00.123Z",
    "columns":[{"name":"id","type":"int8"},{"name":"body","type":"text"},{"name":"tags","type":"_text"}],
    "record":{"id":7,"body":"new","tags":["a","b"]},"errors":null})");
  CAF_CHECK(json == wanted);
}

CAF_TEST(an update has both and the old one is the key unless more is known) {
  auto row = tuple{text("7"), text("new"), {}};
  auto plain = nlohmann::json::parse(
    change_json(change(change_kind::update, row, {}), nine, everything));
  CAF_CHECK_EQUAL(plain["old_record"].dump(), R"({"id":7})");
  CAF_CHECK(plain["record"]["tags"].is_null());
  auto moved = nlohmann::json::parse(change_json(
    change(change_kind::update, row, {text("6"), {}, {}}, true), nine, everything));
  CAF_CHECK_EQUAL(moved["old_record"].dump(), R"({"id":6})");
  auto full = nlohmann::json::parse(change_json(
    change(change_kind::update, row, {text("7"), text("old"), {}}), nine, everything));
  CAF_CHECK_EQUAL(full["old_record"].dump(), R"({"body":"old","id":7,"tags":null})");
}

CAF_TEST(a delete has no record and only its key where rows are secret) {
  auto gone = change(change_kind::remove, {}, {text("7"), text("old"), {}});
  auto open = nlohmann::json::parse(change_json(gone, nine, everything));
  CAF_CHECK(!open.contains("record"));
  CAF_CHECK_EQUAL(open["old_record"]["body"], "old");
  auto secret = everything;
  secret.old_key_only = true;
  CAF_CHECK_EQUAL(nlohmann::json::parse(change_json(gone, nine, secret))["old_record"].dump(),
                  R"({"id":7})");
}

CAF_TEST(columns that may not be seen are nowhere) {
  change_view view{{true, false, true}, {true, false, false}, false};
  auto json = change_json(
    change(change_kind::update, {text("7"), text("secret"), {}}, {text("7"), text("secret"), {}}),
    nine, view);
  CAF_CHECK_EQUAL(json.find("secret"), std::string::npos);
  CAF_CHECK_EQUAL(json.find("body"), std::string::npos);
}

CAF_TEST(an unchanged value that nobody knows is left out) {
  auto json = nlohmann::json::parse(change_json(
    change(change_kind::update, {text("7"), {cell_kind::unchanged, {}}, {}}, {}), nine, everything));
  CAF_CHECK(!json["record"].contains("body"));
}

CAF_TEST(a row that is too large keeps its small values and says so) {
  auto json = nlohmann::json::parse(change_json(
    change(change_kind::insert, {text("7"), text(std::string(row_bytes_max, 'x')), text("{a}")}, {}),
    nine, everything));
  CAF_CHECK_EQUAL(json["errors"].dump(), R"(["Error 413: Payload Too Large"])");
  CAF_CHECK_EQUAL(json["record"].dump(), R"({"id":7,"tags":["a"]})");
}

CAF_TEST(a refused change tells only that it was) {
  CAF_CHECK_EQUAL(
    refused_change_json(change(change_kind::insert, {text("7"), {}, {}}, {}),
                        "Error 401: Unauthorized"),
    R"({"schema":"public","table":"messages","type":"INSERT","errors":["Error 401: Unauthorized"]})");
}
