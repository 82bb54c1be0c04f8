#include "orchestrator/runtime/parked_jobs.hpp"

#include <algorithm>

namespace orchestrator::runtime {

ParkedJobs::ParkedJobs(std::size_t limit, Refill refill) : limit_(limit), refill_(std::move(refill)) {}

ParkedJobs::Lane& ParkedJobs::lane_of(const JobLane& name) {
  if (const auto known = lanes_.find(name); known != lanes_.end()) return *known->second;
  if (lanes_.size() >= sweep_at_) sweep();
  auto lane = std::make_unique<Lane>();
  lane->limit = name.limit_key.empty() ? limit_ : std::min(limit_, kMaxReadyPerKey);
  lane->count = std::make_shared<LaneCount>(lane->limit / 2, [refill = refill_, name] { refill(name); });
  return *lanes_.emplace(name, std::move(lane)).first->second;
}

void ParkedJobs::sweep() {
  std::erase_if(lanes_, [](const auto& entry) {
    const Lane& lane = *entry.second;
    return lane.parked == 0 && lane.coming == 0 && lane.count->ready() == 0;
  });
  sweep_at_ = std::max<std::size_t>(64, 2 * lanes_.size());
}

bool ParkedJobs::must_park(const JobLane& name, std::size_t held) const {
  const auto found = lanes_.find(name);
  if (found == lanes_.end()) return limit_ == 0;
  const Lane& lane = *found->second;
  const bool is_crowded = held >= kCrowdedLanes * limit_;
  return lane.parked > 0 || lane.coming > 0 || lane.count->ready() >= (is_crowded ? lane.limit : limit_);
}

std::shared_ptr<LaneCount> ParkedJobs::count_of(const JobLane& name) { return lane_of(name).count; }

void ParkedJobs::park(const JobLane& name, const ParkedJob& job) {
  Lane& lane = lane_of(name);
  if (!lane_of_.try_emplace(job.run_id, &lane).second) return;
  lane.waiting.push_back(job);
  ++lane.parked;
  if (lane.coming == 0 && !lane.count->arm()) refill_(name);
}

bool ParkedJobs::forget(RunId run_id) {
  const auto found = lane_of_.find(run_id);
  if (found == lane_of_.end()) return false;
  Lane& lane = *found->second;
  --lane.parked;
  if (lane.parked == 0) lane.waiting.clear();
  lane_of_.erase(found);
  return true;
}

std::vector<ParkedJob> ParkedJobs::take(const JobLane& name) {
  std::vector<ParkedJob> taken;
  const auto found = lanes_.find(name);
  if (found == lanes_.end()) return taken;
  Lane& lane = *found->second;
  const std::size_t held = lane.count->ready() + lane.coming;
  while (held + taken.size() < std::max<std::size_t>(lane.limit, 1) && lane.parked > 0) {
    const ParkedJob job = lane.waiting.front();
    lane.waiting.pop_front();
    if (!forget(job.run_id)) continue;
    taken.push_back(job);
  }
  lane.coming += taken.size();
  return taken;
}

void ParkedJobs::came(const JobLane& name) {
  const auto found = lanes_.find(name);
  if (found == lanes_.end()) return;
  Lane& lane = *found->second;
  if (lane.coming > 0) --lane.coming;
  if (lane.coming == 0 && lane.parked > 0 && !lane.count->arm()) refill_(name);
}

void ParkedJobs::put_back(const JobLane& name, const ParkedJob& job) {
  Lane& lane = lane_of(name);
  if (lane.coming > 0) --lane.coming;
  if (!lane_of_.try_emplace(job.run_id, &lane).second) return;
  lane.waiting.push_front(job);
  ++lane.parked;
}

std::map<QueueName, std::int64_t> ParkedJobs::by_queue() const {
  std::map<QueueName, std::int64_t> counts;
  for (const auto& [name, lane] : lanes_) {
    if (lane->parked > 0) counts[name.queue] += static_cast<std::int64_t>(lane->parked);
  }
  return counts;
}

void ParkedJobs::clear() {
  for (const auto& [name, lane] : lanes_) lane->count->disarm();
  lane_of_.clear();
  lanes_.clear();
}

}  // namespace orchestrator::runtime
