#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/base/timestamp.hpp"

namespace orchestrator {

/// What a handler says about one attempt, as a value.
struct Outcome {
  enum class Kind : std::uint8_t {
    completed,  ///< `output` is the result
    failed,     ///< `error`, `cause`; `retryable` says whether general retriers may apply
    unknown,    ///< it may have happened: inquire before any retry; `error`, `cause` say why we do not know
    snoozed,    ///< give back without counting the attempt; again after `delay`
    cancelled,  ///< stopped because cancellation was asked for
  };

  Kind kind = Kind::completed;
  Payload output;                    ///< null means JSON null
  std::optional<std::string> error;  ///< nothing: sent without fields, caught as null
  std::optional<std::string> cause;
  bool retryable = true;          ///< false: only a retrier that names this very error applies
  std::optional<Duration> delay;  ///< failed: at least this long before the retry; snoozed: how long

  static Outcome completed(Payload output);
  static Outcome failed(std::string error, std::string cause, bool retryable = true);
  static Outcome unknown(std::string error, std::string cause);
  static Outcome snoozed(Duration delay);
};

}  // namespace orchestrator
