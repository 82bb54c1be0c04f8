#include "orchestrator/service/engine_service.hpp"

#include <utility>

#include "orchestrator/base/json.hpp"
#include "orchestrator/digest/digest.hpp"
#include "orchestrator/digest/encoding.hpp"
#include "orchestrator/digest/routing.hpp"
#include "orchestrator/language/parse.hpp"
#include "orchestrator/telemetry/mutex.hpp"

namespace orchestrator::service {
namespace {

/// How long a run's owner may take before the database is read instead. Source: the HTTP contract.
constexpr Duration kOwnerPatience = std::chrono::milliseconds{200};

/// Guards a reply that two events race for: the first one answers.
template <typename T>
class OnceReply {
 public:
  explicit OnceReply(Reply<T> reply) : reply_(std::move(reply)) {}
  bool operator()(Result<T> answer) {
    Reply<T> mine;
    {
      const telemetry::MutexLock lock(mutex_);
      std::swap(mine, reply_);
    }
    if (!mine) return false;
    mine(std::move(answer));
    return true;
  }
  [[nodiscard]] bool is_open() {
    const telemetry::MutexLock lock(mutex_);
    return static_cast<bool>(reply_);
  }

 private:
  telemetry::Mutex mutex_;
  Reply<T> reply_ ORC_GUARDED_BY(mutex_);
};

StartedRun started(runtime::StartAnswer answer) {
  return {answer.run_id,  std::move(answer.workflow), answer.version, std::move(answer.key), answer.state,
          answer.existing};
}

/// Handlers that nobody here performs: a remote worker may come, so a warning.
void warn_about_handlers(const language::StateMachine& machine, const HandlerRegistry& handlers,
                         std::vector<std::string>& warnings) {
  for (const auto& [name, state] : machine.states) {
    if (state.type == language::StateType::task && state.resource.kind == language::Resource::Kind::handler &&
        handlers.find(state.resource.name) == nullptr) {
      warnings.push_back("state " + name + ": no handler is called " + state.resource.name +
                         " yet; its steps wait for a worker");
    }
    for (const auto& branch : state.branches) warn_about_handlers(*branch, handlers, warnings);
    if (state.item_processor) warn_about_handlers(*state.item_processor, handlers, warnings);
  }
}

std::string what_will_happen(CancelMode mode, RunState after) {
  if (is_closed(after)) return "the run is cancelled";
  if (mode == CancelMode::kill) return "the run is being killed; a handler that still works no longer counts";
  return "the run ends as cancelled as soon as the handler in hand has finished";
}

const char* audited_cancel(CancelMode mode) {
  switch (mode) {
    case CancelMode::kill: return "run.kill";
    case CancelMode::compensate: return "run.compensate";
    case CancelMode::graceful: break;
  }
  return "run.cancel";
}

const char* audited_steering(const core::Steering& asked) {
  struct Name {
    const char* operator()(const core::EditAsked& /*asked*/) const { return "run.edit"; }
    const char* operator()(const core::PauseAsked& /*asked*/) const { return "run.pause"; }
    const char* operator()(const core::ResumeAsked& /*asked*/) const { return "run.resume"; }
    const char* operator()(const core::SkipAsked& /*asked*/) const { return "run.skip"; }
  };
  return std::visit(Name{}, asked);
}

Error no_such_run() { return Error(ErrorCode::not_found, "no such run"); }

}  // namespace

HistoryPage::HistoryPage() = default;
HistoryPage::~HistoryPage() = default;
HistoryPage::HistoryPage(HistoryPage&&) noexcept = default;
HistoryPage& HistoryPage::operator=(HistoryPage&&) noexcept = default;

EngineService::EngineService(runtime::Node& node, store::Store& store, const core::Planner& planner,
                             const HandlerRegistry& handlers, runtime::PeerLink* peers)
    : node_(node),
      owners_(node, store, peers),
      store_(store),
      planner_(planner),
      handlers_(handlers),
      executor_(node.executor()),
      deadlines_(std::make_shared<Deadlines>(node.executor(), node.clock(), node.request_limit())),
      remote_workers_(*this, node, owners_, store, deadlines_),
      schedules_(node, owners_, store, deadlines_),
      calendars_(owners_, store, deadlines_),
      webhooks_(*this, node, store.webhooks(), deadlines_),
      access_(node, store.access()),
      run_events_(node, store, planner),
      operations_(*this, node, store, deadlines_) {}

EngineService::~EngineService() = default;

// ---- idempotency -------------------------------------------------------------------------------------------------

void EngineService::open_gate(std::string namespace_name, IdempotencyRef ref, Reply<IdempotencyGate> reply) {
  reply = deadlines_->guard(std::move(reply));
  const ShardId shard = digest::shard_for_key(namespace_name, ref.key, node_.shard_count());
  runtime::GateRequest request{std::move(namespace_name), std::move(ref.scope), std::move(ref.key),
                               std::move(ref.body_hash)};
  owners_.open_gate(shard, std::move(request), [reply = std::move(reply)](Result<runtime::GateAnswer> answer) {
    if (!answer) {
      reply(std::move(answer).error());
      return;
    }
    IdempotencyGate gate;
    gate.reserved_id = answer->reserved_id;
    if (answer->status) gate.replay = KeptAnswer{*answer->status, std::move(answer->body)};
    reply(std::move(gate));
  });
}

void EngineService::close_gate(std::string namespace_name, IdempotencyRef ref, KeptAnswer answer, Reply<void> reply) {
  reply = deadlines_->guard(std::move(reply));
  const ShardId shard = digest::shard_for_key(namespace_name, ref.key, node_.shard_count());
  runtime::GateClose request{std::move(namespace_name), std::move(ref.scope), std::move(ref.key), answer.status,
                             std::move(answer.body)};
  owners_.close_gate(shard, std::move(request), std::move(reply));
}

// ---- definitions -------------------------------------------------------------------------------------------------

void EngineService::deploy(Deploy request, Reply<Deployed> reply) {
  language::ParseOptions options;
  options.must_be_routable = true;
  auto parsed = language::parse_definition(json_of(request.definition), options);
  std::vector<std::string> warnings;
  Error faults(ErrorCode::invalid_argument, "invalid-definition", "the definition has faults; nothing was deployed");
  for (const auto& diagnostic : parsed.diagnostics) {
    if (diagnostic.severity == language::Severity::error) {
      faults.faults.push_back({diagnostic.location, diagnostic.code, diagnostic.message});
    } else {
      warnings.push_back(diagnostic.location + ": " + diagnostic.message);
    }
  }
  if (!parsed.valid()) {
    reply(std::move(faults));
    return;
  }
  warn_about_handlers(parsed.definition->root, handlers_, warnings);

  store::DeployRequest row;
  row.namespace_name = request.namespace_name;
  row.name = request.name;
  row.source = dump_json(json_of(request.definition));
  // Json objects are ordered by name, so equal definitions have equal text whatever their layout was.
  row.checksum = digest::to_hex(digest::hash(digest::Algorithm::sha256, row.source));
  row.audit = audited(row.namespace_name, std::move(request.caller), "workflow.deploy", row.name, "");
  store_.deploy(row, [this, row, warnings, reply = std::move(reply)](Result<store::DeployAnswer> answer) {
    if (!answer) {
      reply(std::move(answer).error());
      return;
    }
    node_.definitions().deployed(row.namespace_name, row.name, answer->version);
    reply(Deployed{row.name, answer->version, row.checksum, answer->created, warnings});
  });
}

void EngineService::find_definition(std::string namespace_name, std::string name, std::int32_t version,
                                    Reply<store::DefinitionRow> reply) {
  store_.find_definition(std::move(namespace_name), std::move(name), version, std::move(reply));
}

void EngineService::list_workflows(std::string namespace_name, Reply<std::vector<store::WorkflowSummary>> reply) {
  store_.list_workflows(std::move(namespace_name), std::move(reply));
}

// ---- starting ----------------------------------------------------------------------------------------------------

void EngineService::answer_peer(std::string operation, std::string body, Reply<std::string> reply) {
  owners_.answer(operation, body, std::move(reply));
}

/// Finds the shard and fixes the id. What shares a key shares a shard (all keys of one job are one text); what has none
/// goes to any shard of this node.
Result<runtime::StartRequest> EngineService::routed(const StartRun& run, std::optional<RunId> seeded) {
  runtime::StartRequest request;
  request.namespace_name = run.namespace_name;
  request.workflow = run.workflow;
  request.version = run.version.value_or(0);
  // A run without input begins with an empty object, as the language's own service does.
  request.input = run.input ? run.input : make_payload(Json::object());
  request.key = run.key;
  request.on_conflict = static_cast<runtime::KeyConflict>(run.on_conflict);
  request.on_closed = static_cast<runtime::ClosedKey>(run.on_closed);
  request.run_at = run.run_at;
  request.priority = run.priority;
  request.attributes = run.attributes;
  request.timeout_seconds = run.timeout_seconds;
  request.traceparent = run.traceparent;
  request.job = run.job;
  const std::string* routing_key = run.key ? &*run.key : nullptr;
  if (run.job && !routing_key && !job_spec_of(run.job->spec).routing_key().empty())
    routing_key = &run.job->spec->routing_key();

  if (seeded) {
    const ShardId shard =
        routing_key ? digest::shard_for_key(run.namespace_name, *routing_key, node_.shard_count()) : shard_of(*seeded);
    request.id = shard == shard_of(*seeded) ? *seeded
                                            : RunId{digest::derived_uuid(seeded->str(), time_of(seeded->bytes), shard)};
    request.maybe_repeated = true;
    return request;
  }
  std::optional<ShardId> shard;
  if (routing_key) {
    shard = digest::shard_for_key(run.namespace_name, *routing_key, node_.shard_count());
  } else {
    shard = node_.any_shard();
  }
  if (!shard) return fail(ErrorCode::unavailable, "nobody owns a shard yet; try again");
  request.id = RunId{make_uuid7(node_.now(), *shard, node_.random())};
  return request;
}

void EngineService::start_run(StartRun request, Reply<StartedRun> reply) {
  reply = deadlines_->guard(std::move(reply));
  auto routed_request = routed(request, request.id);
  if (!routed_request) {
    reply(routed_request.error());
    return;
  }
  owners_.start_run(std::move(*routed_request), [reply = std::move(reply)](Result<runtime::StartAnswer> answer) {
    if (!answer) {
      reply(std::move(answer).error());
    } else {
      reply(started(std::move(*answer)));
    }
  });
}

void EngineService::start_runs(std::vector<StartRun> requests, std::optional<RunId> seed,
                               Reply<std::vector<Result<StartedRun>>> reply) {
  reply = deadlines_->guard(std::move(reply));
  struct Gathering {
    std::vector<Result<StartedRun>> answers;
    std::atomic<std::size_t> missing;
    Reply<std::vector<Result<StartedRun>>> reply;
  };
  // Shared by the replies of all items, which come on the strands of several groups.
  auto gathering = std::make_shared<Gathering>();
  gathering->answers.assign(requests.size(), Result<StartedRun>(Error(ErrorCode::unavailable, "not started")));
  gathering->missing = requests.size();
  gathering->reply = std::move(reply);
  if (requests.empty()) {
    gathering->reply(std::move(gathering->answers));
    return;
  }
  const auto answered = [gathering](std::size_t index, Result<StartedRun> answer) {
    gathering->answers[index] = std::move(answer);
    if (--gathering->missing == 0) gathering->reply(std::move(gathering->answers));
  };
  std::vector<std::pair<runtime::StartRequest, Reply<runtime::StartAnswer>>> starts;
  starts.reserve(requests.size());
  for (std::size_t i = 0; i < requests.size(); ++i) {
    std::optional<RunId> seeded;
    if (seed)
      seeded =
          RunId{digest::derived_uuid(seed->str() + "/" + std::to_string(i), time_of(seed->bytes), shard_of(*seed))};
    auto request = routed(requests[i], seeded);
    if (!request) {
      answered(i, request.error());
      continue;
    }
    starts.emplace_back(std::move(*request), [answered, i](Result<runtime::StartAnswer> answer) {
      if (answer) {
        answered(i, started(std::move(*answer)));
      } else {
        answered(i, std::move(answer).error());
      }
    });
  }
  owners_.start_runs(std::move(starts));
}

/// Whether we could have made this id: any UUID may stand in a path, and no owner answers for a shard that is none.
bool EngineService::is_ours(RunId run_id) const { return to_int(shard_of(run_id)) < node_.shard_count(); }

// ---- reading -----------------------------------------------------------------------------------------------------

void EngineService::read_run(std::string namespace_name, RunId run_id, Reply<RunReading> reply) {
  auto once = std::make_shared<OnceReply<RunReading>>(std::move(reply));
  owners_.read_run(run_id, [this, namespace_name, run_id, once](Result<std::optional<store::RunView>> answer) {
    if (answer && *answer) {
      if ((*answer)->header.namespace_name != namespace_name) {
        (*once)(fail(ErrorCode::not_found, "no such run"));
      } else {
        (*once)(RunReading{std::move(**answer), std::nullopt});
      }
      return;
    }
    if (!once->is_open()) return;
    // Not in its owner's memory: then the row is the truth, without "as of".
    read_from_store(namespace_name, run_id, false, [once](Result<RunReading> reading) { (*once)(std::move(reading)); });
  });
  executor_.post_after(kOwnerPatience, [this, namespace_name, run_id, once] {
    if (!once->is_open()) return;
    read_from_store(namespace_name, run_id, true, [once](Result<RunReading> reading) { (*once)(std::move(reading)); });
  });
}

void EngineService::read_from_store(std::string namespace_name, RunId run_id, bool owner_silent,
                                    Reply<RunReading> reply) {
  store_.find_run(run_id, [this, namespace_name, owner_silent, reply = std::move(reply)](Result<store::RunView> view) {
    if (!view) {
      reply(std::move(view).error());
    } else if (view->header.namespace_name != namespace_name) {
      reply(fail(ErrorCode::not_found, "no such run"));
    } else {
      RunReading reading{std::move(*view), std::nullopt};
      if (owner_silent) reading.as_of = node_.now();
      reply(std::move(reading));
    }
  });
}

void EngineService::wait_for_run(std::string namespace_name, RunId run_id, std::chrono::seconds wait,
                                 Reply<RunReading> reply) {
  auto once = std::make_shared<OnceReply<RunReading>>(std::move(reply));
  owners_.watch_run(run_id, wait, [this, namespace_name, run_id, once](Result<std::optional<store::RunView>> closed) {
    if (!closed || !*closed) {
      read_run(namespace_name, run_id, [once](Result<RunReading> reading) { (*once)(std::move(reading)); });
    } else if ((*closed)->header.namespace_name != namespace_name) {
      (*once)(fail(ErrorCode::not_found, "no such run"));
    } else {
      (*once)(RunReading{std::move(**closed), std::nullopt});
    }
  });
}

void EngineService::list_runs(store::RunFilter filter, Reply<store::RunPage> reply) {
  store_.list_runs(std::move(filter), std::move(reply));
}

// ---- operator actions --------------------------------------------------------------------------------------------

void EngineService::cancel_run(CancelRun request, Reply<CancelReceipt> reply) {
  reply = deadlines_->guard(std::move(reply));
  const RunId run_id = request.run_id;
  if (!is_ours(run_id)) return reply(no_such_run());
  const CancelMode mode = request.mode;
  auto audit = audited(request.namespace_name, {request.actor, request.role}, audited_cancel(mode), run_id.str(),
                       request.reason);
  runtime::CancelRequest asked{std::move(request.namespace_name),
                               run_id,
                               mode,
                               std::move(request.reason),
                               std::move(request.actor),
                               std::move(audit),
                               request.rehearse,
                               std::move(request.operation)};
  owners_.cancel_run(std::move(asked), [run_id, reply = std::move(reply)](Result<runtime::CancelAnswer> answer) {
    if (!answer) {
      reply(std::move(answer).error());
    } else {
      reply(CancelReceipt{run_id, answer->state, what_will_happen(answer->mode, answer->state), answer->mode,
                          answer->waited_on});
    }
  });
}

void EngineService::retry_run(RetryRun request, Reply<RetriedRun> reply) {
  reply = deadlines_->guard(std::move(reply));
  const RunId run_id = request.run_id;
  if (!is_ours(run_id)) return reply(no_such_run());
  runtime::RetryRequest asked;
  asked.audit =
      audited(request.namespace_name, {request.actor, request.role}, "run.retry", run_id.str(), request.reason);
  asked.namespace_name = std::move(request.namespace_name);
  asked.run_id = run_id;
  asked.asked.from_state = std::move(request.from_state);
  asked.asked.input = std::move(request.input);
  asked.asked.reason = std::move(request.reason);
  asked.asked.actor = std::move(request.actor);
  asked.asked.new_idempotency_key = request.new_idempotency_key;
  asked.asked.operation = std::move(request.operation);
  asked.only_dead_letter = request.only_dead_letter;
  asked.rehearse = request.rehearse;
  owners_.retry_run(std::move(asked), [reply = std::move(reply)](Result<runtime::StartAnswer> answer) {
    if (!answer) {
      reply(std::move(answer).error());
    } else {
      reply(RetriedRun{answer->run_id, answer->state});
    }
  });
}

void EngineService::steer_run(SteerRun request, Reply<SteeredRun> reply) {
  reply = deadlines_->guard(std::move(reply));
  const RunId run_id = request.run_id;
  if (!is_ours(run_id)) return reply(no_such_run());
  auto audit = std::visit(
      [&](const auto& asked) {
        return audited(request.namespace_name, {asked.actor, request.role}, audited_steering(request.asked),
                       run_id.str(), asked.reason);
      },
      request.asked);
  runtime::SteerRequest asked{std::move(request.namespace_name), run_id, std::move(request.asked), std::move(audit),
                              request.rehearse};
  owners_.steer_run(std::move(asked), [run_id, reply = std::move(reply)](const Result<runtime::SteerAnswer>& answer) {
    if (!answer) return reply(answer.error());
    reply(SteeredRun{run_id, answer->state});
  });
}

void EngineService::list_audit(store::AuditFilter filter, Reply<store::AuditPage> reply) {
  store_.list_audit(std::move(filter), std::move(reply));
}

// ---- cluster -----------------------------------------------------------------------------------------------------

void EngineService::list_nodes(Reply<std::vector<NodeReading>> reply) {
  const auto cluster = node_.cluster();
  std::vector<NodeReading> nodes;
  for (const auto& row : cluster.nodes) {
    NodeReading node{row.id.value, row.url, row.lease_until, {}};
    for (const auto& shard : cluster.shards) {
      if (shard.node && *shard.node == row.id) node.shards.push_back(to_int(shard.shard));
    }
    nodes.push_back(std::move(node));
  }
  reply(std::move(nodes));
}

void EngineService::check_ready(Reply<void> reply) {
  if (node_.is_draining()) {
    reply(fail(ErrorCode::unavailable, "draining"));
    return;
  }
  if (!node_.has_owner_known()) {
    reply(fail(ErrorCode::unavailable, "no shard has an owner yet"));
    return;
  }
  store_.check_ready(std::move(reply));
}

}  // namespace orchestrator::service
