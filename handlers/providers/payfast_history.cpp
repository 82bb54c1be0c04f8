#include "handlers/providers/payfast_history.hpp"

#include <algorithm>
#include <vector>

namespace orchestrator::samples {

namespace {

/// The fields of one CSV line; a field in double quotes may hold commas and doubled quotes.
std::vector<std::string> split_line(std::string_view line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t at = 0; at < line.size(); ++at) {
    const char c = line[at];
    if (c == '"' && quoted && at + 1 < line.size() && line[at + 1] == '"') {
      fields.back().push_back('"');
      ++at;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      fields.emplace_back();
    } else if (c != '\r') {
      fields.back().push_back(c);
    }
  }
  return fields;
}

std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

}  // namespace

Result<std::optional<HistoryEntry>> find_payment_in_history(std::string_view csv, std::string_view m_payment_id) {
  const std::vector<std::string> headings = split_line(take_line(csv));
  const auto column = [&headings](std::string_view name) {
    return static_cast<std::size_t>(std::ranges::find(headings, name) - headings.begin());
  };
  const std::size_t sign = column("Sign");
  const std::size_t gross = column("Gross");
  const std::size_t fee = column("Fee");
  const std::size_t ours = column("M Payment ID");
  const std::size_t theirs = column("PF Payment ID");
  if (std::max({sign, gross, fee, ours, theirs}) >= headings.size()) {
    return fail(ErrorCode::invalid_argument, "the history lacks a column");
  }
  while (!csv.empty()) {
    const std::vector<std::string> fields = split_line(take_line(csv));
    if (fields.size() != headings.size() || fields[ours] != m_payment_id || fields[sign] != "Credit") continue;
    return std::optional(HistoryEntry{.pf_payment_id = fields[theirs], .gross = fields[gross], .fee = fields[fee]});
  }
  return std::optional<HistoryEntry>();
}

}  // namespace orchestrator::samples
