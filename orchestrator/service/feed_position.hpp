#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "orchestrator/base/result.hpp"

namespace orchestrator::service {

/// How far somebody has come in the feed: everything before the place `after`, and of what lies between it and `until`
/// what comes before (batch, entry, event). As text: `AFTER`, or `AFTER;UNTIL;BATCH.ENTRY.EVENT`.
struct FeedPosition {
  std::string after;
  std::string until;  ///< empty: nothing beyond `after`
  std::uint64_t batch = 0;
  std::uint64_t entry = 0;
  std::uint64_t event = 0;  ///< of that entry, so many are behind

  [[nodiscard]] std::string text() const;
  /// invalid_argument ("invalid-parameter") for what text() cannot have made.
  static Result<FeedPosition> parse(std::string_view text);
  bool operator==(const FeedPosition&) const = default;
};

/// Longest text that can be a position: two snapshots of a busy database.
inline constexpr std::size_t kMaxPositionBytes = 16 * 1024;

}  // namespace orchestrator::service
