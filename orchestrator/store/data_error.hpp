#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>

#include "orchestrator/base/ids.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/store/batch.hpp"

namespace orchestrator::store {

/// Whose rows a batch carries: one signal's, or a run's. Signals come first: where a signal's payload is at fault, the
/// run that takes it writes it too, and is not to blame.
using Subject = std::variant<SignalId, RunId>;

/// What the database has against a batch.
struct DataError {
  std::optional<Subject> subject;  ///< nothing: no subject's rows fail alone, or they belong to none
  std::string sqlstate;            ///< five characters, "22003"
  std::string message;             ///< the database's sentence; may name columns, never their values
};

/// Finds the one subject whose rows make a batch fail, by halving: about 2 log2(subjects) tries. Rows that belong to no
/// subject (messages, idempotency keys) are not tried.
/// @param attempt tries to write a part and takes it back whatever came of it; invalid_argument when that part is
///                refused too. Its other errors end the search and are the answer.
Result<DataError> find_data_error(const Batch& batch, const std::function<Status(const Batch& part)>& attempt);

}  // namespace orchestrator::store
