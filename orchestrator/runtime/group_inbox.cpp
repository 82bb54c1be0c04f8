// Messages from other shards: each is deleted in the batch that has its effect, so that it works exactly once.
#include <algorithm>
#include <utility>

#include "orchestrator/runtime/mailbox_offers.hpp"
#include "orchestrator/runtime/shard_group.hpp"

namespace orchestrator::runtime {
namespace {

/// A message that could not be handled for a passing reason is tried again after this long.
constexpr Duration kAgainAfter = std::chrono::milliseconds{500};
/// How long a cancellation waits for the start of its run, which it may have overtaken; longer only if that was
/// refused.
constexpr Duration kStartOvertaken = std::chrono::minutes{5};

}  // namespace

void ShardGroup::receive(std::vector<store::InboxRow> messages, bool from_table) {
  parts_.executor.post([this, messages = std::move(messages), from_table]() mutable {
    for (auto& message : messages) {
      const Shard* shard = find_shard(message.shard);
      // Sent before the shard came to us, and handed over only now: its last owner may have read it from the table and
      // handled it. If not, the table still has it.
      if (!from_table && shard != nullptr && message.created_at <= shard->adopted_at) continue;
      handle(std::move(message));
    }
  });
}

void ShardGroup::handle(store::InboxRow row) {
  Shard* shard = find_shard(row.shard);
  if (shard == nullptr || shard->leaving) return;  // whoever owns it reads it from the table
  if (shard->phase != Shard::Phase::active) {
    // The recovery may have read the inbox before this row was committed.
    shard->waiting_requests.push_back([this, row = std::move(row)] { handle(row); });
    return;
  }
  const Duration now = parts_.clock.steady_now();
  if (!shard->seen_messages.try_emplace(row.id, Shard::SeenMessage{now}).second) return;
  take_up({std::move(row), shard->generation, now});
}

void ShardGroup::take_up(IncomingMessage row) {
  auto message = decode_message(row.kind, row.body);
  if (!message) {
    parts_.logger.error("message_unreadable",
                        {{"kind", row.kind}, {"message_id", row.id.str()}, {"reason", message.error().message}});
    return;  // stays in the inbox for a person to look at
  }
  std::visit([&](const auto& content) { on_message(content, row); }, *message);
}

void ShardGroup::handle_later(IncomingMessage row) {
  if (is_stale(row.shard, row.generation)) return;
  parts_.executor.post_after(kAgainAfter, [this, row = std::move(row)]() mutable {
    if (!is_stale(row.shard, row.generation)) take_up(std::move(row));
  });
}

bool ShardGroup::is_stale(ShardId shard, std::uint64_t generation) {
  const Shard* owner = find_shard(shard);
  return owner == nullptr || owner->generation != generation;
}

bool ShardGroup::is_stale(const std::vector<MessageRef>& messages) {
  return std::any_of(messages.begin(), messages.end(),
                     [&](const auto& ref) { return is_stale(ref.shard, ref.generation); });
}

void ShardGroup::finish_message(const IncomingMessage& row, Pending& out) {
  finish_message(std::vector<MessageRef>{{row.shard, row.id, row.generation}}, out);
}

/// A continuation that outlived its memory finishes nothing: the recovery took the message up again.
void ShardGroup::finish_message(const std::vector<MessageRef>& done, Pending& out) {
  for (const auto& ref : done) {
    if (is_stale(ref.shard, ref.generation)) continue;
    touch(ref.shard, out);
    out.batch.inbox_done.push_back({ref.shard, ref.id});
  }
  if (!done.empty()) flush_soon();
}

void ShardGroup::finish_refused(const std::vector<MessageRef>& done, const Error& error) {
  if (!is_passing(error)) finish_message(done, pending_);
}

void ShardGroup::feed(RunId run_id, core::Event event, IncomingMessage row) {
  with_run(run_id, [this, event = std::move(event), row = std::move(row)](Result<RunEntry*> entry) {
    if (is_stale(row.shard, row.generation)) return;
    if (!entry) {
      handle_later(row);
      return;
    }
    if (*entry != nullptr) {
      const Status decided = decide(**entry, event, pending_);
      if (!decided)
        parts_.logger.debug("message_no_longer_wanted", {{"kind", row.kind}, {"reason", decided.error().message}});
    }
    finish_message(row, pending_);
  });
}

// ---- children ----------------------------------------------------------------------------------------------------

void ShardGroup::on_message(const StartMessage& message, const IncomingMessage& row) {
  StartRequest request = message.request;
  if (request.id.is_nil()) request.id = RunId{make_uuid7(clock_.now(), row.shard, random())};
  // Answered when appended: the answer to the parent joins the batch that starts the child.
  request.answer_when_appended = true;
  start_active(std::move(request), {{row.shard, row.id, row.generation}},
               [this, message, row](Result<StartAnswer> answer) { on_start_answer(message, row, std::move(answer)); });
}

void ShardGroup::on_start_answer(const StartMessage& message, const IncomingMessage& row, Result<StartAnswer> answer) {
  if (is_stale(row.shard, row.generation)) return;
  if (!answer && is_passing(answer.error())) {
    handle_later(row);
    return;
  }
  if (message.promised) keep_promise(message, answer);
  if (message.step == 0 || !message.request.parent) return;
  ChildStartedMessage told;
  told.parent = *message.request.parent;
  told.step = message.step;
  if (answer) {
    told.child = answer->run_id;
  } else {
    told.error =
        answer.error().slug == "run-key-conflict" ? "Orchestrator.RunKeyConflict" : "Orchestrator.ChildRefused";
    told.cause = answer.error().message;
  }
  send(row.shard, message.reply_to, told, pending_);
  // A child that had ended before, found under its key, tells its end again: its parent is a new one.
  if (answer && answer->existing && is_closed(answer->state)) tell_end_again(*answer, message, row);
}

/// The run that already held the key is closed: its result is the child's.
void ShardGroup::tell_end_again(const StartAnswer& existing, const StartMessage& message, const IncomingMessage& row) {
  parts_.store.find_run(existing.run_id, [this, message, row](Result<store::RunView> view) {
    parts_.executor.post([this, message, row, view = std::move(view)] {
      if (!view || !is_closed(view->state) || find_shard(row.shard) == nullptr) return;
      ChildEndedMessage ended;
      ended.parent = *message.request.parent;
      ended.step = message.step;
      ended.child = view->header.id;
      ended.state = view->state;
      ended.output = view->output;
      ended.error = view->error;
      ended.cause = view->cause;
      send(row.shard, message.reply_to, ended, pending_);
    });
  });
}

void ShardGroup::on_message(const ChildStartedMessage& message, const IncomingMessage& row) {
  if (message.error.empty()) {
    feed(message.parent, core::ChildStarted{message.step, message.child}, row);
  } else {
    feed(message.parent, core::ChildRefused{message.step, message.error, message.cause}, row);
  }
}

void ShardGroup::on_message(const ChildEndedMessage& message, const IncomingMessage& row) {
  feed(message.parent,
       core::ChildEnded{message.step, message.child, message.state, message.output, message.error, message.cause}, row);
}

void ShardGroup::on_message(const CancelMessage& message, const IncomingMessage& row) {
  with_run(message.run_id, [this, message, row](Result<RunEntry*> entry) {
    const bool is_open = !entry || *entry != nullptr;
    if (is_open || parts_.clock.steady_now() - row.since > kStartOvertaken) {
      feed_cancel(message, row);
      return;
    }
    parts_.store.find_run(message.run_id, [this, message, row](const Result<store::RunView>& view) {
      parts_.executor.post([this, message, row, is_known = view.has_value()] {
        if (is_known) {
          feed_cancel(message, row);
        } else {
          handle_later(row);
        }
      });
    });
  });
}

void ShardGroup::feed_cancel(const CancelMessage& message, const IncomingMessage& row) {
  with_run(message.run_id, [this, message, row](Result<RunEntry*> entry) {
    if (is_stale(row.shard, row.generation)) return;
    if (!entry) {
      handle_later(row);
      return;
    }
    if (*entry != nullptr) {
      const std::string actor = message.actor.empty() ? "parent" : message.actor;
      const core::CancelAsked asked{message.mode, message.reason, actor, message.operation};
      mark_in_hand(**entry);
      if (const Status decided = cancel_entry(**entry, asked, message.audit); !decided)
        parts_.logger.debug("message_no_longer_wanted", {{"kind", row.kind}, {"reason", decided.error().message}});
    }
    finish_message(row, pending_);
  });
}

// ---- signals -----------------------------------------------------------------------------------------------------

void ShardGroup::on_message(const SignalMessage& message, const IncomingMessage& row) {
  const auto answered = [this, row](Result<SignalAnswer> answer) {
    if (!answer && is_passing(answer.error())) handle_later(row);
  };
  const std::vector<MessageRef> done{{row.shard, row.id, row.generation}};
  if (message.request.run_id) {
    signal_by_run(message.request, done, answered);
  } else {
    signal_by_key(message.request, done, answered);
  }
}

void ShardGroup::on_message(const WaitOpenedMessage& message, const IncomingMessage& row) {
  const auto& wait = message.wait;
  with_mailbox(
      row.shard, {wait.namespace_name, wait.key},
      [this, wait, row](Mailbox& mailbox, std::function<void()> next) {
        if (is_stale(row.shard, row.generation)) return next();
        touch(row.shard, pending_);
        pending_.batch.waits_added.push_back(wait);
        open_wait(mailbox, wait);
        finish_message(row, pending_);
        ++mailbox.uncommitted;
        pending_.touched_mailboxes.emplace_back(row.shard, MailboxKey{wait.namespace_name, wait.key});
        next();
      },
      [this, row] { handle_later(row); });
}

/// Registers a wait of a run elsewhere and offers it the oldest buffered signal that it asks for. A run that was
/// recovered or resumed tells of its waits once more.
void ShardGroup::open_wait(Mailbox& mailbox, const store::SignalWaitRow& wait) {
  const bool known = std::any_of(mailbox.waits.begin(), mailbox.waits.end(),
                                 [&](const auto& w) { return w.run_id == wait.run_id && w.step == wait.step; });
  if (!known) mailbox.waits.push_back(wait);
  if (has_offer(mailbox, wait)) return;
  for (auto& signal : mailbox.pending) {
    if (signal.fate != store::SignalFate::buffered) continue;
    if (std::find(wait.names.begin(), wait.names.end(), signal.name) == wait.names.end()) continue;
    offer_elsewhere(signal, wait, pending_);
    write_signal(signal, pending_);
    return;
  }
}

/// The decision goes on after a refused answer: the next one that lies here has its turn.
void ShardGroup::offer_next(Mailbox& mailbox, const SignalAnswerMessage& refused) {
  const auto wait = std::find_if(mailbox.waits.begin(), mailbox.waits.end(),
                                 [&](const auto& w) { return w.run_id == refused.run_id && w.step == refused.step; });
  if (wait != mailbox.waits.end()) open_wait(mailbox, store::SignalWaitRow(*wait));
}

void ShardGroup::on_message(const WaitEndedMessage& message, const IncomingMessage& row) {
  const auto wait = message.wait;
  with_mailbox(
      row.shard, {wait.namespace_name, wait.key},
      [this, wait, row](Mailbox& mailbox, std::function<void()> next) {
        if (is_stale(row.shard, row.generation)) return next();
        std::erase_if(mailbox.waits, [&](const auto& w) { return w.run_id == wait.run_id && w.step == wait.step; });
        pending_.batch.waits_removed.push_back(wait);
        finish_message(row, pending_);
        ++mailbox.uncommitted;
        pending_.touched_mailboxes.emplace_back(row.shard, MailboxKey{wait.namespace_name, wait.key});
        next();
      },
      [this, row] { handle_later(row); });
}

void ShardGroup::on_message(const SignalOfferMessage& message, const IncomingMessage& row) {
  const store::SignalRow signal = message.signal;
  if (!signal.run_id) return;
  with_run(*signal.run_id, [this, signal, row](Result<RunEntry*> entry) mutable {
    if (is_stale(row.shard, row.generation)) return;
    if (!entry) {
      handle_later(row);
      return;
    }
    SignalAnswerMessage answer;
    answer.signal_id = signal.signal_id;
    answer.namespace_name = signal.namespace_name;
    answer.key = signal.key.value_or("");
    answer.run_id = *signal.run_id;
    answer.step = signal.step;
    store::SignalRow taken = signal;
    const auto refusal = *entry == nullptr ? std::nullopt : answer_refusal(**entry, signal, signal.step);
    if (refusal) {
      answer.refusal = refusal->slug;
    } else {
      answer.accepted = *entry != nullptr && offer_here(**entry, taken, signal.step, pending_);
    }
    send(row.shard, signal.shard, answer, pending_);
    finish_message(row, pending_);
  });
}

void ShardGroup::on_message(const SignalAnswerMessage& message, const IncomingMessage& row) {
  const MailboxKey key{message.namespace_name, message.key};
  with_mailbox(
      row.shard, key,
      [this, message, row, key](Mailbox& mailbox, std::function<void()> next) {
        if (is_stale(row.shard, row.generation)) return next();
        const auto signal = mailbox.find_pending(message.signal_id);
        if (signal != mailbox.pending.end() && message.accepted) {
          store::SignalRow consumed = *signal;
          mailbox.pending.erase(signal);
          consumed.fate = store::SignalFate::consumed;
          consumed.reason.clear();
          consumed.settled_at = clock_.now();
          write_signal(consumed, pending_);
        } else if (signal != mailbox.pending.end() && !message.refusal.empty()) {
          store::SignalRow rejected = *signal;
          mailbox.pending.erase(signal);
          mark_refused(rejected, Error(ErrorCode::invalid_argument, message.refusal, ""));
          write_signal(rejected, pending_);
          offer_next(mailbox, message);
        } else if (signal != mailbox.pending.end()) {
          // Declined: that wait is over. The signal keeps its old place and meets the next wait, if there is one.
          signal->fate = store::SignalFate::buffered;
          signal->reason = "wait-ended";
          signal->run_id.reset();
          signal->step = 0;
          std::erase_if(mailbox.waits,
                        [&](const auto& w) { return w.run_id == message.run_id && w.step == message.step; });
          pending_.batch.waits_removed.push_back({row.shard, key.first, key.second, message.run_id, message.step});
          write_signal(*signal, pending_);
          const auto wait = std::find_if(mailbox.waits.begin(), mailbox.waits.end(), [&](const auto& w) {
            const bool is_asked = std::find(w.names.begin(), w.names.end(), signal->name) != w.names.end();
            return is_asked && !has_offer(mailbox, w);
          });
          if (wait != mailbox.waits.end()) open_wait(mailbox, store::SignalWaitRow(*wait));
        }
        finish_message(row, pending_);
        ++mailbox.uncommitted;
        pending_.touched_mailboxes.emplace_back(row.shard, key);
        next();
      },
      [this, row] { handle_later(row); });
}

}  // namespace orchestrator::runtime
