// Signals that are sent to one run by its id.
#include <utility>

#include "orchestrator/runtime/shard_group.hpp"

namespace orchestrator::runtime {
namespace {

Error changing() { return {ErrorCode::unavailable, "the owner of this run is changing; try again"}; }

}  // namespace

void ShardGroup::signal_by_run(SignalRequest request, std::vector<MessageRef> done, Reply<SignalAnswer> reply) {
  const RunId run_id = *request.run_id;
  const ShardId shard = shard_of(run_id);
  if (const Refusal* refusal = refusal_of(shard, request.signal_id)) {
    finish_refused(done, refusal->error());
    reply(refusal->error());
    return;
  }
  look_up_sender(request, done, reply, [this, run_id, shard, request, done, reply] {
    with_addressed(run_id, [this, run_id, shard, request, done, reply](Result<RunEntry*> found) {
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
        const bool is_full = entry.addressed.size() >= kMaxPendingSignals;
        if (is_full && done.empty()) {
          reply(mailbox_full());
          return;
        }
        if (is_full) {
          mark_refused(row, mailbox_full());
          row.run_id = run_id;
        } else {
          row.fate = store::SignalFate::buffered;
          entry.addressed.push_back(row);
          entry.addressed.back().sender = Role::operator_;  // as after a reload
          entry.addressed.back().actor.clear();
        }
        answer.fate = to_string(row.fate);
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

/// The run with the signals that were sent to it by its id: after a recovery, or when it comes back, they are read
/// first.
void ShardGroup::with_addressed(RunId run_id, RunFound found) {
  with_run(run_id, [this, run_id, found = std::move(found)](Result<RunEntry*> entry) {
    if (!entry || *entry == nullptr || (*entry)->addressed_loaded) {
      found(entry);
      return;
    }
    const ShardId shard = shard_of(run_id);
    loader_.addressed(run_id, [this, run_id, shard, generation = find_shard(shard)->generation,
                               found](Result<std::vector<store::SignalRow>> rows) {
      if (!rows || is_stale(shard, generation)) {
        found(rows ? changing() : rows.error());
        return;
      }
      const auto held = find_shard(shard)->runs.find(run_id);
      if (held != find_shard(shard)->runs.end() && !held->second->addressed_loaded) {
        held->second->addressed = std::move(*rows);
        held->second->addressed_loaded = true;
      }
      with_addressed(run_id, found);
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
