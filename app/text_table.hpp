// A table in plain text whose columns line up.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lapwing {

class text_table {
public:
  enum class align { left, right };

  /// `titles` may be empty texts; then that column has none.
  explicit text_table(std::vector<std::string> titles);

  /// As many cells as there are titles. Control characters become `?`: what a client called itself
  /// must not steer the operator's terminal.
  void add(std::vector<std::string> cells);
  void align_column(std::size_t index, align how);
  bool empty() const noexcept { return rows_.empty(); }

  /// Titles, then rows; two spaces between columns, none at the end of a line.
  std::string render() const;

private:
  std::vector<std::string> titles_;
  std::vector<align> aligns_;
  std::vector<std::vector<std::string>> rows_;
};

/// The text with every control character (C0, DEL, C1) as `?`.
std::string printable(std::string_view text);

} // namespace lapwing
