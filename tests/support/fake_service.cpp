#include "tests/support/fake_service.hpp"

#include "orchestrator/base/json.hpp"

namespace orchestrator::testing_support {
namespace {

constexpr Timestamp kNow{std::chrono::seconds{1'763'613'000}};

Error not_found() { return Error(ErrorCode::not_found, "not-found", "There is no such object"); }

store::SignalRow signal_row(const service::SendSignal& request, SignalId id) {
  store::SignalRow row;
  row.signal_id = id;
  row.namespace_name = request.namespace_name;
  row.name = request.name;
  row.key = request.key;
  row.addressed_run_id = request.run_id;
  row.id = request.id;
  row.payload = request.payload;
  row.run_id = request.run_id;
  row.received_at = kNow;
  return row;
}

}  // namespace

void FakeService::add_workflow(const std::string& name, const std::string& source) {
  const std::lock_guard lock(mutex_);
  auto& versions = definitions_[name];
  store::DefinitionRow row;
  row.namespace_name = "default";
  row.name = name;
  row.version = static_cast<std::int32_t>(versions.size()) + 1;
  row.checksum = "checksum-" + std::to_string(row.version);
  row.source = source;
  row.created_at = kNow;
  versions.push_back(std::move(row));
}

RunId FakeService::add_run(store::RunView view) {
  const std::lock_guard lock(mutex_);
  if (view.header.id.is_nil()) view.header.id = fresh_id();
  if (view.header.namespace_name.empty()) view.header.namespace_name = "default";
  const RunId id = view.header.id;
  runs_[id] = std::move(view);
  return id;
}

void FakeService::set_history(const RunId& id, std::vector<Json> items) {
  const std::lock_guard lock(mutex_);
  histories_[id] = std::move(items);
}

void FakeService::close_run(const RunId& id, RunState state) {
  std::vector<Waiter> woken;
  service::RunReading reading;
  {
    const std::lock_guard lock(mutex_);
    store::RunView& view = runs_.at(id);
    view.state = state;
    view.closed_at = kNow;
    reading.view = view;
    std::erase_if(waiters_, [&](Waiter& waiter) {
      if (waiter.run_id != id) return false;
      woken.push_back(waiter);
      return true;
    });
  }
  for (const Waiter& waiter : woken) waiter.reply(reading);
}

void FakeService::fail_next(Error error) {
  const std::lock_guard lock(mutex_);
  failures_.push_back(std::move(error));
}

void FakeService::hold_starts() {
  const std::lock_guard lock(mutex_);
  holding_ = true;
}

void FakeService::release_held() {
  std::vector<std::function<void()>> held;
  {
    const std::lock_guard lock(mutex_);
    holding_ = false;
    held.swap(held_);
  }
  for (const auto& reply : held) reply();
}

std::vector<service::StartRun> FakeService::started() const {
  const std::lock_guard lock(mutex_);
  return started_;
}

std::vector<service::SendSignal> FakeService::signals() const {
  const std::lock_guard lock(mutex_);
  return signals_;
}

std::vector<service::CancelRun> FakeService::cancels() const {
  const std::lock_guard lock(mutex_);
  return cancels_;
}

std::vector<service::RetryRun> FakeService::retries() const {
  const std::lock_guard lock(mutex_);
  return retries_;
}

std::vector<service::ChangeQueue> FakeService::queue_changes() const {
  const std::lock_guard lock(mutex_);
  return queue_changes_;
}

store::RunFilter FakeService::last_filter() const {
  const std::lock_guard lock(mutex_);
  return last_filter_;
}

std::size_t FakeService::held_count() const {
  const std::lock_guard lock(mutex_);
  return held_.size();
}

std::size_t FakeService::waiting_count() const {
  const std::lock_guard lock(mutex_);
  return waiters_.size();
}

std::optional<Error> FakeService::take_failure() {
  const std::lock_guard lock(mutex_);
  if (failures_.empty()) return std::nullopt;
  Error error = std::move(failures_.front());
  failures_.pop_front();
  return error;
}

RunId FakeService::fresh_id() { return RunId{make_uuid7(kNow, ShardId{1}, next_id_++)}; }

Result<service::StartedRun> FakeService::start_locked(const service::StartRun& request) {
  started_.push_back(request);
  if (!definitions_.contains(request.workflow)) {
    return fail(ErrorCode::not_found, "unknown-workflow", "There is no workflow " + request.workflow);
  }
  for (const auto& [id, view] : runs_) {
    const bool same = request.key && view.header.key == request.key && view.header.workflow == request.workflow;
    if (!same || is_closed(view.state)) continue;
    if (request.on_conflict == service::OnConflict::reject) {
      return Error(ErrorCode::conflict, "run-key-conflict", "An open run has this key").with("run_id", id.str());
    }
    return service::StartedRun{.run_id = id,
                               .workflow = request.workflow,
                               .version = view.header.version,
                               .key = request.key,
                               .state = view.state,
                               .existing = true};
  }
  store::RunView view;
  view.header.id = request.id.value_or(fresh_id());
  view.header.namespace_name = request.namespace_name;
  view.header.workflow = request.workflow;
  view.header.version = request.version.value_or(static_cast<std::int32_t>(definitions_[request.workflow].size()));
  view.header.key = request.key;
  view.header.priority = request.priority;
  view.header.input = request.input;
  view.header.attributes = request.attributes;
  view.header.traceparent = request.traceparent;
  view.header.created_at = kNow;
  view.header.run_at = request.run_at;
  view.header.timeout_seconds = request.timeout_seconds;
  view.waiting_on = R"([{"kind":"worker","state_name":"A"}])";
  service::StartedRun started{.run_id = view.header.id,
                              .workflow = view.header.workflow,
                              .version = view.header.version,
                              .key = view.header.key,
                              .state = view.state};
  runs_[started.run_id] = std::move(view);
  return started;
}

Result<service::RunReading> FakeService::reading_locked(const std::string& namespace_name, const RunId& id) const {
  const auto found = runs_.find(id);
  if (found == runs_.end() || found->second.header.namespace_name != namespace_name) return not_found();
  service::RunReading reading;
  reading.view = found->second;
  return reading;
}

void FakeService::open_gate(std::string namespace_name, service::IdempotencyRef ref,
                            service::Reply<service::IdempotencyGate> reply) {
  if (auto error = take_failure()) return reply(*error);
  Result<service::IdempotencyGate> gate = service::IdempotencyGate{};
  {
    const std::lock_guard lock(mutex_);
    const std::string slot = namespace_name + '\n' + ref.scope + '\n' + ref.key;
    const auto [entry, is_new] = gates_.try_emplace(slot);
    KeptGate& kept = entry->second;
    if (is_new) {
      kept.body_hash = ref.body_hash;
      kept.reserved_id = fresh_id();
      gate->reserved_id = kept.reserved_id;
    } else if (kept.body_hash != ref.body_hash) {
      gate = Error(ErrorCode::invalid_argument, "idempotency-mismatch", "The key was used with another body");
    } else if (!kept.answer) {
      gate = Error(ErrorCode::conflict, "idempotency-in-flight", "The first request is still working");
    } else {
      gate->replay = kept.answer;
    }
  }
  reply(std::move(gate));
}

void FakeService::close_gate(std::string namespace_name, service::IdempotencyRef ref, service::KeptAnswer answer,
                             service::Reply<void> reply) {
  {
    const std::lock_guard lock(mutex_);
    const std::string slot = namespace_name + '\n' + ref.scope + '\n' + ref.key;
    if (answer.status / 100 == 2) {
      gates_[slot].answer = std::move(answer);
    } else {
      gates_.erase(slot);
    }
  }
  reply({});
}

void FakeService::deploy(service::Deploy request, service::Reply<service::Deployed> reply) {
  if (auto error = take_failure()) return reply(*error);
  service::Deployed deployed;
  deployed.workflow = request.name;
  const std::string source = dump_json(json_of(request.definition));
  bool known = false;
  {
    const std::lock_guard lock(mutex_);
    const auto found = definitions_.find(request.name);
    known = found != definitions_.end() && found->second.back().source == source;
  }
  if (!known) add_workflow(request.name, source);
  const std::lock_guard lock(mutex_);
  deployed.version = definitions_[request.name].back().version;
  deployed.checksum = definitions_[request.name].back().checksum;
  deployed.created = !known;
  reply(std::move(deployed));
}

void FakeService::find_definition(std::string /*namespace_name*/, std::string name, std::int32_t version,
                                  service::Reply<store::DefinitionRow> reply) {
  if (auto error = take_failure()) return reply(*error);
  Result<store::DefinitionRow> found = not_found();
  {
    const std::lock_guard lock(mutex_);
    const auto entry = definitions_.find(name);
    if (entry != definitions_.end() && version >= 1 && static_cast<std::size_t>(version) <= entry->second.size()) {
      found = entry->second[static_cast<std::size_t>(version) - 1];
    }
  }
  reply(std::move(found));
}

void FakeService::list_workflows(std::string /*namespace_name*/,
                                 service::Reply<std::vector<store::WorkflowSummary>> reply) {
  if (auto error = take_failure()) return reply(*error);
  std::vector<store::WorkflowSummary> summaries;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, versions] : definitions_) {
      store::WorkflowSummary summary{.name = name, .versions = {}};
      for (const auto& row : versions) summary.versions.push_back(row.version);
      summaries.push_back(std::move(summary));
    }
  }
  reply(std::move(summaries));
}

