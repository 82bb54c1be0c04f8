#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "orchestrator/base/result.hpp"

namespace orchestrator {

/// Microseconds; the resolution of PostgreSQL's timestamptz.
using Duration = std::chrono::microseconds;

/// A moment in UTC, in database time, with microsecond resolution.
using Timestamp = std::chrono::sys_time<Duration>;

/// `2026-01-31T23:59:59.123Z`; always UTC with exactly three decimals, as the HTTP contract and the context object ask.
std::string to_rfc3339(Timestamp time);

/// Reads RFC 3339 with `T` and an offset or `Z`; up to nine decimals, cut to microseconds.
/// invalid_argument when it is anything else. Years 0001 to 9999.
Result<Timestamp> parse_rfc3339(std::string_view text);

/// Microseconds since 1970-01-01T00:00:00Z, the form in which times travel to the store.
inline std::int64_t to_micros(Timestamp time) { return time.time_since_epoch().count(); }
inline Timestamp from_micros(std::int64_t micros) { return Timestamp{Duration{micros}}; }
inline std::int64_t to_millis(Timestamp time) {
  return std::chrono::floor<std::chrono::milliseconds>(time).time_since_epoch().count();
}

}  // namespace orchestrator
