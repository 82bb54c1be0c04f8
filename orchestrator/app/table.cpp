#include "orchestrator/app/table.hpp"

#include <algorithm>
#include <numeric>
#include <ostream>

#include "orchestrator/base/check.hpp"

namespace orchestrator::app {
namespace {

constexpr std::size_t kGap = 2;
/// The last column needs this much to be read beside the others; with less it goes below them.
constexpr std::size_t kMinLastColumn = 30;
/// A column that has to give room keeps this much.
constexpr std::size_t kMinColumn = 8;
constexpr std::size_t kNoteIndent = 4;

/// Takes room from the widest columns behind the first until the row fits.
void squeeze(std::vector<std::size_t>& widths, std::size_t room) {
  while (widths.size() > 1) {
    const std::size_t total = std::accumulate(widths.begin(), widths.end(), kGap * (widths.size() - 1));
    const auto widest = std::max_element(widths.begin() + 1, widths.end());
    if (total <= room || *widest <= kMinColumn) return;
    --*widest;
  }
}

}  // namespace

void Table::add(std::vector<Cell> cells) {
  ORC_CHECK(cells.size() == headings_.size(), "a table row has a cell for each heading");
  rows_.push_back(std::move(cells));
}

std::vector<std::size_t> Table::natural_widths() const {
  std::vector<std::size_t> widths;
  for (const std::string& heading : headings_) widths.push_back(width_of(heading));
  for (const auto& row : rows_) {
    for (std::size_t column = 0; column < row.size(); ++column) {
      widths[column] = std::max(widths[column], width_of(row[column].text));
    }
  }
  return widths;
}

void Table::print(std::ostream& out, const Page& page) const {
  std::vector<std::size_t> widths = natural_widths();
  std::vector<Cell> headings;
  for (const std::string& heading : headings_) headings.emplace_back(heading, Tone::strong);
  const std::size_t total = std::accumulate(widths.begin(), widths.end(), kGap * (widths.size() - 1));
  if (page.columns == 0 || total <= page.columns || widths.size() < 2) {
    print_row(out, page, headings, widths);
    for (const auto& row : rows_) print_row(out, page, row, widths);
    return;
  }
  const std::size_t others = total - widths.back();
  if (others + kMinLastColumn <= page.columns) {
    widths.back() = page.columns - others;
    print_row(out, page, headings, widths);
    for (const auto& row : rows_) print_row(out, page, row, widths);
    return;
  }
  widths.pop_back();
  squeeze(widths, page.columns);
  headings.pop_back();
  print_row(out, page, headings, widths);
  for (const auto& row : rows_) print_row_and_note(out, page, row, widths);
}

/// The last cell may take several lines; the others are cut to their column.
void Table::print_row(std::ostream& out, const Page& page, const std::vector<Cell>& cells,
                      const std::vector<std::size_t>& widths) const {
  std::size_t indent = 0;
  std::string line;
  for (std::size_t column = 0; column + 1 < cells.size(); ++column) {
    const std::string text = shortened(cells[column].text, widths[column]);
    line += page.paint(text, cells[column].tone) + std::string(widths[column] - width_of(text) + kGap, ' ');
    indent += widths[column] + kGap;
  }
  const auto lines = wrapped(cells.back().text, page.columns == 0 ? 0 : widths[cells.size() - 1]);
  for (std::size_t at = 0; at < lines.size(); ++at) {
    if (at > 0) line.assign(indent, ' ');
    line += page.paint(lines[at], cells.back().tone);
    line.erase(line.find_last_not_of(' ') + 1);
    out << line << "\n";
  }
}

void Table::print_row_and_note(std::ostream& out, const Page& page, const std::vector<Cell>& cells,
                               const std::vector<std::size_t>& widths) const {
  print_row(out, page, {cells.begin(), cells.end() - 1}, widths);
  const Cell& note = cells.back();
  if (note.text.empty() || note.text == "-") return;
  for (const std::string& text : wrapped(note.text, page.columns - kNoteIndent)) {
    out << std::string(kNoteIndent, ' ') << page.paint(text, note.tone) << "\n";
  }
}

}  // namespace orchestrator::app
