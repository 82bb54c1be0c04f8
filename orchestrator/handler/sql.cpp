#include "orchestrator/handler/sql.hpp"

#include <algorithm>

#include "orchestrator/base/check.hpp"

namespace orchestrator {

const std::optional<std::string>& SqlRows::at(std::size_t row, std::string_view column) const {
  const auto found = std::find(columns.begin(), columns.end(), column);
  ORC_CHECK(found != columns.end() && row < rows.size(), "a handler reads a column and row that its statement returns");
  return rows[row][static_cast<std::size_t>(found - columns.begin())];
}

std::string SqlRows::text(std::size_t row, std::string_view column) const {
  return at(row, column).value_or(std::string{});
}

std::int64_t SqlRows::integer(std::size_t row, std::string_view column) const {
  const auto& value = at(row, column);
  return value ? std::stoll(*value) : 0;
}

}  // namespace orchestrator
