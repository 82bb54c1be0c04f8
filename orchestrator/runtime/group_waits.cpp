// Signal waits: a run's wait meets what is buffered for it, addressed to the run or under the wait's key.
#include <algorithm>
#include <utility>

#include "orchestrator/digest/routing.hpp"
#include "orchestrator/runtime/shard_group.hpp"

namespace orchestrator::runtime {
namespace {

constexpr Duration kMatchAgainAfter = std::chrono::milliseconds{200};

}  // namespace

void ShardGroup::await_signal(RunEntry& entry, const core::AwaitSignal& command, Pending& out) {
  const auto& header = entry.run.header();
  const ShardId home = shard_of(header.id);
  entry.unmatched_waits.insert(command.step);
  if (command.key) {
    const ShardId target = digest::shard_for_key(header.namespace_name, *command.key, parts_.store.shard_count());
    store::SignalWaitRow wait{target,       header.namespace_name, *command.key,       header.id,
                              command.step, command.names,         command.state_name, command.since};
    if (target == home) {
      touch(home, out);
      out.batch.waits_added.push_back(wait);
    } else {
      send(home, target, WaitOpenedMessage{std::move(wait)}, out);
    }
  }
  // Compared with what is buffered once this decision is appended; until then the run does not count as at rest, so
  // that a crash in between comes back here.
  parts_.executor.post([this, id = header.id, generation = find_shard(home)->generation, command] {
    match_wait(id, generation, command);
  });
}

/// What is addressed to the run comes first, then what lies in the key's mailbox.
void ShardGroup::match_wait(RunId run_id, std::uint64_t generation, const core::AwaitSignal& command) {
  const auto settled = [this, run_id, step = command.step](RunEntry& entry) {
    entry.unmatched_waits.erase(step);
    // A decision without events: only the open row's at_rest changes.
    touch(shard_of(run_id), pending_);
    ++entry.uncommitted;
    pending_.touched.push_back(run_id);
    if (!is_closed(entry.run.state())) write_progress(entry, pending_);
    flush_soon();
  };
  with_run(run_id, [this, run_id, generation, command, settled](Result<RunEntry*> found) {
    Shard* shard = find_shard(shard_of(run_id));
    if (shard == nullptr || shard->generation != generation || !found || *found == nullptr) return;
    RunEntry& entry = **found;
    if (entry.run.is_paused()) {
      settled(entry);  // its waits are taken back; the resume opens them again
      return;
    }
    if (!entry.addressed_loaded) {
      loader_.addressed(run_id, [this, run_id, generation, command](Result<std::vector<store::SignalRow>> rows) {
        Shard* owner = find_shard(shard_of(run_id));
        if (owner == nullptr || owner->generation != generation) return;
        if (const auto held = owner->runs.find(run_id);
            rows && held != owner->runs.end() && !held->second->addressed_loaded) {
          held->second->addressed = std::move(*rows);
          held->second->addressed_loaded = true;
        }
        if (rows) {
          match_wait(run_id, generation, command);
        } else {
          match_later(run_id, generation, command);
        }
      });
      return;
    }
    for (std::size_t i = 0; i < entry.addressed.size(); ++i) {
      store::SignalRow row = entry.addressed[i];
      if (std::find(command.names.begin(), command.names.end(), row.name) == command.names.end()) continue;
      if (const auto refusal = answer_refusal(entry, row, command.step)) {
        entry.addressed.erase(entry.addressed.begin() + static_cast<std::ptrdiff_t>(i--));
        mark_refused(row, *refusal);
        row.run_id = run_id;
        write_signal(row, pending_);
        continue;
      }
      if (!offer_here(entry, row, command.step, pending_)) break;
      entry.addressed.erase(entry.addressed.begin() + static_cast<std::ptrdiff_t>(i));
      write_signal(row, pending_);
      settled(entry);
      return;
    }
    const auto& header = entry.run.header();
    const ShardId home = shard_of(run_id);
    if (!command.key ||
        digest::shard_for_key(header.namespace_name, *command.key, parts_.store.shard_count()) != home) {
      settled(entry);
      return;
    }
    const MailboxKey key{header.namespace_name, *command.key};
    with_mailbox(
        home, key,
        [this, run_id, home, key, command, settled](Mailbox& mailbox, std::function<void()> next) {
          const store::SignalWaitRow wait{home,         key.first,     key.second,         run_id,
                                          command.step, command.names, command.state_name, command.since};
          const bool known = std::any_of(mailbox.waits.begin(), mailbox.waits.end(),
                                         [&](const auto& w) { return w.run_id == run_id && w.step == command.step; });
          if (!known) mailbox.waits.push_back(wait);
          const auto generation_now = find_shard(home)->generation;
          with_run(run_id, [this, run_id, home, generation_now, key, command, settled, next](Result<RunEntry*> again) {
            Shard* owner = find_shard(home);
            if (owner == nullptr || owner->generation != generation_now) return;
            const auto box = owner->mailboxes.find(key);
            if (box == owner->mailboxes.end()) return;
            Mailbox& held = *box->second;
            if (!again || *again == nullptr) {
              next();
              return;
            }
            RunEntry& run = **again;
            for (auto it = held.pending.begin(); it != held.pending.end();) {
              const bool asked = std::find(command.names.begin(), command.names.end(), it->name) != command.names.end();
              if (!asked || it->fate != store::SignalFate::buffered) {
                ++it;
                continue;
              }
              store::SignalRow row = *it;
              if (const auto refusal = answer_refusal(run, row, command.step)) {
                it = held.pending.erase(it);
                mark_refused(row, *refusal);
                row.run_id = run_id;
                write_signal(row, pending_);
                continue;
              }
              if (!offer_here(run, row, command.step, pending_)) break;
              // offer_here ended the wait, which may have touched this mailbox: search again before erasing.
              const auto taken = held.find_pending(row.signal_id);
              if (taken != held.pending.end()) held.pending.erase(taken);
              write_signal(row, pending_);
              break;
            }
            ++held.uncommitted;
            pending_.touched_mailboxes.emplace_back(home, key);
            settled(run);
            next();
          });
        },
        [this, run_id, generation, command] { match_later(run_id, generation, command); });
  });
}

/// A look-up failed: the wait stays unmatched, the run not at rest, and the comparison is owed.
void ShardGroup::match_later(RunId run_id, std::uint64_t generation, const core::AwaitSignal& command) {
  parts_.executor.post_after(kMatchAgainAfter,
                             [this, run_id, generation, command] { match_wait(run_id, generation, command); });
}

void ShardGroup::end_signal_wait(RunEntry& entry, const core::EndSignalWait& command, Pending& out) {
  if (!command.key) return;
  const auto& header = entry.run.header();
  const ShardId home = shard_of(header.id);
  const ShardId target = digest::shard_for_key(header.namespace_name, *command.key, parts_.store.shard_count());
  const store::SignalWaitRef wait{target, header.namespace_name, *command.key, header.id, command.step};
  if (target != home) {
    send(home, target, WaitEndedMessage{wait}, out);
    return;
  }
  touch(home, out);
  std::erase_if(out.batch.waits_added, [&](const auto& w) { return w.run_id == header.id && w.step == command.step; });
  out.batch.waits_removed.push_back(wait);
  Shard* shard = find_shard(home);
  const auto box = shard->mailboxes.find({header.namespace_name, *command.key});
  if (box != shard->mailboxes.end()) {
    std::erase_if(box->second->waits, [&](const auto& w) { return w.run_id == header.id && w.step == command.step; });
  }
}

}  // namespace orchestrator::runtime
