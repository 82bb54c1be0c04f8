#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace orchestrator::app {

/// Rows for people: columns as wide as their widest cell, two spaces between them.
class Table {
 public:
  explicit Table(std::vector<std::string> headings) : headings_(std::move(headings)) {}

  /// One cell per heading; control characters are shown as spaces, so that no payload can draw on the terminal.
  void add(std::vector<std::string> cells);
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  void print(std::ostream& out) const;

 private:
  std::vector<std::string> headings_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace orchestrator::app
