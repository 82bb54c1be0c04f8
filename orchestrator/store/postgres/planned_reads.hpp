#pragma once

#include <functional>
#include <utility>

#include "orchestrator/store/postgres/session.hpp"

namespace orchestrator::store::postgres {

/// Runs `work` in one snapshot in which every statement is planned for the values that it is given. Lists need it: one
/// plan for all values can use no index for a filter that may be absent, and PostgreSQL settles for one after five
/// calls. Errors: as Session::run.
template <typename T>
Result<T> read_planned(Session& session, const std::function<Result<T>(Transaction&)>& work) {
  return session.run<T>(Mode::snapshot, [&work](Transaction& transaction) -> Result<T> {
    transaction.execute("plan_for_these_values");
    return work(transaction);
  });
}

}  // namespace orchestrator::store::postgres
