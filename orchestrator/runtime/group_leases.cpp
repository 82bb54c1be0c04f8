// Leases of remote workers: from the claim to the outcome, or to the moment at which the worker is given up. The token
// that a worker shows counts only while its lease is here, and whatever it is answered is committed before.
#include <algorithm>
#include <utility>

#include "orchestrator/base/json.hpp"
#include "orchestrator/runtime/shard_group.hpp"

namespace orchestrator::runtime {
namespace {

/// When the end of a lease that could not be written is tried again.
constexpr Duration kLookAgainAfter = std::chrono::milliseconds{200};

core::TaskRef task_of(const store::TaskLeaseRow& row) { return {row.step, row.attempt, row.inquiry}; }

}  // namespace

const std::string& ShardGroup::worker_of(const TaskHold& hold) const {
  return hold.lease != nullptr ? hold.lease->worker : parts_.worker_name;
}

// ---- the claim ---------------------------------------------------------------------------------------------------

void ShardGroup::begin_claimed(std::vector<std::shared_ptr<Task>> tasks, ClaimTerms terms,
                               Reply<std::vector<ClaimedTask>> reply) {
  parts_.executor.post([this, tasks = std::move(tasks), terms = std::move(terms), reply = std::move(reply)] {
    std::vector<ClaimedTask> claimed;
    claimed.reserve(tasks.size());
    for (const auto& task : tasks) {
      const HoldKey key{task->context.run_id, task->command.task};
      const auto& hold = task->hold;
      Shard* shard = find_shard(shard_of(key.run_id));
      const auto held = shard == nullptr ? decltype(shard->holds.end()){} : shard->holds.find(key);
      if (shard == nullptr || held == shard->holds.end() || held->second != hold) {
        parts_.workers.end_remote(*hold);  // over since it was claimed, or another owner's
        continue;
      }
      if (shard->leaving) {
        release_hold(key);  // the next owner works it out from the journals
        continue;
      }
      if (shard->phase != Shard::Phase::active || !parts_.headquarters.is_confirmed()) {
        parts_.workers.put_back_remote(*hold, false);  // claims are roused when that is over
        continue;
      }
      const auto found = shard->runs.find(key.run_id);
      if (found == shard->runs.end() || !found->second->run.is_open(key.task) || found->second->run.is_paused()) {
        release_hold(key);
        continue;
      }
      const Duration now = parts_.clock.steady_now();
      hold->lease = std::make_unique<TaskLease>();
      hold->lease->worker = terms.worker_id;
      hold->lease->hand_out = random();
      hold->lease->length = terms.lease;
      hold->lease->ends_at = now + terms.lease;
      hold->started_us = now.count();
      hold->heartbeat_us = now.count();
      watch_lease(key, *hold->lease);
      claimed.push_back(begun(*found->second, *task));
    }
    if (!claimed.empty()) parts_.metrics.tasks_claimed.add(static_cast<double>(claimed.size()));
    reply(std::move(claimed));
  });
}

ClaimedTask ShardGroup::begun(RunEntry& entry, const Task& task) {
  const auto& header = entry.run.header();
  const auto& command = task.command;
  const TaskLease& lease = *task.hold->lease;
  ClaimedTask claimed;
  claimed.token = sealed_token({header.id, command.task, lease.hand_out}, token_secret_);
  claimed.namespace_name = header.namespace_name;
  claimed.run_id = header.id;
  claimed.workflow = header.workflow;
  claimed.state_name = command.state_name;
  claimed.handler = command.handler;
  claimed.queue = command.queue;
  claimed.attempt = command.task.attempt;
  claimed.input = command.input;
  claimed.idempotency_key = command.idempotency_key;
  claimed.lease_expires_at = clock_.now() + lease.length;
  if (command.timeout_seconds) claimed.deadline = clock_.now() + std::chrono::seconds{*command.timeout_seconds};
  claimed.traceparent = header.traceparent;
  const Shard& shard = *find_shard(shard_of(header.id));
  if (const auto step = shard.remote_steps.find({header.id, command.task.step}); step != shard.remote_steps.end())
    claimed.heartbeat_details = step->second.heartbeat_details;
  return claimed;
}

// ---- what the worker says ----------------------------------------------------------------------------------------

void ShardGroup::report_task(TaskReport report, Reply<TaskAnswer> reply) {
  parts_.executor.post([this, report = std::move(report), reply = std::move(reply)] {
    const ShardId id = shard_of(report.token.run_id);
    if (is_crowded(id)) {
      reply(crowded());
      return;
    }
    if (!when_active(id, [this, report, reply] { report_active(report, reply); }))
      reply(fail(ErrorCode::unavailable, "no owner for this task right now; try again"));
  });
}

void ShardGroup::report_active(const TaskReport& report, const Reply<TaskAnswer>& reply) {
  const HoldKey key{report.token.run_id, report.token.task};
  const Shard* shard = find_shard(shard_of(key.run_id));
  // A node that may have lost the shard does not know who holds what.
  if (shard == nullptr || shard->leaving || !parts_.headquarters.is_confirmed()) {
    reply(fail(ErrorCode::unavailable, "the owner of this task is changing; try again"));
    return;
  }
  const auto found = shard->holds.find(key);
  const bool is_held = found != shard->holds.end() && found->second->lease != nullptr &&
                       found->second->lease->hand_out == report.token.hand_out;
  if (!is_held) {
    reply(stale_lease());
    return;
  }
  with_run(key.run_id, [this, report, reply, key, hold = found->second](Result<RunEntry*> entry) {
    const Shard* owner = find_shard(shard_of(key.run_id));
    const auto still = owner == nullptr ? decltype(owner->holds.end()){} : owner->holds.find(key);
    const bool is_still_held = owner != nullptr && still != owner->holds.end() && still->second == hold;
    if (!entry) {
      reply(entry.error());
    } else if (!is_still_held || *entry == nullptr || hold->lease == nullptr) {
      reply(stale_lease());
    } else {
      report_held(**entry, report, hold, reply);
    }
  });
}

void ShardGroup::report_held(RunEntry& entry, const TaskReport& report, const std::shared_ptr<TaskHold>& hold,
                             const Reply<TaskAnswer>& reply) {
  const TaskLease& lease = *hold->lease;
  const bool is_over = lease.is_lost || (!hold->outcome && parts_.clock.steady_now() >= lease.ends_at);
  if (is_over || lease.hand_out != report.token.hand_out ||
      entry.run.header().namespace_name != report.namespace_name) {
    reply(stale_lease());
    return;
  }
  if (hold->outcome) {
    // Said before, and on its way to the database.
    const bool may_repeat = report.repeated || report.outcome.kind == Outcome::Kind::completed;
    if (report.kind == TaskReport::Kind::outcome && may_repeat && is_same_outcome(*hold->outcome, report.outcome)) {
      hold->lease->reporters.push_back(reply);
    } else {
      reply(stale_lease());
    }
    return;
  }
  if (!entry.run.is_open(report.token.task)) {
    reply(stale_lease());
    return;
  }
  switch (report.kind) {
    case TaskReport::Kind::outcome: report_outcome(entry, report, hold, reply); break;
    case TaskReport::Kind::heartbeat: renew_lease(entry, report, *hold, reply); break;
    case TaskReport::Kind::unclaimed:
      give_back_unclaimed({report.token.run_id, report.token.task}, *hold);
      reply(TaskAnswer{.run_id = report.token.run_id, .state = entry.run.state()});
      break;
  }
}

void ShardGroup::report_outcome(RunEntry& entry, const TaskReport& report, const std::shared_ptr<TaskHold>& hold,
                                const Reply<TaskAnswer>& reply) {
  hold->outcome = report.outcome;
  hold->lease->reporters.push_back(reply);
  decide_outcome(entry, report.token.task, hold);
}

void ShardGroup::renew_lease(RunEntry& entry, const TaskReport& report, TaskHold& hold,
                             const Reply<TaskAnswer>& reply) {
  const HoldKey key{report.token.run_id, report.token.task};
  const ShardId shard_id = shard_of(key.run_id);
  const Duration now = parts_.clock.steady_now();
  lease_ends_.erase({hold.lease->ends_at, key});
  hold.lease->ends_at = now + hold.lease->length;
  hold.heartbeat_us = now.count();
  watch_lease(key, *hold.lease);
  if (report.details)
    find_shard(shard_id)->remote_steps[{key.run_id, key.task.step}].heartbeat_details = report.details;
  if (const Status written = write_lease(entry, key, hold); !written) {
    reply(stale_lease());
    return;
  }
  TaskAnswer answer{.run_id = key.run_id, .state = entry.run.state()};
  answer.cancel_requested = hold.cancel_requested || entry.run.is_cancelling();
  answer.lease_expires_at = clock_.now() + hold.lease->length;
  pending_.after.push_back({shard_id, [reply, answer](const Status& status) {
                              if (status) {
                                reply(answer);
                              } else {
                                reply(status.error());
                              }
                            }});
}

/// As if nobody had claimed it, when nothing says otherwise yet; else it is given back like any other.
void ShardGroup::give_back_unclaimed(const HoldKey& key, TaskHold& hold) {
  const Shard& shard = *find_shard(shard_of(key.run_id));
  lease_ends_.erase({hold.lease->ends_at, key});
  if (shard.remote_steps.contains({key.run_id, key.task.step})) {
    hold.outcome = Outcome::snoozed({});
    finish_task(key.run_id, key.task, *hold.outcome);
    return;
  }
  hold.lease.reset();
  hold.started_us = 0;
  parts_.workers.put_back_remote(hold, true);
}

void ShardGroup::answer_reporters(TaskHold& hold, const Result<TaskAnswer>& answer) {
  if (hold.lease == nullptr) return;
  for (const auto& reply : std::exchange(hold.lease->reporters, {})) reply(answer);
}

// ---- its end -----------------------------------------------------------------------------------------------------

void ShardGroup::watch_lease(const HoldKey& key, const TaskLease& lease) {
  lease_ends_.emplace(lease.ends_at, key);
  arm_leases();
}

void ShardGroup::arm_leases() {
  if (lease_ends_.empty()) return;
  const Duration next = lease_ends_.begin()->first;
  if (leases_armed_for_ && *leases_armed_for_ <= next) return;
  leases_armed_for_ = next;
  const std::uint64_t number = ++leases_arm_number_;
  parts_.executor.post_after(std::max(Duration{0}, next - parts_.clock.steady_now()), [this, number] {
    if (number != leases_arm_number_) return;
    leases_armed_for_.reset();
    end_due_leases();
  });
}

void ShardGroup::end_due_leases() {
  const Duration now = parts_.clock.steady_now();
  while (!lease_ends_.empty() && lease_ends_.begin()->first <= now) {
    const HoldKey key = lease_ends_.begin()->second;
    lease_ends_.erase(lease_ends_.begin());
    const Shard* shard = find_shard(shard_of(key.run_id));
    if (shard == nullptr) continue;
    const auto held = shard->holds.find(key);
    if (held == shard->holds.end() || held->second->lease == nullptr) continue;
    TaskLease& lease = *held->second->lease;
    // An outcome that is being written came in time.
    if (lease.ends_at > now || lease.is_lost || held->second->outcome) continue;
    lease.is_lost = true;
    lose_lease(key, held->second);
  }
  arm_leases();
}

void ShardGroup::lose_lease(const HoldKey& key, const std::shared_ptr<TaskHold>& hold) {
  with_run(key.run_id, [this, key, hold](Result<RunEntry*> entry) {
    Shard* shard = find_shard(shard_of(key.run_id));
    const auto held = shard == nullptr ? decltype(shard->holds.end()){} : shard->holds.find(key);
    if (shard == nullptr || held == shard->holds.end() || held->second != hold) return;
    const auto again = [this, key, hold] {
      hold->lease->is_lost = false;
      lease_ends_.emplace(parts_.clock.steady_now() + kLookAgainAfter, key);
      arm_leases();
    };
    if (!entry) {
      again();
      return;
    }
    const std::string worker = hold->lease->worker;
    if (*entry == nullptr) {
      release_hold(key);
      return;
    }
    if (!decide(**entry, core::TaskLost{key.task}, pending_)) {
      release_once_committed(**entry, key);
      return;
    }
    parts_.metrics.steps_lost.add();
    parts_.metrics.leases_lost.add();
    parts_.logger.warn(
        "lease_lost",
        {{"run_id", key.run_id.str()}, {"step", key.task.step}, {"attempt", key.task.attempt}, {"worker_id", worker}});
    pending_.after.push_back({shard_of(key.run_id), [this, key, again](const Status& status) {
                                if (status) {
                                  release_hold(key);
                                } else {
                                  again();
                                }
                              }});
  });
}

// ---- the rows ----------------------------------------------------------------------------------------------------

/// Writes down that this worker has the task, so that the next owner knows: its start first, then the lease.
Status ShardGroup::write_lease(RunEntry& entry, const HoldKey& key, TaskHold& hold) {
  if (!entry.run.is_start_recorded(key.task)) {
    const Status started = decide(entry, core::TaskStarted{key.task, hold.lease->worker}, pending_);
    if (!started) return started;
  }
  Shard& shard = *find_shard(shard_of(key.run_id));
  RemoteStep& step = shard.remote_steps[{key.run_id, key.task.step}];
  step.leased = key.task;
  store::TaskLeaseRow row;
  row.shard = shard.lease.shard;
  row.run_id = key.run_id;
  row.step = key.task.step;
  row.attempt = key.task.attempt;
  row.inquiry = key.task.inquiry;
  row.worker = hold.lease->worker;
  row.hand_out = hold.lease->hand_out;
  row.length = hold.lease->length;
  row.begun_at = started_at(hold).value_or(clock_.now());
  row.expires_at = clock_.now() + (hold.lease->ends_at - parts_.clock.steady_now());
  row.heartbeat_details = step.heartbeat_details;
  put_task_lease(std::move(row), pending_);
  flush_soon();
  return {};
}

/// Every lease of a shard that goes to another owner.
void ShardGroup::write_leases(const Shard& shard) {
  if (shard.phase != Shard::Phase::active) return;
  // Keys first: writing one may change the holds.
  std::vector<HoldKey> keys;
  for (const auto& [key, hold] : shard.holds) {
    if (hold->lease != nullptr && !hold->lease->is_lost && !hold->outcome) keys.push_back(key);
  }
  for (const HoldKey& key : keys) {
    with_run(key.run_id, [this, key](Result<RunEntry*> entry) {
      Shard* owner = find_shard(shard_of(key.run_id));
      const auto held = owner == nullptr ? decltype(owner->holds.end()){} : owner->holds.find(key);
      if (!entry || *entry == nullptr || owner == nullptr || held == owner->holds.end()) return;
      if (held->second->lease == nullptr || !(*entry)->run.is_open(key.task)) return;
      const Status written = write_lease(**entry, key, *held->second);
      if (!written)
        parts_.logger.debug("lease_not_written", {{"run_id", key.run_id.str()}, {"reason", written.error().message}});
    });
  }
}

/// After a decision: the row of a step keeps no lease that has ended, and goes with its step.
void ShardGroup::settle_remote_steps(RunEntry& entry, Pending& out) {
  const RunId run_id = entry.run.header().id;
  Shard* shard = find_shard(shard_of(run_id));
  if (shard == nullptr || shard->remote_steps.empty()) return;
  auto step = shard->remote_steps.lower_bound({run_id, 0});
  while (step != shard->remote_steps.end() && step->first.first == run_id) {
    auto& [key, remote] = *step;
    const bool goes_on = entry.run.may_go_on(key.second);
    const bool lease_ended = remote.leased && !entry.run.is_open(*remote.leased);
    if (goes_on && !lease_ended) {
      ++step;
      continue;
    }
    store::TaskLeaseRow row;
    row.shard = shard->lease.shard;
    row.run_id = run_id;
    row.step = key.second;
    row.is_over = !goes_on || !remote.heartbeat_details;
    if (row.is_over) {
      step = shard->remote_steps.erase(step);
    } else {
      row.attempt = remote.leased->attempt;
      row.length = Duration{1};
      row.heartbeat_details = remote.heartbeat_details;
      remote.leased.reset();
      ++step;
    }
    put_task_lease(std::move(row), out);
  }
}

void ShardGroup::put_task_lease(store::TaskLeaseRow row, Pending& out) {
  touch(row.shard, out);
  out.batch.task_leases.push_back(std::move(row));
}

// ---- after a take-over -------------------------------------------------------------------------------------------

/// Before what is owed is handed out: the workers that the table names are still at it, as far as anybody knows.
void ShardGroup::adopt_leases(Shard& shard, std::vector<store::TaskLeaseRow> rows) {
  const Duration steady = parts_.clock.steady_now();
  for (auto& row : rows) {
    const core::TaskRef task = task_of(row);
    RemoteStep& step = shard.remote_steps[{row.run_id, row.step}];
    step.heartbeat_details = std::move(row.heartbeat_details);
    if (row.worker.empty()) continue;
    step.leased = task;
    const HoldKey key{row.run_id, task};
    const auto found = shard.runs.find(row.run_id);
    if (shard.holds.contains(key) || found == shard.runs.end() || !found->second->run.is_open(task)) continue;
    auto hold = std::make_shared<TaskHold>();
    hold->lease = std::make_unique<TaskLease>();
    hold->lease->worker = std::move(row.worker);
    hold->lease->hand_out = row.hand_out;
    hold->lease->length = row.length;
    hold->lease->ends_at = steady + (row.expires_at - clock_.now());
    hold->lease->is_adopted = true;
    hold->is_remote = true;
    // Never 0, which would say that nobody has begun it.
    hold->started_us = std::max<std::int64_t>(1, (steady - (clock_.now() - row.begun_at)).count());
    hold->heartbeat_us = std::max<std::int64_t>(1, (hold->lease->ends_at - row.length).count());
    watch_lease(key, *hold->lease);
    shard.holds.emplace(key, std::move(hold));
  }
}

/// Outcomes that turned out to be written already, or to be of no use: whoever reported them asks again and is told.
void ShardGroup::drop_settled_holds(Shard& shard) {
  std::vector<HoldKey> settled;
  for (const auto& [key, hold] : shard.holds) {
    if (hold->lease == nullptr || !hold->outcome) continue;
    const auto run = shard.runs.find(key.run_id);
    if (run == shard.runs.end() || (run->second->uncommitted == 0 && !run->second->run.is_open(key.task)))
      settled.push_back(key);
  }
  for (const HoldKey& key : settled) {
    answer_reporters(*shard.holds.at(key), Error(ErrorCode::unavailable, "the commit was in doubt; try again"));
    release_hold(key);
  }
}

}  // namespace orchestrator::runtime
