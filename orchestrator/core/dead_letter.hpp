#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "orchestrator/base/timestamp.hpp"
#include "orchestrator/model/history_event.hpp"

/// What a person who deals with a dead letter asks first: why did nobody try again, and who had it in hand?
namespace orchestrator::core {

/// `exhausted`: tried as often as its retry policy allows. `permanent`: another try was not allowed or not asked for.
/// `poison`: set aside, since its workers vanished with it or the database refuses its data. `rejected`: accepted, but
/// could not begin.
enum class DeadLetterReason : std::uint8_t { exhausted, permanent, poison, rejected };
std::string_view to_string(DeadLetterReason reason);
std::optional<DeadLetterReason> parse_dead_letter_reason(std::string_view text);

/// One try that came to nothing.
struct DeadLetterAttempt {
  std::string outcome;  ///< failed | timed_out | lost
  std::string state_name;
  std::optional<Timestamp> started_at;  ///< when a worker got it, where that is recorded
  Timestamp ended_at{};
  std::string worker;  ///< who had it in hand; empty: nobody is recorded
  std::optional<std::string> error;
  std::optional<std::string> cause;
  bool retryable = true;
};

/// Attempts that one item of the list shows, the last ones. Source: docs/operations/limits.md.
inline constexpr std::size_t kMaxShownAttempts = 10;

/// The failed attempts that these events of one run tell, oldest first, at most kMaxShownAttempts. The events may begin
/// anywhere in its history: what is not told stays empty.
std::vector<DeadLetterAttempt> failed_attempts(const std::vector<HistoryEvent>& events);

/// @param error with which the run failed
/// @param attempts highest attempt number of the step in which it failed
DeadLetterReason reason_of(const std::optional<std::string>& error, std::int32_t attempts,
                           const std::vector<DeadLetterAttempt>& failed);

}  // namespace orchestrator::core
