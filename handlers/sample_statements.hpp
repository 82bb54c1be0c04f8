#pragma once

#include <string_view>
#include <vector>

#include "orchestrator/base/result.hpp"
#include "orchestrator/handler/handler.hpp"

namespace orchestrator::samples {

/// The text of a statement in handlers/sql, by the name in its `-- name:` line. Stops the process when there is none:
/// names are written in our own code. Safe from any thread.
std::string_view statement(std::string_view name);

/// Every statement's name, in file order; for the test that prepares each one.
std::vector<std::string_view> statement_names();

/// One statement of a step and where its parameters $1, $2, ... come from: members of the step's input (`order_id`),
/// optional ones with a question mark (`line_id?`, null when absent), and `@namespace` and `@key` from the context.
struct StatementStep {
  std::string_view statement;
  std::vector<std::string_view> parameters;
};

/// A step whose whole work is SQL: the statements run in order in the step's transaction, and the column `result` of
/// the last one is the step's output. Failures: Orchestrator.InvalidInput (not retryable) for a missing member,
/// Backend.NotFound (not retryable) when the last statement answers no row, else as failed_statement.
TransactionalHandler make_statement_handler(std::vector<StatementStep> steps);

/// A failed statement as the step's outcome: Backend.Conflict and Backend.InvalidData (not retryable),
/// Backend.Unavailable (retryable).
Outcome failed_statement(const Error& error);

}  // namespace orchestrator::samples
