// The only file that knows the time-zone library.
#include "orchestrator/schedule/zone.hpp"

#include <date/tz.h>

#include <algorithm>

namespace orchestrator::schedule {
namespace {

using std::chrono::seconds;
using std::chrono::sys_seconds;

/// The library begins and ends its first and last segment far outside of what a 64-bit count of microseconds holds.
constexpr sys_seconds kFirst{seconds{-2'208'988'800}};  // 1900
constexpr sys_seconds kLast{seconds{13'569'465'600}};   // 2400

const date::time_zone& zone_of(const void* zone) { return *static_cast<const date::time_zone*>(zone); }

sys_seconds clamped(date::sys_seconds moment) {
  return std::clamp(sys_seconds{moment.time_since_epoch()}, kFirst, kLast);
}

}  // namespace

Result<Zone> Zone::find(std::string_view name) {
  if (name == "UTC") return Zone();
  try {
    return Zone(date::locate_zone(name));
  } catch (const std::exception&) {
    // Every installation knows Etc/UTC.
    try {
      date::locate_zone("Etc/UTC");
    } catch (const std::exception&) {
      return fail(ErrorCode::unavailable, "this machine has no time-zone data; install the package tzdata");
    }
    return fail(ErrorCode::invalid_argument, "invalid-body",
                "no time zone is called " + std::string(name.substr(0, 64)) +
                    "; names are those of the IANA database, such as Europe/Berlin");
  }
}

ZoneSegment Zone::segment_at(sys_seconds moment) const {
  if (zone_ == nullptr) return {kFirst, kLast};
  const date::time_zone& zone = zone_of(zone_);
  const auto info = zone.get_info(date::sys_seconds{moment.time_since_epoch()});
  ZoneSegment segment{clamped(info.begin), clamped(info.end), info.offset, info.offset, info.offset};
  if (segment.begin > kFirst) segment.offset_before = zone.get_info(info.begin - seconds{1}).offset;
  if (segment.end < kLast) segment.offset_after = zone.get_info(info.end).offset;
  return segment;
}

seconds Zone::offset_at(sys_seconds moment) const {
  if (zone_ == nullptr) return seconds{0};
  return zone_of(zone_).get_info(date::sys_seconds{moment.time_since_epoch()}).offset;
}

}  // namespace orchestrator::schedule
