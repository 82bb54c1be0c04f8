#include "orchestrator/store/memory/memory_operations.hpp"

#include <utility>

#include "orchestrator/store/memory/memory_core.hpp"

namespace orchestrator::store::memory {
namespace {

using Operation = Tables::Operation;

bool is_running(const Operation& operation) { return operation.view.state == OperationState::running; }

void end(Operation& operation, OperationState state, Timestamp now, std::string by) {
  operation.view.state = state;
  operation.view.ended_at = now;
  operation.view.ended_by = std::move(by);
}

Operation* find_in(Tables& tables, const std::string& namespace_name, OperationId operation_id) {
  const auto found = tables.operations.find(operation_id);
  const bool is_there = found != tables.operations.end() && found->second.view.namespace_name == namespace_name;
  return is_there ? &found->second : nullptr;
}

Unexpected no_such_operation() { return fail(ErrorCode::not_found, "no such operation"); }

Result<OperationView> create_in(Tables& tables, const NewOperation& asked, Timestamp now) {
  std::int64_t running = 0;
  std::erase_if(tables.operations, [&](const auto& entry) {
    const OperationView& view = entry.second.view;
    if (view.namespace_name != asked.namespace_name) return false;
    running += is_running(entry.second) ? 1 : 0;
    return view.ended_at && *view.ended_at < now - kOperationLife;
  });
  if (const Operation* known = find_in(tables, asked.namespace_name, asked.operation_id)) return known->view;
  if (running >= kMaxRunningOperations)
    return fail(ErrorCode::resource_exhausted, "too many operations run already; wait for one or stop one");
  Operation operation;
  OperationView& view = operation.view;
  view.operation_id = asked.operation_id;
  view.namespace_name = asked.namespace_name;
  view.action = asked.action;
  view.arguments = asked.arguments;
  view.filter = asked.filter;
  view.reason = asked.reason;
  view.actor = asked.actor;
  view.rate_per_second = asked.rate_per_second;
  view.matched = static_cast<std::int32_t>(asked.runs.size());
  view.created_at = now;
  operation.runs = asked.runs;
  if (asked.runs.empty()) end(operation, OperationState::done, now, {});
  append_audit(tables, kClusterChain, operation_audit(asked.audit, std::nullopt, operation.view), now);
  return tables.operations.emplace(asked.operation_id, std::move(operation)).first->second.view;
}

Result<OperationPage> list_in(const Tables& tables, const OperationFilter& filter) {
  OperationPage page;
  auto from = tables.operations.rbegin();
  if (!filter.cursor.empty()) {
    const auto before = OperationId::parse(filter.cursor);
    if (!before) return fail(ErrorCode::invalid_argument, "invalid-parameter", "`cursor` is not one that we gave");
    from = std::make_reverse_iterator(tables.operations.lower_bound(*before));
  }
  for (; from != tables.operations.rend(); ++from) {
    const OperationView& view = from->second.view;
    if (view.namespace_name != filter.namespace_name || (filter.state && view.state != *filter.state)) continue;
    if (page.items.size() == static_cast<std::size_t>(filter.limit)) {
      page.next_cursor = page.items.back().operation_id.str();
      break;
    }
    page.items.push_back(view);
  }
  return page;
}

Result<std::optional<LeasedOperation>> take_in(Tables& tables, OperationHolder holder, std::chrono::milliseconds lease,
                                               Timestamp now) {
  Operation* next = nullptr;
  for (auto& [id, operation] : tables.operations) {
    if (!is_running(operation) || operation.lease_until >= now) continue;
    if (next == nullptr || operation.lease_until < next->lease_until) next = &operation;
  }
  if (next == nullptr) return std::optional<LeasedOperation>();
  next->holder = holder;
  next->lease_until = now + lease;
  LeasedOperation taken;
  taken.view = next->view;
  taken.next_item = next->next_item;
  taken.runs.assign(next->runs.begin() + next->next_item, next->runs.end());
  return std::optional<LeasedOperation>(std::move(taken));
}

Result<bool> advance_in(Tables& tables, const OperationProgress& progress, std::chrono::milliseconds lease,
                        Timestamp now) {
  const auto found = tables.operations.find(progress.operation_id);
  if (found == tables.operations.end()) return false;
  Operation& operation = found->second;
  const bool was_in_hand = operation.view.state == OperationState::stopped && operation.next_item < progress.next_item;
  if (operation.holder != progress.holder || !(is_running(operation) || was_in_hand)) return false;
  operation.next_item = progress.next_item;
  operation.view.done = progress.done;
  operation.view.failed = progress.failed;
  operation.view.failures = progress.failures;
  operation.lease_until = now + lease;
  if (was_in_hand) return false;
  if (progress.next_item == operation.view.matched) end(operation, OperationState::done, now, {});
  return true;
}

}  // namespace

void MemoryOperations::create(NewOperation operation, Done<OperationView> done) {
  core_->run<OperationView>("create_operation", true, std::move(done),
                            [core = core_.get(), operation = std::move(operation)](Tables& tables) {
                              return create_in(tables, operation, core->options.now());
                            });
}

void MemoryOperations::find(std::string namespace_name, OperationId operation_id, Done<OperationView> done) {
  const auto work = [namespace_name = std::move(namespace_name),
                     operation_id](Tables& tables) -> Result<OperationView> {
    const Operation* found = find_in(tables, namespace_name, operation_id);
    if (found == nullptr) return no_such_operation();
    return found->view;
  };
  core_->run<OperationView>("find_operation", false, std::move(done), work);
}

void MemoryOperations::list(OperationFilter filter, Done<OperationPage> done) {
  core_->run<OperationPage>("list_operations", false, std::move(done),
                            [filter = std::move(filter)](Tables& tables) { return list_in(tables, filter); });
}

void MemoryOperations::stop(std::string namespace_name, OperationId operation_id, std::string actor,
                            std::optional<AuditEntry> audit, Done<OperationView> done) {
  const auto work = [core = core_.get(), namespace_name = std::move(namespace_name), operation_id,
                     actor = std::move(actor), audit = std::move(audit)](Tables& tables) -> Result<OperationView> {
    Operation* found = find_in(tables, namespace_name, operation_id);
    if (found == nullptr) return no_such_operation();
    if (found->view.state == OperationState::done)
      return fail(ErrorCode::precondition_failed, "wrong-state", "the operation is done");
    if (!is_running(*found)) return found->view;
    const OperationView before = found->view;
    end(*found, OperationState::stopped, core->options.now(), actor);
    append_audit(tables, kClusterChain, operation_audit(audit, before, found->view), core->options.now());
    return found->view;
  };
  core_->run<OperationView>("stop_operation", true, std::move(done), work);
}

void MemoryOperations::take(OperationHolder holder, std::chrono::milliseconds lease,
                            Done<std::optional<LeasedOperation>> done) {
  core_->run<std::optional<LeasedOperation>>("take_operation", true, std::move(done),
                                             [core = core_.get(), holder, lease](Tables& tables) {
                                               return take_in(tables, holder, lease, core->options.now());
                                             });
}

void MemoryOperations::advance(OperationProgress progress, std::chrono::milliseconds lease, Done<bool> done) {
  core_->run<bool>("advance_operation", true, std::move(done),
                   [core = core_.get(), progress = std::move(progress), lease](Tables& tables) {
                     return advance_in(tables, progress, lease, core->options.now());
                   });
}

void MemoryOperations::let_go(OperationHolder holder, OperationId operation_id, Done<void> done) {
  core_->run<void>("let_operation_go", true, std::move(done), [holder, operation_id](Tables& tables) -> Status {
    const auto found = tables.operations.find(operation_id);
    if (found != tables.operations.end() && found->second.holder == holder) found->second.lease_until = {};
    return {};
  });
}

}  // namespace orchestrator::store::memory
