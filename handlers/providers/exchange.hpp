#pragma once

#include <optional>
#include <string>

#include "handlers/http_client.hpp"
#include "handlers/sample_settings.hpp"
#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/handler/handler.hpp"

namespace orchestrator::samples {

/// What a second copy of a request would do.
enum class Repeat {
  harmless,   ///< it reads, or carries a key that the provider honours: may be sent again at once
  effective,  ///< it may act twice: after a lost answer the step's outcome is unknown and it inquires first
};

/// How a call to a provider ended: an answer below 400, or the outcome that the step answers with.
struct Exchange {
  std::optional<Outcome> failure;
  int status = 0;    ///< 0 when nothing was answered
  std::string body;  ///< also of a refusal, for callers that know its meaning

  [[nodiscard]] bool failed() const { return failure.has_value(); }
};

/// Sends `call` and sorts its end into the classes of docs/providers.md, "Errors":
/// Provider.Unavailable (retryable, with the provider's Retry-After), Provider.OutcomeUnknown (unknown; only
/// `effective` calls), Provider.Refused (permanent), Provider.Credentials (an operator must act; not retryable).
/// @param timeout for the whole exchange; the task's deadline bounds it
Exchange exchange(const SampleSettings& settings, const TaskContext& context, const handlers::HttpCall& call,
                  Repeat repeat, std::chrono::milliseconds timeout = handlers::kHttpTotalTimeout);

/// The step needs a setting that is empty: Provider.NotConfigured naming the variable, not retryable.
Outcome not_configured(std::string_view variable);

/// An answer that is not what the provider documents: Provider.Unavailable, since it tells nothing about the request.
Outcome unreadable_answer(std::string_view provider);

}  // namespace orchestrator::samples
