#include "orchestrator/store/postgres/load.hpp"

#include "orchestrator/base/json.hpp"
#include "orchestrator/store/postgres/inbox.hpp"
#include "orchestrator/store/postgres/load_runs.hpp"
#include "orchestrator/store/postgres/row_reader.hpp"
#include "orchestrator/store/postgres/schedules.hpp"

namespace orchestrator::store::postgres {
namespace {

/// Most timers that one recovery loads per shard; later ones come through due_runs.
constexpr int kMaxRecoveredTimers = 100'000;

/// The question that a row answers: its place, counted from 1 by `with ordinality`.
std::size_t place(RowReader& reader) { return static_cast<std::size_t>(reader.bigint() - 1); }

std::vector<RunKeyAnswer> load_run_keys(Transaction& transaction, const std::vector<RunKeyQuery>& queries) {
  BinaryArray shards(ElementType::integer);
  BinaryArray namespaces(ElementType::text);
  BinaryArray workflows(ElementType::text);
  BinaryArray keys(ElementType::text);
  BinaryArray with_closed(ElementType::boolean);
  BinaryArray closed_since(ElementType::timestamptz);
  for (const RunKeyQuery& query : queries) {
    shards.add(to_int(query.shard));
    namespaces.add(std::string_view(query.namespace_name));
    workflows.add(std::string_view(query.workflow));
    keys.add(std::string_view(query.key));
    with_closed.add(query.with_closed);
    closed_since.add(query.closed_since);
  }
  Parameters parameters;
  parameters.array(std::move(shards)).array(std::move(namespaces)).array(std::move(workflows)).array(std::move(keys));
  parameters.array(std::move(with_closed)).array(std::move(closed_since));
  std::vector<RunKeyAnswer> answers(queries.size());
  for (const auto& row : transaction.execute("find_run_keys", std::move(parameters))) {
    RowReader reader(row);
    RunKeyAnswer& answer = answers.at(place(reader));
    answer.open = reader.optional_id<RunTag>();
    answer.closed = reader.optional_id<RunTag>();
    answer.state = read_run_state(reader);
  }
  return answers;
}

Parameters mailbox_parameters(const std::vector<MailboxQuery>& queries) {
  BinaryArray shards(ElementType::integer);
  BinaryArray namespaces(ElementType::text);
  BinaryArray keys(ElementType::text);
  for (const MailboxQuery& query : queries) {
    shards.add(to_int(query.shard));
    namespaces.add(std::string_view(query.namespace_name));
    keys.add(std::string_view(query.key));
  }
  Parameters parameters;
  parameters.array(std::move(shards)).array(std::move(namespaces)).array(std::move(keys));
  return parameters;
}

std::vector<MailboxAnswer> load_mailboxes(Transaction& transaction, const std::vector<MailboxQuery>& queries) {
  std::vector<MailboxAnswer> answers(queries.size());
  for (const auto& row : transaction.execute("load_mailbox_waits", mailbox_parameters(queries))) {
    RowReader reader(row);
    MailboxAnswer& answer = answers.at(place(reader));
    SignalWaitRow wait;
    wait.shard = reader.shard();
    wait.namespace_name = reader.text();
    wait.key = reader.text();
    wait.run_id = reader.id<RunTag>();
    wait.step = reader.bigint();
    wait.names = json_of(reader.payload()).get<std::vector<std::string>>();
    wait.state_name = reader.text();
    wait.since = reader.time();
    answer.waits.push_back(std::move(wait));
  }
  for (const auto& row : transaction.execute("load_mailbox_signals", mailbox_parameters(queries))) {
    RowReader reader(row);
    MailboxAnswer& answer = answers.at(place(reader));
    answer.pending.push_back(read_signal(reader));
  }
  return answers;
}

std::vector<std::vector<SignalRow>> load_addressed_signals(Transaction& transaction, const std::vector<RunId>& runs) {
  BinaryArray shards(ElementType::integer);
  BinaryArray ids(ElementType::uuid);
  for (const RunId& run : runs) {
    shards.add(to_int(shard_of(run)));
    ids.add(run);
  }
  Parameters parameters;
  parameters.array(std::move(shards)).array(std::move(ids));
  std::vector<std::vector<SignalRow>> answers(runs.size());
  for (const auto& row : transaction.execute("load_addressed_signals", std::move(parameters))) {
    RowReader reader(row);
    auto& answer = answers.at(place(reader));
    answer.push_back(read_signal(reader));
  }
  return answers;
}

/// Which of the two indexes finds a sender's id.
enum class Sender : std::uint8_t { key, run };

void load_sender_ids(Transaction& transaction, const std::vector<SignalIdQuery>& queries, Sender sender,
                     std::vector<std::optional<SignalRow>>& answers) {
  BinaryArray shards(ElementType::integer);
  BinaryArray namespaces(ElementType::text);
  BinaryArray keys(ElementType::text);
  BinaryArray runs(ElementType::uuid);
  BinaryArray names(ElementType::text);
  BinaryArray ids(ElementType::text);
  std::vector<std::size_t> asked;
  for (std::size_t i = 0; i < queries.size(); ++i) {
    const SignalIdQuery& query = queries[i];
    if ((sender == Sender::run) != query.addressed_run_id.has_value()) continue;
    asked.push_back(i);
    shards.add(to_int(query.shard));
    namespaces.add(std::string_view(query.namespace_name));
    keys.add(std::string_view(query.key.value_or("")));
    runs.add(query.addressed_run_id);
    names.add(std::string_view(query.name));
    ids.add(std::string_view(query.id));
  }
  if (asked.empty()) return;
  Parameters parameters;
  parameters.array(std::move(shards));
  if (sender == Sender::key) {
    parameters.array(std::move(namespaces)).array(std::move(keys));
  } else {
    parameters.array(std::move(runs));
  }
  parameters.array(std::move(names)).array(std::move(ids));
  const char* statement = sender == Sender::key ? "load_signals_by_key_id" : "load_signals_by_run_id";
  for (const auto& row : transaction.execute(statement, std::move(parameters))) {
    RowReader reader(row);
    const std::size_t at = asked.at(place(reader));
    answers[at] = read_signal(reader);
  }
}

std::vector<std::optional<SignalRow>> load_signals(Transaction& transaction, const std::vector<SignalId>& signal_ids) {
  BinaryArray shards(ElementType::integer);
  BinaryArray ids(ElementType::uuid);
  for (const SignalId& id : signal_ids) {
    shards.add(to_int(shard_of(id)));
    ids.add(id);
  }
  Parameters parameters;
  parameters.array(std::move(shards)).array(std::move(ids));
  std::vector<std::optional<SignalRow>> answers(signal_ids.size());
  for (const auto& row : transaction.execute("load_signals", std::move(parameters))) {
    RowReader reader(row);
    const std::size_t at = place(reader);
    answers.at(at) = read_signal(reader);
  }
  return answers;
}

std::vector<std::optional<IdempotencyRow>> load_idempotency(Transaction& transaction,
                                                            const std::vector<IdempotencyQuery>& queries) {
  BinaryArray shards(ElementType::integer);
  BinaryArray namespaces(ElementType::text);
  BinaryArray scopes(ElementType::text);
  BinaryArray keys(ElementType::text);
  for (const IdempotencyQuery& query : queries) {
    shards.add(to_int(query.shard));
    namespaces.add(std::string_view(query.namespace_name));
    scopes.add(std::string_view(query.scope));
    keys.add(std::string_view(query.key));
  }
  Parameters parameters;
  parameters.array(std::move(shards)).array(std::move(namespaces)).array(std::move(scopes)).array(std::move(keys));
  std::vector<std::optional<IdempotencyRow>> answers(queries.size());
  for (const auto& row : transaction.execute("load_idempotency", std::move(parameters))) {
    RowReader reader(row);
    auto& answer = answers.at(place(reader)).emplace();
    answer.shard = reader.shard();
    answer.namespace_name = reader.text();
    answer.scope = reader.text();
    answer.key = reader.text();
    answer.body_hash = reader.text();
    answer.reserved_id = reader.text();
    answer.status = reader.integer();
    answer.answer = reader.text();
    answer.created_at = reader.time();
  }
  return answers;
}

}  // namespace

Result<LoadAnswer> load(Session& session, const LoadRequest& request) {
  return session.run<LoadAnswer>(Mode::snapshot, [&](Transaction& transaction) -> Result<LoadAnswer> {
    LoadAnswer answer;
    if (!request.runs.empty()) answer.runs = load_open_runs(transaction, request.runs);
    if (!request.closed_runs.empty()) answer.closed_runs = load_closed_runs(transaction, request.closed_runs);
    if (!request.run_keys.empty()) answer.run_keys = load_run_keys(transaction, request.run_keys);
    if (!request.mailboxes.empty()) answer.mailboxes = load_mailboxes(transaction, request.mailboxes);
    if (!request.addressed_signals.empty()) {
      answer.addressed_signals = load_addressed_signals(transaction, request.addressed_signals);
    }
    answer.signal_ids.resize(request.signal_ids.size());
    load_sender_ids(transaction, request.signal_ids, Sender::key, answer.signal_ids);
    load_sender_ids(transaction, request.signal_ids, Sender::run, answer.signal_ids);
    if (!request.signals.empty()) answer.signals = load_signals(transaction, request.signals);
    if (!request.idempotency.empty()) answer.idempotency = load_idempotency(transaction, request.idempotency);
    return answer;
  });
}

Result<Recovery> recover(Session& session, ShardLease lease, Timestamp horizon) {
  return session.run<Recovery>(Mode::snapshot, [&](Transaction& transaction) -> Result<Recovery> {
    Parameters shard;
    shard.integer(to_int(lease.shard));
    const pqxx::result epoch = transaction.execute("find_epoch", std::move(shard));
    if (epoch.empty() || RowReader(epoch[0]).bigint() != to_int(lease.epoch)) {
      return fail(ErrorCode::ownership_lost, "the shard was taken over before it was recovered");
    }
    Recovery recovery;
    recovery.running = load_moving_runs(transaction, lease.shard);
    recovery.due = read_due_runs(transaction, {lease.shard}, horizon, kMaxRecoveredTimers);
    recovery.inbox = read_whole_inbox(transaction, lease.shard);
    recovery.schedules = load_schedules(transaction, lease.shard);
    return recovery;
  });
}

}  // namespace orchestrator::store::postgres