void FakeService::start_run(service::StartRun request, service::Reply<service::StartedRun> reply) {
  if (auto error = take_failure()) return reply(*error);
  std::unique_lock lock(mutex_);
  auto started = start_locked(request);
  if (holding_) {
    held_.push_back([reply, started] { reply(started); });
    return;
  }
  lock.unlock();
  reply(std::move(started));
}

void FakeService::start_runs(std::vector<service::StartRun> requests, std::optional<RunId> /*seed*/,
                             service::Reply<std::vector<Result<service::StartedRun>>> reply) {
  if (auto error = take_failure()) return reply(*error);
  std::vector<Result<service::StartedRun>> answers;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& request : requests) answers.push_back(start_locked(request));
  }
  reply(std::move(answers));
}

void FakeService::read_run(std::string namespace_name, RunId run_id, service::Reply<service::RunReading> reply) {
  if (auto error = take_failure()) return reply(*error);
  std::unique_lock lock(mutex_);
  auto reading = reading_locked(namespace_name, run_id);
  lock.unlock();
  reply(std::move(reading));
}

void FakeService::wait_for_run(std::string namespace_name, RunId run_id, std::chrono::seconds wait,
                               service::Reply<service::RunReading> reply) {
  std::unique_lock lock(mutex_);
  auto reading = reading_locked(namespace_name, run_id);
  if (reading && !is_closed(reading->view.state) && wait.count() > 0) {
    waiters_.push_back({.run_id = run_id, .reply = std::move(reply)});
    return;
  }
  lock.unlock();
  reply(std::move(reading));
}

