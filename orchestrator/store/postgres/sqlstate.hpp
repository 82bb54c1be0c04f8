#pragma once

#include <string>
#include <string_view>

#include "orchestrator/base/error.hpp"

namespace orchestrator::store::postgres {

/// What a failure says about the connection and about trying again, beside the error that callers see.
struct Failure {
  Error error;
  bool connection_lost = false;  ///< the session is of no use any more
  bool repeatable = false;       ///< serialization failure or deadlock: run the whole transaction again
};

/// The one table from SQLSTATE to our codes.
/// @param message first line of the server's message; details may hold payloads and are left out.
Failure failure_of_sqlstate(std::string_view sqlstate, std::string_view message);

/// Names the exception that is being handled. Call only inside `catch`.
Failure failure_of_current_exception();

}  // namespace orchestrator::store::postgres
