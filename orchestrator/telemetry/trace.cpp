#include "orchestrator/telemetry/trace.hpp"

#include <algorithm>

namespace orchestrator::telemetry {
namespace {

// version "-" trace id "-" parent id "-" flags
constexpr std::size_t kTraceIdOffset = 3;
constexpr std::size_t kTraceIdLength = 32;
constexpr std::size_t kParentIdOffset = 36;
constexpr std::size_t kParentIdLength = 16;
constexpr std::size_t kFlagsOffset = 53;
constexpr std::size_t kVersion0Length = 55;
/// Longest text that is handed on; later versions may append, but not without end.
constexpr std::size_t kMaxTraceparentLength = 256;

bool is_hex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_all_zero(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c == '0'; });
}

bool is_visible(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

}  // namespace

bool is_valid_traceparent(std::string_view text) {
  if (text.size() < kVersion0Length || text.size() > kMaxTraceparentLength) return false;
  const std::string_view version = text.substr(0, 2);
  const std::string_view trace_id = text.substr(kTraceIdOffset, kTraceIdLength);
  const std::string_view parent_id = text.substr(kParentIdOffset, kParentIdLength);
  const std::string_view flags = text.substr(kFlagsOffset, 2);

  if (text[kTraceIdOffset - 1] != '-' || text[kParentIdOffset - 1] != '-' || text[kFlagsOffset - 1] != '-')
    return false;
  if (!is_hex(version) || !is_hex(trace_id) || !is_hex(parent_id) || !is_hex(flags)) return false;
  if (version == "ff" || is_all_zero(trace_id) || is_all_zero(parent_id)) return false;
  if (text.size() == kVersion0Length) return true;
  return version != "00" && text[kVersion0Length] == '-' && is_visible(text.substr(kVersion0Length));
}

std::string_view trace_id_of(std::string_view traceparent) {
  if (!is_valid_traceparent(traceparent)) return {};
  return traceparent.substr(kTraceIdOffset, kTraceIdLength);
}

}  // namespace orchestrator::telemetry
