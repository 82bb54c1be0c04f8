#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "orchestrator/base/error.hpp"
#include "orchestrator/language/parse.hpp"

namespace orchestrator::language {

// Codes of diagnostics. Those of AWS's ValidateStateMachineDefinition come first; what it does not know follows.
inline constexpr std::string_view kSchemaFault = "SCHEMA_VALIDATION_FAILED";
/// An arrow to nowhere, and a state without an arrow to it.
inline constexpr std::string_view kMissingTarget = "MISSING_TRANSITION_TARGET";
inline constexpr std::string_view kMissingEnd = "MISSING_END_STATE";
inline constexpr std::string_view kDuplicateName = "DUPLICATE_STATE_NAME";
inline constexpr std::string_view kInvalidName = "INVALID_STATE_NAME";
inline constexpr std::string_view kInvalidResource = "INVALID_RESOURCE";
inline constexpr std::string_view kNoDollar = "NO_DOLLAR";
inline constexpr std::string_view kNoPath = "NO_PATH";
inline constexpr std::string_view kStaticResult = "PASS_RESULT_IS_STATIC";
inline constexpr std::string_view kUnsupportedQueryLanguage = "UNSUPPORTED_QUERY_LANGUAGE";
inline constexpr std::string_view kUnsupportedField = "UNSUPPORTED_FIELD";
inline constexpr std::string_view kUnroutable = "UNROUTABLE_RESOURCE";
inline constexpr std::string_view kUnknownErrorName = "UNKNOWN_ERROR_NAME";
inline constexpr std::string_view kUnassignedVariable = "UNASSIGNED_VARIABLE";
inline constexpr std::string_view kShadowedVariable = "SHADOWED_VARIABLE";
inline constexpr std::string_view kUncheckedKeyword = "UNCHECKED_KEYWORD";
inline constexpr std::string_view kTooManyFindings = "TOO_MANY_DIAGNOSTICS";

/// What validation has found so far, at most kMaxDiagnostics.
class Findings {
 public:
  void error(std::string_view code, std::string pointer, std::string message);
  void warning(std::string_view code, std::string pointer, std::string message);
  /// Faults of a part that was compiled on its own.
  void errors(const std::vector<FaultDetail>& faults);

  [[nodiscard]] bool has_error() const { return has_error_; }
  std::vector<Diagnostic> take() && { return std::move(list_); }

 private:
  void add(Severity severity, std::string_view code, std::string pointer, std::string message);

  std::vector<Diagnostic> list_;
  bool has_error_ = false;
};

}  // namespace orchestrator::language
