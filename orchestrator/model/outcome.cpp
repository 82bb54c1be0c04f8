#include "orchestrator/model/outcome.hpp"

#include <utility>

namespace orchestrator {

Outcome Outcome::completed(Payload output) {
  Outcome outcome;
  outcome.output = std::move(output);
  return outcome;
}

Outcome Outcome::failed(std::string error, std::string cause, bool retryable) {
  Outcome outcome;
  outcome.kind = Kind::failed;
  outcome.error = std::move(error);
  outcome.cause = std::move(cause);
  outcome.retryable = retryable;
  return outcome;
}

Outcome Outcome::unknown(std::string error, std::string cause) {
  Outcome outcome = failed(std::move(error), std::move(cause));
  outcome.kind = Kind::unknown;
  return outcome;
}

Outcome Outcome::snoozed(Duration delay) {
  Outcome outcome;
  outcome.kind = Kind::snoozed;
  outcome.delay = delay;
  return outcome;
}

}  // namespace orchestrator
