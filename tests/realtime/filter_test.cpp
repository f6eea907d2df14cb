// Filters: how they are written, and what they let through.
#define CAF_SUITE realtime_filter
#include "tests/support/caf_test.hpp"

#include <random>

#include "realtime/filter.hpp"
#include "realtime/text_pattern.hpp"

using namespace lapwing;
using namespace lapwing::realtime;

namespace {

std::string problem(std::string_view filter) {
  auto parsed = parse_filter(filter);
  return parsed ? "" : parsed.error().detail;
}

table one_column(std::string type) {
  table of;
  of.columns = {{"c", std::move(type), true}, {"other", "text", false}};
  return of;
}

/// Does a row whose column `c` of this type has this value (nothing: null) pass `c=<condition>`?
bool passes(std::string type, std::optional<std::string> value, const std::string& condition) {
  auto parsed = parse_filter("c=" + condition);
  CAF_REQUIRE(parsed.has_value());
  auto of = one_column(std::move(type));
  auto bound = bound_filter::bind(*parsed, of);
  if (!bound)
    CAF_FAIL(bound.error().detail);
  tuple row(2);
  if (value)
    row[0] = {cell_kind::text, *value};
  return bound->matches(of, row, false);
}

std::string unfit(std::string type, const std::string& filter) {
  auto parsed = parse_filter(filter);
  CAF_REQUIRE(parsed.has_value());
  auto bound = bound_filter::bind(*parsed, one_column(std::move(type)));
  return bound ? "" : bound.error().detail;
}

} // namespace

CAF_TEST(conditions are joined by commas outside of values) {
  auto parsed = parse_filter("id=gt.0, id=lt.100,name=in.(a,\"b,)\",c),t=eq.\"x,y\"");
  CAF_REQUIRE(parsed.has_value());
  CAF_REQUIRE_EQUAL(parsed->size(), 4U);
  CAF_CHECK_EQUAL((*parsed)[1].column, "id");
  CAF_CHECK((*parsed)[1].op == filter_operator::lt);
  CAF_CHECK_EQUAL((*parsed)[2].value, "{a,\"b,)\",c}");
  CAF_CHECK_EQUAL((*parsed)[3].value, "x,y");
}

CAF_TEST(empty filters let everything through) {
  CAF_CHECK(parse_filter("").value().empty());
  CAF_CHECK(parse_filter("  \t").value().empty());
}

CAF_TEST(what cannot be read is answered with the known sentences) {
  CAF_CHECK_EQUAL(problem("subject=foo.hey"), R"(Error parsing `filter` params: ["foo", "hey"])");
  CAF_CHECK_EQUAL(problem("undefined"), R"(Error parsing `filter` params: ["undefined"])");
  CAF_CHECK_EQUAL(problem("a=b"), R"(Error parsing `filter` params: ["b"])");
  CAF_CHECK_EQUAL(problem("a=eq.1,"),
                  "Error parsing `filter` params: filter must not contain empty segments (check for "
                  "extra commas)");
  CAF_CHECK_EQUAL(problem("a=in.1,2"), "Error parsing `filter` params: `in` filter value must be "
                                       "wrapped by parentheses");
  CAF_CHECK(problem("a=eq." + std::string(filter_bytes_max, 'x')) != "");
}

CAF_TEST(values keep dots and equals signs and quotes are taken off) {
  auto parsed = parse_filter(R"(a=eq.x.y=z,b=not.eq."say \"hi\" \\ bye",c=eq."a"b)").value();
  CAF_CHECK_EQUAL(parsed[0].value, "x.y=z");
  CAF_CHECK_EQUAL(parsed[1].value, R"(say "hi" \ bye)");
  CAF_CHECK(parsed[1].negated);
  CAF_CHECK_EQUAL(parsed[2].value, "\"a\"b");
}

CAF_TEST(numbers compare as numbers) {
  CAF_CHECK(passes("int8", "10", "gt.9"));
  CAF_CHECK(!passes("int8", "10", "lt.9"));
  CAF_CHECK(passes("int4", "-5", "lt.-4"));
  CAF_CHECK(passes("int8", "9007199254740993", "neq.9007199254740992"));
  CAF_CHECK(passes("numeric", "1.50", "eq.1.5"));
  CAF_CHECK(passes("numeric", "100", "eq.1e2"));
  CAF_CHECK(passes("numeric", "-0.0", "eq.0"));
  CAF_CHECK(passes("numeric", "0.0012", "lt.0.01"));
  CAF_CHECK(passes("numeric", "-2", "gt.-10"));
  CAF_CHECK(passes("numeric", "123456789012345678901234567890.1", "gt.123456789012345678901234567890"));
  CAF_CHECK(passes("numeric", "NaN", "gt.1e1000"));
  CAF_CHECK(passes("numeric", "Infinity", "lt.NaN"));
  CAF_CHECK(passes("float8", "0.1", "eq.0.1"));
  CAF_CHECK(passes("float4", "0.1", "eq.0.1"));
  CAF_CHECK(passes("float8", "NaN", "eq.nan"));
  CAF_CHECK(passes("float8", "-Infinity", "lt.-1e300"));
  CAF_CHECK(passes("int4", "5", "gte.5"));
  CAF_CHECK(passes("int4", "5", "lte.5"));
  CAF_CHECK(!passes("int4", "5", "neq.5"));
}

