// An operator sends a signal again, or elsewhere: a new one takes the old one's place, and each names the other.
#include <algorithm>
#include <utility>

#include "orchestrator/base/json.hpp"
#include "orchestrator/digest/routing.hpp"
#include "orchestrator/runtime/shard_group.hpp"
#include "orchestrator/store/audit.hpp"

namespace orchestrator::runtime {
namespace {

Error changing() { return {ErrorCode::unavailable, "this signal is changing right now; try again"}; }

Error wrong_state(std::string why) { return {ErrorCode::precondition_failed, "wrong-state", std::move(why)}; }

bool is_pending(const store::SignalRow& row) {
  return row.fate == store::SignalFate::buffered || row.fate == store::SignalFate::delivered;
}

/// @param successor the signal that this action makes of it
std::string digest_of(const store::SignalRow& row, std::optional<SignalId> successor) {
  Json what = {{"signal_id", row.signal_id.str()}, {"fate", store::to_string(row.fate)}, {"reason", row.reason}};
  what["successor"] = successor ? Json(successor->str()) : Json();
  return store::audit_digest(what);
}

}  // namespace

void ShardGroup::redirect_signal(RedirectRequest request, Reply<SignalAnswer> reply) {
  parts_.executor.post([this, request = std::move(request), reply = std::move(reply)] {
    const bool is_ours =
        when_active(shard_of(request.origin), [this, request, reply] { redirect_active(request, reply); });
    if (!is_ours) reply(changing());
  });
}

/// One at a time for each signal: the second one waits until the first is durable, and then finds what it made.
void ShardGroup::redirect_active(const RedirectRequest& request, const Reply<SignalAnswer>& reply) {
  const ShardId shard = shard_of(request.origin);
  const auto generation = find_shard(shard)->generation;
  if (!find_shard(shard)->redirecting.insert(request.origin).second) {
    reply(changing());
    return;
  }
  const auto ended = [this, shard, origin = request.origin, generation, reply](Result<SignalAnswer> answer) {
    if (!is_stale(shard, generation)) find_shard(shard)->redirecting.erase(origin);
    reply(std::move(answer));
  };
  parts_.store.find_signal(request.origin, [this, shard, generation, request, ended](Result<store::SignalView> found) {
    parts_.executor.post([this, shard, generation, request, ended, found = std::move(found)] {
      if (is_stale(shard, generation)) {
        ended(changing());
      } else if (!found) {
        ended(found.error());
      } else if (found->namespace_name != request.namespace_name) {
        ended(fail(ErrorCode::not_found, "no such signal"));
      } else if (found->reason == "in-inbox") {
        ended(changing());
      } else if (found->fate == store::SignalFate::consumed && !request.even_consumed) {
        ended(wrong_state("the signal was consumed; a replay of it needs an `id` of its own"));
      } else if (found->successor && !request.even_consumed) {
        Error sent_on = wrong_state("the signal was sent on before; its successor can be, or a replay with an `id`");
        ended(std::move(sent_on).with("successor_signal_id", found->successor->str()));
      } else if (!is_pending(*found)) {
        redirect_from(*found, request, ended);
      } else if (found->key) {
        redirect_of_key(request, *found, ended);
      } else {
        redirect_of_run(request, *found, ended);
      }
    });
  });
}

/// It lies in the mailbox of its key, which knows best whether it still does.
void ShardGroup::redirect_of_key(const RedirectRequest& request, const store::SignalRow& seen,
                                 const Reply<SignalAnswer>& reply) {
  const MailboxKey key{seen.namespace_name, *seen.key};
  with_mailbox(
      seen.shard, key,
      [this, key, request, reply](Mailbox& mailbox, std::function<void()> next) {
        const auto found = mailbox.find_pending(request.origin);
        if (found == mailbox.pending.end()) {
          reply(changing());
        } else if (found->fate == store::SignalFate::delivered) {
          reply(wrong_state("the signal is being offered to a run right now"));
        } else {
          store::SignalRow taken = *found;
          mailbox.pending.erase(found);
          touch_mailbox(mailbox, taken.shard, key);
          redirect_from(std::move(taken), request, reply);
        }
        next();
      },
      [reply] { reply(changing()); });
}

void ShardGroup::redirect_of_run(const RedirectRequest& request, const store::SignalRow& seen,
                                 const Reply<SignalAnswer>& reply) {
  with_addressed(*seen.addressed_run_id, [this, request, reply](Result<RunEntry*> entry) {
    if (!entry) {
      reply(entry.error());
      return;
    }
    if (*entry == nullptr) {
      redirect_settled(request, reply);
      return;
    }
    auto& addressed = (*entry)->addressed;
    const auto found = std::find_if(addressed.begin(), addressed.end(),
                                    [&](const auto& row) { return row.signal_id == request.origin; });
    if (found == addressed.end()) {
      reply(changing());
      return;
    }
    store::SignalRow taken = *found;
    addressed.erase(found);
    // The run knows what it was sent until that is committed.
    ++(*entry)->uncommitted;
    pending_.touched.push_back(*taken.addressed_run_id);
    redirect_from(std::move(taken), request, reply);
  });
}

/// Its run is closed and durably so: nobody but operators and the clock touches the signal any more.
void ShardGroup::redirect_settled(const RedirectRequest& request, const Reply<SignalAnswer>& reply) {
  const ShardId shard = shard_of(request.origin);
  parts_.store.find_signal(request.origin, [this, shard, generation = find_shard(shard)->generation, request,
                                            reply](Result<store::SignalView> found) {
    parts_.executor.post([this, shard, generation, request, reply, found = std::move(found)] {
      if (is_stale(shard, generation) || !found) {
        reply(found ? changing() : found.error());
      } else if (found->fate == store::SignalFate::consumed && !request.even_consumed) {
        reply(wrong_state("the signal was consumed"));
      } else {
        redirect_from(*found, request, reply);
      }
    });
  });
}

/// Ends the old one if nothing has yet, and promises the new one to the shard of its receiver: one batch.
void ShardGroup::redirect_from(store::SignalRow origin, const RedirectRequest& request,
                               const Reply<SignalAnswer>& reply) {
  std::optional<AuditEntry> audit = request.audit;
  if (audit) audit->before_hash = digest_of(origin, std::nullopt);
  if (is_pending(origin)) {
    origin.reason = request.kind == store::SignalLinkKind::replay ? "replayed" : "retargeted";
    end_signal(origin, store::SignalFate::rejected);
  }
  store::SignalLinkRow link{.shard = origin.shard,
                            .origin = request.origin,
                            .signal_id = request.signal_id,
                            .kind = request.kind,
                            .reason = request.reason,
                            .actor = request.actor,
                            .created_at = clock_.now()};
  touch(origin.shard, pending_);
  pending_.batch.signal_links.push_back(std::move(link));
  if (audit) {
    audit->after_hash = digest_of(origin, request.signal_id);
    pending_.batch.audit.push_back({origin.shard, *std::move(audit)});
  }
  SignalRequest made;
  made.namespace_name = request.namespace_name;
  made.name = request.name;
  made.key = request.key;
  made.run_id = request.run_id;
  made.signal_id = request.signal_id;
  made.id = request.id;
  made.payload = origin.payload;
  // As long as the old one had.
  made.ttl_seconds = std::max<std::int64_t>(
      1, std::chrono::duration_cast<std::chrono::seconds>(origin.expires_at - origin.received_at).count());
  made.sender = request.sender;
  made.broadcast = made.key && (origin.reason == kBroadcastReason || origin.reason == kNoWaitReason);
  const ShardId target = request.run_id
                             ? shard_of(*request.run_id)
                             : digest::shard_for_key(request.namespace_name, *request.key, parts_.store.shard_count());
  send(origin.shard, target, SignalMessage{std::move(made)}, pending_);
  answer_after_commit(origin.shard, SignalAnswer{request.signal_id, "buffered", request.run_id}, reply);
}

}  // namespace orchestrator::runtime
