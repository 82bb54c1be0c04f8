// Broadcasts: one signal, and a copy of its own for each run that waits for it at that moment.
#include <algorithm>
#include <set>
#include <utility>

#include "orchestrator/base/json.hpp"
#include "orchestrator/runtime/shard_group.hpp"

namespace orchestrator::runtime {
namespace {

Error too_large(std::size_t runs) {
  return Error(ErrorCode::precondition_failed, "broadcast-too-large",
               "a broadcast reaches at most " + std::to_string(kMaxBroadcastRuns) + " runs and " +
                   std::to_string(kMaxBroadcastBytes >> 20U) + " MiB of payloads")
      .with("runs", std::to_string(runs));
}

}  // namespace

/// A copy is a signal to one run by its id, sent like any that was promised: it has a fate of its own, meets the run's
/// next wait for that name if this one ends meanwhile, and survives everything. All copies leave with the batch that
/// keeps the broadcast, so that its sender's id counts once for all of them.
void ShardGroup::broadcast_signal(Mailbox& mailbox, store::SignalRow row, const std::vector<MessageRef>& done,
                                  const Reply<SignalAnswer>& reply) {
  std::set<RunId> runs;
  for (const auto& wait : mailbox.waits) {
    if (std::find(wait.names.begin(), wait.names.end(), row.name) != wait.names.end()) runs.insert(wait.run_id);
  }
  const std::size_t bytes = runs.size() < 2 ? 0 : dump_json(json_of(row.payload)).size() * runs.size();
  const bool is_too_large = runs.size() > kMaxBroadcastRuns || bytes > kMaxBroadcastBytes;
  if (is_too_large && done.empty()) {
    reply(too_large(runs.size()));
    return;
  }
  if (is_too_large) {
    // Promised before: nobody can be told no, so the fate tells.
    mark_refused(row, too_large(runs.size()));
    answer_kept(mailbox, row, std::nullopt, done, reply);
    return;
  }
  row.settled_at = clock_.now();
  row.was_expected = !mailbox.waits.empty();
  // Settled at once: what became of it afterwards, each copy tells.
  row.fate = runs.empty() ? store::SignalFate::unmatched : store::SignalFate::consumed;
  row.reason = runs.empty() ? kNoWaitReason : kBroadcastReason;
  const auto ttl = std::chrono::duration_cast<std::chrono::seconds>(row.expires_at - row.received_at);
  for (const RunId& run_id : runs) {
    const ShardId home = shard_of(run_id);
    SignalRequest copy;
    copy.namespace_name = row.namespace_name;
    copy.name = row.name;
    copy.run_id = run_id;
    copy.signal_id = SignalId{make_uuid7(clock_.now(), home, random())};
    copy.id = row.signal_id.str();
    copy.payload = row.payload;
    copy.ttl_seconds = ttl.count();
    copy.sender = row.sender;
    store::SignalLinkRow link{.shard = row.shard,
                              .origin = row.signal_id,
                              .signal_id = copy.signal_id,
                              .kind = store::SignalLinkKind::broadcast,
                              .reason = {},
                              .actor = {},
                              .created_at = clock_.now()};
    pending_.batch.signal_links.push_back(std::move(link));
    send(row.shard, home, SignalMessage{std::move(copy)}, pending_);
  }
  answer_kept(mailbox, row, std::nullopt, done, reply);
}

}  // namespace orchestrator::runtime
