#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "orchestrator/runtime/executor.hpp"

namespace orchestrator::testing {

/// One thread, one virtual clock, one queue: everything that a node does happens here, in an order that a test decides.
class VirtualWorld {
 public:
  [[nodiscard]] Duration now() const { return now_; }
  [[nodiscard]] Timestamp database_now() const { return kEpoch + now_ + stepped_; }

  /// Somebody sets the database's clock: forward, or back when negative. The steady clocks do not notice.
  void step_database_clock(Duration by) { stepped_ += by; }

  void post_at(Duration at, std::function<void()> work) { queue_.emplace(std::pair{at, next_++}, std::move(work)); }
  void post(std::function<void()> work) { post_at(now_, std::move(work)); }

  /// Runs everything that is due now, and what that posts for now.
  void settle() {
    while (!queue_.empty() && queue_.begin()->first.first <= now_) run_next();
  }

  /// Lets virtual time pass, running what falls due on the way.
  void advance(Duration by) {
    const Duration until = now_ + by;
    while (!queue_.empty() && queue_.begin()->first.first <= until) run_next();
    // Work that waits inside an event may have let more time pass.
    now_ = std::max(now_, until);
  }

  /// Advances in small steps until the condition holds; false when `limit` of virtual time passed first.
  template <typename Condition>
  bool advance_until(Condition condition, Duration limit) {
    const Duration until = now_ + limit;
    settle();
    while (!condition()) {
      if (queue_.empty() || queue_.begin()->first.first > until) return false;
      run_next();
    }
    return true;
  }

  static constexpr Timestamp kEpoch{std::chrono::seconds{1'767'225'600}};  // 2026-01-01T00:00:00Z

 private:
  void run_next() {
    auto next = queue_.begin();
    now_ = std::max(now_, next->first.first);
    auto work = std::move(next->second);
    queue_.erase(next);
    work();
  }

  Duration now_{std::chrono::hours{1}};
  Duration stepped_{0};
  std::uint64_t next_ = 0;
  std::map<std::pair<Duration, std::uint64_t>, std::function<void()>> queue_;
};

class VirtualExecutor final : public runtime::Executor {
 public:
  explicit VirtualExecutor(VirtualWorld& world) : world_(world) {}
  void post(std::function<void()> work) override { world_.post(std::move(work)); }
  void post_after(Duration delay, std::function<void()> work) override {
    world_.post_at(world_.now() + delay, std::move(work));
  }

 private:
  VirtualWorld& world_;
};

class VirtualClock final : public runtime::Clock {
 public:
  explicit VirtualClock(VirtualWorld& world) : world_(world) {}
  [[nodiscard]] Duration steady_now() const override { return world_.now(); }

 private:
  VirtualWorld& world_;
};

class VirtualHandlerThreads final : public runtime::HandlerThreads {
 public:
  explicit VirtualHandlerThreads(VirtualWorld& world) : world_(world) {}
  void run(std::function<void()> work) override { world_.post(std::move(work)); }

 private:
  VirtualWorld& world_;
};

/// The same numbers for the same seed.
class SeededRandom final : public runtime::Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() override {
    state_ += 0x9E3779B97F4A7C15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }

 private:
  std::uint64_t state_;
};

}  // namespace orchestrator::testing
