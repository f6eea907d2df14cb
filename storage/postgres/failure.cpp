#include "storage/postgres/failure.hpp"

#include "storage/postgres/pqxx.hpp"

namespace lapwing::postgres {

fault fault_of(std::string_view sqlstate) noexcept {
  if (sqlstate == "LW001")
    return fault::fenced;
  if (sqlstate == "LW002")
    return fault::two_writers;
  // 25006: a standby. A new connection may find the server that took its place.
  if (sqlstate.empty() || sqlstate.starts_with("08") || sqlstate.starts_with("57P")
      || sqlstate == "25006" || sqlstate == "25P03")
    return fault::connection;
  for (const std::string_view data_class : {"21", "22", "23", "54"}) {
    if (sqlstate.starts_with(data_class))
      return fault::statement;
  }
  return fault::database;
}

error to_error(const failure& failure) {
  const auto state = failure.sqlstate().empty() ? std::string{} : " (" + failure.sqlstate() + ")";
  switch (failure.kind()) {
    case fault::connection:
      return {errc::store_unavailable, "the database cannot be reached" + state};
    case fault::database:
      return {errc::store_unavailable, "the database does not take it now" + state};
    case fault::fenced:
      return {errc::store_unavailable, "another node has taken over from this one"};
    case fault::two_writers:
      return {errc::internal, "the log holds this number already: it has two writers"};
    case fault::statement:
      break;
  }
  return {errc::internal, "the database refused what it was given" + state};
}

failure current_failure(bool is_open) {
  try {
    throw;
  } catch (const failure& known) {
    return known;
  } catch (const pqxx::in_doubt_error& lost) {
    return {fault::connection, {}, lost.what(), true};
  } catch (const pqxx::broken_connection& lost) {
    return {fault::connection, {}, lost.what()};
  } catch (const pqxx::insufficient_privilege& refused) { // Some come without their SQLSTATE.
    return {fault::database, "42501", refused.what()};
  } catch (const pqxx::data_exception& refused) {
    return {fault::statement, refused.sqlstate(), refused.what()};
  } catch (const pqxx::integrity_constraint_violation& refused) {
    return {fault::statement, refused.sqlstate(), refused.what()};
  } catch (const pqxx::sql_error& refused) {
    if (!is_open)
      return {fault::connection, refused.sqlstate(), refused.what()};
    const auto kind = refused.sqlstate().empty() ? fault::database : fault_of(refused.sqlstate());
    return {kind, refused.sqlstate(), refused.what()};
  } catch (const pqxx::pqxx_exception& other) {
    return {is_open ? fault::database : fault::connection, {}, other.base().what()};
  }
}

} // namespace lapwing::postgres
