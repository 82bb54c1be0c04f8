#include "orchestrator/store/rows.hpp"

#include <array>

namespace orchestrator::store {
namespace {
constexpr std::array<std::string_view, 6> kFates{"delivered", "buffered",  "consumed",
                                                 "expired",   "unmatched", "rejected"};
constexpr std::array<std::string_view, 3> kDeadLetters{"none", "open", "discarded"};
}  // namespace

std::string_view to_string(SignalFate fate) { return kFates[static_cast<std::size_t>(fate)]; }

std::optional<SignalFate> parse_signal_fate(std::string_view text) {
  for (std::size_t i = 0; i < kFates.size(); ++i) {
    if (kFates[i] == text) return static_cast<SignalFate>(i);
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

}  // namespace orchestrator::store
