// Reads and gates: answers are true in the database by the time they are given.
#include <algorithm>
#include <utility>

#include "orchestrator/base/json.hpp"
#include "orchestrator/digest/routing.hpp"
#include "orchestrator/runtime/shard_group.hpp"

namespace orchestrator::runtime {
namespace {

/// The status of a row that is a reservation, without an answer yet.
constexpr std::int32_t kReservedStatus = 0;

}  // namespace

void ShardGroup::read_run(RunId run_id, Reply<std::optional<store::RunView>> reply) {
  parts_.executor.post([this, run_id, reply = std::move(reply)] {
    const ShardId id = shard_of(run_id);
    Shard* shard = find_shard(id);
    if (shard == nullptr || shard->phase != Shard::Phase::active || !parts_.headquarters.is_confirmed()) {
      reply(std::optional<store::RunView>{});
      return;
    }
    const auto found = shard->runs.find(run_id);
    if (found == shard->runs.end()) {
      reply(std::optional<store::RunView>{});
      return;
    }
    if (found->second->committing) {
      // Its step's own transaction carries the decision; our next batch may well be faster.
      found->second->waiting_events.push_back([this, run_id, reply]() mutable { read_run(run_id, std::move(reply)); });
      return;
    }
    if (found->second->uncommitted == 0) {
      reply(std::optional{view_of(*found->second)});
      return;
    }
    // What we would tell now rests on a decision that is not committed: tell it when it is.
    touch(id, pending_);
    pending_.after.push_back({id, [view = view_of(*found->second), reply](const Status& status) {
                                reply(status ? std::optional{view} : std::optional<store::RunView>{});
                              }});
    flush_soon();
  });
}

void ShardGroup::watch_run(RunId run_id, std::uint64_t watcher, Reply<std::optional<store::RunView>> reply) {
  parts_.executor.post([this, run_id, watcher, reply = std::move(reply)]() mutable {
    if (is_crowded(shard_of(run_id))) {
      reply(crowded());
      return;
    }
    watchers_[run_id][watcher] = std::move(reply);
    with_run(run_id, [this, run_id, watcher](Result<RunEntry*> entry) {
      if (entry && *entry != nullptr) return;
      // Closed, unknown, or not ours: nothing will wake this watcher.
      const auto found = watchers_.find(run_id);
      if (found == watchers_.end()) return;
      const auto mine = found->second.find(watcher);
      if (mine == found->second.end()) return;
      auto waiting = std::move(mine->second);
      found->second.erase(mine);
      if (found->second.empty()) watchers_.erase(found);
      waiting(std::optional<store::RunView>{});
    });
  });
}

void ShardGroup::unwatch_run(RunId run_id, std::uint64_t watcher) {
  parts_.executor.post([this, run_id, watcher] {
    const auto found = watchers_.find(run_id);
    if (found == watchers_.end()) return;
    found->second.erase(watcher);
    if (found->second.empty()) watchers_.erase(found);
  });
}

void ShardGroup::cancel_run(CancelRequest request, Reply<CancelAnswer> reply) {
  parts_.executor.post([this, request = std::move(request), reply = std::move(reply)]() mutable {
    if (is_crowded(shard_of(request.run_id))) {
      reply(crowded());
      return;
    }
    with_run(request.run_id, [this, request, reply](Result<RunEntry*> found) {
      if (!found) {
        reply(found.error());
        return;
      }
      const ShardId shard = shard_of(request.run_id);
      const auto closed = Error(ErrorCode::precondition_failed, "run-closed", "the run is already closed");
      if (*found == nullptr) {
        parts_.store.find_run(request.run_id, [this, request, reply, closed](Result<store::RunView> view) {
          parts_.executor.post([request, reply, closed, view = std::move(view)] {
            const bool ours = view && view->header.namespace_name == request.namespace_name;
            reply(ours ? closed : view ? Error(ErrorCode::not_found, "no such run") : view.error());
          });
        });
        return;
      }
      RunEntry& entry = **found;
      if (entry.run.header().namespace_name != request.namespace_name) {
        reply(fail(ErrorCode::not_found, "no such run"));
        return;
      }
      if (is_closed(entry.run.state())) {
        refuse_once_committed(entry, closed, reply);
        return;
      }
      mark_in_hand(entry);
      CancelAnswer answer;
      answer.mode = std::max(request.mode, entry.run.cancelling().value_or(CancelMode::graceful));
      answer.waited_on = make_payload(entry.run.waiting_on());
      if (request.rehearse) {
        reply(answer);
        return;
      }
      const core::CancelAsked asked{request.mode, request.reason, request.actor, request.operation};
      if (const Status decided = cancel_entry(entry, asked, request.audit); !decided) {
        refuse_once_committed(entry, decided.error(), reply);
        return;
      }
      touch(shard, pending_);
      answer.state = entry.run.state();
      pending_.after.push_back({shard, [reply, answer](const Status& status) {
                                  if (status) {
                                    reply(answer);
                                  } else {
                                    reply(status.error());
                                  }
                                }});
      flush_soon();
    });
  });
}

/// What workers have in hand is marked: a graceful cancel lets that finish.
Status ShardGroup::cancel_entry(RunEntry& entry, const core::CancelAsked& asked, std::optional<AuditEntry> audit) {
  audit = audit_of(std::move(audit), entry);
  if (Status decided = decide(entry, asked, pending_); !decided) return decided;
  write_audit(std::move(audit), entry, pending_);
  return {};
}

// ---- idempotency gates -------------------------------------------------------------------------------------------

void ShardGroup::open_gate(GateRequest request, Reply<GateAnswer> reply) {
  parts_.executor.post([this, request = std::move(request), reply = std::move(reply)]() mutable {
    const ShardId id = digest::shard_for_key(request.namespace_name, request.key, parts_.store.shard_count());
    auto held = std::make_shared<Reply<GateAnswer>>(std::move(reply));
    const bool ours = when_active(id, [this, id, request, held] { gate_active(id, request, *held); });
    if (!ours) (*held)(fail(ErrorCode::unavailable, "no owner for this idempotency key right now; try again"));
  });
}

void ShardGroup::gate_active(ShardId id, const GateRequest& request, Reply<GateAnswer> reply) {
  Shard* shard = find_shard(id);
  if (shard == nullptr) {
    // It waited for a recovery that ended with the shard elsewhere.
    reply(fail(ErrorCode::unavailable, "the owner of this key is changing; try again"));
    return;
  }
  const auto key = std::make_tuple(request.namespace_name, request.scope, request.key);
  const auto in_flight =
      Error(ErrorCode::conflict, "idempotency-in-flight", "the first request with this key is still being worked on");
  const auto mismatch =
      Error(ErrorCode::invalid_argument, "idempotency-mismatch", "this key was used with another body");
  if (const auto open = shard->gates.find(key); open != shard->gates.end()) {
    reply(open->second.row.body_hash == request.body_hash ? in_flight : mismatch);
    return;
  }
  OpenGate& opened = shard->gates[key];
  opened.row.body_hash = request.body_hash;
  opened.since = parts_.clock.steady_now();
  store::IdempotencyQuery query{id, request.namespace_name, request.scope, request.key};
  loader_.idempotency(std::move(query), [this, id, request, key, mismatch, reply, generation = shard->generation](
                                            Result<std::optional<store::IdempotencyRow>> known) {
    Shard* owner = find_shard(id);
    if (owner == nullptr || owner->generation != generation) {
      reply(fail(ErrorCode::unavailable, "the owner of this key is changing; try again"));
      return;
    }
    if (!known) {
      owner->gates.erase(key);
      reply(known.error());
      return;
    }
    const bool is_free = *known && (*known)->body_hash.empty();
    if (*known && !is_free && (*known)->body_hash != request.body_hash) {
      owner->gates.erase(key);
      reply(mismatch);
      return;
    }
    if (*known && (*known)->status != kReservedStatus) {
      owner->gates.erase(key);
      reply(GateAnswer{(*known)->status, (*known)->answer, {}});
      return;
    }
    auto& gate = owner->gates[key];
    if (*known) {
      // Reserved before a crash, or by a request that got no answer: the same id finishes it.
      gate.row = **known;
      gate.row.body_hash = request.body_hash;
      const auto reserved = RunId::parse(gate.row.reserved_id).value_or(RunId{});
      if (is_free) {
        reserve(id, gate.row, reserved, reply);
      } else {
        reply(GateAnswer{std::nullopt, {}, reserved});
      }
      return;
    }
    gate.row.shard = id;
    gate.row.namespace_name = request.namespace_name;
    gate.row.scope = request.scope;
    gate.row.key = request.key;
    gate.row.body_hash = request.body_hash;
    gate.row.created_at = clock_.now();
    const RunId reserved{make_uuid7(clock_.now(), id, random())};
    gate.row.reserved_id = reserved.str();
    reserve(id, gate.row, reserved, reply);
  });
}

/// Writes the reservation, then lets the work begin under its id.
void ShardGroup::reserve(ShardId shard, const store::IdempotencyRow& row, RunId reserved,
                         const Reply<GateAnswer>& reply) {
  put_idempotency(row);
  pending_.after.push_back({shard, [reply, reserved](const Status& status) {
                              if (status) {
                                reply(GateAnswer{std::nullopt, {}, reserved});
                              } else {
                                reply(status.error());
                              }
                            }});
  flush_soon();
}

void ShardGroup::put_idempotency(store::IdempotencyRow row) {
  touch(row.shard, pending_);
  // One key may change twice before a flush; the last word counts.
  std::erase_if(pending_.batch.idempotency, [&](const auto& other) {
    return other.shard == row.shard && other.scope == row.scope && other.namespace_name == row.namespace_name &&
           other.key == row.key;
  });
  pending_.batch.idempotency.push_back(std::move(row));
}

void ShardGroup::close_gate(GateClose request, Reply<void> reply) {
  parts_.executor.post([this, request = std::move(request), reply = std::move(reply)] {
    const ShardId id = digest::shard_for_key(request.namespace_name, request.key, parts_.store.shard_count());
    Shard* shard = find_shard(id);
    const auto key = std::make_tuple(request.namespace_name, request.scope, request.key);
    if (shard == nullptr || !shard->gates.contains(key)) {
      reply(Status{});  // reloaded since: the reservation stands, a repeat finishes it
      return;
    }
    store::IdempotencyRow row = shard->gates[key].row;
    shard->gates.erase(key);
    const bool is_kept = request.status >= 200 && request.status <= 299;
    const bool did_nothing = request.status >= 400 && request.status <= 499;
    if (!is_kept && !did_nothing) {
      reply(Status{});  // what was done is not known: the reservation's id, with the same body, finishes it
      return;
    }
    if (is_kept) {
      row.status = request.status;
      row.answer = request.body;
    } else {
      row.body_hash.clear();  // free for any body: the request was refused
    }
    put_idempotency(std::move(row));
    pending_.after.push_back({id, [reply](const Status& status) { reply(status); }});
    flush_soon();
  });
}

}  // namespace orchestrator::runtime
