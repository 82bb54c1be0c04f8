#include "api/query_reader.hpp"

#include <charconv>

#include "api/limits.hpp"
#include "orchestrator/digest/provider_signatures.hpp"

namespace orchestrator::api {

QueryReader::QueryReader(std::string_view query) {
  for (auto& [name, value] : digest::parse_form(query)) {
    parameters_.push_back({.name = std::move(name), .value = std::move(value)});
  }
}

QueryReader::QueryReader(const std::vector<std::pair<std::string, std::string>>& parameters) {
  for (const auto& [name, value] : parameters) parameters_.push_back({.name = name, .value = value});
}

std::optional<std::string> QueryReader::text(std::string_view name) {
  std::optional<std::string> found;
  for (Parameter& parameter : parameters_) {
    if (parameter.name != name) continue;
    parameter.asked = true;
    found = parameter.value;
  }
  return found;
}

std::vector<std::string> QueryReader::list(std::string_view name) {
  std::vector<std::string> values;
  for (Parameter& parameter : parameters_) {
    if (parameter.name != name) continue;
    parameter.asked = true;
    std::string_view rest = parameter.value;
    while (true) {
      const auto comma = rest.find(',');
      values.emplace_back(rest.substr(0, comma));
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  return values;
}

std::optional<std::int64_t> QueryReader::integer(std::string_view name, std::int64_t least, std::int64_t most) {
  const auto value = text(name);
  if (!value) return std::nullopt;
  std::int64_t number = 0;
  const char* end = value->data() + value->size();
  const auto [stopped, error] = std::from_chars(value->data(), end, number);
  if (error != std::errc{} || stopped != end || number < least || number > most) {
    fault(name, "must be an integer from " + std::to_string(least) + " to " + std::to_string(most));
    return std::nullopt;
  }
  return number;
}

std::optional<Timestamp> QueryReader::time(std::string_view name) {
  const auto value = text(name);
  if (!value) return std::nullopt;
  auto moment = parse_rfc3339(*value);
  if (!moment) {
    fault(name, "must be an RFC 3339 time such as 2026-01-31T23:59:59Z");
    return std::nullopt;
  }
  return *moment;
}

std::vector<std::pair<std::string, std::string>> QueryReader::with_prefix(std::string_view prefix) {
  std::vector<std::pair<std::string, std::string>> found;
  for (Parameter& parameter : parameters_) {
    if (!parameter.name.starts_with(prefix) || parameter.name.size() == prefix.size()) continue;
    parameter.asked = true;
    found.emplace_back(parameter.name.substr(prefix.size()), parameter.value);
  }
  return found;
}

std::int32_t QueryReader::limit() {
  return static_cast<std::int32_t>(integer("limit", 1, kMaxPageItems).value_or(kDefaultPageItems));
}

std::string QueryReader::cursor() {
  auto cursor = text("cursor").value_or("");
  if (cursor.size() > kMaxCursorBytes) {
    fault("cursor", "is not one that we gave");
    cursor.clear();
  }
  return cursor;
}

void QueryReader::fault(std::string_view name, std::string message) {
  if (first_fault_) return;
  const std::string parameter{name};
  first_fault_ = Error(ErrorCode::invalid_argument, "invalid-parameter", "`" + parameter + "` " + std::move(message))
                     .with("parameter", parameter);
}

Status QueryReader::finish() const {
  if (first_fault_) return *first_fault_;
  for (const Parameter& parameter : parameters_) {
    if (parameter.asked) continue;
    return Error(ErrorCode::invalid_argument, "invalid-parameter",
                 "`" + parameter.name + "` is not a parameter of this call")
        .with("parameter", parameter.name);
  }
  return {};
}

}  // namespace orchestrator::api
