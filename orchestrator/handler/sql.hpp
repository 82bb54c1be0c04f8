#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "orchestrator/base/result.hpp"

namespace orchestrator {

namespace store {
struct Batch;
struct CommitAnswer;
}  // namespace store

/// Rows of one statement, as text; null columns are empty optionals.
class SqlRows {
 public:
  std::vector<std::string> columns;
  std::vector<std::vector<std::optional<std::string>>> rows;
  std::int64_t affected = 0;

  [[nodiscard]] bool empty() const { return rows.empty(); }
  [[nodiscard]] std::size_t size() const { return rows.size(); }
  /// A column of a row by name; nothing when it is null. Stops the process when there is no such column.
  [[nodiscard]] const std::optional<std::string>& at(std::size_t row, std::string_view column) const;
  /// The same for columns that the schema declares not null.
  [[nodiscard]] std::string text(std::size_t row, std::string_view column) const;
  [[nodiscard]] std::int64_t integer(std::size_t row, std::string_view column) const;
};

using SqlParameters = std::vector<std::optional<std::string>>;

/// What a transactional handler sees: statements with placeholders ($1, $2, ...), all in the step's transaction.
/// Errors: conflict (unique or exclusion violation, SQLSTATE 23505/23P01), invalid_argument (other data errors),
/// unavailable (connection, serialization failure, deadlock: the attempt is repeated).
/// After an error the transaction is broken: return an outcome, do not go on.
class Sql {
 public:
  virtual ~Sql() = default;
  virtual Result<SqlRows> execute(std::string_view statement, const SqlParameters& parameters) = 0;
};

/// The engine's side of it. Handler threads only; one thread at a time.
class StepTransaction : public Sql {
 public:
  /// Writes the step's rows under the fence and commits everything, as the last round trip.
  /// Errors as Store::commit; a lost fence is ownership_lost and everything is rolled back.
  virtual Result<store::CommitAnswer> commit_with(const store::Batch& batch) = 0;
  virtual void roll_back() = 0;
};

}  // namespace orchestrator
