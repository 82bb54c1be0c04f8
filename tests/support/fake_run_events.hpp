#pragma once

#include <map>

#include "orchestrator/service/run_events.hpp"
#include "orchestrator/telemetry/mutex.hpp"

namespace orchestrator::testing_support {

/// Tells its followers what a test wants them told.
class FakeRunEvents final : public service::RunEvents {
 public:
  Result<std::uint64_t> follow(service::EventInterest interest, Told told) override {
    if (interest.after == "nonsense") {
      return fail(ErrorCode::invalid_argument, "invalid-parameter", "`Last-Event-ID` is not an id of this stream");
    }
    Told now;
    std::uint64_t ticket = 0;
    {
      const telemetry::MutexLock lock(mutex_);
      ticket = ++last_;
      now = told;
      followers_[ticket] = {std::move(interest), std::move(told)};
    }
    now({.is_gap = false, .events = {}, .place = "1"});
    return ticket;
  }
  void leave(std::uint64_t ticket) override {
    const telemetry::MutexLock lock(mutex_);
    followers_.erase(ticket);
  }

  void tell(const service::EventNews& news) {
    for (const auto& [ticket, follower] : followers()) follower.told(news);
  }
  [[nodiscard]] std::size_t follower_count() const { return followers().size(); }
  /// Of the one that came last.
  [[nodiscard]] service::EventInterest last_interest() const { return followers().rbegin()->second.interest; }

 private:
  struct Follower {
    service::EventInterest interest;
    Told told;
  };
  [[nodiscard]] std::map<std::uint64_t, Follower> followers() const {
    const telemetry::MutexLock lock(mutex_);
    return followers_;
  }

  mutable telemetry::Mutex mutex_;
  std::map<std::uint64_t, Follower> followers_ ORC_GUARDED_BY(mutex_);
  std::uint64_t last_ ORC_GUARDED_BY(mutex_) = 0;
};

}  // namespace orchestrator::testing_support
