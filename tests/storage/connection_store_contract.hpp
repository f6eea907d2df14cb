// What every connection_store promises (core/connection_store.hpp), as cases over a factory: a
// store's test file calls each of them, so that SQLite and PostgreSQL are held to the same words.
//
// A fixture is:
//   struct fixture {
//     // A store over the fixture's one empty database, which is there again when opened after the
//     // last was closed, with these encryption keys (newest first).
//     std::unique_ptr<node_store> open(std::vector<std::string> keys = {first_key});
//     // The bytes of the database where it is kept, all of them; no store is open.
//     std::string raw_bytes();
//     // One number or text of the database; no store is open.
//     std::string value_of(const std::string& sql);
//   };
#pragma once

#include "tests/storage/connection_contract/items.hpp"
#include "tests/storage/connection_contract/rows.hpp"
#include "tests/storage/connection_contract/secrets.hpp"
#include "tests/storage/connection_contract/timers.hpp"
