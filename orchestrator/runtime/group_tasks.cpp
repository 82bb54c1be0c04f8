// Tasks: handing them out after their commit, taking outcomes in, and what happens when neither comes.
#include <algorithm>
#include <utility>

#include "orchestrator/base/json.hpp"
#include "orchestrator/runtime/shard_group.hpp"

namespace orchestrator::runtime {
namespace {

/// A task in hand for longer than this is written down as started, so that a new owner knows.
constexpr Duration kLongInHand = std::chrono::seconds{5};
/// When a time-out that could not be written is tried again.
constexpr Duration kLookAgainAfter = std::chrono::milliseconds{200};
/// How soon a group asks again for the turn of a task that goes out alone.
constexpr Duration kAloneAgainAfter = std::chrono::milliseconds{20};
/// Names of handlers that are logged, each once, as not compiled in.
constexpr std::size_t kMaxMissingHandlers = 1'000;

}  // namespace

void ShardGroup::hand_out(RunId run_id, core::ScheduleTask command, std::uint64_t number) {
  Shard* shard = find_shard(shard_of(run_id));
  // A leaving shard's tasks are owed by its next owner, who works them out from the journals.
  if (shard == nullptr || shard->phase != Shard::Phase::active || shard->leaving) return;
  const auto found = shard->runs.find(run_id);
  if (found == shard->runs.end() || !found->second->run.is_open(command.task)) return;
  if (found->second->run.is_paused()) return;     // the resume hands it out
  if (is_behind(*shard, *found->second)) return;  // whoever leaves the line before it hands it out
  if (!parts_.headquarters.is_confirmed()) {
    held_back_.push_back({run_id, std::move(command)});
    return;
  }
  // Resumed after a pause that outlived an unclean take-over.
  if (!shard->suspected.empty() && shard->suspected.contains({run_id, command.task})) command.suspect = true;
  if (command.suspect && !found->second->run.is_start_recorded(command.task)) {
    if (parts_.handlers.find(command.handler) != nullptr) {
      line_up_suspect(*shard, *found->second, std::move(command), number);
      return;
    }
    // Whatever it did to its worker, it takes no node down; its lost leases are counted.
    shard->suspected.erase({run_id, command.task});
  }
  std::shared_ptr<LaneCount> count;
  const auto lane = command.suspect ? std::nullopt : lane_of(*shard, *found->second, command);
  if (lane) {
    if (number == 0 && shard->parked.must_park(*lane, held_by(*shard))) {
      park(*shard, *lane, run_id);
      return;
    }
    count = shard->parked.count_of(*lane);
  }
  submit(*found->second, std::move(command), std::move(count), number);
}

/// A job that may be parked is: after a crash every ready one is a suspect.
void ShardGroup::line_up_suspect(Shard& shard, RunEntry& entry, core::ScheduleTask command, std::uint64_t number) {
  const RunHeader& header = entry.run.header();
  const KeysOf keys = keys_of(header);
  const QueueName queue{header.namespace_name, command.queue};
  const auto rules = parts_.workers.rules_of(queue);
  const bool may_wait =
      !keys.concurrency_key.empty() || !keys.rate_key.empty() || (rules && rules->limits != QueueLimits{});
  SuspectTask suspect{.run_id = header.id, .command = std::move(command), .lane = nullptr};
  if (const auto lane = lane_of(shard, entry, suspect.command)) {
    if (number == 0 && shard.parked.must_park(*lane, held_by(shard))) {
      park(shard, *lane, suspect.run_id);
      return;
    }
    const auto count = shard.parked.count_of(*lane);
    count->one_more();
    suspect.lane = std::shared_ptr<void>(nullptr, [count](void*) { count->one_less(); });
  }
  suspects_.add({queue, may_wait}, std::move(suspect));
  pump_suspects();
}

/// Suspect tasks go out a few at a time, each counted and committed before: work that kills its node is found, and work
/// that only stood in the queue beside it is not blamed. What was in hand at several deaths goes out last, and alone on
/// this node: else what happens to be slow would be set aside together with what kills.
void ShardGroup::pump_suspects() {
  // In a paused queue it could not begin, and would be said to run until an operator resumes it.
  const auto may_begin = [this](const QueueName& queue) {
    const auto rules = parts_.workers.rules_of(queue);
    return !rules || !rules->paused;
  };
  const auto begin_alone = [this] { return parts_.workers.begin_alone(); };
  while (auto next = suspects_.take(may_begin, begin_alone)) {
    const HoldKey key{next->task.run_id, next->task.command.task};
    const core::ScheduleTask command = std::move(next->task.command);
    with_run(key.run_id, [this, key, command](Result<RunEntry*> entry) {
      const bool open = entry && *entry != nullptr && (*entry)->run.is_open(command.task) && !(*entry)->run.is_paused();
      if (!open || !decide(**entry, core::TaskStarted{command.task, parts_.worker_name}, pending_)) {
        put_suspect_down(key);
        return;
      }
      pending_.after.push_back({shard_of(key.run_id), [this, key, command](const Status& status) {
                                  Shard* shard = find_shard(shard_of(key.run_id));
                                  if (status && shard != nullptr) shard->suspected.erase(key);
                                  if (status) hand_out(key.run_id, command);
                                  // Nobody may have got it: over at once, cancelled meanwhile, or without a handler.
                                  const bool is_out = shard != nullptr && shard->holds.contains(key);
                                  const bool is_held_back = status && !parts_.headquarters.is_confirmed();
                                  if (!is_out && !is_held_back) put_suspect_down(key);
                                }});
    });
  }
  if (suspects_.waits_for_alone()) pump_suspects_later();
  parts_.workers.set_aside(this, suspects_.waiting());
}

/// Posted: whoever puts one down may be in the middle of its own work on the runs.
void ShardGroup::put_suspect_down(const HoldKey& key) {
  const auto went_alone = suspects_.put_down(key);
  if (!went_alone) return;
  if (*went_alone) parts_.workers.end_alone();
  parts_.executor.post([this] { pump_suspects(); });
}

void ShardGroup::pump_suspects_later() {
  if (std::exchange(pump_posted_, true)) return;
  parts_.executor.post_after(kAloneAgainAfter, [this] {
    pump_posted_ = false;
    pump_suspects();
  });
}

/// The next owner counts them.
void ShardGroup::forget_suspects(ShardId shard) {
  suspects_.forget_waiting(shard);
  for (const auto& key : suspects_.in_hand(shard)) put_suspect_down(key);
  parts_.workers.set_aside(this, suspects_.waiting());
}

void ShardGroup::submit(RunEntry& entry, core::ScheduleTask command, std::shared_ptr<LaneCount> lane,
                        std::uint64_t number) {
  const auto& header = entry.run.header();
  Shard& shard = *find_shard(shard_of(header.id));
  // None: for remote workers. Until one claims it the step stays ready, visibly: waiting_on says worker.
  const HandlerEntry* handler = parts_.handlers.find(command.handler);
  TaskContext context;
  context.namespace_name = header.namespace_name;
  context.run_id = header.id;
  context.workflow = header.workflow;
  context.state_name = command.state_name;
  context.run_key = header.key;
  context.attempt = command.task.attempt;
  context.idempotency_key = command.idempotency_key;
  context.traceparent = header.traceparent;
  context.now = clock_.now();
  context.log = [logger = &parts_.logger, run = header.id, step = command.state_name, attempt = command.task.attempt](
                    std::string_view event, const Json& fields) {
    logger->write(telemetry::LogLevel::info, event, {{"run_id", run.str()}, {"step", step}, {"attempt", attempt}},
                  fields);
  };

  if (handler != nullptr && performed_at_once(entry, command, *handler, context)) return;

  auto& hold = shard.holds[{header.id, command.task}];
  if (hold != nullptr) return;  // already at work: memory was dropped, the worker was not
  hold = std::make_shared<TaskHold>();

  Task task;
  task.handler = handler;
  task.context = std::move(context);
  task.hold = hold;
  task.lane = std::move(lane);
  task.number = number;
  const KeysOf keys = keys_of(header);
  task.concurrency_key = keys.concurrency_key;
  task.rate_key = keys.rate_key;
  if (handler == nullptr) {
    note_missing_handler(header.id, command);
    watch_deadline(header.id, command, hold);
    task.command = std::move(command);
    parts_.workers.submit(std::move(task));
    return;
  }
  task.worker = parts_.worker_name;
  if (handler->immediate && !command.timeout_seconds && !command.heartbeat_seconds) {
    task.post = [executor = &parts_.executor](std::function<void()> work) { executor->post(std::move(work)); };
  }
  task.is_still_ours = [headquarters = &parts_.headquarters, shard = shard_of(header.id)] {
    return headquarters->owns(shard);
  };
  task.finish = [this, run_id = header.id, ref = command.task](Outcome outcome) {
    parts_.executor.post(
        [this, run_id, ref, outcome = std::move(outcome)]() mutable { finish_task(run_id, ref, std::move(outcome)); });
  };
  task.finish_in_transaction = [this, run_id = header.id, ref = command.task](
                                   Outcome outcome, std::shared_ptr<StepTransaction> transaction,
                                   std::function<void()> release) {
    parts_.executor.post([this, run_id, ref, outcome = std::move(outcome), transaction = std::move(transaction),
                          release = std::move(release)]() mutable {
      finish_in_transaction(run_id, ref, std::move(outcome), std::move(transaction), std::move(release));
    });
  };
  watch_deadline(header.id, command, hold);
  task.command = std::move(command);
  parts_.workers.submit(std::move(task));
}

/// Once for each handler: thousands of its steps may wait for the same worker.
void ShardGroup::note_missing_handler(RunId run_id, const core::ScheduleTask& command) {
  if (missing_handlers_.size() >= kMaxMissingHandlers || !missing_handlers_.insert(command.handler).second) return;
  parts_.logger.info("handler_not_compiled_in",
                     {{"run_id", run_id.str()}, {"step", command.state_name}, {"handler", command.handler}});
}

/// Over before anything else happens on this strand: nobody needs to hold it. If its batch fails it is performed again,
/// which is what `immediate` promises to bear.
void ShardGroup::perform_at_once(RunEntry& entry, const core::ScheduleTask& command, const HandlerEntry& handler,
                                 TaskContext context) {
  const std::atomic<bool> cancel_requested{false};
  context.cancel_requested = &cancel_requested;
  context.heartbeat = [](const Json&) {};
  core::TaskFinished event{command.task, handler.plain(json_of(command.input), context), parts_.worker_name,
                           clock_.now()};
  const Status decided = decide(entry, event, pending_);
  if (decided) parts_.metrics.step(event.outcome.kind).add();
  put_suspect_down({entry.run.header().id, command.task});
}

// ---- outcomes ----------------------------------------------------------------------------------------------------

void ShardGroup::finish_task(RunId run_id, core::TaskRef task, Outcome outcome) {
  Shard* shard = find_shard(shard_of(run_id));
  if (shard == nullptr) return;
  const auto found = shard->holds.find({run_id, task});
  if (found == shard->holds.end()) return;  // timed out, cancelled, or another owner's by now
  const auto hold = found->second;
  hold->outcome = std::move(outcome);
  if (shard->phase != Shard::Phase::active) return;  // resume() feeds it after the recovery
  with_run(run_id, [this, run_id, task, hold](Result<RunEntry*> entry) {
    if (entry && *entry != nullptr) {
      decide_outcome(**entry, task, hold);
    } else if (entry) {
      release_hold({run_id, task});
    }
  });
}

void ShardGroup::decide_outcome(RunEntry& entry, core::TaskRef task, const std::shared_ptr<TaskHold>& hold) {
  const RunId run_id = entry.run.header().id;
  const HoldKey key{run_id, task};
  if (!hold->outcome) return;
  core::TaskFinished event{task, *hold->outcome, worker_of(*hold), started_at(*hold)};
  const auto kind = hold->outcome->kind;
  const Status decided = decide(entry, event, pending_);
  if (!decided) {
    // The first outcome won: a time-out, a cancel, or the same outcome before a reload.
    release_once_committed(entry, key);
    return;
  }
  parts_.metrics.step(kind).add();
  pending_.after.push_back({shard_of(run_id), [this, key, hold, state = entry.run.state()](const Status& status) {
                              if (!status) return;
                              answer_reporters(*hold, TaskAnswer{.run_id = key.run_id, .state = state});
                              release_hold(key);
                            }});
}

/// What was decided about this task instead may be in a batch under way. Until it is committed the task is in hand: a
/// batch that fails takes the decision back.
void ShardGroup::release_once_committed(const RunEntry& entry, const HoldKey& key) {
  if (entry.uncommitted == 0) {
    release_hold(key);
    return;
  }
  pending_.after.push_back({shard_of(key.run_id), [this, key](const Status& status) {
                              if (status) release_hold(key);
                            }});
  flush_soon();
}

void ShardGroup::release_hold(const HoldKey& key) {
  if (Shard* shard = find_shard(shard_of(key.run_id))) {
    if (const auto found = shard->holds.find(key); found != shard->holds.end()) {
      const auto hold = found->second;
      shard->holds.erase(found);
      if (hold->is_remote) parts_.workers.end_remote(*hold);
      answer_reporters(*hold, stale_lease());
    }
  }
  put_suspect_down(key);
}

std::optional<Timestamp> ShardGroup::started_at(const TaskHold& hold) {
  const std::int64_t steady_us = hold.started_us;
  if (steady_us == 0) return std::nullopt;
  return clock_.now() - (parts_.clock.steady_now() - Duration{steady_us});
}

void ShardGroup::mark_in_hand(RunEntry& entry) {
  const RunId run_id = entry.run.header().id;
  Shard* shard = find_shard(shard_of(run_id));
  if (shard == nullptr || is_closed(entry.run.state())) return;
  for (auto it = shard->holds.lower_bound({run_id, {}}); it != shard->holds.end() && it->first.run_id == run_id; ++it) {
    const auto started = started_at(*it->second);
    if (started && entry.run.is_open(it->first.task))
      entry.run.mark_in_hand(it->first.task, *started, worker_of(*it->second));
  }
}

void ShardGroup::record_long_tasks(RunEntry& entry) {
  const RunId run_id = entry.run.header().id;
  Shard* shard = find_shard(shard_of(run_id));
  if (shard == nullptr || entry.committing || is_closed(entry.run.state())) return;
  const Duration now = parts_.clock.steady_now();
  for (auto it = shard->holds.lower_bound({run_id, {}}); it != shard->holds.end() && it->first.run_id == run_id; ++it) {
    TaskHold& hold = *it->second;
    const std::int64_t started = hold.started_us;
    if (started == 0 || hold.start_recorded || hold.outcome || now - Duration{started} < kLongInHand) continue;
    if (hold.lease != nullptr) {
      const auto step = shard->remote_steps.find({run_id, it->first.task.step});
      const bool is_written = step != shard->remote_steps.end() && step->second.leased == it->first.task;
      if (!is_written && !hold.lease->is_lost) (void)write_lease(entry, it->first, hold);
      continue;
    }
    hold.start_recorded = true;
    if (!entry.run.is_open(it->first.task) || entry.run.is_start_recorded(it->first.task)) continue;
    const Status recorded = decide(entry, core::TaskStarted{it->first.task, parts_.worker_name}, pending_);
    if (!recorded)
      parts_.logger.debug("late_start_refused", {{"run_id", run_id.str()}, {"reason", recorded.error().message}});
  }
}

// ---- time-outs ---------------------------------------------------------------------------------------------------

void ShardGroup::watch_deadline(RunId run_id, const core::ScheduleTask& command, std::shared_ptr<TaskHold> hold) {
  std::optional<std::int64_t> seconds = command.timeout_seconds;
  if (command.heartbeat_seconds && (!seconds || *command.heartbeat_seconds < *seconds))
    seconds = command.heartbeat_seconds;
  if (!seconds) return;
  parts_.executor.post_after(std::chrono::seconds{*seconds}, [this, run_id, command, hold = std::move(hold)] {
    check_deadline(run_id, command, hold);
  });
}

void ShardGroup::check_deadline(RunId run_id, const core::ScheduleTask& command,
                                const std::shared_ptr<TaskHold>& hold) {
  Shard* shard = find_shard(shard_of(run_id));
  if (shard == nullptr) return;
  const auto found = shard->holds.find({run_id, command.task});
  if (found == shard->holds.end() || found->second != hold || hold->outcome) return;

  const Duration now = parts_.clock.steady_now();
  const Duration started{hold->started_us};
  std::optional<Duration> due;
  // Time in the queue does not count: the clock of an attempt starts with the attempt.
  const Duration from = started.count() == 0 ? now : started;
  if (command.timeout_seconds) due = from + std::chrono::seconds{*command.timeout_seconds};
  if (command.heartbeat_seconds) {
    const Duration beat{hold->heartbeat_us};
    const Duration heartbeat_due = std::max(from, beat) + std::chrono::seconds{*command.heartbeat_seconds};
    due = due ? std::min(*due, heartbeat_due) : heartbeat_due;
  }
  if (*due > now) {
    parts_.executor.post_after(*due - now, [this, run_id, command, hold] { check_deadline(run_id, command, hold); });
    return;
  }
  with_run(run_id, [this, run_id, command, hold](Result<RunEntry*> entry) {
    const auto again = [this, run_id, command, hold] {
      parts_.executor.post_after(kLookAgainAfter,
                                 [this, run_id, command, hold] { check_deadline(run_id, command, hold); });
    };
    if (!entry) {
      again();
      return;
    }
    core::TaskTimedOut event{command.task, started_at(*hold)};
    if (*entry == nullptr || !decide(**entry, event, pending_)) return;
    parts_.metrics.steps_timed_out.add();
    // The worker is told, and its hold released, once the time-out is committed: until then the task is in hand.
    pending_.after.push_back({shard_of(run_id), [again](const Status& status) {
                                if (!status) again();
                              }});
  });
}

// ---- transactional handlers --------------------------------------------------------------------------------------

void ShardGroup::finish_in_transaction(RunId run_id, core::TaskRef task, Outcome outcome,
                                       std::shared_ptr<StepTransaction> transaction, std::function<void()> release) {
  const HoldKey key{run_id, task};
  const auto give_up = [this, transaction, release] {
    parts_.workers.run_blocking([transaction, release] {
      transaction->roll_back();
      release();
    });
  };
  with_run(run_id, [this, run_id, task, key, outcome = std::move(outcome), transaction, release,
                    give_up](Result<RunEntry*> found) mutable {
    Shard* shard = find_shard(shard_of(run_id));
    if (!found || *found == nullptr || shard == nullptr || !shard->holds.contains(key) ||
        !(*found)->run.is_open(task)) {
      give_up();
      // Without a decision the step is still owed: when its memory was only reloaded, it must be handed out again.
      release_hold(key);
      if (found && *found != nullptr && (*found)->run.is_open(task)) resume(**found, false);
      return;
    }
    RunEntry& entry = **found;
    if (entry.uncommitted > 0) {
      // Its own earlier rows first; then this decision rests on committed ground.
      pending_.after.push_back(
          {shard_of(run_id), [this, run_id, task, outcome, transaction, release, give_up](const Status& status) {
             if (status) {
               finish_in_transaction(run_id, task, outcome, transaction, release);
             } else {
               give_up();
               release_hold({run_id, task});
             }
           }});
      flush_soon();
      return;
    }
    const auto hold = shard->holds[key];
    auto out = std::make_shared<Pending>();
    core::TaskFinished event{task, outcome, parts_.worker_name, started_at(*hold)};
    if (!decide(entry, event, *out)) {
      give_up();
      release_hold(key);
      return;
    }
    entry.committing = true;
    fill_leases(*out);
    auto batch = std::make_shared<const store::Batch>(std::move(out->batch));
    parts_.workers.run_blocking([this, run_id, task, out, batch, transaction, release]() mutable {
      auto answer = transaction->commit_with(*batch);
      transaction.reset();
      release();
      parts_.executor.post([this, run_id, task, out, batch, answer = std::move(answer)]() mutable {
        transaction_ended(run_id, task, out, batch, std::move(answer));
      });
    });
  });
}

void ShardGroup::transaction_ended(RunId run_id, core::TaskRef task, std::shared_ptr<Pending> out,
                                   std::shared_ptr<const store::Batch> batch, Result<store::CommitAnswer> answer) {
  const ShardId shard_id = shard_of(run_id);
  const HoldKey key{run_id, task};
  if (!answer && answer.error().code == ErrorCode::outcome_unknown) {
    parts_.metrics.commits_in_doubt.add();
    settling_.insert(shard_id);
    parts_.headquarters.settle(
        batch, [this, run_id, task, out, batch, shard_id](std::vector<store::ShardLease> leases, bool was_committed) {
          parts_.executor.post([this, run_id, task, out, batch, shard_id, leases = std::move(leases), was_committed] {
            settling_.extract(shard_id);
            Shard* shard = find_shard(shard_id);
            if (shard != nullptr && !leases.empty() && leases.front().epoch > shard->lease.epoch) {
              shard->lease = leases.front();
            }
            parts_.logger.info("step_commit_settled", {{"run_id", run_id.str()}, {"committed", was_committed}});
            if (was_committed) {
              transaction_ended(run_id, task, out, batch, store::CommitAnswer{clock_.now(), {}});
            } else {
              transaction_ended(run_id, task, out, batch, fail(ErrorCode::unavailable, "the commit did not happen"));
            }
          });
        });
    return;
  }
  Shard* shard = find_shard(shard_id);
  const bool current = !current_shards(*out, {shard_id}).empty();
  if (answer) {
    parts_.metrics.step(Outcome::Kind::completed).add();
    parts_.metrics.commits.add();
    clock_.learn(answer->database_now);
    std::deque<std::function<void()>> waiting;
    if (current) {
      if (const auto found = shard->runs.find(run_id); found != shard->runs.end()) {
        found->second->committing = false;
        waiting = std::exchange(found->second->waiting_events, {});
      }
    }
    release_hold(key);
    complete(*out, *batch, {}, {});
    for (auto& event : waiting) event();
    return;
  }
  parts_.logger.warn("step_commit_failed", {{"run_id", run_id.str()}, {"reason", answer.error().message}});
  if (shard != nullptr && answer.error().code == ErrorCode::invalid_argument) {
    // The database refuses this step's data, today and tomorrow: that is the step's failure, not the shard's.
    if (const auto hold = shard->holds.find(key); hold != shard->holds.end()) {
      hold->second->outcome = Outcome::failed("Orchestrator.CommitRefused", answer.error().message);
    }
  } else {
    release_hold(key);
  }
  const Status why = fail(ErrorCode::unavailable, "a step's commit failed; try again");
  complete(*out, *batch, {shard_id}, why);
  if (!current) {
    // Reloaded meanwhile, behind a fence: the step is owed again, unless that recovery saw its worker still at it.
    with_run(run_id, [this](Result<RunEntry*> entry) {
      if (entry && *entry != nullptr && !is_closed((*entry)->run.state())) resume(**entry, false);
    });
  } else if (answer.error().code == ErrorCode::ownership_lost) {
    give_up_lost(*batch, {shard_id}, why);
  } else {
    fail_shards({shard_id}, why);
  }
}

}  // namespace orchestrator::runtime
