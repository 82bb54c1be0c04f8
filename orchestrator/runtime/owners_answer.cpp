// What other nodes ask of this one. Each operation is performed on shards that are owned here, or refused.
#include <algorithm>
#include <map>

#include "orchestrator/base/json.hpp"
#include "orchestrator/runtime/json_members.hpp"
#include "orchestrator/runtime/owners.hpp"
#include "orchestrator/runtime/request_json.hpp"

namespace orchestrator::runtime {
namespace {

std::string text_of(const Error& error) { return dump_json({{"error", to_json(error)}}); }
std::string text_of(Json answer) { return dump_json({{"answer", std::move(answer)}}); }

template <typename T>
Reply<T> as_text(Reply<std::string> reply) {
  return [reply = std::move(reply)](Result<T> answer) {
    if (answer) {
      reply(text_of(to_json(*answer)));
    } else {
      reply(text_of(answer.error()));
    }
  };
}

Json view_or_null(const std::optional<store::RunView>& view) { return view ? to_json(*view) : Json(); }

ShardId shard_in(const Json& body) { return ShardId{body.at("shard").get<std::int32_t>()}; }

}  // namespace

Error Owners::no_owner() { return {ErrorCode::unavailable, "no owner for this run right now; try again"}; }

void Owners::answer(const std::string& operation, const std::string& body, Reply<std::string> reply) {
  using Perform = void (Owners::*)(const Json&, Reply<std::string>);
  static const std::map<std::string, Perform> kOperations{
      {"wake", &Owners::perform_wake},
      {"start_run", &Owners::perform_start},
      {"start_runs", &Owners::perform_starts},
      {"send_signal", &Owners::perform_signal},
      {"redirect_signal", &Owners::perform_redirect},
      {"cancel_run", &Owners::perform_cancel},
      {"retry_run", &Owners::perform_retry},
      {"steer_run", &Owners::perform_steer},
      {kRehearseCancel, &Owners::perform_cancel},
      {kRehearseRetry, &Owners::perform_retry},
      {kRehearseSteer, &Owners::perform_steer},
      {"open_gate", &Owners::perform_open_gate},
      {"close_gate", &Owners::perform_close_gate},
      {"read_run", &Owners::perform_read},
      {"watch_run", &Owners::perform_watch},
      {"list_queues", &Owners::perform_queues},
      {"queues_changed", &Owners::perform_queues_changed},
      {"claim_tasks", &Owners::perform_claim},
      {"watch_ready", &Owners::perform_watch_ready},
      {"report_task", &Owners::perform_report},
      {"change_schedule", &Owners::perform_change_schedule},
  };
  const auto found = kOperations.find(operation);
  auto object = parse_json(body);
  if (found == kOperations.end()) {
    reply(text_of(Error(ErrorCode::not_found, "no such operation between nodes: " + operation)));
    return;
  }
  if (!object) {
    reply(text_of(object.error()));
    return;
  }
  try {
    (this->*found->second)(*object, reply);
  } catch (const Json::exception& e) {
    reply(text_of(Error(ErrorCode::invalid_argument, "a call between nodes is malformed: " + std::string(e.what()))));
  }
}

/// The group here, or nothing after the caller was told that it is not.
ShardGroup* Owners::owned_group(ShardId shard, const Reply<std::string>& reply) {
  if (node_.owns(shard)) return &node_.group_of(shard);
  reply(text_of(no_owner()));
  return nullptr;
}

void Owners::perform_wake(const Json& /*body*/, Reply<std::string> reply) {
  node_.wake();
  reply(text_of(Json(true)));
}

void Owners::perform_start(const Json& body, Reply<std::string> reply) {
  StartRequest request = start_request_from(body);
  ShardGroup* group = owned_group(shard_of(request.id), reply);
  if (group != nullptr) group->start_run(std::move(request), as_text<StartAnswer>(std::move(reply)));
}

void Owners::perform_starts(const Json& body, Reply<std::string> reply) {
  struct Gathering {
    std::vector<Json> answers;
    std::atomic<std::size_t> missing;
    Reply<std::string> reply;
  };
  // Shared by the replies of all items, which come on the strands of several groups.
  auto gathering = std::make_shared<Gathering>();
  gathering->answers.resize(body.size());
  gathering->missing = body.size();
  gathering->reply = std::move(reply);
  const auto answered = [gathering](std::size_t index, const Result<StartAnswer>& one) {
    gathering->answers[index] = one ? Json{{"answer", to_json(*one)}} : Json{{"error", to_json(one.error())}};
    if (--gathering->missing == 0) gathering->reply(text_of(Json(std::move(gathering->answers))));
  };
  std::map<ShardGroup*, Starts, ShardGroup::ByLane> by_group;
  for (std::size_t i = 0; i < body.size(); ++i) {
    StartRequest request = start_request_from(body[i]);
    const ShardId shard = shard_of(request.id);
    if (!node_.owns(shard)) {
      answered(i, no_owner());
      continue;
    }
    by_group[&node_.group_of(shard)].emplace_back(std::move(request),
                                                  [answered, i](Result<StartAnswer> one) { answered(i, one); });
  }
  for (auto& [group, starts] : by_group) group->start_runs(std::move(starts));
}

void Owners::perform_signal(const Json& body, Reply<std::string> reply) {
  SignalRequest request = signal_request_from(body.at("request"));
  ShardGroup* group = owned_group(shard_in(body), reply);
  if (group != nullptr) group->send_signal(std::move(request), as_text<SignalAnswer>(std::move(reply)));
}

void Owners::perform_redirect(const Json& body, Reply<std::string> reply) {
  RedirectRequest request = redirect_request_from(body);
  ShardGroup* group = owned_group(shard_of(request.origin), reply);
  if (group != nullptr) group->redirect_signal(std::move(request), as_text<SignalAnswer>(std::move(reply)));
}

void Owners::perform_cancel(const Json& body, Reply<std::string> reply) {
  CancelRequest request = cancel_request_from(body);
  ShardGroup* group = owned_group(shard_of(request.run_id), reply);
  if (group != nullptr) group->cancel_run(std::move(request), as_text<CancelAnswer>(std::move(reply)));
}

void Owners::perform_retry(const Json& body, Reply<std::string> reply) {
  RetryRequest request = retry_request_from(body);
  ShardGroup* group = owned_group(shard_of(request.run_id), reply);
  if (group != nullptr) group->retry_run(std::move(request), as_text<StartAnswer>(std::move(reply)));
}

void Owners::perform_steer(const Json& body, Reply<std::string> reply) {
  SteerRequest request = steer_request_from(body);
  ShardGroup* group = owned_group(shard_of(request.run_id), reply);
  if (group != nullptr) group->steer_run(std::move(request), as_text<SteerAnswer>(std::move(reply)));
}

void Owners::perform_open_gate(const Json& body, Reply<std::string> reply) {
  GateRequest request = gate_request_from(body.at("request"));
  ShardGroup* group = owned_group(shard_in(body), reply);
  if (group != nullptr) group->open_gate(std::move(request), as_text<GateAnswer>(std::move(reply)));
}

void Owners::perform_close_gate(const Json& body, Reply<std::string> reply) {
  GateClose request = gate_close_from(body.at("request"));
  ShardGroup* group = owned_group(shard_in(body), reply);
  if (group == nullptr) return;
  group->close_gate(std::move(request), [reply = std::move(reply)](Result<void> closed) {
    reply(closed ? text_of(Json(true)) : text_of(closed.error()));
  });
}

void Owners::perform_claim(const Json& body, Reply<std::string> reply) {
  claims_.claim_here(claim_request_from(body), as_text<std::vector<ClaimedTask>>(std::move(reply)));
}

void Owners::perform_watch_ready(const Json& body, Reply<std::string> reply) {
  const Duration patience{std::min(body.at("patience_us").get<std::int64_t>(), Duration{kMaxPeerWatch}.count())};
  claims_.watch_here(claim_filter_from(body.at("filter")), patience, [reply = std::move(reply)](Result<bool> is_ready) {
    reply(text_of(Json(is_ready && *is_ready)));
  });
}

void Owners::perform_report(const Json& body, Reply<std::string> reply) {
  TaskReport report = task_report_from(body);
  ShardGroup* group = owned_group(shard_of(report.token.run_id), reply);
  if (group != nullptr) group->report_task(std::move(report), as_text<TaskAnswer>(std::move(reply)));
}

void Owners::perform_change_schedule(const Json& body, Reply<std::string> reply) {
  ScheduleRequest request = schedule_request_from(body);
  ShardGroup* group = owned_group(request.ref.shard, reply);
  if (group != nullptr) group->change_schedule(std::move(request), as_text<ScheduleAnswer>(std::move(reply)));
}

void Owners::perform_read(const Json& body, Reply<std::string> reply) {
  const RunId run_id = members::get_id<RunTag>(body, "run_id");
  ShardGroup* group = owned_group(shard_of(run_id), reply);
  if (group == nullptr) return;
  group->read_run(run_id, [reply = std::move(reply)](Result<std::optional<store::RunView>> view) {
    reply(view ? text_of(view_or_null(*view)) : text_of(view.error()));
  });
}

/// Answers the view when the run closes; `{"open": true}` when the caller's patience ends first.
void Owners::perform_watch(const Json& body, Reply<std::string> reply) {
  const RunId run_id = members::get_id<RunTag>(body, "run_id");
  if (owned_group(shard_of(run_id), reply) == nullptr) return;
  const Duration patience{std::min(body.at("patience_us").get<std::int64_t>(), Duration{kMaxPeerWatch}.count())};
  const Duration until = now() + patience;
  watch_here(run_id, patience, [this, until, reply = std::move(reply)](Result<std::optional<store::RunView>> view) {
    if (!view) {
      reply(text_of(view.error()));
    } else if (!*view && now() >= until) {
      reply(text_of(Json{{"open", true}}));
    } else {
      reply(text_of(Json{{"view", view_or_null(*view)}}));
    }
  });
}

}  // namespace orchestrator::runtime
