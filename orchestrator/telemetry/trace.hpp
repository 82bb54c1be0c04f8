#pragma once

#include <string_view>

namespace orchestrator::telemetry {

/// Whether a text is a W3C `traceparent` that may be stored and handed on: lower-case hex, version not ff, trace and
/// parent ids not all zero. Version 00 has exactly four parts; a later version may carry more after them.
/// Source: W3C Trace Context, section 3.2.
bool is_valid_traceparent(std::string_view text);

/// The trace id inside a valid traceparent, for the log key `trace_id`; empty when the text is no valid traceparent.
std::string_view trace_id_of(std::string_view traceparent);

}  // namespace orchestrator::telemetry
