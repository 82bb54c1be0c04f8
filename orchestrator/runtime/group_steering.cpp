// What an operator does to an open run beside cancelling it: edit, pause, resume, skip.
#include <utility>

#include "orchestrator/runtime/shard_group.hpp"

namespace orchestrator::runtime {

void ShardGroup::steer_run(SteerRequest request, Reply<SteerAnswer> reply) {
  parts_.executor.post([this, request = std::move(request), reply = std::move(reply)]() mutable {
    if (is_crowded(shard_of(request.run_id))) {
      reply(crowded());
      return;
    }
    with_run(request.run_id, [this, request, reply](Result<RunEntry*> found) {
      if (!found) {
        reply(found.error());
      } else if (*found == nullptr) {
        refuse_steering(request, reply);
      } else {
        steer_found(**found, request, reply);
      }
    });
  });
}

/// It is closed, somebody else's, or never was.
void ShardGroup::refuse_steering(const SteerRequest& request, const Reply<SteerAnswer>& reply) {
  parts_.store.find_run(request.run_id, [this, request, reply](const Result<store::RunView>& view) {
    parts_.executor.post([request, reply, view] {
      if (!view) {
        reply(view.error());
      } else if (view->header.namespace_name != request.namespace_name) {
        reply(fail(ErrorCode::not_found, "no such run"));
      } else {
        reply(fail(ErrorCode::precondition_failed, "run-closed", "the run is already closed"));
      }
    });
  });
}

void ShardGroup::steer_found(RunEntry& entry, const SteerRequest& request, const Reply<SteerAnswer>& reply) {
  if (entry.run.header().namespace_name != request.namespace_name) {
    reply(fail(ErrorCode::not_found, "no such run"));
    return;
  }
  const core::Event event = std::visit([](const auto& asked) -> core::Event { return asked; }, request.asked);
  if (request.rehearse) {
    if (const Status possible = parts_.planner.rehearse(entry.run, event, inputs()); possible) {
      reply(SteerAnswer{entry.run.state()});
    } else {
      refuse_once_committed(entry, possible.error(), reply);
    }
    return;
  }
  const bool is_pause = std::holds_alternative<core::PauseAsked>(request.asked);
  if (is_pause && !is_closed(entry.run.state()) && !entry.run.is_cancelling()) take_back_ready(entry);
  mark_in_hand(entry);
  auto audit = audit_of(request.audit, entry);
  if (const Status decided = decide(entry, event, pending_); !decided) {
    refuse_once_committed(entry, decided.error(), reply);
    return;
  }
  write_audit(std::move(audit), entry, pending_);
  const ShardId shard = shard_of(request.run_id);
  touch(shard, pending_);
  if (std::holds_alternative<core::EditAsked>(request.asked)) {
    const RunHeader& header = entry.run.header();
    pending_.batch.edited.push_back(
        {shard, request.run_id, header.run_at, header.priority, header.attributes, header.timeout_seconds});
  }
  const bool is_resume = std::holds_alternative<core::ResumeAsked>(request.asked);
  pending_.after.push_back(
      {shard, [this, is_resume, run_id = request.run_id, state = entry.run.state(), reply](const Status& status) {
         if (status) {
           if (is_resume) hand_out_owed(run_id);
           reply(SteerAnswer{state});
         } else {
           reply(status.error());
         }
       }});
  flush_soon();
}

/// A hand-out that was recorded while the pause came never happened: the planner takes it for work in hand. What was
/// decided since the resume waits for its own commit.
void ShardGroup::hand_out_owed(RunId run_id) {
  with_run(run_id, [this, run_id](Result<RunEntry*> found) {
    if (!found || *found == nullptr || is_closed((*found)->run.state())) return;
    RunEntry& entry = **found;
    if (entry.uncommitted == 0 && !entry.committing) {
      resume(entry, false);
      return;
    }
    pending_.after.push_back({shard_of(run_id), [this, run_id](const Status& status) {
                                if (status) hand_out_owed(run_id);
                              }});
    flush_soon();
  });
}

/// What is ready and nobody has begun. If the pause is not committed, the recovery that follows makes it ready again.
void ShardGroup::take_back_ready(const RunEntry& entry) {
  const RunId run_id = entry.run.header().id;
  const Shard* shard = find_shard(shard_of(run_id));
  std::vector<HoldKey> taken;
  for (auto it = shard->holds.lower_bound({run_id, {}}); it != shard->holds.end() && it->first.run_id == run_id; ++it) {
    if (parts_.workers.drop(*it->second)) taken.push_back(it->first);
  }
  for (const HoldKey& key : taken) release_hold(key);
}

}  // namespace orchestrator::runtime
