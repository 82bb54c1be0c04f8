#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "orchestrator/base/result.hpp"

namespace orchestrator::schedule {

/// A time between two changes of a zone's clock, with what came before and what comes after.
struct ZoneSegment {
  std::chrono::sys_seconds begin;  ///< inclusive
  std::chrono::sys_seconds end;    ///< exclusive
  std::chrono::seconds offset{0};  ///< local minus UTC
  std::chrono::seconds offset_before{0};
  std::chrono::seconds offset_after{0};
};

/// A time zone of the IANA database, as this machine's tzdata describes it. Thread-safe; cheap to copy.
class Zone {
 public:
  /// UTC.
  Zone() = default;

  /// invalid_argument when no zone has that name; unavailable when the machine has no time-zone data.
  static Result<Zone> find(std::string_view name);

  /// The segment that contains a moment of the years 1900 to 2400. Debian's data knows changes until 2037; after that
  /// the last known offset goes on.
  [[nodiscard]] ZoneSegment segment_at(std::chrono::sys_seconds moment) const;
  [[nodiscard]] std::chrono::seconds offset_at(std::chrono::sys_seconds moment) const;

 private:
  explicit Zone(const void* zone) : zone_(zone) {}

  const void* zone_ = nullptr;  ///< a date::time_zone of the process-wide database; null: UTC
};

}  // namespace orchestrator::schedule