CAF_TEST(other types compare by their meaning) {
  CAF_CHECK(passes("bool", "t", "eq.true"));
  CAF_CHECK(passes("bool", "f", "eq.no"));
  CAF_CHECK(passes("uuid", "6f9619ff-8b86-d011-b42d-00c04fc964ff",
                   "eq.{6F9619FF8B86D011B42D00C04FC964FF}"));
  CAF_CHECK(passes("timestamptz", "2026-11-21 09:00:00+00", "eq.2026-11-21T10:00:00+01:00"));
  CAF_CHECK(passes("timestamptz", "2026-11-21 09:00:00.5+00", "gt.2026-11-21T09:00:00Z"));
  CAF_CHECK(passes("timestamp", "2026-11-21 09:00:00", "lt.2026-11-22"));
  CAF_CHECK(passes("timestamp", "infinity", "gt.2026-11-22"));
  CAF_CHECK(passes("date", "2026-02-28", "lt.2026-03-01"));
  CAF_CHECK(passes("date", "0044-03-15 BC", "lt.0001-01-01"));
  CAF_CHECK(passes("time", "09:30:00", "gt.9:29"));
  CAF_CHECK(passes("bpchar", "ab   ", "eq.ab"));
  CAF_CHECK(passes("citext", "AbC", "eq.aBc"));
  CAF_CHECK(passes("text", "b", "gt.a"));
  CAF_CHECK(!passes("text", "ab ", "eq.ab"));
  CAF_CHECK(passes("jsonb", R"({"a": 1, "b": 2})", R"(eq."{\"b\":2,\"a\":1}")"));
  CAF_CHECK(passes("mood", "glad", "eq.glad"));
  CAF_CHECK(passes("bytea", "\\x00ff", R"(eq."\\x00FF")"));
}

CAF_TEST(in takes any of its values) {
  CAF_CHECK(passes("int4", "3", "in.(1,2,3)"));
  CAF_CHECK(!passes("int4", "4", "in.(1,2,3)"));
  CAF_CHECK(passes("int4", "4", "not.in.(1,2,3)"));
  CAF_CHECK(!passes("int4", "4", "not.in.(1,null)"));
  CAF_CHECK(passes("int4", "1", "in.(1,null)"));
  CAF_CHECK(!passes("int4", "1", "in.()"));
  CAF_CHECK(passes("text", "a,b", R"(in.("a,b",c))"));
  std::string many = "c=in.(0";
  for (int i = 1; i < 100; ++i)
    many += ',' + std::to_string(i);
  CAF_CHECK_EQUAL(unfit("int4", many + ")"), "");
  CAF_CHECK_EQUAL(unfit("int4", many + ",100)"), "too many values for `in` filter. Maximum 100");
  CAF_CHECK_EQUAL(unfit("int4", "c=in.(1,x)"), "invalid input syntax for type int4: \"x\"");
  CAF_CHECK_EQUAL(unfit("int4", "c=in.({1})"), "malformed array literal: \"{{1}}\"");
}

CAF_TEST(patterns match as SQL does) {
  CAF_CHECK(passes("text", "hello", "like.he%"));
  CAF_CHECK(!passes("text", "Hello", "like.he%"));
  CAF_CHECK(passes("text", "HELLO", "ilike.h_ll%"));
  CAF_CHECK(passes("text", "ÄÖ", "ilike.ä_"));
  CAF_CHECK(!passes("text", "ÄÖ", "like._"));
  CAF_CHECK(passes("text", "50%", R"(like.%\%)"));
  CAF_CHECK(!passes("text", "50x", R"(like.50\%)"));
  CAF_CHECK(passes("text", "a%b%c", "not.like.x%"));
  CAF_CHECK(passes("text", "order-17", "match.^order-[0-9]+$"));
  CAF_CHECK(!passes("text", "ORDER-17", "match.^order"));
  CAF_CHECK(passes("text", "ORDER-17", "imatch.^order"));
  CAF_CHECK(passes("text", "é", "match.^.$"));
  CAF_CHECK_EQUAL(unfit("text", "c=like.x\\"), "LIKE pattern must not end with escape character");
  CAF_CHECK(unfit("text", "c=match.(").starts_with("invalid regular expression for match filter"));
  CAF_CHECK_EQUAL(unfit("int4", "c=like.1%"),
                  "operator like requires a text-compatible column type, got int4");
}

CAF_TEST(a pattern made to take forever gives up) {
  CAF_CHECK(!passes("text", std::string(3000, 'a') + "b", "match.^(a|aa|aaa)+$"));
  CAF_CHECK(!like(std::string(20'000, 'a'), "%a%a%a%a%a%a%b", false));
}

CAF_TEST(null is unknown except where it is asked for) {
  CAF_CHECK(!passes("int4", {}, "eq.1"));
  CAF_CHECK(!passes("int4", {}, "neq.1"));
  CAF_CHECK(!passes("int4", {}, "not.eq.1"));
  CAF_CHECK(!passes("text", {}, "not.like.a%"));
  CAF_CHECK(passes("int4", {}, "is.null"));
  CAF_CHECK(!passes("int4", "1", "is.null"));
  CAF_CHECK(passes("int4", "1", "not.is.null"));
  CAF_CHECK(passes("bool", "t", "is.true"));
  CAF_CHECK(!passes("bool", {}, "is.true"));
  CAF_CHECK(passes("bool", {}, "not.is.true"));
  CAF_CHECK(passes("bool", "f", "is.false"));
  CAF_CHECK(passes("bool", {}, "is.unknown"));
  CAF_CHECK(passes("int4", {}, "isdistinct.1"));
  CAF_CHECK(passes("int4", "2", "isdistinct.1"));
  CAF_CHECK(!passes("int4", "1", "isdistinct.1"));
  CAF_CHECK(!passes("int4", {}, "not.isdistinct.1"));
  CAF_CHECK(passes("int4", "1", "not.isdistinct.1"));
}

CAF_TEST(filters that do not fit the table are named) {
  CAF_CHECK_EQUAL(unfit("int4", "d=eq.1"), "invalid column for filter d");
  CAF_CHECK_EQUAL(unfit("int4", "c=eq.abc"), "invalid input syntax for type int4: \"abc\"");
  CAF_CHECK_EQUAL(unfit("int4", "c=eq.1; drop table users"),
                  "invalid input syntax for type int4: \"1; drop table users\"");
  CAF_CHECK_EQUAL(unfit("timestamptz", "c=gt.yesterday"),
                  "invalid input syntax for type timestamptz: \"yesterday\"");
  CAF_CHECK_EQUAL(unfit("bool", "c=is.maybe"),
                  "invalid value for is filter: must be null, true, false, or unknown");
  CAF_CHECK_EQUAL(unfit("int4", "c=is.true"),
                  "is true filter requires a boolean column, got int4");
  CAF_CHECK_EQUAL(unfit("mood", "c=gt.glad"), "operator gt does not apply to columns of type mood");
  CAF_CHECK_EQUAL(unfit("json", "c=eq.1"), "operator eq does not apply to columns of type json");
}

CAF_TEST(a value that did not come with the change does not match) {
  auto of = one_column("text");
  auto bound = bound_filter::bind(parse_filter("other=eq.x").value(), of).value();
  tuple row = {{cell_kind::text, "1"}, {cell_kind::text, "x"}};
  CAF_CHECK(bound.matches(of, row, false));
  CAF_CHECK(!bound.matches(of, row, true)); // A delete's old key.
  row[1].kind = cell_kind::unchanged;
  CAF_CHECK(!bound.matches(of, row, false));
  CAF_CHECK(!bound.matches(of, {}, false));
}

CAF_TEST(random filters never do harm) {
  std::mt19937 random{17};
  constexpr std::string_view alphabet = "c=.,()\"\\notinlikeeqismatch0123{}%_[*+ ";
  const char* types[] = {"int4", "numeric", "text", "timestamptz", "_int4", "jsonb", "bool", "uuid"};
  std::size_t bound_count = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string filter = random() % 2 == 0 ? "c=eq." : random() % 2 == 0 ? "c=match." : "c=in.(";
    for (auto length = random() % 12; length > 0; --length)
      filter += alphabet[random() % alphabet.size()];
    auto parsed = parse_filter(filter);
    if (!parsed)
      continue;
    auto of = one_column(types[random() % 8]);
    auto bound = bound_filter::bind(*parsed, of);
    if (!bound)
      continue;
    ++bound_count;
    bound->matches(of, {{cell_kind::text, filter.substr(5)}, {}}, false);
  }
  CAF_CHECK(bound_count > 0U);
}
