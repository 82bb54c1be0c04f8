#pragma once

#include <string>

#include "handlers/http_client.hpp"
#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/base/timestamp.hpp"
#include "orchestrator/handler/handler.hpp"

namespace orchestrator::handlers {

/// Longest wait that a server's Retry-After can ask for.
inline constexpr Duration kMaxRetryAfter = std::chrono::hours(1);
/// How much of an error answer's body is kept in the cause.
inline constexpr std::size_t kMaxCauseBodyBytes = 512;

/// What an HTTP exchange means for the attempt: `completed` with `{status, headers, body}` for an answer below 400,
/// else `Http.Status.NNN`, `Http.ConnectFailed`, `Http.AddressRefused`, `Http.AnswerTooLarge`, `States.Timeout` or
/// `Orchestrator.InvalidInput`; unknown (`Http.ConnectionLost`, `States.Timeout`) when the request may have been
/// acted upon.
/// @param now for a Retry-After that is a date.
Outcome outcome_of(const HttpCall& call, const HttpAnswer& answer, Timestamp now);

/// `{status, headers, body}`: header names in lower case, repeated ones joined; a JSON body parsed, others as text.
Json answer_to_json(const HttpAnswer& answer);

/// Whether the same request can only fail again: 400, 401, 403, 404, 405, 410 and 422.
bool is_final_status(int status);

/// Seconds or an HTTP date, from 0 to kMaxRetryAfter; nothing when it is neither. Source: RFC 9110, section 10.2.3.
std::optional<Duration> parse_retry_after(std::string_view text, Timestamp now);

/// Time-outs, cancellation and the rules of the task for a call: what every handler that speaks HTTP passes on.
HttpOptions http_options_of(const TaskContext& context);

/// Adds `Idempotency-Key` and `traceparent` of the task unless the call has them already.
void add_task_headers(HttpCall& call, const TaskContext& context);

}  // namespace orchestrator::handlers
