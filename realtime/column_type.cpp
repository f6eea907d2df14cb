#include "realtime/column_type.hpp"

#include <algorithm>
#include <iterator>

namespace lapwing::realtime {
namespace {

struct builtin {
  std::uint32_t oid;
  std::string_view name;
};

// pg_type.dat of PostgreSQL 15: the types that columns are made of. In the order of their oids.
constexpr builtin builtins[] = {
  {16, "bool"},        {17, "bytea"},      {18, "char"},       {19, "name"},
  {20, "int8"},        {21, "int2"},       {22, "int2vector"}, {23, "int4"},
  {25, "text"},        {26, "oid"},        {114, "json"},      {142, "xml"},
  {199, "_json"},      {600, "point"},     {601, "lseg"},      {602, "path"},
  {603, "box"},        {604, "polygon"},   {628, "line"},      {650, "cidr"},
  {651, "_cidr"},      {700, "float4"},    {701, "float8"},    {718, "circle"},
  {774, "macaddr8"},   {790, "money"},     {829, "macaddr"},   {869, "inet"},
  {1000, "_bool"},     {1001, "_bytea"},   {1002, "_char"},    {1003, "_name"},
  {1005, "_int2"},     {1007, "_int4"},    {1009, "_text"},    {1014, "_bpchar"},
  {1015, "_varchar"},  {1016, "_int8"},    {1021, "_float4"},  {1022, "_float8"},
  {1028, "_oid"},      {1040, "_macaddr"}, {1041, "_inet"},    {1042, "bpchar"},
  {1043, "varchar"},   {1082, "date"},     {1083, "time"},     {1114, "timestamp"},
  {1115, "_timestamp"}, {1182, "_date"},   {1183, "_time"},    {1184, "timestamptz"},
  {1185, "_timestamptz"}, {1186, "interval"}, {1187, "_interval"}, {1231, "_numeric"},
  {1266, "timetz"},    {1270, "_timetz"},  {1560, "bit"},      {1562, "varbit"},
  {1700, "numeric"},   {2950, "uuid"},     {2951, "_uuid"},    {3614, "tsvector"},
  {3615, "tsquery"},   {3802, "jsonb"},    {3807, "_jsonb"},   {3904, "int4range"},
  {3906, "numrange"},  {3908, "tsrange"},  {3910, "tstzrange"}, {3912, "daterange"},
  {3926, "int8range"}, {4072, "jsonpath"},
};
static_assert(std::is_sorted(std::begin(builtins), std::end(builtins),
                             [](const builtin& a, const builtin& b) { return a.oid < b.oid; }));

struct kind_name {
  std::string_view name;
  type_kind kind;
};

constexpr kind_name kinds[] = {
  {"bool", type_kind::boolean},       {"int2", type_kind::integer},
  {"int4", type_kind::integer},       {"int8", type_kind::integer},
  {"oid", type_kind::integer},        {"numeric", type_kind::numeric},
  {"float4", type_kind::float4},      {"float8", type_kind::float8},
  {"text", type_kind::text},          {"varchar", type_kind::text},
  {"name", type_kind::text},          {"char", type_kind::text},
  {"bpchar", type_kind::bpchar},      {"citext", type_kind::citext},
  {"uuid", type_kind::uuid},          {"date", type_kind::date},
  {"time", type_kind::time},          {"timestamp", type_kind::timestamp},
  {"timestamptz", type_kind::timestamptz}, {"json", type_kind::json},
  {"jsonb", type_kind::jsonb},        {"bytea", type_kind::bytea},
};

} // namespace

std::string_view builtin_type_name(std::uint32_t oid) noexcept {
  auto found = std::lower_bound(std::begin(builtins), std::end(builtins), oid,
                                [](const builtin& one, std::uint32_t id) { return one.oid < id; });
  return found != std::end(builtins) && found->oid == oid ? found->name : std::string_view{};
}

type_kind kind_of_type(std::string_view name) noexcept {
  for (const auto& one : kinds)
    if (one.name == name)
      return one.kind;
  return name.starts_with('_') ? type_kind::array : type_kind::other;
}

bool is_textual(type_kind kind) noexcept {
  return kind == type_kind::text || kind == type_kind::bpchar || kind == type_kind::citext;
}

bool is_ordered(type_kind kind) noexcept {
  switch (kind) {
    case type_kind::json:
    case type_kind::jsonb:
    case type_kind::array:
    case type_kind::other: return false;
    default: return true;
  }
}

} // namespace lapwing::realtime
