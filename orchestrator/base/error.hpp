#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace orchestrator {

/// The few ways an operation can be refused or fail. Each has one HTTP status and one answer to "try again?", both
/// decided in `error_traits`. A more precise reason travels in `Error::slug`.
enum class ErrorCode {
  invalid_argument,
  not_found,
  already_exists,
  conflict,
  precondition_failed,
  ownership_lost,
  resource_exhausted,
  unavailable,
  deadline_exceeded,
  cancelled,
  outcome_unknown,
  internal,
};

struct ErrorTraits {
  std::string_view name;
  int http_status;
  bool retryable;
};

/// Never fails; the one table behind HTTP status and retry decisions.
ErrorTraits error_traits(ErrorCode code);

/// One fault in a rejected body or definition.
struct FaultDetail {
  std::string pointer;  ///< RFC 6901 JSON pointer into the rejected document.
  std::string code;     ///< Stable snake_case or SCREAMING word for programs.
  std::string message;  ///< A sentence for people.
};

/// An expected failure, as a value.
struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;  ///< A sentence for people; no secrets, no payloads.
  std::string slug;     ///< Problem type of the HTTP contract ("run-key-conflict"); empty: derived from `code`.
  std::vector<FaultDetail> faults;                           ///< All faults at once, for rejected documents.
  std::vector<std::pair<std::string, std::string>> members;  ///< Extra problem members, e.g. {"run_id", "..."}.

  Error() = default;
  Error(ErrorCode code_, std::string message_) : code(code_), message(std::move(message_)) {}
  Error(ErrorCode code_, std::string slug_, std::string message_)
      : code(code_), message(std::move(message_)), slug(std::move(slug_)) {}

  /// The same error with a member added, for chaining.
  Error with(std::string name, std::string value) && {
    members.emplace_back(std::move(name), std::move(value));
    return std::move(*this);
  }
};

}  // namespace orchestrator
