// Timers: near ones in memory, the rest in the table. Never early; a timer that fires twice finds nothing due.
#include <algorithm>
#include <utility>

#include "orchestrator/base/json.hpp"
#include "orchestrator/runtime/shard_group.hpp"

namespace orchestrator::runtime {
namespace {

/// Timers due within this are kept in memory. Source: design, "timer horizon (~1 min)".
constexpr Duration kHorizon = std::chrono::seconds{60};
constexpr std::int32_t kMaxDueRead = 10'000;
/// Between two looks for timers while few fall due; the horizon covers three of them.
constexpr Duration kLookForTimersEvery = std::chrono::seconds{20};
/// Between two looks however many fall due, and the least that one asks ahead: below that the work itself is behind.
constexpr Duration kLookForTimersAfter = std::chrono::milliseconds{200};
constexpr Duration kLeastDueSpan = std::chrono::seconds{2};
/// Runs that one sweep asks why they do not begin: a hundred thousand may wait for one limit.
constexpr int kMaxExplanations = 1'000;
/// When a run whose timer is due is looked for again after it could not be read.
constexpr Duration kLookAgainAfter = std::chrono::milliseconds{200};
/// How long ids of handled messages are remembered, against a reader that still holds an older picture.
constexpr Duration kRememberMessages = std::chrono::seconds{60};
/// How long a request with an Idempotency-Key keeps others with that key away. The node that took it may have died
/// since, or the answer that opened the gate was lost, and nobody closes it; a repeat finishes the work under the same
/// id, which is right also while the first is still at it. Source: the longest wait for an owner at the default lease.
constexpr Duration kMaxGateTime = std::chrono::seconds{15};

/// Whether nothing could ever move this run: it waits, no timer will wake it, and it names nothing that it waits for.
bool is_stuck(const RunEntry& entry) {
  return entry.uncommitted == 0 && entry.run.state() == RunState::waiting && !entry.run.next_timer() &&
         entry.run.waiting_on().empty();
}

}  // namespace

void ShardGroup::set_timer(RunId run_id, Timestamp at) {
  if (at > clock_.now() + kHorizon) return;  // load_due_timers finds it in time
  timers_.emplace(at, run_id);
  arm();
}

void ShardGroup::arm() {
  if (timers_.empty()) return;
  const Timestamp next = timers_.top().first;
  if (armed_for_ && *armed_for_ <= next) return;
  armed_for_ = next;
  const std::uint64_t number = ++arm_number_;
  const Duration delay = std::max(Duration{0}, next - clock_.now());
  parts_.executor.post_after(delay, [this, number] {
    if (number != arm_number_) return;
    armed_for_.reset();
    fire_due();
  });
}

void ShardGroup::fire_due() {
  const Timestamp now = clock_.now();
  std::vector<DueAt> due;
  while (!timers_.empty() && timers_.top().first <= now) {
    // One decision handles everything due in a run: the same run twice in a row needs one visit.
    if (due.empty() || due.back().second != timers_.top().second) due.push_back(timers_.top());
    timers_.pop();
  }
  arm();
  for (const auto& [at, run_id] : due) {
    const Shard* shard = find_shard(shard_of(run_id));
    if (shard == nullptr || shard->leaving) continue;  // its next owner loads it
    parts_.metrics.timer_lag_seconds.observe(std::chrono::duration<double>(now - at).count());
    with_run(run_id, [this, run_id](Result<RunEntry*> entry) {
      if (!entry && error_traits(entry.error().code).retryable) {
        // The run could not be read just now. Its timer is due all the same.
        timers_.emplace(clock_.now() + kLookAgainAfter, run_id);
        arm();
        return;
      }
      if (!entry || *entry == nullptr || is_closed((*entry)->run.state())) return;
      const auto next = (*entry)->run.next_timer();
      if (!next) return;
      if (*next > clock_.now()) {
        set_timer(run_id, *next);
        return;
      }
      const Status fired = decide(**entry, core::TimersDue{}, pending_);
      if (!fired) parts_.logger.warn("timer_refused", {{"run_id", run_id.str()}, {"reason", fired.error().message}});
    });
  }
}

void ShardGroup::load_due_timers() {
  parts_.executor.post([this] {
    if (due_looking_ || parts_.clock.steady_now() < due_look_at_) return;
    std::vector<ShardId> shards;
    for (const auto& [id, shard] : shards_) {
      if (shard->phase == Shard::Phase::active) shards.push_back(id);
    }
    if (shards.empty()) return;
    due_looking_ = true;
    parts_.store.due_runs(shards, clock_.now() + due_span_, kMaxDueRead,
                          [this](Result<std::vector<store::DueRun>> due) {
                            parts_.executor.post([this, due = std::move(due)] {
                              due_looking_ = false;
                              // The next tick asks again; near timers are in memory already.
                              if (due) take_due_timers(*due);
                            });
                          });
  });
}

/// A full page ends before the span that was asked for: the next look comes when half of what it covers has passed, and
/// asks for little more than a page. Some rows come twice, which costs nothing: both are visited in one go.
void ShardGroup::take_due_timers(const std::vector<store::DueRun>& due) {
  for (const auto& run : due) timers_.emplace(run.wake_at, run.run_id);
  arm();
  Duration pause = kLookForTimersEvery;
  if (due.size() < static_cast<std::size_t>(kMaxDueRead)) {
    pause = std::min(pause, due_span_ / 3);
    due_span_ = std::min(kHorizon, due_span_ * 2);
  } else {
    const Duration covered = due.back().wake_at - clock_.now();
    pause = std::clamp(covered / 2, kLookForTimersAfter, kLookForTimersEvery);
    due_span_ = std::clamp(covered * 2, kLeastDueSpan, kHorizon);
  }
  due_look_at_ = parts_.clock.steady_now() + pause;
  // Every second somebody asks anyway.
  if (pause < std::chrono::seconds{1}) parts_.executor.post_after(pause, [this] { load_due_timers(); });
}

/// Once a second: rows that lag behind their run, tasks long in hand, and what a renewed lease lets go.
void ShardGroup::sweep() {
  parts_.executor.post([this] {
    const Timestamp now = clock_.now();
    const Duration steady = parts_.clock.steady_now();
    GroupGauges counted;
    int explanations = kMaxExplanations;
    report_at_once();
    flush_soon();                             // somebody's turn may have lasted too long
    if (!suspects_.empty()) pump_suspects();  // a queue may have been resumed
    for (auto& [id, shard] : shards_) {
      if (shard->phase != Shard::Phase::active) continue;
      std::erase_if(shard->seen_messages,
                    [&](const auto& seen) { return steady - seen.second.since > kRememberMessages; });
      std::erase_if(shard->gates, [&](const auto& gate) { return steady - gate.second.since > kMaxGateTime; });
      std::erase_if(shard->refused, [&](const auto& known) {
        return known.second.phase == Refusal::Phase::doubted && steady - known.second.since > kRememberMessages;
      });
      counted.jobs_parked += static_cast<std::int64_t>(shard->parked.size());
      for (auto& [run_id, entry] : shard->runs) {
        if (entry->committing || is_closed(entry->run.state())) continue;
        record_long_tasks(*entry);
        mark_in_hand(*entry);
        ++counted.runs_by_state[static_cast<std::size_t>(entry->run.state())];
        if (is_stuck(*entry)) ++counted.runs_stuck;
        if (entry->run.state() == entry->row.state) {
          entry->stale_since.reset();
          if (entry->run.state() == RunState::ready) explain_late(*entry, explanations);
          continue;
        }
        if (!entry->stale_since) entry->stale_since = now;
        if (now - *entry->stale_since < kStaleRow) continue;
        write_late(*entry);
      }
    }
    counted.runs_by_state[static_cast<std::size_t>(RunState::ready)] += counted.jobs_parked;
    {
      const telemetry::MutexLock lock(gauges_mutex_);
      gauges_ = counted;
    }
    count_parked();
    arm_schedules();
    if (!held_back_.empty() && parts_.headquarters.is_confirmed()) {
      for (auto& task : std::exchange(held_back_, {})) hand_out(task.run_id, std::move(task.command));
    }
  });
}

GroupGauges ShardGroup::gauges() const {
  const telemetry::MutexLock lock(gauges_mutex_);
  return gauges_;
}

void ShardGroup::write_late(RunEntry& entry) {
  const RunId run_id = entry.run.header().id;
  store::RunProgress progress = progress_of(entry, entry.row.at_rest);
  if (auto obstacle = obstacle_text(entry)) progress.waiting_on = *std::move(obstacle);
  entry.row = progress;
  entry.stale_since.reset();
  touch(shard_of(run_id), pending_);
  ++entry.uncommitted;
  pending_.touched.push_back(run_id);
  if (const auto opened = pending_.opened_at.find(run_id); opened != pending_.opened_at.end()) {
    pending_.batch.opened[opened->second].progress = std::move(progress);
  } else if (const auto updated = pending_.updated_at.find(run_id); updated != pending_.updated_at.end()) {
    pending_.batch.updated[updated->second].progress = std::move(progress);
  } else {
    pending_.updated_at[run_id] = pending_.batch.updated.size();
    pending_.batch.updated.push_back({shard_of(run_id), run_id, std::move(progress)});
  }
  flush_soon();
}

}  // namespace orchestrator::runtime
