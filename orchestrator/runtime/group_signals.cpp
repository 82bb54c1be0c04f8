// Signals: accepted durably on the shard of their key, offered to one wait at a time, each with a fate.
#include <algorithm>
#include <utility>

#include "orchestrator/base/json.hpp"
#include "orchestrator/core/decision_answer.hpp"
#include "orchestrator/digest/routing.hpp"
#include "orchestrator/runtime/shard_group.hpp"

namespace orchestrator::runtime {
namespace {

Unexpected changing() { return fail(ErrorCode::unavailable, "the owner of this key is changing; try again"); }

bool waits_for(const store::SignalWaitRow& wait, const std::string& name) {
  return std::find(wait.names.begin(), wait.names.end(), name) != wait.names.end();
}

}  // namespace

void ShardGroup::send_signal(SignalRequest request, Reply<SignalAnswer> reply) {
  parts_.executor.post([this, request = std::move(request), reply = std::move(reply)]() mutable {
    if (request.run_id) {
      signal_by_run(std::move(request), {}, std::move(reply));
    } else {
      signal_by_key(std::move(request), {}, std::move(reply));
    }
  });
}

store::SignalRow ShardGroup::row_of(const SignalRequest& request, ShardId shard) {
  store::SignalRow row;
  row.shard = shard;
  row.signal_id = request.signal_id;
  row.namespace_name = request.namespace_name;
  row.name = request.name;
  row.key = request.key;
  row.addressed_run_id = request.run_id;
  row.id = request.id;
  row.payload = request.payload;
  row.sender = request.sender;
  row.actor = request.actor;
  row.received_at = clock_.now();
  row.expires_at = row.received_at + std::chrono::seconds{request.ttl_seconds};
  return row;
}

void ShardGroup::write_signal(const store::SignalRow& row, Pending& out) {
  touch(row.shard, out);
  // A signal may change twice before one flush; the last word counts.
  std::erase_if(out.batch.signals, [&](const auto& other) { return other.signal_id == row.signal_id; });
  out.batch.signals.push_back(row);
  parts_.metrics.signal(to_string(row.fate)).add();
}

void ShardGroup::answer_after_commit(ShardId shard, SignalAnswer answer, const Reply<SignalAnswer>& reply) {
  touch(shard, pending_);
  const SignalId signal_id = answer.signal_id;
  pending_.after.push_back({shard,
                            [answer = std::move(answer), reply](const Status& status) {
                              if (status) {
                                reply(answer);
                              } else {
                                reply(status.error());
                              }
                            },
                            signal_id});
  flush_soon();
}

// ---- mailboxes: one operation on a key at a time -----------------------------------------------------------------

void ShardGroup::with_mailbox(ShardId shard_id, const MailboxKey& key, MailboxOperation operation,
                              std::function<void()> abandoned) {
  Shard* shard = find_shard(shard_id);
  const bool waits = shard != nullptr && shard->phase != Shard::Phase::active;
  if (shard == nullptr || (waits && shard->waiting_requests.size() >= kMaxWaitingRequests)) {
    abandoned();
    return;
  }
  if (waits) {
    shard->waiting_requests.push_back(
        [this, shard_id, key, operation = std::move(operation), abandoned = std::move(abandoned)]() mutable {
          with_mailbox(shard_id, key, std::move(operation), std::move(abandoned));
        });
    return;
  }
  auto& mailbox = shard->mailboxes[key];
  if (mailbox == nullptr) mailbox = std::make_unique<Mailbox>();
  mailbox->operations.push_back(std::move(operation));
  mailbox->abandoned.push_back(std::move(abandoned));
  run_mailbox(shard_id, key);
}

void ShardGroup::run_mailbox(ShardId shard_id, const MailboxKey& key) {
  Shard* shard = find_shard(shard_id);
  if (shard == nullptr) return;
  const auto found = shard->mailboxes.find(key);
  if (found == shard->mailboxes.end()) return;
  Mailbox& mailbox = *found->second;
  if (mailbox.busy) return;
  if (mailbox.operations.empty()) {
    if (mailbox.is_at_rest()) keep_resting_mailbox(shard_id, key);
    return;
  }
  mailbox.busy = true;
  const auto generation = shard->generation;
  if (!mailbox.loaded) {
    loader_.mailbox({shard_id, key.first, key.second}, [this, shard_id, key, generation, forgotten = shard->forgotten](
                                                           Result<store::MailboxAnswer> answer) {
      Shard* owner = find_shard(shard_id);
      if (owner == nullptr || owner->generation != generation) return;
      Mailbox& box = *owner->mailboxes.at(key);
      box.busy = false;
      if (answer) {
        box.loaded = true;
        box.waits = std::move(answer->waits);
        box.pending = std::move(answer->pending);
        if (answer->next_run) take_read_run(*owner, *std::move(answer->next_run), forgotten);
        run_mailbox(shard_id, key);
        return;
      }
      auto abandoned = std::exchange(box.abandoned, {});
      owner->mailboxes.erase(key);
      for (auto& tell : abandoned) tell();
    });
    return;
  }
  auto operation = std::move(mailbox.operations.front());
  mailbox.operations.pop_front();
  operation(mailbox, [this, shard_id, key, generation] {
    Shard* owner = find_shard(shard_id);
    if (owner == nullptr || owner->generation != generation) return;
    const auto box = owner->mailboxes.find(key);
    if (box == owner->mailboxes.end()) return;
    box->second->busy = false;
    // Kept until here, so that whoever asked is told when the shard is dropped in the middle of the operation.
    box->second->abandoned.pop_front();
    parts_.executor.post([this, shard_id, key] { run_mailbox(shard_id, key); });
  });
}

// ---- a signal for a key ------------------------------------------------------------------------------------------

/// Whether the sender's id was used before: asked for together with the mailbox, so that both cost one round trip. The
/// operation that waits for it keeps the mailbox in memory, which knows the ids that were accepted since.
struct ShardGroup::SenderLookup {
  bool is_asked = false;
  std::optional<Result<std::optional<store::SignalRow>>> known;
  std::function<void()> then;  ///< the operation that came first
};

void ShardGroup::signal_by_key(SignalRequest request, std::vector<MessageRef> done, Reply<SignalAnswer> reply) {
  const ShardId shard = digest::shard_for_key(request.namespace_name, *request.key, parts_.store.shard_count());
  const MailboxKey key{request.namespace_name, *request.key};
  auto lookup = std::make_shared<SenderLookup>();
  store::SignalIdQuery query{shard, request.namespace_name, request.name, request.key, std::nullopt, request.id};
  const auto look = [this, lookup, query = std::move(query)] {
    lookup->is_asked = true;
    loader_.signal_id(query, [lookup](Result<std::optional<store::SignalRow>> known) {
      lookup->known = std::move(known);
      if (lookup->then) std::exchange(lookup->then, nullptr)();
    });
  };
  auto abandoned = [reply] { reply(changing()); };
  with_mailbox(
      shard, key,
      [this, shard, lookup, look, request = std::move(request), done = std::move(done), reply](
          Mailbox& mailbox, std::function<void()> next) {
        if (const Refusal* refusal = refusal_of(shard, request.signal_id)) {
          finish_refused(done, refusal->error());
          reply(refusal->error());
          next();
          return;
        }
        if (const auto known = mailbox.ids.find({request.name, request.id}); known != mailbox.ids.end()) {
          parts_.metrics.signal("duplicate").add();
          finish_message(done, pending_);
          answer_after_commit(shard, SignalAnswer{known->second.signal_id, "duplicate", known->second.run_id}, reply);
          next();
          return;
        }
        lookup->then = [this, shard, generation = find_shard(shard)->generation, lookup, request, done, reply, next] {
          if (!is_stale(shard, generation)) signal_looked_up(shard, request, done, *lookup->known, reply, next);
        };
        if (lookup->known) {
          std::exchange(lookup->then, nullptr)();
        } else if (!lookup->is_asked) {
          look();
        }
      },
      std::move(abandoned));
  // While the shard recovers, rows may still change: then the operation asks when its turn has come.
  const Shard* owner = find_shard(shard);
  if (owner != nullptr && owner->phase == Shard::Phase::active && !lookup->is_asked) look();
}

void ShardGroup::signal_looked_up(ShardId shard, const SignalRequest& request, const std::vector<MessageRef>& done,
                                  const Result<std::optional<store::SignalRow>>& known,
                                  const Reply<SignalAnswer>& reply, std::function<void()> next) {
  if (!known) {
    reply(known.error());
    next();
    return;
  }
  if (*known) {
    parts_.metrics.signal("duplicate").add();
    finish_message(done, pending_);
    reply(SignalAnswer{(*known)->signal_id, "duplicate", (*known)->run_id});
    next();
    return;
  }
  const MailboxKey box_key{request.namespace_name, *request.key};
  if (!request.start) {
    accept_signal(*find_shard(shard)->mailboxes.at(box_key), request, std::nullopt, done, reply, std::move(next));
    return;
  }
  StartRequest start;
  start.namespace_name = request.namespace_name;
  start.workflow = request.start->workflow;
  start.input = request.start->input ? request.start->input : request.payload;
  start.key = request.key;
  start.on_conflict = KeyConflict::return_existing;
  start.id = RunId{make_uuid7(clock_.now(), shard, random())};
  // The start and the signal are one batch: both are appended before this strand does anything else.
  start_with_signal(std::move(start), box_key, request, done, reply, std::move(next));
}

void ShardGroup::start_with_signal(StartRequest start, const MailboxKey& key, const SignalRequest& request,
                                   std::vector<MessageRef> done, Reply<SignalAnswer> reply,
                                   std::function<void()> next) {
  const ShardId shard = shard_of(start.id);
  start.answer_when_appended = true;
  start_active(std::move(start), {},
               [this, shard, generation = find_shard(shard)->generation, key, request, done, reply,
                next](Result<StartAnswer> started) {
                 // A start may outlive a reload of its shard. Its signal does not: whoever sent it was told to try
                 // again.
                 if (is_stale(shard, generation)) return;
                 Shard* owner = find_shard(shard);
                 if (!owner->mailboxes.contains(key)) return;
                 if (!started) {
                   finish_refused(done, started.error());
                   reply(started.error());
                   next();
                   return;
                 }
                 std::optional<RunId> begun;
                 if (!started->existing) begun = started->run_id;
                 accept_signal(*owner->mailboxes.at(key), request, begun, done, reply, next);
               });
}

void ShardGroup::accept_signal(Mailbox& mailbox, const SignalRequest& request, std::optional<RunId> started,
                               std::vector<MessageRef> done, Reply<SignalAnswer> reply, std::function<void()> next) {
  const ShardId shard = digest::shard_for_key(request.namespace_name, *request.key, parts_.store.shard_count());
  keep_signal(mailbox, row_of(request, shard), started, std::move(done), std::move(reply), std::move(next));
}

/// Finds the oldest matching wait and offers the signal, or buffers it; then writes it and answers after the commit.
void ShardGroup::keep_signal(Mailbox& mailbox, store::SignalRow row, std::optional<RunId> started,
                             std::vector<MessageRef> done, Reply<SignalAnswer> reply, std::function<void()> next) {
  const MailboxKey key{row.namespace_name, *row.key};
  const ShardId shard = row.shard;
  const auto wait =
      std::find_if(mailbox.waits.begin(), mailbox.waits.end(), [&](const auto& w) { return waits_for(w, row.name); });

  const auto finish = [this, key, shard, started, done, reply, next](Mailbox& box, const store::SignalRow& kept) {
    box.ids[{kept.name, kept.id}] = SignalAnswer{kept.signal_id, std::string(to_string(kept.fate)), kept.run_id};
    if (kept.fate == store::SignalFate::buffered || kept.fate == store::SignalFate::delivered) {
      box.pending.push_back(kept);
      // As after a reload: what is buffered keeps no credential.
      box.pending.back().sender = Role::operator_;
      box.pending.back().actor.clear();
    }
    write_signal(kept, pending_);
    finish_message(done, pending_);
    ++box.uncommitted;
    pending_.touched_mailboxes.emplace_back(shard, key);
    SignalAnswer answer{kept.signal_id, std::string(to_string(kept.fate)), kept.run_id};
    // The first fate is in the sender's words: what a wait took at once is delivered to him.
    if (kept.fate == store::SignalFate::consumed) answer.fate = "delivered";
    if (started) {
      answer.fate = "started";
      answer.run_id = started;
    }
    answer_after_commit(shard, std::move(answer), reply);
    next();
  };

  if (wait == mailbox.waits.end()) {
    row.fate = store::SignalFate::buffered;
    row.was_expected = !mailbox.waits.empty() || started.has_value();
    finish(mailbox, row);
    return;
  }
  row.was_expected = true;
  if (shard_of(wait->run_id) != shard) {
    offer_elsewhere(row, *wait, pending_);
    finish(mailbox, row);
    return;
  }
  const store::SignalWaitRow& met = *wait;  // captured by value below: the mailbox may change
  const auto generation = find_shard(shard)->generation;
  with_run(met.run_id, [this, shard, generation, key, met, row, finish, reply, done, started,
                        next](Result<RunEntry*> entry) mutable {
    Shard* owner = find_shard(shard);
    if (owner == nullptr || owner->generation != generation) return;
    const auto found = owner->mailboxes.find(key);
    if (found == owner->mailboxes.end()) return;
    Mailbox& box = *found->second;
    if (!entry) {
      reply(entry.error());
      next();
      return;
    }
    const auto refusal = *entry == nullptr ? std::nullopt : answer_refusal(**entry, row, met.step);
    if (refusal && done.empty() && !started) {
      reply(*refusal);
      next();
      return;
    }
    if (refusal) {
      // Accepted before (a webhook), or its start is on its way: nobody can be told no, so the fate tells.
      mark_refused(row, *refusal);
      row.run_id = met.run_id;
      finish(box, row);
      return;
    }
    if (*entry != nullptr && offer_here(**entry, row, met.step, pending_)) {
      finish(box, row);
      return;
    }
    // The wait is over; it will not be asked again. Look for another one.
    std::erase_if(box.waits, [&](const auto& w) { return w.run_id == met.run_id && w.step == met.step; });
    touch(shard, pending_);
    pending_.batch.waits_removed.push_back({shard, key.first, key.second, met.run_id, met.step});
    keep_signal(box, std::move(row), started, done, reply, next);
  });
}

core::SignalOffered ShardGroup::offer_of(const store::SignalRow& row, EventId step) {
  core::SignalOffered offer;
  offer.signal_id = row.signal_id;
  offer.name = row.name;
  offer.key = row.key;
  offer.payload = row.payload;
  offer.received_at = row.received_at;
  offer.step = step;
  return offer;
}

/// Checked where the answer is taken: between a look and the call the form may have changed.
std::optional<Error> ShardGroup::answer_refusal(const RunEntry& entry, const store::SignalRow& row, EventId step) {
  const auto wait = entry.run.open_wait_for(offer_of(row, step));
  return wait ? core::refusal_of_answer(*wait, json_of(row.payload), row.sender) : std::nullopt;
}

void ShardGroup::mark_refused(store::SignalRow& row, const Error& refusal) {
  row.fate = store::SignalFate::rejected;
  row.reason = refusal.slug;
  row.settled_at = clock_.now();
}

/// The run is the arbiter: it takes the signal if that wait is still open.
bool ShardGroup::offer_here(RunEntry& entry, store::SignalRow& row, EventId step, Pending& out) {
  const core::SignalOffered offer = offer_of(row, step);
  const auto wait = entry.run.open_wait_for(offer);
  std::optional<AuditEntry> audit;
  if (wait && wait->is_decision) audit = answer_audit(entry, row);
  if (!wait || !decide(entry, offer, out)) return false;
  write_audit(std::move(audit), entry, out);
  row.fate = store::SignalFate::consumed;
  row.reason.clear();
  row.run_id = entry.run.header().id;
  row.step = wait->step;
  row.state_name = wait->state_name;
  row.settled_at = clock_.now();
  return true;
}

void ShardGroup::offer_elsewhere(store::SignalRow& row, const store::SignalWaitRow& wait, Pending& out) {
  row.fate = store::SignalFate::delivered;
  row.run_id = wait.run_id;
  row.step = wait.step;
  row.state_name = wait.state_name;
  send(row.shard, shard_of(wait.run_id), SignalOfferMessage{row}, out);
}

// ---- a signal for a run ------------------------------------------------------------------------------------------

void ShardGroup::signal_by_run(SignalRequest request, std::vector<MessageRef> done, Reply<SignalAnswer> reply) {
  const RunId run_id = *request.run_id;
  const ShardId shard = shard_of(run_id);
  if (const Refusal* refusal = refusal_of(shard, request.signal_id)) {
    finish_refused(done, refusal->error());
    reply(refusal->error());
    return;
  }
  look_up_sender(request, done, reply, [this, run_id, shard, request, done, reply] {
    with_run(run_id, [this, run_id, shard, request, done, reply](Result<RunEntry*> found) {
      if (is_stale(done)) return;
      if (!found) {
        reply(found.error());
        return;
      }
      if (*found == nullptr) {
        reject_signal(request, done, reply);
        return;
      }
      RunEntry& entry = **found;
      if (entry.run.header().namespace_name != request.namespace_name) {
        finish_message(done, pending_);
        reply(fail(ErrorCode::not_found, "no such run"));
        return;
      }
      if (const auto known = entry.signal_ids.find({request.name, request.id}); known != entry.signal_ids.end()) {
        answer_duplicate(request, known->second, done, reply);
        return;
      }
      if (is_closed(entry.run.state())) {
        reject_signal(request, done, reply);
        return;
      }
      store::SignalRow row = row_of(request, shard);
      if (auto refusal = answer_refusal(entry, row, 0)) {
        finish_message(done, pending_);
        reply(*std::move(refusal));
        return;
      }
      row.was_expected = true;
      SignalAnswer answer{row.signal_id, "delivered", run_id};
      if (!offer_here(entry, row, 0, pending_)) {
        row.fate = store::SignalFate::buffered;
        answer.fate = "buffered";
        entry.addressed.push_back(row);
        entry.addressed.back().sender = Role::operator_;  // as after a reload
        entry.addressed.back().actor.clear();
        // Nothing was decided, but the run must stay in memory until this row is committed: it knows the signal.
        ++entry.uncommitted;
        pending_.touched.push_back(run_id);
      }
      entry.signal_ids[{row.name, row.id}] = row.signal_id;
      write_signal(row, pending_);
      finish_message(done, pending_);
      answer_after_commit(shard, std::move(answer), reply);
    });
  });
}

/// Answers a repeat; `fresh` is called when the sender's id was not used for this run before.
void ShardGroup::look_up_sender(const SignalRequest& request, const std::vector<MessageRef>& done,
                                const Reply<SignalAnswer>& reply, std::function<void()> fresh) {
  const ShardId shard = shard_of(*request.run_id);
  const Shard* owner = find_shard(shard);
  const std::uint64_t generation = owner == nullptr ? 0 : owner->generation;
  store::SignalIdQuery query{shard, request.namespace_name, request.name, std::nullopt, request.run_id, request.id};
  loader_.signal_id(std::move(query), [this, shard, generation, request, done, reply,
                                       fresh = std::move(fresh)](Result<std::optional<store::SignalRow>> known) {
    // What was asked before memory was dropped may have missed a signal that it held.
    if (is_stale(done) || is_stale(shard, generation)) {
      reply(changing());
      return;
    }
    if (!known) {
      reply(known.error());
      return;
    }
    if (*known) {
      parts_.metrics.signal("duplicate").add();
      finish_message(done, pending_);
      reply(SignalAnswer{(*known)->signal_id, "duplicate", request.run_id});
      return;
    }
    if (const auto first = recent_id(request)) {
      answer_duplicate(request, *first, done, reply);
      return;
    }
    fresh();
  });
}

/// The sender's id when it was used for a run that is not in memory, so lately that a look-up may have missed it.
std::optional<SignalId> ShardGroup::recent_id(const SignalRequest& request) {
  const auto& recent = find_shard(shard_of(*request.run_id))->recent_signal_ids;
  const auto of_run = recent.find(*request.run_id);
  if (of_run == recent.end()) return std::nullopt;
  const auto used = of_run->second.find({request.name, request.id});
  return used == of_run->second.end() ? std::nullopt : std::optional(used->second);
}

/// After the commit of what the run's signals wrote: look-ups that were under way meanwhile still ask for it.
void ShardGroup::forget_recent_ids(RunId run_id) {
  const auto erase = [this, run_id] {
    if (Shard* owner = find_shard(shard_of(run_id))) owner->recent_signal_ids.erase(run_id);
  };
  if (loader_.is_busy()) {
    loader_.after_this_load(erase);
  } else {
    erase();
  }
}

void ShardGroup::answer_duplicate(const SignalRequest& request, SignalId first, const std::vector<MessageRef>& done,
                                  const Reply<SignalAnswer>& reply) {
  parts_.metrics.signal("duplicate").add();
  finish_message(done, pending_);
  answer_after_commit(shard_of(*request.run_id), SignalAnswer{first, "duplicate", request.run_id}, reply);
}

/// To a run that is over: kept with its fate, and said so. To a run that never was: not found.
void ShardGroup::reject_signal(const SignalRequest& request, std::vector<MessageRef> done, Reply<SignalAnswer> reply) {
  parts_.store.find_run(*request.run_id, [this, request, done, reply](Result<store::RunView> view) {
    parts_.executor.post([this, request, done, reply, view = std::move(view)] {
      if (is_stale(done)) return;
      if (find_shard(shard_of(*request.run_id)) == nullptr) {
        reply(changing());
        return;
      }
      if (!view || view->header.namespace_name != request.namespace_name) {
        const Error why = view ? Error(ErrorCode::not_found, "no such run") : view.error();
        finish_refused(done, why);
        reply(why);
        return;
      }
      reject_once(request, done, reply);
    });
  });
}

/// No run in memory remembers who sent it what, and a repeat may have come while the run was looked for: asked again.
void ShardGroup::reject_once(const SignalRequest& request, const std::vector<MessageRef>& done,
                             const Reply<SignalAnswer>& reply) {
  look_up_sender(request, done, reply, [this, request, done, reply] {
    const ShardId shard = shard_of(*request.run_id);
    store::SignalRow row = row_of(request, shard);
    row.fate = store::SignalFate::rejected;
    row.reason = "run-closed";
    row.was_expected = true;
    row.run_id = request.run_id;
    row.settled_at = clock_.now();
    find_shard(shard)->recent_signal_ids[*request.run_id][{row.name, row.id}] = row.signal_id;
    write_signal(row, pending_);
    finish_message(done, pending_);
    const Error closed =
        Error(ErrorCode::precondition_failed, "run-closed", "the run is closed; the signal is kept as rejected")
            .with("signal_id", row.signal_id.str());
    pending_.after.push_back({shard,
                              [this, run_id = *request.run_id, closed, reply](const Status& status) {
                                if (status) forget_recent_ids(run_id);
                                reply(status ? closed : status.error());
                              },
                              row.signal_id});
    flush_soon();
  });
}

}  // namespace orchestrator::runtime