void FakeService::check_namespace(std::string name, service::Reply<void> reply) {
  bool exists = false;
  {
    const std::lock_guard lock(mutex_);
    exists = namespaces_.contains(name);
  }
  if (exists) return reply({});
  reply(fail(ErrorCode::precondition_failed, "forbidden", "There is no namespace " + name));
}

void FakeService::set_audit(std::vector<store::AuditRow> rows) {
  const std::lock_guard lock(mutex_);
  audit_ = std::move(rows);
}

void FakeService::list_audit(store::AuditFilter filter, service::Reply<store::AuditPage> reply) {
  store::AuditPage page;
  {
    const std::lock_guard lock(mutex_);
    for (const store::AuditRow& row : audit_) {
      const bool is_it = (filter.actor.empty() || row.entry.caller.actor == filter.actor) &&
                         (filter.action.empty() || row.entry.action == filter.action) &&
                         (filter.target.empty() || row.entry.target == filter.target) &&
                         (!filter.after || *filter.after <= row.at);
      if (is_it) page.items.push_back(row);
    }
  }
  reply(std::move(page));
}

void FakeService::create_namespace(std::string name, Caller /*caller*/, service::Reply<store::CreatedNamespace> reply) {
  store::CreatedNamespace made{.row = {.name = name, .created_at = kNow}};
  {
    const std::lock_guard lock(mutex_);
    made.created = namespaces_.insert(name).second;
  }
  reply(std::move(made));
}

void FakeService::list_namespaces(service::Reply<std::vector<store::NamespaceRow>> reply) {
  std::vector<store::NamespaceRow> rows;
  {
    const std::lock_guard lock(mutex_);
    for (const std::string& name : namespaces_) rows.push_back({.name = name, .created_at = kNow});
  }
  reply(std::move(rows));
}

