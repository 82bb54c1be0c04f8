#pragma once

#include <algorithm>
#include <cstdint>

#include "orchestrator/base/timestamp.hpp"
#include "orchestrator/model/queue_limits.hpp"

namespace orchestrator {

/// How fast tokens come back, and how many there are at most, in time: a bucket is full after `window` at the latest.
struct TokenRate {
  Duration interval{1};  ///< between two tokens
  Duration slack{};      ///< how far ahead of its pace a bucket may be: its burst

  static TokenRate of(const RateLimit& limit) {
    const Duration window = std::chrono::seconds{limit.per_seconds};
    TokenRate rate;
    // Rounded up: never faster than asked for. More than a million in a second is out of reach anyway.
    rate.interval = std::max(Duration{1}, (window + Duration{limit.count - 1}) / limit.count);
    rate.slack = std::max(Duration{0}, (limit.count - 1) * rate.interval);
    return rate;
  }
};

/// A token bucket as one moment: when it will be full. A fresh one is full. In any window of the limit it gives at most
/// twice the count away (the burst, and what came back), and over long times exactly the count for each window.
class TokenBucket {
 public:
  TokenBucket() = default;
  explicit TokenBucket(Duration full_at) : full_at_(full_at) {}

  /// When the next token can be taken.
  [[nodiscard]] Duration opens_at(const TokenRate& rate) const { return full_at_ - rate.slack; }
  [[nodiscard]] bool is_open(const TokenRate& rate, Duration now) const { return opens_at(rate) <= now; }
  [[nodiscard]] Duration full_at() const { return full_at_; }
  [[nodiscard]] bool is_full(Duration now) const { return full_at_ <= now; }

  /// Only while it is open.
  void take(const TokenRate& rate, Duration now) { full_at_ = std::max(full_at_, now) + rate.interval; }
  /// How many tokens there are.
  [[nodiscard]] std::int64_t available(const TokenRate& rate, Duration now) const {
    const Duration behind = std::max(Duration{0}, full_at_ - now);
    return std::max<std::int64_t>(0, (rate.slack + rate.interval - behind) / rate.interval);
  }
  /// No more than are available.
  void take(const TokenRate& rate, std::int64_t count, Duration now) {
    if (count > 0) full_at_ = std::max(full_at_, now) + count * rate.interval;
  }
  /// After the rate changed: nobody waits for longer than the new one asks for.
  void fit(const TokenRate& rate, Duration now) { full_at_ = std::min(full_at_, now + rate.slack + rate.interval); }

 private:
  Duration full_at_{};  ///< on the clock of whoever asks
};

}  // namespace orchestrator
