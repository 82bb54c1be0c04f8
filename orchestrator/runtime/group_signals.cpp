// Signals: accepted durably on the shard of their key, offered to one wait at a time, each with a fate.
#include <algorithm>
#include <iterator>
#include <utility>

#include "orchestrator/base/json.hpp"
#include "orchestrator/core/decision_answer.hpp"
#include "orchestrator/digest/routing.hpp"
#include "orchestrator/runtime/mailbox_offers.hpp"
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
  ++mailbox->asked;
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
        if (answer->sender_ids) box.stored_ids.emplace(answer->sender_ids->begin(), answer->sender_ids->end());
        box.pending.assign(std::make_move_iterator(answer->pending.begin()),
                           std::make_move_iterator(answer->pending.end()));
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
    ++box->second->finished;
    box->second->forget_finished();
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
        if (mailbox.is_new({request.name, request.id})) {
          signal_looked_up(shard, request, done, std::optional<store::SignalRow>{}, reply, std::move(next));
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
  if (owner == nullptr || owner->phase != Shard::Phase::active || lookup->is_asked) return;
  const auto box = owner->mailboxes.find(key);
  if (box == owner->mailboxes.end() || !box->second->stored_ids) look();
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
  if (request.broadcast) {
    broadcast_signal(mailbox, row_of(request, shard), done, reply);
    next();
    return;
  }
  keep_signal(mailbox, row_of(request, shard), started, std::move(done), std::move(reply), std::move(next));
}

/// Writes what became of a signal for a key, and answers its sender after the commit.
void ShardGroup::answer_kept(Mailbox& mailbox, const store::SignalRow& row, std::optional<RunId> started,
                             const std::vector<MessageRef>& done, const Reply<SignalAnswer>& reply) {
  const MailboxKey key{row.namespace_name, *row.key};
  const std::pair<std::string, std::string> sender{row.name, row.id};
  mailbox.ids[sender] = SignalAnswer{row.signal_id, std::string(to_string(row.fate)), row.run_id};
  if (row.fate == store::SignalFate::buffered || row.fate == store::SignalFate::delivered) {
    mailbox.pending.push_back(row);
    // As after a reload: what is buffered keeps no credential.
    mailbox.pending.back().sender = Role::operator_;
    mailbox.pending.back().actor.clear();
  }
  write_signal(row, pending_);
  finish_message(done, pending_);
  touch_mailbox(mailbox, row.shard, key);
  SignalAnswer answer{row.signal_id, std::string(to_string(row.fate)), row.run_id};
  // The first fate is in the sender's words: what a wait took at once is delivered to him.
  if (row.fate == store::SignalFate::consumed) answer.fate = "delivered";
  if (started) {
    answer.fate = "started";
    answer.run_id = started;
  }
  answer_after_commit(row.shard, std::move(answer),
                      [this, shard = row.shard, key, sender, reply](Result<SignalAnswer> kept) {
                        if (kept) forget_sender(shard, key, sender);
                        reply(std::move(kept));
                      });
}

/// What happens to the mailbox now is committed with the next batch; until then it stays in memory.
void ShardGroup::touch_mailbox(Mailbox& mailbox, ShardId shard, const MailboxKey& key) {
  ++mailbox.uncommitted;
  pending_.touched_mailboxes.emplace_back(shard, key);
  touch(shard, pending_);
}

/// Committed: whoever asks for that id from now on finds it in the table. Those who asked already, and wait for their
/// turn, may have looked too early.
void ShardGroup::forget_sender(ShardId shard, const MailboxKey& key, std::pair<std::string, std::string> sender) {
  Shard* owner = find_shard(shard);
  if (owner == nullptr) return;
  const auto found = owner->mailboxes.find(key);
  if (found == owner->mailboxes.end()) return;
  Mailbox& mailbox = *found->second;
  mailbox.forgettable.emplace_back(mailbox.asked, std::move(sender));
  mailbox.forget_finished();
}

/// Finds the oldest matching wait and offers the signal, or buffers it; then writes it and answers after the commit.
void ShardGroup::keep_signal(Mailbox& mailbox, store::SignalRow row, std::optional<RunId> started,
                             std::vector<MessageRef> done, Reply<SignalAnswer> reply, std::function<void()> next) {
  const MailboxKey key{row.namespace_name, *row.key};
  const ShardId shard = row.shard;
  const auto wait = std::find_if(mailbox.waits.begin(), mailbox.waits.end(),
                                 [&](const auto& w) { return waits_for(w, row.name) && !has_offer(mailbox, w); });

  const auto finish = [this, started, done, reply, next](Mailbox& box, const store::SignalRow& kept) {
    answer_kept(box, kept, started, done, reply);
    next();
  };

  // An older one that lies here is owed to that wait: the comparison of the two is on its way.
  const bool is_behind = std::any_of(mailbox.pending.begin(), mailbox.pending.end(), [&](const auto& older) {
    return older.name == row.name && older.fate == store::SignalFate::buffered;
  });
  if (wait == mailbox.waits.end() || is_behind) {
    row.fate = store::SignalFate::buffered;
    row.was_expected = !mailbox.waits.empty() || started.has_value();
    if (mailbox.pending.size() >= kMaxPendingSignals) {
      const Error full = mailbox_full();
      if (done.empty() && !started) {
        reply(full);
        next();
        return;
      }
      mark_refused(row, full);
    }
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

}  // namespace orchestrator::runtime
