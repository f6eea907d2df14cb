// A connection through libpq itself, for what libpqxx 6.4 does not do: whole batches as binary
// arrays, and answers in binary. Blocking; one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/postgres/settings.hpp"

struct pg_conn;
struct pg_result;

namespace lapwing::postgres {

class parameters;

/// Rows of an answer, in binary.
class answer {
public:
  explicit answer(pg_result* taken) : result_(taken) {}
  const pg_result* get() const noexcept { return result_.get(); }

  std::size_t size() const noexcept;
  bool is_null(std::size_t row, int column) const noexcept;
  /// The bytes of text and bytea; they live as long as the answer.
  std::string_view bytes(std::size_t row, int column) const noexcept;
  /// Of bigint.
  std::int64_t integer(std::size_t row, int column) const noexcept;
  bool boolean(std::size_t row, int column) const noexcept;

private:
  struct clear {
    void operator()(pg_result* result) const noexcept;
  };
  std::unique_ptr<pg_result, clear> result_;
};

/// A statement that a link prepares when it first needs it.
struct statement {
  const char* name;
  const char* sql;
};

/// All calls throw failure; one for a connection that broke says it is in doubt.
class link {
public:
  explicit link(const connection_settings& settings);

  /// False when the server has closed it meanwhile; costs one look at the socket.
  bool is_alive() const noexcept;

  /// Statements without parameters and rows, such as BEGIN.
  void execute(const char* sql);
  answer run(const statement& what, const parameters& with);
  /// The same, several at once in one transaction of their own and one round trip; answers those of
  /// all. The first failure is thrown, and nothing was done.
  struct step {
    const statement* what;
    const parameters* with;
  };
  std::vector<answer> run_all(const std::vector<step>& steps);
  /// Leaves a transaction that failed; never throws. False: the link is of no use any more.
  bool roll_back() noexcept;

  int socket() const noexcept;

private:
  void prepare(const statement& what);
  void check(const answer& done) const;
  [[noreturn]] void fail(const pg_result* result) const;

  struct finish {
    void operator()(pg_conn* connection) const noexcept;
  };
  std::unique_ptr<pg_conn, finish> connection_;
  std::vector<const char*> prepared_; ///< Names; there are a handful.
};

} // namespace lapwing::postgres
