#include "app/text_table.hpp"

#include <algorithm>

namespace lapwing {
namespace {

/// Code points: right for everything but wide and combining characters.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

} // namespace

std::string printable(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0;
    if (byte < 0x20 || byte == 0x7f) {
      out += '?';
    } else if (byte == 0xc2 && next >= 0x80 && next < 0xa0) { // C1 controls, as UTF-8.
      out += '?';
      ++i;
    } else {
      out += text[i];
    }
  }
  return out;
}

text_table::text_table(std::vector<std::string> titles)
    : titles_(std::move(titles)), aligns_(titles_.size(), align::left) {}

void text_table::add(std::vector<std::string> cells) {
  cells.resize(titles_.size());
  std::ranges::transform(cells, cells.begin(), printable);
  rows_.push_back(std::move(cells));
}

void text_table::align_column(std::size_t index, align how) { aligns_.at(index) = how; }

std::string text_table::render() const {
  std::vector<std::size_t> widths;
  for (std::size_t column = 0; column < titles_.size(); ++column) {
    auto widest = width(titles_[column]);
    for (const auto& row : rows_)
      widest = std::max(widest, width(row[column]));
    widths.push_back(widest);
  }
  std::string out;
  const auto add_line = [&](const std::vector<std::string>& cells) {
    std::string line;
    for (std::size_t column = 0; column < cells.size(); ++column) {
      const std::string space(widths[column] - width(cells[column]), ' ');
      const bool right = aligns_[column] == align::right;
      line += (column == 0 ? "" : "  ") + (right ? space + cells[column] : cells[column] + space);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  };
  if (std::ranges::any_of(titles_, [](const auto& title) { return !title.empty(); }))
    add_line(titles_);
  for (const auto& row : rows_)
    add_line(row);
  return out;
}

} // namespace lapwing
