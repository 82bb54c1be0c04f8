#include "orchestrator/store/rows.hpp"

#include <algorithm>
#include <array>

#include "orchestrator/base/timestamp.hpp"

namespace orchestrator::store {
namespace {
constexpr std::array<std::string_view, 6> kFates{"delivered", "buffered",  "consumed",
                                                 "expired",   "unmatched", "rejected"};
constexpr std::array<std::string_view, 3> kLinkKinds{"broadcast", "replay", "retarget"};
constexpr std::array<std::string_view, 3> kDeadLetters{"none", "open", "discarded"};
}  // namespace

std::string_view to_string(SignalFate fate) { return kFates[static_cast<std::size_t>(fate)]; }

std::optional<SignalFate> parse_signal_fate(std::string_view text) {
  for (std::size_t i = 0; i < kFates.size(); ++i) {
    if (kFates[i] == text) return static_cast<SignalFate>(i);
  }
  return std::nullopt;
}

std::string_view to_string(SignalLinkKind kind) { return kLinkKinds[static_cast<std::size_t>(kind)]; }

std::optional<SignalLinkKind> parse_signal_link_kind(std::string_view text) {
  for (std::size_t i = 0; i < kLinkKinds.size(); ++i) {
    if (kLinkKinds[i] == text) return static_cast<SignalLinkKind>(i);
  }
  return std::nullopt;
}

std::string_view to_string(DeadLetter dead_letter) { return kDeadLetters[static_cast<std::size_t>(dead_letter)]; }

std::optional<DeadLetter> parse_dead_letter(std::string_view text) {
  for (std::size_t i = 0; i < kDeadLetters.size(); ++i) {
    if (kDeadLetters[i] == text) return static_cast<DeadLetter>(i);
  }
  return std::nullopt;
}

std::string shown_waiting_on(const RunHeader& header, std::string waiting_on) {
  if (header.kind != RunKind::job || waiting_on != kWaitsForWorker) return waiting_on;
  const Timestamp since = std::max(header.created_at, header.run_at.value_or(header.created_at));
  // Names need no escaping in JSON.
  return R"([{"attempt":1,"handler":")" + header.workflow + R"(","kind":"worker","queue":")" + header.queue +
         R"(","since":")" + to_rfc3339(since) + R"(","state_name":"Job"}])";
}

}  // namespace orchestrator::store
