#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <thread>
#include <tuple>
#include <vector>

#include "orchestrator/runtime/executor.hpp"
#include "orchestrator/telemetry/mutex.hpp"

/// What a node needs to live on one thread and one virtual clock.
namespace orchestrator::app {

/// One virtual clock and one queue: everything that a simulated node does happens here, in order.
class VirtualWorld {
 public:
  /// What a piece of work is for. Upkeep (heartbeats, polls) goes on for ever and never is what a run waits for.
  enum class Purpose : std::uint8_t { work, upkeep };

  explicit VirtualWorld(Timestamp start) : start_(start) {}

  [[nodiscard]] Duration now() const { return now_; }
  [[nodiscard]] Timestamp database_now() const { return start_ + now_; }
  [[nodiscard]] Duration at(Timestamp moment) const { return moment - start_; }

  void post_at(Duration at, Purpose purpose, std::function<void()> work) {
    post(at, Rank::at_once, purpose, std::move(work));
  }
  /// For timers: of what is due at one moment they come last. A signal that arrives at the very end of a wait is in
  /// time, as it is for the planner alone.
  void post_timer(Duration at, Purpose purpose, std::function<void()> work) {
    post(at, Rank::timer, purpose, std::move(work));
  }
  /// Runs what is due first, after letting time pass until then; false when there is nothing.
  bool run_next();
  /// When the first work that is not upkeep falls due.
  [[nodiscard]] std::optional<Duration> next_work() const;
  /// Lets time pass at once. What fell due meanwhile runs late, as after a suspended machine woke up.
  void skip_to(Duration at) { now_ = std::max(now_, at); }

 private:
  enum class Rank : std::uint8_t { at_once, timer };
  struct Entry {
    Purpose purpose = Purpose::work;
    std::function<void()> run;
  };

  void post(Duration at, Rank rank, Purpose purpose, std::function<void()> work);

  const Timestamp start_;  // Fixed after construction.
  Duration now_{0};
  std::uint64_t next_number_ = 0;
  std::map<std::tuple<Duration, Rank, std::uint64_t>, Entry> queue_;
};

/// Whether a simulated process still lives. Work of a dead one never runs.
using Life = std::shared_ptr<bool>;

class VirtualExecutor final : public runtime::Executor {
 public:
  /// @param delayed what work is for that was posted with a delay: a node's own is upkeep, a group's are timers
  VirtualExecutor(VirtualWorld& world, Life life, VirtualWorld::Purpose delayed)
      : world_(world), life_(std::move(life)), delayed_(delayed) {}
  void post(std::function<void()> work) override;
  void post_after(Duration delay, std::function<void()> work) override;

 private:
  VirtualWorld& world_;                  // Fixed after construction.
  const Life life_;                      // Fixed after construction.
  const VirtualWorld::Purpose delayed_;  // Fixed after construction.
};

class VirtualClock final : public runtime::Clock {
 public:
  explicit VirtualClock(const VirtualWorld& world) : world_(world) {}
  [[nodiscard]] Duration steady_now() const override { return world_.now(); }

 private:
  const VirtualWorld& world_;
};

/// The same numbers each time.
class SeededRandom final : public runtime::Random {
 public:
  std::uint64_t next() override;

 private:
  std::uint64_t state_ = 1;
};

/// Runs handlers one after the other, each on a thread of its own, because some never answer: hang() parks the calling
/// handler until its process ends, and the world goes on.
class MockHandlerThreads final : public runtime::HandlerThreads {
 public:
  MockHandlerThreads(VirtualWorld& world, Life life) : world_(world), life_(std::move(life)) {}
  ~MockHandlerThreads() override { end(); }
  MockHandlerThreads(const MockHandlerThreads&) = delete;
  MockHandlerThreads& operator=(const MockHandlerThreads&) = delete;

  void run(std::function<void()> work) override;
  /// Called by a handler that is to give no answer.
  void hang();
  /// Lets those that hang return to a process that is dead by now, and joins them.
  void end();

 private:
  void perform(const std::function<void()>& work);

  VirtualWorld& world_;  // Fixed after construction.
  const Life life_;      // Fixed after construction.
  std::vector<std::thread> hanging_;
  telemetry::Mutex mutex_;
  telemetry::Condition changed_;
  bool is_resting_ ORC_GUARDED_BY(mutex_) = false;  ///< the handler that was begun last has returned, or hangs
  bool has_hung_ ORC_GUARDED_BY(mutex_) = false;
  std::size_t hung_count_ ORC_GUARDED_BY(mutex_) = 0;
  std::size_t let_go_ ORC_GUARDED_BY(mutex_) = 0;  ///< of those, how many may return
};

}  // namespace orchestrator::app
