#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "orchestrator/base/ids.hpp"
#include "orchestrator/runtime/queue_rules.hpp"

namespace orchestrator::runtime {

/// Ready jobs of a shard that are in memory before any is parked, and then of each lane. A job in memory costs some
/// 5 kB, a parked one 100 bytes.
inline constexpr std::size_t kMaxReadyPerLane = 500;
/// The same of a lane with a key, whose limit lets few begin at once: in a crowded shard, where such lanes may be many.
inline constexpr std::size_t kMaxReadyPerKey = 16;
/// A shard is crowded when it has so many times the jobs of a full lane in hand and ready in memory.
inline constexpr std::size_t kCrowdedLanes = 3;

/// Jobs among which only the order of acceptance decides: whoever may begin one of them may begin any.
struct JobLane {
  QueueName queue;
  std::string handler;
  std::int32_t priority = 0;
  std::string limit_key;  ///< the job's concurrency or rate key; empty: none
  auto operator<=>(const JobLane&) const = default;
};

/// A job that is not in memory, and its place among all that became ready on this node.
struct ParkedJob {
  RunId run_id;
  std::uint64_t number = 0;
  bool operator==(const ParkedJob&) const = default;
};

/// How many tasks of a lane are ready in memory. Shared with the worker pool, which counts as they come and begin.
class LaneCount {
 public:
  /// @param refill called on any thread, under the pool's lock, once after arm() when few are left
  LaneCount(std::size_t few, std::function<void()> refill) : few_(few), refill_(std::move(refill)) {}

  void one_more() { ++ready_; }
  void one_less() {
    if (--ready_ <= few_ && armed_.exchange(false)) refill_();
  }
  /// Asks for the call; false when few are left already.
  bool arm() {
    armed_ = true;
    return ready_ > few_ || !armed_.exchange(false);
  }
  void disarm() { armed_ = false; }
  [[nodiscard]] std::size_t ready() const { return ready_; }

 private:
  const std::size_t few_;
  const std::function<void()> refill_;
  std::atomic<std::size_t> ready_{0};
  std::atomic<bool> armed_{false};
};

/// The ready jobs of one shard that are not in memory: their ids, in the order in which they come back. Their rows are
/// in the table; nobody has begun them. Pure, on the shard's strand.
class ParkedJobs {
 public:
  using Refill = std::function<void(const JobLane& lane)>;

  /// @param limit ready jobs per lane in memory, 0: each is parked first; a lane with a key that has to park goes on
  ///     with kMaxReadyPerKey at most
  /// @param refill called on any thread when a lane with parked jobs has few left in memory
  ParkedJobs(std::size_t limit, Refill refill);

  /// Whether the next job of the lane has to wait outside of memory: there is no room, or others wait before it.
  /// @param held tasks of the shard in hand and ready in memory
  [[nodiscard]] bool must_park(const JobLane& lane, std::size_t held) const;
  /// To be counted with each task of the lane that becomes ready in memory.
  std::shared_ptr<LaneCount> count_of(const JobLane& lane);

  /// Last in its lane.
  void park(const JobLane& lane, const ParkedJob& job);
  /// It closed, changed, or went another way. False when it was not parked.
  bool forget(RunId run_id);
  [[nodiscard]] bool contains(RunId run_id) const { return lane_of_.contains(run_id); }

  /// The jobs for which there is room now, the oldest first. They count as coming until came().
  std::vector<ParkedJob> take(const JobLane& lane);
  /// One of those is in memory, or gone.
  void came(const JobLane& lane);
  /// One of those could not be read: first in its lane again.
  void put_back(const JobLane& lane, const ParkedJob& job);

  [[nodiscard]] std::size_t size() const { return lane_of_.size(); }
  [[nodiscard]] std::map<QueueName, std::int64_t> by_queue() const;
  /// Forgets everything; a call of refill may be under way, and no other follows.
  void clear();

 private:
  struct Lane {
    std::shared_ptr<LaneCount> count;
    std::deque<ParkedJob> waiting;  ///< forgotten ones too, until they come first
    std::size_t limit = 0;
    std::size_t parked = 0;  ///< of `waiting`, without forgotten ones
    std::size_t coming = 0;
  };
  Lane& lane_of(const JobLane& name);
  /// Forgets lanes of which nothing is left, when there are many.
  void sweep();

  const std::size_t limit_;
  const Refill refill_;
  std::map<JobLane, std::unique_ptr<Lane>> lanes_;
  std::unordered_map<RunId, Lane*> lane_of_;
  std::size_t sweep_at_ = 64;
};

}  // namespace orchestrator::runtime