void FakeService::list_runs(store::RunFilter filter, service::Reply<store::RunPage> reply) {
  if (auto error = take_failure()) return reply(*error);
  store::RunPage page;
  {
    const std::lock_guard lock(mutex_);
    last_filter_ = filter;
    for (auto entry = runs_.rbegin(); entry != runs_.rend(); ++entry) {
      if (entry->second.header.namespace_name != filter.namespace_name) continue;
      if (!filter.cursor.empty() && entry->first.str() >= filter.cursor) continue;
      if (page.items.size() == static_cast<std::size_t>(filter.limit)) {
        page.next_cursor = page.items.back().header.id.str();
        break;
      }
      page.items.push_back(entry->second);
    }
  }
  reply(std::move(page));
}

void FakeService::read_history(std::string namespace_name, RunId run_id, std::int32_t /*limit*/, std::string cursor,
                               service::Reply<service::HistoryPage> reply) {
  if (auto error = take_failure()) return reply(*error);
  std::unique_lock lock(mutex_);
  const auto reading = reading_locked(namespace_name, run_id);
  std::vector<Json> items{Json{{"seq", 1}, {"type", "ExecutionStarted"}}};
  if (const auto found = histories_.find(run_id); found != histories_.end()) items = found->second;
  lock.unlock();
  if (!reading) return reply(reading.error());
  const int after = cursor.empty() ? 0 : std::stoi(cursor);
  service::HistoryPage page;
  for (const Json& item : items) {
    if (item.at("seq").get<int>() > after) page.items.push_back(item);
  }
  reply(std::move(page));
}

void FakeService::send_signal(service::SendSignal request, service::Reply<service::SentSignal> reply) {
  if (auto error = take_failure()) return reply(*error);
  service::SentSignal sent;
  sent.fate = request.start ? "started" : "buffered";
  sent.run_id = request.run_id;
  {
    const std::lock_guard lock(mutex_);
    signals_.push_back(request);
    for (const auto& [id, row] : signal_rows_) {
      const bool same = row.name == request.name && row.key == request.key && row.addressed_run_id == request.run_id;
      if (!same || request.id.empty() || row.id != request.id) continue;
      sent.signal_id = id;
      sent.fate = "duplicate";
    }
    if (sent.fate != "duplicate") {
      sent.signal_id = SignalId{fresh_id().bytes};
      signal_rows_[sent.signal_id] = signal_row(request, sent.signal_id);
    }
  }
  reply(std::move(sent));
}

void FakeService::wait_for_fate(service::SentSignal sent, std::chrono::seconds /*wait*/,
                                service::Reply<service::SentSignal> reply) {
  sent.fate = "consumed";
  sent.final_fate = true;
  {
    const std::lock_guard lock(mutex_);
    if (holding_) {
      held_.push_back([reply = std::move(reply), sent = std::move(sent)] { reply(sent); });
      return;
    }
  }
  reply(std::move(sent));
}

void FakeService::find_signal(std::string /*namespace_name*/, SignalId id, service::Reply<store::SignalView> reply) {
  if (auto error = take_failure()) return reply(*error);
  std::unique_lock lock(mutex_);
  const auto found = signal_rows_.find(id);
  Result<store::SignalView> row = not_found();
  if (found != signal_rows_.end()) row = store::SignalView{found->second, std::nullopt, std::nullopt};
  lock.unlock();
  reply(std::move(row));
}

void FakeService::list_signals(store::SignalFilter filter, service::Reply<store::SignalPage> reply) {
  if (auto error = take_failure()) return reply(*error);
  store::SignalPage page;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, row] : signal_rows_) {
      if (!filter.name.empty() && filter.name != row.name) continue;
      if (filter.received_after && row.received_at <= *filter.received_after) continue;
      page.items.push_back({row, std::nullopt, std::nullopt});
    }
  }
  reply(std::move(page));
}

void FakeService::redirect_signal(service::RedirectSignal request, service::Reply<service::SentSignal> reply) {
  if (auto error = take_failure()) return reply(*error);
  service::SentSignal sent;
  sent.fate = "buffered";
  sent.run_id = request.run_id;
  {
    const std::lock_guard lock(mutex_);
    sent.signal_id = SignalId{fresh_id().bytes};
    redirected_.push_back(std::move(request));
  }
  reply(std::move(sent));
}

std::vector<service::RedirectSignal> FakeService::redirected() const {
  const std::lock_guard lock(mutex_);
  return redirected_;
}

