#include "orchestrator/schedule/timetable.hpp"

#include <algorithm>
#include <cstdio>
#include <deque>

namespace orchestrator::schedule {
namespace {

constexpr Duration kFirstSpan = std::chrono::minutes{1};

/// FNV-1a: only has to spread, and to be the same on every node and in every release.
std::uint64_t hash_of(std::string_view text) {
  std::uint64_t value = 0xCBF29CE484222325ULL;
  for (const char c : text) value = (value ^ static_cast<std::uint8_t>(c)) * 0x100000001B3ULL;
  return value;
}

std::uint64_t mixed(std::uint64_t value) {
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9ULL;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EBULL;
  return value ^ (value >> 31);
}

}  // namespace

Timetable::Timetable(Rule rule, std::chrono::seconds jitter, std::string_view seed)
    : rule_(std::move(rule)), planned_(rule_.with_holidays()), jitter_(jitter), seed_(hash_of(seed)) {}

std::optional<Slot> Timetable::next_after(Timestamp moment) const {
  const auto at = rule_.next_after(moment);
  if (!at) return std::nullopt;
  return Slot{*at, *at + jitter_of(*at)};
}

std::optional<Slot> Timetable::next_planned_after(Timestamp moment) const {
  if (!planned_) return next_after(moment);
  const auto at = planned_->next_after(moment);
  if (!at) return std::nullopt;
  if (rule_.next_after(*at - Duration{1}) != at) return Slot{*at, *at, true};
  return Slot{*at, *at + jitter_of(*at)};
}

std::vector<Slot> Timetable::holidays_between(Timestamp after, Timestamp until, std::size_t limit) const {
  std::vector<Slot> holidays;
  if (!planned_) return holidays;
  for (auto slot = next_planned_after(after); slot && slot->at <= until; slot = next_planned_after(slot->at)) {
    if (!slot->is_holiday) continue;
    if (holidays.size() == limit) break;
    holidays.push_back(*slot);
  }
  return holidays;
}

Duration Timetable::jitter_of(Timestamp at) const {
  if (jitter_.count() == 0) return Duration{0};
  Duration room{jitter_};
  // The order of slots stays: none is due after the next one begins.
  const Rule& all = planned_ ? *planned_ : rule_;
  if (const auto next = all.next_after(at)) room = std::min(room, *next - at - Duration{1});
  const auto spread = static_cast<std::uint64_t>(std::max<std::int64_t>(room.count(), 0)) + 1;
  return Duration{static_cast<std::int64_t>(mixed(seed_ ^ mixed(static_cast<std::uint64_t>(to_micros(at)))) % spread)};
}

std::vector<Slot> Timetable::between(Timestamp from, Timestamp to, std::size_t limit) const {
  std::vector<Slot> slots;
  auto slot = next_after(from - Duration{1});
  while (slot && slot->at < to && slots.size() < limit) {
    slots.push_back(*slot);
    slot = next_after(slot->at);
  }
  return slots;
}

LastSlots Timetable::due_between(Timestamp after, Timestamp now, std::size_t limit) const {
  LastSlots answer;
  const auto first = next_after(after);
  if (!first || first->fire_at > now) return answer;
  for (Duration span = kFirstSpan;; span *= 2) {
    const Timestamp from = now - span > after ? now - span : after;
    std::deque<Slot> last;
    std::optional<Timestamp> dropped;
    for (auto slot = next_after(from); slot && slot->fire_at <= now; slot = next_after(slot->at)) {
      last.push_back(*slot);
      if (last.size() <= limit) continue;
      dropped = last.front().at;
      last.pop_front();
    }
    if (from > after && last.size() < limit) continue;
    answer.slots.assign(last.begin(), last.end());
    if (!last.empty() && first->at < last.front().at) {
      answer.first_left = first->at;
      answer.last_left = dropped ? *dropped : last.front().at - Duration{1};
    }
    return answer;
  }
}

std::optional<std::int32_t> Timetable::count_between(Timestamp after, Timestamp until, std::int32_t limit) const {
  std::int32_t count = 0;
  for (auto at = rule_.next_after(after); at && *at <= until; at = rule_.next_after(*at)) {
    if (++count > limit) return std::nullopt;
  }
  return count;
}

std::string Timetable::local_text(Timestamp moment) const {
  const auto second = std::chrono::floor<std::chrono::seconds>(moment);
  const auto offset = rule_.zone().offset_at(second);
  const std::string text = to_rfc3339(Timestamp{second + offset});
  const long minutes = std::abs(offset.count()) / 60;
  char zone[16];
  std::snprintf(zone, sizeof zone, "%c%02ld:%02ld", offset.count() < 0 ? '-' : '+', minutes / 60, minutes % 60);
  return text.substr(0, text.find('.')) + zone;
}

}  // namespace orchestrator::schedule
