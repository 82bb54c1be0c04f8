#pragma once

#include <iosfwd>
#include <string>
#include <utility>
#include <vector>

#include "orchestrator/app/page.hpp"

namespace orchestrator::app {

/// One value of a table; control characters are shown as spaces.
struct Cell {
  Cell(std::string value, Tone of = Tone::plain) : text(without_controls(std::move(value))), tone(of) {}
  Cell(const char* value, Tone of = Tone::plain) : Cell(std::string(value), of) {}

  std::string text;
  Tone tone;
};

/// Rows for people: columns as wide as their widest cell, two spaces between them.
class Table {
 public:
  explicit Table(std::vector<std::string> headings) : headings_(std::move(headings)) {}

  /// One cell per heading.
  void add(std::vector<Cell> cells);
  [[nodiscard]] bool empty() const { return rows_.empty(); }

  /// A row is a line, however long.
  void print(std::ostream& out) const { print(out, Page{}); }
  /// As wide as the page. The last column is wrapped; where too little room is left for it, its cells stand below their
  /// rows. The first column is never cut: it is what one copies.
  void print(std::ostream& out, const Page& page) const;

 private:
  [[nodiscard]] std::vector<std::size_t> natural_widths() const;
  void print_row(std::ostream& out, const Page& page, const std::vector<Cell>& cells,
                 const std::vector<std::size_t>& widths) const;
  void print_row_and_note(std::ostream& out, const Page& page, const std::vector<Cell>& cells,
                          const std::vector<std::size_t>& widths) const;

  std::vector<std::string> headings_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace orchestrator::app