void FakeService::list_dead_letters(store::RunFilter filter, std::optional<core::DeadLetterReason> reason,
                                    service::Reply<service::DeadLetterPage> reply) {
  if (auto error = take_failure()) return reply(*error);
  service::DeadLetterPage page;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, view] : runs_) {
      if (view.header.namespace_name != filter.namespace_name || view.dead_letter != store::DeadLetter::open) continue;
      service::DeadLetterReading item{.view = view, .reason = core::DeadLetterReason::exhausted};
      item.attempts.push_back({.outcome = "failed", .state_name = "Pay", .worker = "w-1", .error = view.error});
      if (!reason || item.reason == *reason) page.items.push_back(std::move(item));
    }
    last_filter_ = std::move(filter);
  }
  reply(std::move(page));
}

void FakeService::discard_dead_letter(store::DiscardRequest request, service::Reply<service::RunReading> reply) {
  if (auto error = take_failure()) return reply(*error);
  std::unique_lock lock(mutex_);
  auto reading = reading_locked(request.namespace_name, request.run_id);
  if (reading && reading->view.dead_letter != store::DeadLetter::open) {
    reading = fail(ErrorCode::precondition_failed, "wrong-state", "not a dead letter");
  } else if (reading) {
    runs_.at(request.run_id).dead_letter = store::DeadLetter::discarded;
    reading->view.dead_letter = store::DeadLetter::discarded;
  }
  lock.unlock();
  reply(std::move(reading));
}

void FakeService::cancel_run(service::CancelRun request, service::Reply<service::CancelReceipt> reply) {
  if (auto error = take_failure()) return reply(*error);
  if (request.rehearse) return rehearse_open(request.namespace_name, request.run_id, service::CancelReceipt{}, reply);
  service::CancelReceipt receipt{.run_id = request.run_id, .state = RunState::cancelled, .will = "The wait ends now."};
  {
    const std::lock_guard lock(mutex_);
    cancels_.push_back(std::move(request));
  }
  reply(std::move(receipt));
}

void FakeService::change_queue(service::ChangeQueue request, service::Reply<service::QueueSettings> reply) {
  if (auto error = take_failure()) return reply(*error);
  service::QueueSettings settings{
      .name = request.name, .paused = request.paused.value_or(false), .reason = request.reason};
  settings.limits = request.limits.value_or(QueueLimits{});
  {
    const std::lock_guard lock(mutex_);
    queue_changes_.push_back(std::move(request));
  }
  reply(std::move(settings));
}

void FakeService::list_queues(std::string /*namespace_name*/, service::Reply<service::QueuePage> reply) {
  if (auto error = take_failure()) return reply(*error);
  service::QueuePage page;
  page.items.push_back({.name = "default", .depth = 3, .in_flight = 1, .oldest_ready_age_seconds = 1.5});
  page.items.back().workers.push_back({"node-a", 1});
  page.missing_nodes.push_back("node-b");
  reply(std::move(page));
}

void FakeService::retry_run(service::RetryRun request, service::Reply<service::RetriedRun> reply) {
  if (auto error = take_failure()) return reply(*error);
  service::RetriedRun retried{.run_id = request.run_id, .state = RunState::ready};
  if (request.rehearse) return reply(retried);
  {
    const std::lock_guard lock(mutex_);
    retries_.push_back(std::move(request));
  }
  reply(std::move(retried));
}

void FakeService::steer_run(service::SteerRun request, service::Reply<service::SteeredRun> reply) {
  if (auto error = take_failure()) return reply(*error);
  const service::SteeredRun steered{.run_id = request.run_id};
  if (request.rehearse) return rehearse_open(request.namespace_name, request.run_id, steered, reply);
  {
    const std::lock_guard lock(mutex_);
    steerings_.push_back(std::move(request));
  }
  reply(steered);
}

std::vector<service::SteerRun> FakeService::steerings() const {
  const std::lock_guard lock(mutex_);
  return steerings_;
}

void FakeService::answer_peer(std::string operation, std::string body, service::Reply<std::string> reply) {
  reply(operation + ":" + body);
}

void FakeService::list_nodes(service::Reply<std::vector<service::NodeReading>> reply) {
  if (auto error = take_failure()) return reply(*error);
  std::vector<service::NodeReading> nodes;
  nodes.push_back({.node_id = "node-1", .url = "http://127.0.0.1:8080", .lease_until = kNow, .shards = {0, 1}});
  reply(std::move(nodes));
}

void FakeService::check_ready(service::Reply<void> reply) {
  if (auto error = take_failure()) return reply(*error);
  reply({});
}

}  // namespace orchestrator::testing_support
