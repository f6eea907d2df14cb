// The promises of core/connection_store.hpp, kept by the PostgreSQL store.
#define CAF_SUITE postgres_connections

#include "tests/support/caf_test.hpp"

#include "storage/postgres/postgres_store.hpp"
#include "tests/storage/connection_store_contract.hpp"
#include "tests/storage/postgres/scratch_database.hpp"

namespace {

using namespace lapwing;
using namespace lapwing::connection_contract;

struct fixed_clock final : wall_clock {
  timestamp now() const override { return nine(); }
};

struct postgres_connection_fixture {
  std::unique_ptr<node_store> open(std::vector<std::string> keys = {first_key}) {
    postgres_options options;
    options.url = database.url();
    options.encryption_keys = std::move(keys);
    options.clock = &clock;
    options.queue_max = 50'000;
    options.take_over_as = node_identity{"n1", "127.0.0.1:3001", "test"};
    auto store = postgres_store::open_url(std::move(options));
    if (!store)
      CAF_FAIL("open failed: " << store.error().detail);
    return std::move(*store);
  }
  /// Every column of every row, bytes as they are.
  std::string raw_bytes() {
    std::string bytes;
    pqxx::connection connection{database.url()};
    pqxx::work work{connection};
    for (const auto& column : work.exec("SELECT table_name, column_name, data_type"
                                        " FROM information_schema.columns"
                                        " WHERE table_schema = 'public'")) {
      const auto name = work.quote_name(column[1].c_str());
      const auto shown = std::string{column[2].c_str()} == "bytea"
                           ? "encode(" + name + ", 'escape')"
                           : name + "::text";
      for (const auto& row :
           work.exec("SELECT " + shown + " FROM " + work.quote_name(column[0].c_str()))) {
        if (!row[0].is_null())
          bytes += row[0].as<std::string>() + "\n";
      }
    }
    return bytes;
  }
  std::string value_of(const std::string& sql) { return database.value_of(sql); }

  fixed_clock clock;
  scratch_database database;
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(postgres_connection_contract, postgres_connection_fixture)

#include "tests/storage/connection_store_cases.inc"

CAF_TEST_FIXTURE_SCOPE_END()

