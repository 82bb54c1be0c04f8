// Ready jobs beyond what memory should hold: their rows are in the table, their ids in ParkedJobs.
#include <utility>

#include "orchestrator/runtime/shard_group.hpp"

namespace orchestrator::runtime {
namespace {

/// When parked jobs that could not be read are read again.
constexpr Duration kReadAgainAfter = std::chrono::milliseconds{200};

}  // namespace

std::size_t ShardGroup::held_by(const Shard& shard) { return shard.holds.size() + shard.suspected.size(); }

std::optional<JobLane> ShardGroup::lane_of(const Shard& shard, const RunEntry& entry,
                                           const core::ScheduleTask& command) const {
  if (shard.parked.size() == 0 && held_by(shard) < parts_.max_ready_per_lane) return std::nullopt;
  // Only what its row tells completely: nobody has begun it, and no line of an order key needs it.
  const bool is_plain = entry.is_job() && !entry.is_ordered() && entry.job_notes == nullptr;
  if (!is_plain || entry.uncommitted > 0 || entry.committing) return std::nullopt;
  const RunHeader& header = entry.run.header();
  const KeysOf keys = keys_of(header);
  return JobLane{.queue = {header.namespace_name, command.queue},
                 .handler = command.handler,
                 .priority = command.priority,
                 .limit_key = std::string(keys.concurrency_key.empty() ? keys.rate_key : keys.concurrency_key)};
}

void ShardGroup::park(Shard& shard, const JobLane& lane, RunId run_id) {
  shard.parked.park(lane, {run_id, parts_.workers.next_number()});
  forget(shard, run_id);
}

void ShardGroup::bring_back(ShardId id, const JobLane& lane) {
  Shard* shard = find_shard(id);
  // A leaving shard's jobs are its next owner's; a recovering one parks them anew.
  if (shard == nullptr || shard->phase != Shard::Phase::active || shard->leaving) return;
  if (!parts_.headquarters.is_confirmed()) {
    parts_.executor.post_after(kReadAgainAfter, [this, id, lane] { bring_back(id, lane); });
    return;
  }
  const std::vector<ParkedJob> back = shard->parked.take(lane);
  if (shard->parked.size() == 0) count_parked();  // else a queue that is empty would look full until the next sweep
  for (const ParkedJob& job : back) {
    with_run(job.run_id, [this, id, lane, job, generation = shard->generation](Result<RunEntry*> entry) {
      if (is_stale(id, generation)) return;
      ParkedJobs& parked = find_shard(id)->parked;
      if (!entry) {
        parked.put_back(lane, job);
        parts_.executor.post_after(kReadAgainAfter, [this, id, lane] { bring_back(id, lane); });
        return;
      }
      if (*entry != nullptr) hand_out_parked(**entry, job.number);
      parked.came(lane);
    });
  }
}

void ShardGroup::hand_out_parked(RunEntry& entry, std::uint64_t number) {
  // What was decided meanwhile hands it out once it is committed.
  if (entry.uncommitted > 0 || entry.committing || is_closed(entry.run.state())) return;
  const RunId run_id = entry.run.header().id;
  if (const auto timer = entry.run.next_timer()) set_timer(run_id, *timer);
  for (auto& command : parts_.planner.owed(entry.run)) {
    if (auto* schedule = std::get_if<core::ScheduleTask>(&command)) hand_out(run_id, std::move(*schedule), number);
  }
}

void ShardGroup::unpark(RunEntry& entry, Pending& out) {
  const RunId run_id = entry.run.header().id;
  Shard* shard = find_shard(shard_of(run_id));
  if (shard == nullptr || shard->parked.size() == 0 || !shard->parked.forget(run_id)) return;
  if (is_closed(entry.run.state()) || entry.run.is_paused()) return;
  out.after.push_back({shard_of(run_id), [this, run_id](const Status& status) {
                         if (status) hand_out_owed(run_id);
                       }});
}

void ShardGroup::count_parked() {
  std::map<QueueName, std::int64_t> counts;
  for (const auto& [id, shard] : shards_) {
    for (const auto& [queue, count] : shard->parked.by_queue()) counts[queue] += count;
  }
  // Beside what is set aside for suspects: told under an address of its own.
  parts_.workers.set_aside(&shards_, std::move(counts));
}

}  // namespace orchestrator::runtime
