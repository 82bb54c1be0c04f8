#include "orchestrator/language/findings.hpp"

#include "orchestrator/language/limits.hpp"

namespace orchestrator::language {

void Findings::error(std::string_view code, std::string pointer, std::string message) {
  has_error_ = true;
  add(Severity::error, code, std::move(pointer), std::move(message));
}

void Findings::warning(std::string_view code, std::string pointer, std::string message) {
  add(Severity::warning, code, std::move(pointer), std::move(message));
}

void Findings::errors(const std::vector<FaultDetail>& faults) {
  for (const FaultDetail& fault : faults) error(fault.code, fault.pointer, fault.message);
}

void Findings::add(Severity severity, std::string_view code, std::string pointer, std::string message) {
  if (list_.size() >= kMaxDiagnostics) return;
  if (list_.size() + 1 == kMaxDiagnostics) {
    list_.push_back(
        {.severity = has_error_ ? Severity::error : Severity::warning,
         .code = std::string(kTooManyFindings),
         .location = "",
         .message = "There is more to say; only the first " + std::to_string(kMaxDiagnostics - 1) + " are listed"});
    return;
  }
  list_.push_back(
      {.severity = severity, .code = std::string(code), .location = std::move(pointer), .message = std::move(message)});
}

}  // namespace orchestrator::language
