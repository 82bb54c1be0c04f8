#include "orchestrator/store/schedule_rows.hpp"

#include <array>
#include <charconv>

namespace orchestrator::store {
namespace {

constexpr std::array<std::string_view, 5> kOutcomes{"started", "skipped", "missed", "queued", "cancelled"};
constexpr std::array<std::string_view, 3> kOrigins{"schedule", "trigger", "range"};

}  // namespace

std::string_view to_string(SlotOutcome outcome) { return kOutcomes[static_cast<std::size_t>(outcome)]; }

std::optional<SlotOutcome> parse_slot_outcome(std::string_view text) {
  for (std::size_t i = 0; i < kOutcomes.size(); ++i) {
    if (kOutcomes[i] == text) return static_cast<SlotOutcome>(i);
  }
  return std::nullopt;
}

std::string_view to_string(SlotOrigin origin) { return kOrigins[static_cast<std::size_t>(origin)]; }

std::optional<SlotOrigin> parse_slot_origin(std::string_view text) {
  for (std::size_t i = 0; i < kOrigins.size(); ++i) {
    if (kOrigins[i] == text) return static_cast<SlotOrigin>(i);
  }
  return std::nullopt;
}

std::string slot_cursor(const ScheduleSlotRow& last) {
  return std::to_string(to_micros(last.slot_at)) + "." + std::string(to_string(last.origin));
}

Result<std::optional<std::pair<Timestamp, SlotOrigin>>> parse_slot_cursor(const std::string& cursor) {
  using Answer = std::optional<std::pair<Timestamp, SlotOrigin>>;
  if (cursor.empty()) return Answer{};
  const auto dot = cursor.find('.');
  std::int64_t micros = 0;
  const auto [end, error] = std::from_chars(cursor.data(), cursor.data() + cursor.size(), micros);
  const auto origin = dot == std::string::npos ? std::nullopt : parse_slot_origin(cursor.substr(dot + 1));
  if (error != std::errc{} || end != cursor.data() + dot || !origin) {
    return fail(ErrorCode::invalid_argument, "invalid-parameter", "not a cursor of this list");
  }
  return Answer{{from_micros(micros), *origin}};
}

}  // namespace orchestrator::store
