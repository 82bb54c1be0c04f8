#include "handlers/sample_statements.hpp"

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "orchestrator/base/check.hpp"
#include "orchestrator/base/embedded_file.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/handler/typed.hpp"

namespace orchestrator::samples {

extern const EmbeddedFile kStatementFiles[];
extern const unsigned kStatementFiles_count;

namespace {

constexpr std::string_view kMarker = "-- name: ";

using Statements = std::vector<std::pair<std::string_view, std::string_view>>;

Statements split_statements() {
  Statements statements;
  for (unsigned file = 0; file < kStatementFiles_count; ++file) {
    std::string_view text = kStatementFiles[file].text;
    std::size_t begin = text.find(kMarker);
    while (begin != std::string_view::npos) {
      const std::size_t line_end = text.find('\n', begin);
      const std::size_t next = text.find(kMarker, line_end);
      const std::string_view name = text.substr(begin + kMarker.size(), line_end - begin - kMarker.size());
      statements.emplace_back(name, text.substr(line_end + 1, next - line_end - 1));
      begin = next;
    }
  }
  return statements;
}

const Statements& all_statements() {
  static const Statements statements = split_statements();
  return statements;
}

/// A member as the text that SQL takes: strings as they are, everything else as JSON text. Nothing when it is absent or
/// null.
std::optional<std::string> text_of(const Json& input, std::string_view name) {
  if (!input.is_object()) return std::nullopt;
  const auto found = input.find(name);
  if (found == input.end() || found->is_null()) return std::nullopt;
  return found->is_string() ? found->get<std::string>() : dump_json(*found);
}

/// The parameters of one statement, or the fault in the input.
Result<SqlParameters> collect(const StatementStep& step, const Json& input, const TaskContext& context) {
  SqlParameters parameters;
  parameters.reserve(step.parameters.size());
  for (std::string_view source : step.parameters) {
    if (source == "@namespace") {
      parameters.emplace_back(context.namespace_name);
      continue;
    }
    if (source == "@key") {
      parameters.emplace_back(context.idempotency_key);
      continue;
    }
    const bool optional = source.ends_with('?');
    if (optional) source.remove_suffix(1);
    std::optional<std::string> value = text_of(input, source);
    if (!value && !optional) {
      return fail(ErrorCode::invalid_argument, "the input has no member '" + std::string(source) + "'");
    }
    parameters.push_back(std::move(value));
  }
  return parameters;
}

Outcome run_statements(const std::vector<StatementStep>& steps, const Json& input, TaskContext& context, Sql& sql) {
  SqlRows rows;
  for (const StatementStep& step : steps) {
    auto parameters = collect(step, input, context);
    if (!parameters) return Outcome::failed(kInvalidInput, parameters.error().message, false);
    auto answer = sql.execute(statement(step.statement), *parameters);
    if (!answer) return failed_statement(answer.error());
    rows = std::move(*answer);
  }
  if (rows.empty()) return Outcome::failed("Backend.NotFound", "no row answers to this step's input", false);
  auto result = parse_json(rows.text(0, "result"));
  if (!result) return Outcome::failed("Backend.InvalidData", result.error().message, false);
  return Outcome::completed(make_payload(std::move(*result)));
}

}  // namespace

std::string_view statement(std::string_view name) {
  for (const auto& [known, text] : all_statements()) {
    if (known == name) return text;
  }
  ORC_CHECK(false, "a handler names a statement of handlers/sql");
  return {};
}

std::vector<std::string_view> statement_names() {
  std::vector<std::string_view> names;
  for (const auto& [name, text] : all_statements()) names.push_back(name);
  return names;
}

TransactionalHandler make_statement_handler(std::vector<StatementStep> steps) {
  for (const StatementStep& step : steps) static_cast<void>(statement(step.statement));
  return [steps = std::move(steps)](const Json& input, TaskContext& context, Sql& sql) {
    return run_statements(steps, input, context, sql);
  };
}

Outcome failed_statement(const Error& error) {
  switch (error.code) {
    case ErrorCode::conflict: return Outcome::failed("Backend.Conflict", error.message, false);
    case ErrorCode::invalid_argument: return Outcome::failed("Backend.InvalidData", error.message, false);
    default: return Outcome::failed("Backend.Unavailable", error.message);
  }
}

}  // namespace orchestrator::samples
