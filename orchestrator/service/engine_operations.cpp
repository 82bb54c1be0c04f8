#include "orchestrator/service/engine_operations.hpp"

#include <utility>

#include "orchestrator/base/json.hpp"

namespace orchestrator::service {
namespace {

using store::OperationAction;

/// Runs that one look into the database brings.
constexpr std::int32_t kGatherPage = 1'000;

/// The states in which a run can be acted upon, where the caller names none.
std::vector<RunState> usual_states(OperationAction action) {
  switch (action) {
    case OperationAction::cancel: return {RunState::ready, RunState::running, RunState::waiting, RunState::paused};
    case OperationAction::pause: return {RunState::ready, RunState::running, RunState::waiting};
    case OperationAction::resume: return {RunState::paused};
    case OperationAction::retry: return {RunState::failed, RunState::cancelled, RunState::timed_out};
    case OperationAction::discard: return {RunState::failed};
  }
  return {};
}

/// A closed run cannot be cancelled, and that is all that was wanted.
template <typename T>
Status unless_closed(const Result<T>& answer) {
  if (answer || answer.error().slug == "run-closed") return {};
  return answer.error();
}

template <typename T>
Status status_of(const Result<T>& answer) {
  if (answer) return {};
  return answer.error();
}

}  // namespace

/// A start on its way: the runs that match, page by page.
struct EngineOperations::Gathering {
  StartOperation request;
  Reply<StartedOperation> reply;
  std::vector<RunId> runs;
  std::vector<store::RunView> sample;
};

EngineOperations::EngineOperations(Service& service, runtime::Node& node, store::Store& store,
                                   std::shared_ptr<Deadlines> deadlines)
    : service_(service),
      node_(node),
      store_(store),
      deadlines_(std::move(deadlines)),
      metrics_(node.metrics()),
      runner_(
          {.store = store.operations(),
           .executor = node.executor(),
           .clock = node.clock(),
           .may_work = [&node] { return !node.is_draining(); },
           .perform = [this](const store::OperationView& operation, RunId run_id,
                             std::function<void(const Status&)> done) { perform(operation, run_id, std::move(done)); },
           .on_items = [this](OperationAction action, std::int32_t done,
                              std::int32_t failed) { metrics_.count_items(action, done, failed); }}) {}

void EngineOperations::begin() {
  runner_.begin(store::OperationHolder{make_uuid7(node_.now(), ShardId{0}, node_.random())});
}

// ---- starting ----------------------------------------------------------------------------------------------------

void EngineOperations::start(StartOperation request, Reply<StartedOperation> reply) {
  // Shared: each page's answer finds it, on whichever thread it comes.
  auto gathering = std::make_shared<Gathering>();
  gathering->reply = deadlines_->guard(std::move(reply));
  gathering->request = std::move(request);
  store::RunFilter& filter = gathering->request.filter;
  filter.namespace_name = gathering->request.namespace_name;
  filter.limit = kGatherPage;
  if (filter.states.empty()) filter.states = usual_states(gathering->request.action);
  if (gathering->request.action == OperationAction::discard) filter.only_dead_letters = true;
  if (!gathering->request.id) return gather(gathering);
  // A repeat after a crash: the runs that matched first are the ones.
  store_.operations().find(filter.namespace_name, store::OperationId{gathering->request.id->bytes},
                           [this, gathering](const Result<store::OperationView>& known) {
                             if (known) {
                               gathering->reply(StartedOperation{known->operation_id, known->matched, {}});
                             } else if (known.error().code == ErrorCode::not_found) {
                               gather(gathering);
                             } else {
                               gathering->reply(known.error());
                             }
                           });
}

void EngineOperations::gather(const std::shared_ptr<Gathering>& gathering) {
  store_.list_runs(gathering->request.filter, [this, gathering](Result<store::RunPage> page) {
    if (!page) return gathering->reply(std::move(page).error());
    for (auto& view : page->items) {
      gathering->runs.push_back(view.header.id);
      if (gathering->sample.size() < kOperationSample) gathering->sample.push_back(std::move(view));
    }
    if (gathering->runs.size() > store::kMaxOperationRuns) {
      Error many(ErrorCode::invalid_argument, "invalid-body", "the filter matches too many runs");
      many.faults.push_back({"/filter", "out_of_range",
                             "matches more than " + std::to_string(store::kMaxOperationRuns) + " runs; narrow it"});
      return gathering->reply(std::move(many));
    }
    if (page->next_cursor) {
      gathering->request.filter.cursor = *page->next_cursor;
      return gather(gathering);
    }
    if (gathering->request.dry_run) {
      const auto matched = static_cast<std::int32_t>(gathering->runs.size());
      return gathering->reply(StartedOperation{std::nullopt, matched, std::move(gathering->sample)});
    }
    create(gathering);
  });
}

void EngineOperations::create(const std::shared_ptr<Gathering>& gathering) {
  const StartOperation& request = gathering->request;
  store::NewOperation operation;
  operation.operation_id = request.id ? store::OperationId{request.id->bytes}
                                      : store::OperationId{make_uuid7(node_.now(), ShardId{0}, node_.random())};
  operation.namespace_name = request.namespace_name;
  operation.action = request.action;
  if (request.arguments) operation.arguments = dump_json(*request.arguments);
  if (request.asked_filter) operation.filter = dump_json(*request.asked_filter);
  operation.reason = request.reason;
  operation.actor = request.actor;
  operation.rate_per_second = request.rate_per_second;
  operation.runs = std::move(gathering->runs);
  operation.audit = audited(request.namespace_name, {request.actor, request.role}, "operation.start",
                            operation.operation_id.str(), request.reason);
  store_.operations().create(std::move(operation), [this, gathering](const Result<store::OperationView>& created) {
    if (!created) return gathering->reply(created.error());
    metrics_.count_started(created->action);
    gathering->reply(StartedOperation{created->operation_id, created->matched, std::move(gathering->sample)});
    runner_.look();
  });
}

void EngineOperations::find(std::string namespace_name, store::OperationId operation_id,
                            Reply<store::OperationView> reply) {
  store_.operations().find(std::move(namespace_name), operation_id, std::move(reply));
}

void EngineOperations::list(store::OperationFilter filter, Reply<store::OperationPage> reply) {
  store_.operations().list(std::move(filter), std::move(reply));
}

void EngineOperations::stop(std::string namespace_name, store::OperationId operation_id, Caller caller,
                            Reply<store::OperationView> reply) {
  auto audit = audited(namespace_name, caller, "operation.stop", operation_id.str(), "");
  store_.operations().stop(std::move(namespace_name), operation_id, std::move(caller.actor), std::move(audit),
                           std::move(reply));
}

// ---- one run of many ---------------------------------------------------------------------------------------------

void EngineOperations::perform(const store::OperationView& operation, RunId run_id,
                               std::function<void(const Status&)> done) {
  const auto parsed = parse_json(operation.arguments);
  const Json arguments = parsed ? *parsed : Json::object();
  const std::string id = operation.operation_id.str();
  SteerRun steer{operation.namespace_name, run_id, core::PauseAsked{operation.reason, operation.actor, id}};
  const auto steered = [done](const Result<SteeredRun>& answer) { done(status_of(answer)); };
  switch (operation.action) {
    case OperationAction::cancel: {
      CancelRun cancel{.namespace_name = operation.namespace_name, .run_id = run_id};
      cancel.mode = parse_cancel_mode(string_member(arguments, "mode")).value_or(CancelMode::graceful);
      cancel.reason = operation.reason;
      cancel.actor = operation.actor;
      cancel.operation = id;
      service_.cancel_run(std::move(cancel),
                          [done](const Result<CancelReceipt>& answer) { done(unless_closed(answer)); });
      return;
    }
    case OperationAction::retry: {
      RetryRun retry{.namespace_name = operation.namespace_name, .run_id = run_id};
      if (arguments.contains("from_state")) retry.from_state = string_member(arguments, "from_state");
      if (arguments.contains("input")) retry.input = make_payload(arguments["input"]);
      retry.new_idempotency_key = arguments.value("new_idempotency_key", false);
      retry.reason = operation.reason;
      retry.actor = operation.actor;
      retry.operation = id;
      const auto retried = [this, namespace_name = operation.namespace_name, run_id,
                            done](const Result<RetriedRun>& answer) {
        if (answer || answer.error().slug != "wrong-state") return done(status_of(answer));
        // Perhaps it was retried before a crash, and has succeeded since.
        done_if(namespace_name, run_id, answer.error(), done,
                [](const store::RunView& view) { return view.state == RunState::succeeded; });
      };
      service_.retry_run(std::move(retry), retried);
      return;
    }
    case OperationAction::pause: service_.steer_run(std::move(steer), steered); return;
    case OperationAction::resume:
      steer.asked = core::ResumeAsked{operation.reason, operation.actor, id};
      service_.steer_run(std::move(steer), steered);
      return;
    case OperationAction::discard: discard(operation, run_id, std::move(done)); return;
  }
}

void EngineOperations::discard(const store::OperationView& operation, RunId run_id,
                               std::function<void(const Status&)> done) {
  store::DiscardRequest request{.namespace_name = operation.namespace_name,
                                .run_id = run_id,
                                .reason = operation.reason,
                                .actor = operation.actor};
  request.audit =
      audited(request.namespace_name, {operation.actor, Role::operator_}, "run.discard", run_id.str(), request.reason);
  const auto discarded = [this, namespace_name = operation.namespace_name, run_id,
                          done](const Result<RunReading>& answer) {
    if (answer || answer.error().slug != "wrong-state") return done(status_of(answer));
    // Perhaps it was this operation, before a crash.
    done_if(namespace_name, run_id, answer.error(), done,
            [](const store::RunView& view) { return view.dead_letter == store::DeadLetter::discarded; });
  };
  service_.discard_dead_letter(std::move(request), discarded);
}

void EngineOperations::done_if(const std::string& namespace_name, RunId run_id, const Error& otherwise,
                               std::function<void(const Status&)> done, bool (*is_done)(const store::RunView& view)) {
  service_.read_run(namespace_name, run_id,
                    [done = std::move(done), otherwise, is_done](const Result<RunReading>& run) {
                      done(run && is_done(run->view) ? Status() : Status(otherwise));
                    });
}

}  // namespace orchestrator::service
