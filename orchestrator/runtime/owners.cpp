#include "orchestrator/runtime/owners.hpp"

#include <map>

#include "orchestrator/base/json.hpp"
#include "orchestrator/runtime/json_members.hpp"
#include "orchestrator/runtime/peer_answer.hpp"
#include "orchestrator/runtime/request_json.hpp"

namespace orchestrator::runtime {
namespace {

constexpr Duration kAskAgainAfter = std::chrono::milliseconds{200};
/// How often the effect of a message in an inbox is looked for.
constexpr Duration kEffectPoll = std::chrono::milliseconds{100};

template <typename T>
std::function<void(Result<Json>)> decoded(T (*decode)(const Json&), Reply<T> reply) {
  return [decode, reply = std::move(reply)](const Result<Json>& answer) { reply(read_as(decode, answer)); };
}

std::optional<store::RunView> view_from(const Json& answer) {
  if (!answer.is_object()) return std::nullopt;
  auto view = read_as(run_view_from, Result<Json>(answer));
  if (!view) return std::nullopt;
  return std::move(*view);
}

}  // namespace

/// One request on its way to an owner that is not here, or not known yet.
struct Owners::Ask {
  ShardId shard{};
  const char* operation = "";
  std::function<std::string(bool again)> body;
  std::function<void()> here;                ///< performs it on this node, and answers
  std::function<void(Result<Json>)> answer;  ///< of another node, or the end of all attempts
  std::function<void()> by_inbox;            ///< the durable way; empty: wait here instead
  bool repeatable = true;                    ///< performing it twice does no harm
  bool again = false;                        ///< an earlier attempt may have been performed
  Duration until{};
};

// ---- finding the owner -------------------------------------------------------------------------------------------

void Owners::ask_owner(const std::shared_ptr<Ask>& ask) {
  const Node::Route route = node_.route(ask->shard);
  if (route.here) {
    ask->here();
    return;
  }
  if (peers_ == nullptr || route.url.empty()) {
    without_owner(ask);
    return;
  }
  peers_->call(route.url, ask->operation, ask->body(ask->again), [this, ask](Result<std::string> text) {
    Result<Json> answer = text ? read_answer(*text) : Result<Json>(text.error());
    if (answer ||
        (answer.error().code != ErrorCode::unavailable && answer.error().code != ErrorCode::outcome_unknown)) {
      ask->answer(std::move(answer));
      return;
    }
    const bool unknown = answer.error().code == ErrorCode::outcome_unknown;
    if (unknown && !ask->repeatable) {
      ask->answer(fail(ErrorCode::unavailable, "the owner's answer was lost; look before you repeat it"));
      return;
    }
    ask->again = ask->again || unknown;
    node_.doubt_owner();
    without_owner(ask);
  });
}

void Owners::without_owner(const std::shared_ptr<Ask>& ask) {
  if (ask->by_inbox) {
    ask->by_inbox();
  } else if (now() >= ask->until) {
    ask->answer(no_owner());
  } else {
    node_.executor().post_after(kAskAgainAfter, [this, ask] { ask_owner(ask); });
  }
}

store::InboxRow Owners::inbox_row(ShardId shard, const Message& message) {
  return {shard, MessageId{make_uuid7(node_.now(), shard, node_.random())}, message_kind(message),
          encode_message(message), node_.now()};
}

// ---- starts ------------------------------------------------------------------------------------------------------

void Owners::start_run(StartRequest request, Reply<StartAnswer> reply) {
  const ShardId shard = shard_of(request.id);
  if (node_.owns(shard)) {
    node_.group_of(shard).start_run(std::move(request), std::move(reply));
    return;
  }
  auto ask = std::make_shared<Ask>();
  ask->shard = shard;
  ask->operation = "start_run";
  ask->body = [request](bool again) {
    StartRequest sent = request;
    sent.maybe_repeated = sent.maybe_repeated || again;
    return dump_json(to_json(sent));
  };
  ask->here = [this, ask = ask.get(), shard, request, reply] {
    StartRequest taken = request;
    taken.maybe_repeated = taken.maybe_repeated || ask->again;
    node_.group_of(shard).start_run(std::move(taken), reply);
  };
  ask->answer = decoded(start_answer_from, reply);
  ask->by_inbox = [this, request, reply] { start_by_inbox(request, reply); };
  ask->until = now() + node_.request_limit();
  ask_owner(ask);
}

void Owners::start_runs(Starts starts) {
  std::map<ShardGroup*, Starts, ShardGroup::ByLane> here;
  std::map<std::string, Starts> elsewhere;
  for (auto& start : starts) {
    const ShardId shard = shard_of(start.first.id);
    if (node_.owns(shard)) {
      here[&node_.group_of(shard)].push_back(std::move(start));
      continue;
    }
    Node::Route route = node_.route(shard);
    if (peers_ == nullptr || route.here || route.url.empty()) {
      start_run(std::move(start.first), std::move(start.second));
    } else {
      elsewhere[std::move(route.url)].push_back(std::move(start));
    }
  }
  for (auto& [group, of_group] : here) group->start_runs(std::move(of_group));
  for (auto& [url, of_node] : elsewhere) start_elsewhere(url, std::move(of_node));
}

/// One call for all starts of a node; those that it could not take go on one by one.
void Owners::start_elsewhere(const std::string& url, Starts starts) {
  Json body = Json::array();
  for (const auto& [request, reply] : starts) body.push_back(to_json(request));
  // Shared: the callback must be copyable.
  auto sent = std::make_shared<Starts>(std::move(starts));
  peers_->call(url, "start_runs", dump_json(body), [this, sent](Result<std::string> text) {
    Result<Json> answer = text ? read_answer(*text) : Result<Json>(text.error());
    const bool unknown = !answer && answer.error().code == ErrorCode::outcome_unknown;
    for (std::size_t i = 0; i < sent->size(); ++i) {
      auto& [request, reply] = (*sent)[i];
      const bool answered = answer && answer->is_array() && i < answer->size();
      Result<Json> one = answered ? read_answer((*answer)[i].dump()) : Result<Json>(no_owner());
      if (one) {
        reply(read_as(start_answer_from, one));
      } else if (one.error().code != ErrorCode::unavailable) {
        reply(one.error());
      } else {
        request.maybe_repeated = request.maybe_repeated || unknown;
        start_run(std::move(request), std::move(reply));
      }
    }
  });
}

void Owners::start_by_inbox(StartRequest request, Reply<StartAnswer> reply) {
  const RunId run_id = request.id;
  // The message may be carried out long after this caller was told to try again with the same id.
  request.maybe_repeated = true;
  std::vector<store::InboxRow> rows{inbox_row(shard_of(run_id), StartMessage{std::move(request), {}, 0})};
  store_.send(std::move(rows), [this, run_id, reply = std::move(reply)](Result<void> sent) {
    if (!sent) {
      reply(fail(ErrorCode::unavailable, sent.error().message));
    } else {
      await_start(run_id, now() + node_.request_limit(), reply);
    }
  });
}

void Owners::await_start(RunId run_id, Duration until, Reply<StartAnswer> reply) {
  store_.find_run(run_id, [this, run_id, until, reply = std::move(reply)](Result<store::RunView> view) {
    if (view) {
      const RunHeader& header = view->header;
      reply(StartAnswer{header.id, header.workflow, header.version, header.key, view->state, false});
    } else if (now() >= until) {
      reply(Error(ErrorCode::unavailable, "the start is kept and waits for an owner; the same Idempotency-Key finds it")
                .with("run_id", run_id.str()));
    } else {
      node_.executor().post_after(kEffectPoll, [this, run_id, until, reply] { await_start(run_id, until, reply); });
    }
  });
}

// ---- signals -----------------------------------------------------------------------------------------------------

void Owners::send_signal(ShardId shard, SignalRequest request, Reply<SignalAnswer> reply) {
  if (node_.owns(shard)) {
    node_.group_of(shard).send_signal(std::move(request), std::move(reply));
    return;
  }
  auto ask = std::make_shared<Ask>();
  ask->shard = shard;
  ask->operation = "send_signal";
  ask->body = [request, shard](bool /*again*/) {
    return dump_json({{"shard", to_int(shard)}, {"request", to_json(request)}});
  };
  ask->here = [this, shard, request, reply] { node_.group_of(shard).send_signal(request, reply); };
  ask->answer = decoded(signal_answer_from, reply);
  ask->by_inbox = [this, shard, request, reply] { signal_by_inbox(shard, request, reply); };
  ask->until = now() + node_.request_limit();
  ask_owner(ask);
}

void Owners::signal_by_inbox(ShardId shard, SignalRequest request, Reply<SignalAnswer> reply) {
  std::vector<store::InboxRow> rows{inbox_row(shard, SignalMessage{request})};
  store_.send(std::move(rows),
              [this, shard, request = std::move(request), reply = std::move(reply)](Result<void> sent) {
                if (!sent) {
                  reply(fail(ErrorCode::unavailable, sent.error().message));
                } else {
                  await_signal(shard, request, now() + node_.request_limit(), reply);
                }
              });
}

/// By the sender's id: when it was used before, that signal is the answer and ours never comes to be.
void Owners::await_signal(ShardId shard, SignalRequest request, Duration until, Reply<SignalAnswer> reply) {
  store::LoadRequest look;
  look.signal_ids.push_back({shard, request.namespace_name, request.name, request.key, request.run_id, request.id});
  store_.load(std::move(look), [this, shard, request = std::move(request), until,
                                reply = std::move(reply)](Result<store::LoadAnswer> answer) {
    if (answer && !answer->signal_ids.empty() && answer->signal_ids.front()) {
      const store::SignalRow& row = *answer->signal_ids.front();
      const bool ours = row.signal_id == request.signal_id;
      reply(SignalAnswer{row.signal_id, ours ? std::string(store::to_string(row.fate)) : "duplicate", row.run_id});
    } else if (now() >= until) {
      reply(Error(ErrorCode::unavailable, "the signal is kept and waits for an owner; the same id finds it")
                .with("signal_id", request.signal_id.str()));
    } else {
      node_.executor().post_after(kEffectPoll,
                                  [this, shard, request, until, reply] { await_signal(shard, request, until, reply); });
    }
  });
}

void Owners::redirect_signal(RedirectRequest request, Reply<SignalAnswer> reply) {
  const ShardId shard = shard_of(request.origin);
  auto ask = std::make_shared<Ask>();
  ask->shard = shard;
  ask->operation = "redirect_signal";
  ask->body = [request](bool /*again*/) { return dump_json(to_json(request)); };
  ask->here = [this, shard, request, reply] { node_.group_of(shard).redirect_signal(request, reply); };
  ask->answer = decoded(signal_answer_from, reply);
  ask->repeatable = false;
  ask->until = now() + node_.request_limit();
  ask_owner(ask);
}

// ---- operator actions --------------------------------------------------------------------------------------------

void Owners::cancel_run(CancelRequest request, Reply<CancelAnswer> reply) {
  const ShardId shard = shard_of(request.run_id);
  if (node_.owns(shard)) {
    node_.group_of(shard).cancel_run(std::move(request), std::move(reply));
    return;
  }
  auto ask = std::make_shared<Ask>();
  ask->shard = shard;
  ask->operation = request.rehearse ? kRehearseCancel : "cancel_run";
  ask->body = [request](bool /*again*/) { return dump_json(to_json(request)); };
  ask->here = [this, shard, request, reply] { node_.group_of(shard).cancel_run(request, reply); };
  ask->answer = decoded(cancel_answer_from, reply);
  ask->by_inbox = [this, request, reply] { cancel_by_inbox(request, reply); };
  ask->until = now() + node_.request_limit();
  ask_owner(ask);
}

/// The request is recorded; whoever owns the run next carries it out.
void Owners::cancel_by_inbox(CancelRequest request, Reply<CancelAnswer> reply) {
  const RunId run_id = request.run_id;
  store_.find_run(run_id, [this, request = std::move(request), reply = std::move(reply)](Result<store::RunView> view) {
    if (!view) {
      reply(view.error());
    } else if (view->header.namespace_name != request.namespace_name) {
      reply(fail(ErrorCode::not_found, "no such run"));
    } else if (is_closed(view->state)) {
      reply(Error(ErrorCode::precondition_failed, "run-closed", "the run is already closed"));
    } else {
      const CancelMessage message{request.run_id, request.mode,      request.reason,
                                  request.actor,  request.operation, request.audit};
      std::vector<store::InboxRow> rows{inbox_row(shard_of(request.run_id), message)};
      CancelAnswer answer{view->state, request.mode, nullptr};
      if (auto items = parse_json(view->waiting_on)) answer.waited_on = make_payload(*std::move(items));
      if (request.rehearse) return reply(answer);
      store_.send(std::move(rows), [answer, reply](Result<void> sent) {
        if (sent) {
          reply(answer);
        } else {
          reply(fail(ErrorCode::unavailable, sent.error().message));
        }
      });
    }
  });
}

void Owners::retry_run(RetryRequest request, Reply<StartAnswer> reply) {
  const ShardId shard = shard_of(request.run_id);
  auto ask = std::make_shared<Ask>();
  ask->shard = shard;
  ask->operation = request.rehearse ? kRehearseRetry : "retry_run";
  ask->body = [request](bool /*again*/) { return dump_json(to_json(request)); };
  ask->here = [this, shard, request, reply] { node_.group_of(shard).retry_run(request, reply); };
  ask->answer = decoded(start_answer_from, reply);
  ask->repeatable = false;
  ask->until = now() + node_.request_limit();
  ask_owner(ask);
}

// ---- remote workers ----------------------------------------------------------------------------------------------

void Owners::report_task(TaskReport report, Reply<TaskAnswer> reply) {
  const ShardId shard = shard_of(report.token.run_id);
  if (node_.owns(shard)) {
    node_.group_of(shard).report_task(std::move(report), std::move(reply));
    return;
  }
  auto ask = std::make_shared<Ask>();
  ask->shard = shard;
  ask->operation = "report_task";
  ask->body = [report](bool again) {
    TaskReport sent = report;
    sent.repeated = sent.repeated || again;
    return dump_json(to_json(sent));
  };
  ask->here = [this, ask = ask.get(), shard, report, reply] {
    TaskReport taken = report;
    taken.repeated = taken.repeated || ask->again;
    node_.group_of(shard).report_task(std::move(taken), reply);
  };
  ask->answer = decoded(task_answer_from, reply);
  ask->until = now() + node_.request_limit();
  ask_owner(ask);
}

void Owners::give_back(const std::string& namespace_name, const std::vector<ClaimedTask>& tasks) {
  const std::string secret = store_.cluster_secret();
  for (const auto& task : tasks) {
    const auto token = opened_token(task.token, secret);
    if (!token) continue;
    TaskReport report;
    report.namespace_name = namespace_name;
    report.token = *token;
    report.kind = TaskReport::Kind::unclaimed;
    // Nobody waits for the answer: a task that could not be given back comes back when its lease ends.
    report_task(std::move(report), [](const Result<TaskAnswer>&) {});
  }
}

// ---- schedules ---------------------------------------------------------------------------------------------------

/// Every request names what it makes, so that a repeat after a lost answer finds it.
void Owners::change_schedule(ScheduleRequest request, Reply<ScheduleAnswer> reply) {
  const ShardId shard = request.ref.shard;
  auto ask = std::make_shared<Ask>();
  ask->shard = shard;
  ask->operation = "change_schedule";
  ask->body = [request](bool /*again*/) { return dump_json(to_json(request)); };
  ask->here = [this, shard, request, reply] { node_.group_of(shard).change_schedule(request, reply); };
  ask->answer = decoded(schedule_answer_from, reply);
  ask->until = now() + node_.request_limit();
  ask_owner(ask);
}

void Owners::steer_run(SteerRequest request, Reply<SteerAnswer> reply) {
  const ShardId shard = shard_of(request.run_id);
  auto ask = std::make_shared<Ask>();
  ask->shard = shard;
  ask->operation = request.rehearse ? kRehearseSteer : "steer_run";
  ask->body = [request](bool /*again*/) { return dump_json(to_json(request)); };
  ask->here = [this, shard, request, reply] { node_.group_of(shard).steer_run(request, reply); };
  ask->answer = decoded(steer_answer_from, reply);
  // A second skip would skip the next state; the others change nothing the second time.
  ask->repeatable = !std::holds_alternative<core::SkipAsked>(request.asked);
  ask->until = now() + node_.request_limit();
  ask_owner(ask);
}

// ---- idempotency -------------------------------------------------------------------------------------------------

void Owners::open_gate(ShardId shard, GateRequest request, Reply<GateAnswer> reply) {
  if (node_.owns(shard)) {
    node_.group_of(shard).open_gate(std::move(request), std::move(reply));
    return;
  }
  auto ask = std::make_shared<Ask>();
  ask->shard = shard;
  ask->operation = "open_gate";
  ask->body = [request, shard](bool /*again*/) {
    return dump_json({{"shard", to_int(shard)}, {"request", to_json(request)}});
  };
  ask->here = [this, shard, request, reply] { node_.group_of(shard).open_gate(request, reply); };
  ask->answer = decoded(gate_answer_from, reply);
  ask->repeatable = false;
  ask->until = now() + node_.request_limit();
  ask_owner(ask);
}

void Owners::close_gate(ShardId shard, GateClose request, Reply<void> reply) {
  if (node_.owns(shard)) {
    node_.group_of(shard).close_gate(std::move(request), std::move(reply));
    return;
  }
  auto ask = std::make_shared<Ask>();
  ask->shard = shard;
  ask->operation = "close_gate";
  ask->body = [request, shard](bool /*again*/) {
    return dump_json({{"shard", to_int(shard)}, {"request", to_json(request)}});
  };
  ask->here = [this, shard, request, reply] { node_.group_of(shard).close_gate(request, reply); };
  ask->answer = [reply](Result<Json> answer) {
    if (answer) {
      reply({});
    } else {
      reply(answer.error());
    }
  };
  ask->until = now() + node_.request_limit();
  ask_owner(ask);
}

// ---- reading -----------------------------------------------------------------------------------------------------

void Owners::read_run(RunId run_id, Reply<std::optional<store::RunView>> reply) {
  const ShardId shard = shard_of(run_id);
  if (node_.owns(shard)) {
    node_.group_of(shard).read_run(run_id, std::move(reply));
    return;
  }
  const Node::Route route = node_.route(shard);
  if (peers_ == nullptr || route.url.empty()) {
    reply(std::optional<store::RunView>{});
    return;
  }
  const Json body = {{"run_id", run_id.str()}};
  peers_->call(route.url, "read_run", dump_json(body), [reply = std::move(reply)](Result<std::string> text) {
    const Result<Json> answer = text ? read_answer(*text) : Result<Json>(text.error());
    reply(answer ? view_from(*answer) : std::nullopt);
  });
}

void Owners::watch_run(RunId run_id, Duration patience, Reply<std::optional<store::RunView>> reply) {
  const ShardId shard = shard_of(run_id);
  const Node::Route route = node_.route(shard);
  if (route.here) {
    watch_here(run_id, patience, std::move(reply));
    return;
  }
  const Duration until = now() + patience;
  const auto go_on = [this, run_id, until](const Reply<std::optional<store::RunView>>& waiting) {
    const Duration left = until - now();
    if (left <= Duration{0}) {
      waiting(std::optional<store::RunView>{});
    } else {
      watch_run(run_id, left, waiting);
    }
  };
  if (peers_ == nullptr || route.url.empty()) {
    node_.executor().post_after(std::min(patience, kAskAgainAfter),
                                [go_on, reply = std::move(reply)] { go_on(reply); });
    return;
  }
  const Duration slice = std::min(patience, kMaxPeerWatch);
  const Json body = {{"run_id", run_id.str()}, {"patience_us", slice.count()}};
  peers_->call(route.url, "watch_run", dump_json(body),
               [this, go_on, reply = std::move(reply)](Result<std::string> text) {
                 const Result<Json> answer = text ? read_answer(*text) : Result<Json>(text.error());
                 if (answer && answer->is_object() && answer->contains("view")) {
                   reply(view_from((*answer)["view"]));
                 } else if (answer) {
                   go_on(reply);  // the slice is over, the run is still open
                 } else {
                   node_.executor().post_after(kAskAgainAfter, [go_on, reply] { go_on(reply); });
                 }
               });
}

void Owners::watch_here(RunId run_id, Duration patience, Reply<std::optional<store::RunView>> reply) {
  ShardGroup& group = node_.group_of(shard_of(run_id));
  const std::uint64_t watcher = next_watcher_++;
  // Shared by the two that race: the run's end and the end of patience.
  auto waiting = std::make_shared<std::atomic<bool>>(true);
  group.watch_run(run_id, watcher, [waiting, reply](Result<std::optional<store::RunView>> view) {
    if (waiting->exchange(false)) reply(std::move(view));
  });
  node_.executor().post_after(patience, [&group, run_id, watcher, waiting, reply = std::move(reply)] {
    if (!waiting->exchange(false)) return;
    group.unwatch_run(run_id, watcher);
    reply(std::optional<store::RunView>{});
  });
}

}  // namespace orchestrator::runtime
