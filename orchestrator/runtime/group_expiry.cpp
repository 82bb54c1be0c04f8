// Signals whose time ran out: buffered ones end as expired, or as unmatched when nobody ever waited for them.
#include <algorithm>
#include <utility>

#include "orchestrator/runtime/shard_group.hpp"

namespace orchestrator::runtime {
namespace {

constexpr std::int32_t kMaxExpiredRead = 1'000;

/// By the rule of the contract: expired when a wait or a run for it had existed.
store::SignalFate end_of(const store::SignalRow& row, bool is_expected) {
  return row.was_expected || is_expected ? store::SignalFate::expired : store::SignalFate::unmatched;
}

}  // namespace

void ShardGroup::expire_signals() {
  parts_.executor.post([this] { expire_signals_now(); });
}

void ShardGroup::expire_signals_now() {
  std::vector<ShardId> shards;
  for (const auto& [id, shard] : shards_) {
    if (shard->phase == Shard::Phase::active) shards.push_back(id);
  }
  if (shards.empty()) return;
  parts_.store.expired_signals(shards, clock_.now(), kMaxExpiredRead,
                               [this](Result<std::vector<store::SignalRow>> expired) {
                                 if (!expired) return;
                                 parts_.executor.post([this, expired = std::move(*expired)] {
                                   for (const auto& row : expired) {
                                     if (row.key) {
                                       expire_of_key(row);
                                     } else {
                                       expire_of_run(row);
                                     }
                                   }
                                 });
                               });
}

/// In the mailbox of its key: somebody may have taken it since the look.
void ShardGroup::expire_of_key(const store::SignalRow& row) {
  const MailboxKey key{row.namespace_name, *row.key};
  with_mailbox(
      row.shard, key,
      [this, row, key](Mailbox& mailbox, std::function<void()> next) {
        const auto found = mailbox.find_pending(row.signal_id);
        if (found != mailbox.pending.end() && found->fate == store::SignalFate::buffered) {
          store::SignalRow ended = *found;
          mailbox.pending.erase(found);
          touch_mailbox(mailbox, row.shard, key);
          end_signal(std::move(ended), end_of(row, !mailbox.waits.empty()));
        }
        next();
      },
      [] {});
}

/// Sent to a run by its id, so a run for it had existed.
void ShardGroup::expire_of_run(const store::SignalRow& row) {
  with_addressed(*row.addressed_run_id, [this, row](Result<RunEntry*> entry) {
    if (!entry) return;  // the next sweep finds it again
    if (*entry == nullptr) {
      expire_of_closed_run(row.signal_id);
      return;
    }
    auto& addressed = (*entry)->addressed;
    const auto found =
        std::find_if(addressed.begin(), addressed.end(), [&](const auto& p) { return p.signal_id == row.signal_id; });
    if (found == addressed.end()) return;
    store::SignalRow ended = *found;
    addressed.erase(found);
    ++(*entry)->uncommitted;
    pending_.touched.push_back(*row.addressed_run_id);
    end_signal(std::move(ended), store::SignalFate::expired);
  });
}

/// The run may have taken it as the last thing that it did: looked at again, now that it is closed and forgotten.
void ShardGroup::expire_of_closed_run(SignalId signal_id) {
  const ShardId shard = shard_of(signal_id);
  if (find_shard(shard)->redirecting.contains(signal_id)) return;
  parts_.store.find_signal(signal_id,
                           [this, shard, generation = find_shard(shard)->generation](Result<store::SignalView> found) {
                             parts_.executor.post([this, shard, generation, found = std::move(found)] {
                               const bool is_free = !is_stale(shard, generation) && found;
                               if (!is_free || find_shard(shard)->redirecting.contains(found->signal_id)) return;
                               if (found->fate == store::SignalFate::buffered)
                                 end_signal(*found, store::SignalFate::expired);
                             });
                           });
}

void ShardGroup::end_signal(store::SignalRow row, store::SignalFate fate) {
  row.fate = fate;
  row.settled_at = clock_.now();
  write_signal(row, pending_);
  flush_soon();
}

}  // namespace orchestrator::runtime
