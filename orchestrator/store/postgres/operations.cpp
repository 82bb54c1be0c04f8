#include "orchestrator/store/postgres/operations.hpp"

#include <cstring>

#include "orchestrator/store/postgres/audit.hpp"
#include "orchestrator/store/postgres/row_reader.hpp"

namespace orchestrator::store::postgres {
namespace {

constexpr std::size_t kIdBytes = 16;

std::string bytes_of(const std::vector<RunId>& runs) {
  std::string bytes;
  bytes.reserve(runs.size() * kIdBytes);
  for (const RunId& run : runs) bytes.append(reinterpret_cast<const char*>(run.bytes.data()), kIdBytes);
  return bytes;
}

std::vector<RunId> runs_in(std::string_view bytes) {
  std::vector<RunId> runs(bytes.size() / kIdBytes);
  for (std::size_t i = 0; i < runs.size(); ++i)
    std::memcpy(runs[i].bytes.data(), bytes.data() + i * kIdBytes, kIdBytes);
  return runs;
}

OperationView read_view(RowReader& reader) {
  OperationView view;
  view.operation_id = reader.id<OperationTag>();
  view.namespace_name = reader.text();
  view.action = parse_operation_action(reader.text()).value();
  view.arguments = reader.text();
  view.filter = reader.text();
  view.reason = reader.text();
  view.actor = reader.text();
  view.rate_per_second = reader.integer();
  view.state = parse_operation_state(reader.text()).value();
  view.matched = reader.integer();
  view.done = reader.integer();
  view.failed = reader.integer();
  view.failures = reader.text();
  view.created_at = reader.time();
  view.ended_at = reader.optional_time();
  view.ended_by = reader.optional_text().value_or(std::string());
  return view;
}

Result<OperationView> find_in(Transaction& transaction, const std::string& namespace_name, OperationId operation_id) {
  Parameters parameters;
  parameters.id(operation_id).text(namespace_name);
  const auto rows = transaction.execute("find_operation", std::move(parameters));
  if (rows.empty()) return fail(ErrorCode::not_found, "no such operation");
  RowReader reader(rows[0]);
  return read_view(reader);
}

Result<OperationView> create_in(Session& session, const NewOperation& operation) {
  return session.run<OperationView>(Mode::transaction, [&](Transaction& transaction) -> Result<OperationView> {
    Parameters old;
    old.text(operation.namespace_name).integer(kOperationLife.count());
    transaction.execute("forget_operations", std::move(old));
    Parameters parameters;
    parameters.id(operation.operation_id).text(operation.namespace_name).text(to_string(operation.action));
    parameters.text(operation.arguments).text(operation.filter).text(operation.reason).text(operation.actor);
    parameters.integer(operation.rate_per_second).bytes(bytes_of(operation.runs));
    parameters.integer(static_cast<std::int64_t>(operation.runs.size())).integer(kMaxRunningOperations);
    const bool is_new = transaction.execute("insert_operation", std::move(parameters)).affected_rows() == 1;
    auto found = find_in(transaction, operation.namespace_name, operation.operation_id);
    if (!found && !is_new)
      return fail(ErrorCode::resource_exhausted, "too many operations run already; wait for one or stop one");
    if (found && is_new)
      append_audit(transaction, kClusterChain, operation_audit(operation.audit, std::nullopt, *found));
    return found;
  });
}

Result<OperationPage> list_in(Session& session, const OperationFilter& filter) {
  std::optional<OperationId> before;
  if (!filter.cursor.empty()) {
    const auto id = OperationId::parse(filter.cursor);
    if (!id) return fail(ErrorCode::invalid_argument, "invalid-parameter", "`cursor` is not one that we gave");
    before = *id;
  }
  return session.run<OperationPage>(Mode::read, [&](Transaction& transaction) -> Result<OperationPage> {
    Parameters parameters;
    parameters.text(filter.namespace_name).id(before);
    parameters.text_or_null(filter.state ? std::optional(std::string(to_string(*filter.state))) : std::nullopt);
    parameters.integer(filter.limit + 1);
    OperationPage page;
    for (const auto& row : transaction.execute("list_operations", std::move(parameters))) {
      RowReader reader(row);
      page.items.push_back(read_view(reader));
    }
    if (page.items.size() > static_cast<std::size_t>(filter.limit)) {
      page.items.pop_back();
      page.next_cursor = page.items.back().operation_id.str();
    }
    return page;
  });
}

template <typename T, typename Work>
void on(SessionPool& pool, OperationStore::Done<T> done, Work work) {
  pool.post([done = std::move(done), work = std::move(work)](Session& session) { done(work(session)); });
}

}  // namespace

void PostgresOperations::create(NewOperation operation, Done<OperationView> done) {
  on(pages_, std::move(done), [operation = std::move(operation)](Session& s) { return create_in(s, operation); });
}

void PostgresOperations::find(std::string namespace_name, OperationId operation_id, Done<OperationView> done) {
  on(pages_, std::move(done), [namespace_name = std::move(namespace_name), operation_id](Session& session) {
    return session.run<OperationView>(
        Mode::read, [&](Transaction& transaction) { return find_in(transaction, namespace_name, operation_id); });
  });
}

void PostgresOperations::list(OperationFilter filter, Done<OperationPage> done) {
  on(pages_, std::move(done), [filter = std::move(filter)](Session& s) { return list_in(s, filter); });
}

void PostgresOperations::stop(std::string namespace_name, OperationId operation_id, std::string actor,
                              std::optional<AuditEntry> audit, Done<OperationView> done) {
  const auto work = [namespace_name = std::move(namespace_name), operation_id, actor = std::move(actor),
                     audit = std::move(audit)](Session& session) {
    return session.run<OperationView>(Mode::transaction, [&](Transaction& transaction) -> Result<OperationView> {
      auto before = find_in(transaction, namespace_name, operation_id);
      if (!before) return before;
      Parameters parameters;
      parameters.id(operation_id).text(namespace_name).text(actor);
      const bool is_stopped = transaction.execute("stop_operation", std::move(parameters)).affected_rows() == 1;
      auto view = find_in(transaction, namespace_name, operation_id);
      if (view && is_stopped) append_audit(transaction, kClusterChain, operation_audit(audit, *before, *view));
      if (view && view->state == OperationState::done)
        return fail(ErrorCode::precondition_failed, "wrong-state", "the operation is done");
      return view;
    });
  };
  on(pages_, std::move(done), work);
}

void PostgresOperations::take(OperationHolder holder, std::chrono::milliseconds lease,
                              Done<std::optional<LeasedOperation>> done) {
  using Answer = std::optional<LeasedOperation>;
  on(pages_, std::move(done), [holder, lease](Session& session) {
    return session.run<Answer>(Mode::write, [&](Transaction& transaction) -> Result<Answer> {
      Parameters parameters;
      parameters.id(holder).integer(lease.count());
      const auto rows = transaction.execute("take_operation", std::move(parameters));
      if (rows.empty()) return Answer();
      RowReader reader(rows[0]);
      LeasedOperation taken;
      taken.view = read_view(reader);
      taken.next_item = reader.integer();
      taken.runs = runs_in(reader.optional_bytes().value_or(std::string()));
      return Answer(std::move(taken));
    });
  });
}

void PostgresOperations::advance(OperationProgress progress, std::chrono::milliseconds lease, Done<bool> done) {
  on(pages_, std::move(done), [progress = std::move(progress), lease](Session& session) {
    return session.run<bool>(Mode::write, [&](Transaction& transaction) -> Result<bool> {
      Parameters parameters;
      parameters.id(progress.operation_id).id(progress.holder).integer(progress.next_item).integer(progress.done);
      parameters.integer(progress.failed).text(progress.failures).integer(lease.count());
      const auto rows = transaction.execute("advance_operation", std::move(parameters));
      return !rows.empty() && RowReader(rows[0]).boolean();
    });
  });
}

void PostgresOperations::let_go(OperationHolder holder, OperationId operation_id, Done<void> done) {
  on(pages_, std::move(done), [holder, operation_id](Session& session) {
    return session.run<void>(Mode::write, [&](Transaction& transaction) -> Status {
      Parameters parameters;
      parameters.id(operation_id).id(holder);
      transaction.execute("let_operation_go", std::move(parameters));
      return {};
    });
  });
}

}  // namespace orchestrator::store::postgres
