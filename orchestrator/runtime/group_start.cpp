// Starting runs: once per id, once per key among open runs. And reviving closed ones.
#include <algorithm>
#include <thread>
#include <tuple>
#include <utility>

#include "orchestrator/base/json.hpp"
#include "orchestrator/language/json_schema.hpp"
#include "orchestrator/runtime/shard_group.hpp"

namespace orchestrator::runtime {
namespace {

StartAnswer answer_for(const RunEntry& entry, bool existing) {
  const auto& header = entry.run.header();
  return {header.id, header.workflow, header.version, header.key, entry.run.state(), existing};
}

/// Source: docs/sql-entry-points.md.
constexpr const char* kRunKeyConflict = "RunKeyConflict";

/// What the definition's `InputSchema` has against the input.
std::optional<Error> input_fault(const StartRequest& request, const language::Definition& definition) {
  if (!definition.input_schema) return std::nullopt;
  auto faults = language::check_against_schema(json_of(request.input), *definition.input_schema);
  if (faults.empty()) return std::nullopt;
  for (FaultDetail& fault : faults) fault.pointer = "/input" + fault.pointer;
  Error refused(ErrorCode::invalid_argument, "invalid-body", "the input does not fit the workflow's InputSchema");
  refused.faults = std::move(faults);
  return refused;
}

/// Lists are in the order of ids, which carry the millisecond of acceptance, so the moment that they show lies in it:
/// an id that was reserved or derived is a little older than its start.
Timestamp accepted_at(RunId id, Timestamp now) {
  const Timestamp from = time_of(id.bytes);
  return std::clamp(now, from, from + std::chrono::milliseconds{1} - Duration{1});
}

Error key_conflict(RunId open, const std::string& key) {
  return Error(ErrorCode::conflict, "run-key-conflict", "an open run already has the key " + key)
      .with("run_id", open.str());
}

Error key_conflict(RunId open, const StartRequest& request) {
  if (!request.job) return key_conflict(open, *request.key);
  const char* why = request.on_conflict == KeyConflict::cancel_existing
                        ? "a worker has the job with this unique key in hand, so it cannot be replaced: "
                        : "an open job already has the unique key ";
  return Error(ErrorCode::conflict, "unique-conflict", why + *request.key).with("run_id", open.str());
}

Error closed_key_conflict(RunId closed, const StartRequest& request) {
  if (!request.job) {
    return Error(ErrorCode::conflict, "run-key-conflict", "a closed run already had the key " + *request.key)
        .with("run_id", closed.str());
  }
  return Error(ErrorCode::conflict, "unique-conflict",
               "a job with the unique key " + *request.key + " ended less than " +
                   std::to_string(request.job->unique_within_seconds.value_or(0)) + " s ago")
      .with("run_id", closed.str());
}

/// A unique key counts among open jobs, and within its window among closed ones: these cannot be replaced.
ClosedKey on_closed_of(const StartRequest& job) {
  if (!job.job->unique_within_seconds) return ClosedKey::allow;
  switch (job.on_conflict) {
    case KeyConflict::return_existing: return ClosedKey::return_existing;
    case KeyConflict::reject: return ClosedKey::reject;
    case KeyConflict::cancel_existing: return ClosedKey::allow;
  }
  return ClosedKey::allow;
}

/// Attributes of the definition, evaluated over the input; the caller's own win.
Payload attributes_for(const StartRequest& request, const language::Definition& definition) {
  if (definition.attributes.empty()) return request.attributes;
  Json all = Json::object();
  for (const auto& [name, path] : definition.attributes) {
    const Json* value = path.find(json_of(request.input));
    if (value != nullptr && (value->is_string() || value->is_number() || value->is_boolean())) all[name] = *value;
  }
  if (request.attributes) all.update(*request.attributes);
  return make_payload(std::move(all));
}

}  // namespace

void ShardGroup::start_run(StartRequest request, Reply<StartAnswer> reply) {
  parts_.executor.post([this, request = std::move(request), reply = std::move(reply)]() mutable {
    start_active(std::move(request), {}, std::move(reply));
  });
}

void ShardGroup::start_runs(std::vector<std::pair<StartRequest, Reply<StartAnswer>>> starts) {
  parts_.executor.post([this, starts = std::move(starts)]() mutable {
    for (auto& [request, reply] : starts) start_active(std::move(request), {}, std::move(reply));
  });
}

/// `done` are messages whose effect this start is: they go in the same batch, also when the start is refused.
void ShardGroup::start_active(StartRequest request, std::vector<MessageRef> done, Reply<StartAnswer> reply) {
  if (start_job_at_once(request, done, reply)) return;
  const ShardId shard = shard_of(request.id);
  // Shared: the work may wait for a recovery, which keeps copyable functions.
  auto held = std::make_shared<Reply<StartAnswer>>(std::move(reply));
  const bool ours = when_active(shard, [this, shard, request, done, held] {
    // It may have waited for a recovery that ended with the shard elsewhere.
    if (find_shard(shard) == nullptr || is_stale(done)) {
      (*held)(fail(ErrorCode::unavailable, "the owner of this run is changing; try again"));
    } else if (const Refusal* refusal = refusal_of(shard_of(request.id), request.id)) {
      finish_refused(done, refusal->error());
      (*held)(refusal->error());
    } else if (request.maybe_repeated) {
      start_checked(request, done, *held);
    } else {
      start_unique(request, done, *held);
    }
  });
  if (!ours) (*held)(fail(ErrorCode::unavailable, "no owner for this run right now; try again"));
}

/// The id may have been used before a crash: then the answer is that run.
void ShardGroup::start_checked(StartRequest request, std::vector<MessageRef> done, Reply<StartAnswer> reply) {
  const RunId id = request.id;
  with_run(id, [this, id, request = std::move(request), done = std::move(done),
                reply = std::move(reply)](Result<RunEntry*> open) mutable {
    if (!open) {
      reply(open.error());
      return;
    }
    if (*open != nullptr) {
      answer_existing(id, (*open)->run.state(), request, std::move(done), std::move(reply));
      return;
    }
    loader_.closed_run(id, [this, request = std::move(request), done = std::move(done),
                            reply = std::move(reply)](Result<std::optional<store::LoadedClosedRun>> closed) mutable {
      if (is_stale(done)) {
        reply(fail(ErrorCode::unavailable, "the owner of this run is changing; try again"));
      } else if (!closed) {
        reply(closed.error());
      } else if (*closed) {
        const auto& row = (*closed)->row;
        finish_message(done, pending_);
        reply(StartAnswer{row.header.id, row.header.workflow, row.header.version, row.header.key, row.state, false});
      } else {
        request.maybe_repeated = false;
        start_active(std::move(request), std::move(done), std::move(reply));
      }
    });
  });
}

/// Starts with one key go one after the other, so that a look-up stays true until its start is in memory.
void ShardGroup::start_unique(StartRequest request, std::vector<MessageRef> done, Reply<StartAnswer> reply) {
  const auto with_definition = [this](StartRequest r, std::vector<MessageRef> d, Reply<StartAnswer> rep) {
    const auto generation = find_shard(shard_of(r.id))->generation;
    auto shared = std::make_shared<std::tuple<StartRequest, std::vector<MessageRef>, Reply<StartAnswer>>>(
        std::move(r), std::move(d), std::move(rep));
    find_definition(std::get<0>(*shared),
                    [this, shared, generation, on_strand = std::this_thread::get_id()](Result<FoundDefinition> found) {
                      auto go = [this, shared, generation, found = std::move(found)] {
                        auto& [request, messages, answer] = *shared;
                        Shard* shard = find_shard(shard_of(request.id));
                        if (shard == nullptr || shard->generation != generation || is_stale(messages)) {
                          answer(fail(ErrorCode::unavailable, "the owner of this run is changing; try again"));
                        } else if (!found) {
                          finish_refused(messages, found.error());
                          answer(found.error());
                        } else if (auto refused = input_fault(request, *found->definition)) {
                          finish_refused(messages, *refused);
                          answer(*std::move(refused));
                        } else if (shard->runs.contains(request.id)) {
                          // A repeat of the same request passed the same look-ups at the same time, and was first.
                          const RunState state = shard->runs.at(request.id)->run.state();
                          answer_existing(request.id, state, request, std::move(messages), std::move(answer));
                        } else if (request.replaces) {
                          start_replacing(std::move(request), *found, std::move(messages), std::move(answer));
                        } else {
                          start_now(std::move(request), *found, std::move(messages), std::move(answer));
                        }
                      };
                      // A hit is answered at once, on our strand; a miss later, on a store thread.
                      if (on_strand == std::this_thread::get_id()) {
                        go();
                      } else {
                        parts_.executor.post(std::move(go));
                      }
                    });
  };

  if (!request.key) {
    with_definition(std::move(request), std::move(done), std::move(reply));
    return;
  }

  if (request.job) request.on_closed = on_closed_of(request);
  Shard* shard = find_shard(shard_of(request.id));
  if (shard->runs.contains(request.id)) {
    with_definition(std::move(request), std::move(done), std::move(reply));
    return;
  }
  const auto key = std::make_tuple(request.namespace_name, request.workflow, *request.key);
  if (auto starting = shard->starting_keys.find(key); starting != shard->starting_keys.end()) {
    starting->second.push_back([this, request, done, reply] { start_active(request, done, reply); });
    return;
  }
  shard->starting_keys[key];
  const auto generation = shard->generation;
  // Whatever the outcome, the next start with this key has its turn after it.
  Reply<StartAnswer> turn = [this, key, generation, id = request.id,
                             reply = std::move(reply)](Result<StartAnswer> answer) {
    reply(std::move(answer));
    Shard* owner = find_shard(shard_of(id));
    if (owner == nullptr || owner->generation != generation) return;
    const auto found = owner->starting_keys.find(key);
    if (found == owner->starting_keys.end()) return;
    auto waiting = std::move(found->second);
    owner->starting_keys.erase(found);
    for (auto& next : waiting) parts_.executor.post(std::move(next));
  };

  const auto decide_on = [this, with_definition, generation](StartRequest r, std::vector<MessageRef> d,
                                                             Reply<StartAnswer> rep, const store::RunKeyAnswer& held) {
    const auto& [open, closed, state] = held;
    Shard* owner = find_shard(shard_of(r.id));
    if (owner == nullptr || owner->generation != generation) {
      rep(fail(ErrorCode::unavailable, "the owner of this run is changing; try again"));
      return;
    }
    // Another copy of this very request came first, while this one looked.
    if (open == r.id || closed == r.id) {
      r.maybe_repeated = true;
      answer_existing(r.id, state, r, std::move(d), std::move(rep));
    } else if (open && r.on_conflict == KeyConflict::reject) {
      finish_message(d, pending_);
      rep(key_conflict(*open, r));
    } else if (open && r.on_conflict == KeyConflict::return_existing) {
      answer_existing(*open, state, r, std::move(d), std::move(rep));
    } else if (open) {
      r.replaces = open;
      with_definition(std::move(r), std::move(d), std::move(rep));
    } else if (closed && r.on_closed == ClosedKey::return_existing) {
      answer_existing(*closed, state, r, std::move(d), std::move(rep));
    } else if (closed && r.on_closed == ClosedKey::reject) {
      finish_message(d, pending_);
      rep(closed_key_conflict(*closed, r));
    } else {
      with_definition(std::move(r), std::move(d), std::move(rep));
    }
  };

  const auto in_memory = shard->open_keys.find(key);
  if (in_memory != shard->open_keys.end()) {
    const auto run = shard->runs.find(in_memory->second);
    if (run != shard->runs.end() && !is_closed(run->second->run.state())) {
      const store::RunKeyAnswer held{in_memory->second, std::nullopt, run->second->run.state()};
      decide_on(std::move(request), std::move(done), std::move(turn), held);
      return;
    }
  }
  // A run of this key that closed in memory is not yet in the table: ask again once it is.
  if (in_memory != shard->open_keys.end() && request.on_closed != ClosedKey::allow) {
    const auto run = shard->runs.find(in_memory->second);
    const RunState state = run == shard->runs.end() ? RunState::succeeded : run->second->run.state();
    decide_on(std::move(request), std::move(done), std::move(turn), {std::nullopt, in_memory->second, state});
    return;
  }
  const bool open_row_is_going = in_memory != shard->open_keys.end();
  store::RunKeyQuery query{
      shard->lease.shard, request.namespace_name, request.workflow, *request.key, request.on_closed != ClosedKey::allow,
      std::nullopt};
  if (request.job && request.job->unique_within_seconds)
    query.closed_since = clock_.now() - std::chrono::seconds{*request.job->unique_within_seconds};
  loader_.run_key(std::move(query), [decide_on, open_row_is_going, request = std::move(request), done = std::move(done),
                                     turn = std::move(turn)](Result<store::RunKeyAnswer> answer) mutable {
    if (!answer) {
      turn(answer.error());
      return;
    }
    if (open_row_is_going) answer->open.reset();
    decide_on(std::move(request), std::move(done), std::move(turn), *answer);
  });
}

/// cancel_existing: the old run is killed in the same batch that starts the new one, and only if that can start.
void ShardGroup::start_replacing(StartRequest request, const FoundDefinition& found, std::vector<MessageRef> done,
                                 Reply<StartAnswer> reply) {
  const RunId old = *request.replaces;
  const auto generation = find_shard(shard_of(request.id))->generation;
  with_run(old, [this, old, generation, found, request = std::move(request), done = std::move(done),
                 reply = std::move(reply)](Result<RunEntry*> entry) mutable {
    const Shard* shard = find_shard(shard_of(request.id));
    if (shard == nullptr || shard->generation != generation || is_stale(done)) {
      reply(fail(ErrorCode::unavailable, "the owner of this run is changing; try again"));
      return;
    }
    if (!entry) {
      reply(entry.error());
      return;
    }
    if (request.job && *entry != nullptr && !is_closed((*entry)->run.state()) && is_in_hand(**entry)) {
      // Torn out of a worker's hands it would run beside its replacement.
      finish_message(done, pending_);
      reply(key_conflict(old, request));
      return;
    }
    if (*entry != nullptr && !is_closed((*entry)->run.state())) {
      const core::CancelAsked kill{CancelMode::kill, "replaced by a run with the same key", "orchestrator"};
      const Status killed = decide(**entry, kill, pending_);
      if (!killed) parts_.logger.debug("kill_of_replaced_run_refused", {{"reason", killed.error().message}});
    }
    start_now(std::move(request), found, std::move(done), std::move(reply));
  });
}

void ShardGroup::start_now(StartRequest request, const FoundDefinition& found, std::vector<MessageRef> done,
                           Reply<StartAnswer> reply) {
  Shard& shard = *find_shard(shard_of(request.id));
  RunHeader header;
  header.id = request.id;
  header.namespace_name = request.namespace_name;
  header.workflow = request.workflow;
  header.version = found.version;
  header.key = request.key;
  header.priority = request.priority;
  header.attributes = attributes_for(request, *found.definition);
  header.input = std::move(request.input);
  header.parent_run_id = request.parent;
  header.parent_step = request.parent_step;
  header.predecessor_run_id = request.predecessor;
  header.traceparent = std::move(request.traceparent);
  header.created_at = accepted_at(header.id, clock_.now());
  header.run_at = request.run_at;
  header.timeout_seconds = request.timeout_seconds;
  if (request.job) {
    header.kind = RunKind::job;
    if (request.job->delay) header.run_at = header.created_at + *request.job->delay;
    header.job = with_order_number(shard, header.namespace_name, request.job->spec);
    header.queue = std::move(request.job->queue);
  }

  RunEntry* entry = insert(shard, std::make_unique<RunEntry>(core::Run(std::move(header), found.definition)));
  auto decision = parts_.planner.start(entry->run, inputs());
  const auto& kept = entry->run.header();
  pending_.opened_at[kept.id] = pending_.batch.opened.size();
  pending_.batch.opened.push_back({shard.lease.shard, kept, {}});
  record(*entry, std::move(decision), pending_);
  finish_message(done, pending_);
  parts_.metrics.started(kept.kind).add();

  answer_start(shard.lease.shard, answer_for(*entry, false), request.answer_when_appended, std::move(reply));
}

void ShardGroup::answer_start(ShardId shard, StartAnswer answer, bool when_appended, Reply<StartAnswer> reply) {
  if (when_appended) {
    reply(std::move(answer));
    return;
  }
  touch(shard, pending_);
  const RunId run_id = answer.run_id;
  pending_.after.push_back({shard,
                            [answer = std::move(answer), reply = std::move(reply)](const Status& status) {
                              if (status) {
                                reply(answer);
                              } else {
                                reply(status.error());
                              }
                            },
                            run_id});
  flush_soon();
}

/// @param state of that run, when it is not in memory
void ShardGroup::answer_existing(RunId run_id, RunState state, const StartRequest& request,
                                 std::vector<MessageRef> done, Reply<StartAnswer> reply) {
  const ShardId shard = shard_of(run_id);
  StartAnswer answer{run_id, request.workflow, request.version, request.key, state, !request.maybe_repeated};
  if (Shard* owned = find_shard(shard)) {
    if (const auto found = owned->runs.find(run_id); found != owned->runs.end())
      answer = answer_for(*found->second, answer.existing);
  }
  finish_message(done, pending_);
  // Behind whatever is pending: the run that we name may not be committed yet.
  answer_start(shard, std::move(answer), request.answer_when_appended, std::move(reply));
}

// ---- retry of a closed run ---------------------------------------------------------------------------------------

void ShardGroup::retry_run(RetryRequest request, Reply<StartAnswer> reply) {
  parts_.executor.post([this, request = std::move(request), reply = std::move(reply)]() mutable {
    const RunId id = request.run_id;
    if (is_crowded(shard_of(id))) {
      reply(crowded());
      return;
    }
    std::function<void()> go = [this, request = std::move(request), and_next = ending_turn(id, reply)] {
      retry_in_turn(request, and_next);
    };
    if (!retries_.take(id, std::move(go))) reply(crowded());  // NOLINT(clang-analyzer-cplusplus.NewDeleteLeaks)
  });
}

/// A retry that comes twice: the second one must not go by a closed row from before the first.
Reply<StartAnswer> ShardGroup::ending_turn(RunId id, Reply<StartAnswer> reply) {
  return [this, id, reply = std::move(reply)](Result<StartAnswer> answer) {
    parts_.executor.post([this, id] { retries_.end(id); });
    reply(std::move(answer));
  };
}

void ShardGroup::retry_in_turn(RetryRequest request, Reply<StartAnswer> reply) {
  const RunId id = request.run_id;
  with_run(id, [this, id, request = std::move(request), reply = std::move(reply)](Result<RunEntry*> open) mutable {
    if (!open) {
      reply(open.error());
      return;
    }
    if (*open != nullptr && !is_closed((*open)->run.state())) {
      if ((*open)->run.header().namespace_name != request.namespace_name) {
        reply(fail(ErrorCode::not_found, "no such run"));
      } else if ((*open)->run.was_acted_on_by(request.asked.operation)) {
        // Behind whatever is pending: that retry may not be committed yet.
        answer_start(shard_of(id), answer_for(**open, false), false, std::move(reply));
      } else {
        reply(fail(ErrorCode::precondition_failed, "wrong-state",
                   "the run is open; only failed, timed out or cancelled runs can be retried"));
      }
      return;
    }
    if (*open != nullptr) {
      // Closed in memory only: try again once it is written.
      pending_.after.push_back({shard_of(id), [this, request, reply](const Status& status) mutable {
                                  if (status) {
                                    retry_in_turn(std::move(request), std::move(reply));
                                  } else {
                                    reply(status.error());
                                  }
                                }});
      flush_soon();
      return;
    }
    loader_.closed_run(id, [this, request, reply](Result<std::optional<store::LoadedClosedRun>> closed) {
      if (!closed) {
        reply(closed.error());
      } else if (!*closed || (*closed)->row.header.namespace_name != request.namespace_name) {
        reply(fail(ErrorCode::not_found, "no such run"));
      } else {
        retry_loaded(request, std::move(**closed), reply);
      }
    });
  });
}

void ShardGroup::retry_loaded(const RetryRequest& request, store::LoadedClosedRun loaded, Reply<StartAnswer> reply) {
  const RunHeader header = loaded.row.header;
  if (request.only_dead_letter && loaded.row.dead_letter != store::DeadLetter::open) {
    reply(fail(ErrorCode::precondition_failed, "wrong-state", "the run is not a dead letter that waits for anybody"));
    return;
  }
  if (loaded.row.state == RunState::succeeded) {
    reply(fail(ErrorCode::precondition_failed, "wrong-state",
               "the run succeeded; only failed, timed out or cancelled runs can be retried"));
    return;
  }
  if (loaded.row.error == kRunKeyConflict) {
    // Never more than a promise: what it was to do, the run that had the key does.
    Error gave_way(ErrorCode::precondition_failed, "wrong-state", "the run gave way to another one that had its key");
    if (loaded.row.successor_run_id) gave_way = std::move(gave_way).with("run_id", loaded.row.successor_run_id->str());
    reply(std::move(gave_way));
    return;
  }
  auto row = std::make_shared<store::LoadedClosedRun>(std::move(loaded));
  const auto with_definition = [this, request, row, reply] {
    find_definition(row->row.header, [this, request, row, reply](Result<FoundDefinition> found) {
      parts_.executor.post([this, request, row, reply, found = std::move(found)] {
        if (!found) {
          reply(found.error());
        } else {
          revive(request, std::move(*row), *found, reply);
        }
      });
    });
  };
  if (!header.key) {
    with_definition();
    return;
  }
  store::RunKeyQuery query{shard_of(header.id), header.namespace_name, header.workflow, *header.key, false,
                           std::nullopt};
  loader_.run_key(std::move(query), [with_definition, header, reply](Result<store::RunKeyAnswer> answer) {
    if (!answer) {
      reply(answer.error());
    } else if (answer->open) {
      reply(key_conflict(*answer->open, *header.key));
    } else {
      with_definition();
    }
  });
}

void ShardGroup::revive(const RetryRequest& request, store::LoadedClosedRun loaded, const FoundDefinition& found,
                        Reply<StartAnswer> reply) {
  RunHeader& header = loaded.row.header;
  const RunId id = header.id;
  Shard* shard = find_shard(shard_of(id));
  if (shard == nullptr || shard->phase != Shard::Phase::active) {
    reply(fail(ErrorCode::unavailable, "the owner of this run is changing; try again"));
    return;
  }
  if (shard->runs.contains(id)) {
    reply(fail(ErrorCode::precondition_failed, "wrong-state", "the run is open"));
    return;
  }
  if (header.key) {
    const auto taken = shard->open_keys.find({header.namespace_name, header.workflow, *header.key});
    if (taken != shard->open_keys.end()) {
      reply(key_conflict(taken->second, *header.key));
      return;
    }
  }
  // A job that comes back stands at the end of its line.
  header.job = with_order_number(*shard, header.namespace_name, header.job);
  store::RunProgress progress;
  progress.job_state = loaded.row.job_state;
  auto entry = replayed(header, std::move(progress), found.definition, loaded.checkpoint, loaded.journal);
  if (!entry) {
    reply(entry.error());
    return;
  }
  auto audit = audit_of(request.audit, **entry);
  if ((*entry)->run.was_acted_on_by(request.asked.operation)) {
    reply(answer_for(**entry, false));
    return;
  }
  auto decision = parts_.planner.decide((*entry)->run, request.asked, inputs());
  if (!decision) {
    reply(decision.error());
    return;
  }
  if (request.rehearse) {
    reply(answer_for(**entry, false));
    return;
  }
  (*entry)->addressed_loaded = false;  // what was sent to it before it closed waits for it still
  RunEntry* kept = insert(*shard, std::move(*entry));
  pending_.batch.revived.push_back(id);
  pending_.opened_at[id] = pending_.batch.opened.size();
  pending_.batch.opened.push_back({shard->lease.shard, kept->run.header(), {}});
  record(*kept, std::move(*decision), pending_);
  write_audit(std::move(audit), *kept, pending_);
  answer_start(shard->lease.shard, answer_for(*kept, false), false, std::move(reply));
}

}  // namespace orchestrator::runtime
