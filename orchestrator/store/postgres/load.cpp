#include "orchestrator/store/postgres/load.hpp"

#include <set>

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

/// Which of the two indexes finds a sender's id.
enum class Sender : std::uint8_t { key, run };

std::vector<std::size_t> questions_of(const std::vector<SignalIdQuery>& queries, Sender sender) {
  std::vector<std::size_t> asked;
  for (std::size_t i = 0; i < queries.size(); ++i) {
    if ((sender == Sender::run) == queries[i].addressed_run_id.has_value()) asked.push_back(i);
  }
  return asked;
}

void add_sender_ids(Parameters& parameters, const std::vector<SignalIdQuery>& queries,
                    const std::vector<std::size_t>& asked, Sender sender) {
  BinaryArray shards(ElementType::integer);
  BinaryArray namespaces(ElementType::text);
  BinaryArray keys(ElementType::text);
  BinaryArray runs(ElementType::uuid);
  BinaryArray names(ElementType::text);
  BinaryArray ids(ElementType::text);
  for (const std::size_t i : asked) {
    const SignalIdQuery& query = queries[i];
    shards.add(to_int(query.shard));
    namespaces.add(std::string_view(query.namespace_name));
    keys.add(std::string_view(query.key.value_or("")));
    runs.add(query.addressed_run_id);
    names.add(std::string_view(query.name));
    ids.add(std::string_view(query.id));
  }
  parameters.array(std::move(shards));
  if (sender == Sender::key) {
    parameters.array(std::move(namespaces)).array(std::move(keys));
  } else {
    parameters.array(std::move(runs));
  }
  parameters.array(std::move(names)).array(std::move(ids));
}

void load_sender_ids(Transaction& transaction, const std::vector<SignalIdQuery>& queries,
                     const std::vector<std::size_t>& asked, Sender sender,
                     std::vector<std::optional<SignalRow>>& answers) {
  if (asked.empty()) return;
  Parameters parameters;
  add_sender_ids(parameters, queries, asked, sender);
  const char* statement = sender == Sender::key ? "load_signals_by_key_id" : "load_signals_by_run_id";
  for (const auto& row : transaction.execute(statement, std::move(parameters))) {
    RowReader reader(row);
    const std::size_t at = asked.at(place(reader));
    answers[at] = read_signal(reader);
  }
}

SignalWaitRow read_wait(RowReader& reader) {
  SignalWaitRow wait;
  wait.shard = reader.shard();
  wait.namespace_name = reader.text();
  wait.key = reader.text();
  wait.run_id = reader.id<RunTag>();
  wait.step = reader.bigint();
  wait.names = json_of(reader.payload()).get<std::vector<std::string>>();
  wait.state_name = reader.text();
  wait.since = reader.time();
  return wait;
}

/// The next signal for a key meets its oldest wait: that run comes along.
void add_next_runs(Transaction& transaction, std::vector<MailboxAnswer>& answers) {
  std::vector<RunId> ids;
  std::vector<MailboxAnswer*> takers;
  for (MailboxAnswer& answer : answers) {
    if (answer.waits.empty() || shard_of(answer.waits.front().run_id) != answer.waits.front().shard) continue;
    ids.push_back(answer.waits.front().run_id);
    takers.push_back(&answer);
  }
  if (ids.empty()) return;
  auto runs = load_open_runs(transaction, ids);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (runs[i] && !runs[i]->has_addressed_signals) takers[i]->next_run = std::move(runs[i]->run);
  }
}

void add_sender_id(MailboxAnswer& mailbox, std::string name, std::string id) {
  if (!mailbox.sender_ids) return;
  if (mailbox.sender_ids->size() < kMaxSenderIds) {
    mailbox.sender_ids->emplace_back(std::move(name), std::move(id));
  } else {
    mailbox.sender_ids.reset();
  }
}

/// Mailboxes, and whether senders' ids were used before. What is rare, signals that are there already, is asked for
/// only where there are any.
void load_mailboxes(Transaction& transaction, const LoadRequest& request, LoadAnswer& answer) {
  constexpr int kMailboxPart = 1;
  constexpr int kUsedPart = 2;
  const std::vector<std::size_t> senders = questions_of(request.signal_ids, Sender::key);
  if (request.mailboxes.empty() && senders.empty()) return;
  answer.mailboxes.resize(request.mailboxes.size());
  for (auto& mailbox : answer.mailboxes) mailbox.sender_ids.emplace();
  Parameters parameters = mailbox_parameters(request.mailboxes);
  add_sender_ids(parameters, request.signal_ids, senders, Sender::key);
  std::vector<std::size_t> used;
  std::set<std::size_t> with_pending;
  for (const auto& row : transaction.execute("load_mailboxes", std::move(parameters))) {
    RowReader reader(row);
    const int part = reader.integer();
    const std::size_t at = place(reader);
    if (part == kUsedPart) {
      used.push_back(senders.at(at));
      continue;
    }
    const bool has_pending = reader.boolean();
    if (part != kMailboxPart) {
      reader.skip();
      std::string name = reader.text();
      add_sender_id(answer.mailboxes.at(at), std::move(name), reader.text());
      continue;
    }
    if (has_pending) with_pending.insert(at);
    if (!reader.next_is_null()) answer.mailboxes.at(at).waits.push_back(read_wait(reader));
  }
  load_sender_ids(transaction, request.signal_ids, used, Sender::key, answer.signal_ids);
  if (!with_pending.empty()) {
    const std::vector<std::size_t> asked(with_pending.begin(), with_pending.end());
    std::vector<MailboxQuery> queries;
    for (const std::size_t at : asked) queries.push_back(request.mailboxes[at]);
    for (const auto& row : transaction.execute("load_mailbox_signals", mailbox_parameters(queries))) {
      RowReader reader(row);
      answer.mailboxes.at(asked.at(place(reader))).pending.push_back(read_signal(reader));
    }
  }
  add_next_runs(transaction, answer.mailboxes);
}

/// @param none_for runs that are known to have none
std::vector<std::vector<SignalRow>> load_addressed_signals(Transaction& transaction, const std::vector<RunId>& runs,
                                                           const std::set<RunId>& none_for) {
  std::vector<std::vector<SignalRow>> answers(runs.size());
  BinaryArray shards(ElementType::integer);
  BinaryArray ids(ElementType::uuid);
  std::vector<std::size_t> asked;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (none_for.contains(runs[i])) continue;
    asked.push_back(i);
    shards.add(to_int(shard_of(runs[i])));
    ids.add(runs[i]);
  }
  if (asked.empty()) return answers;
  Parameters parameters;
  parameters.array(std::move(shards)).array(std::move(ids));
  for (const auto& row : transaction.execute("load_addressed_signals", std::move(parameters))) {
    RowReader reader(row);
    answers.at(asked.at(place(reader))).push_back(read_signal(reader));
  }
  return answers;
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

std::vector<TaskLeaseRow> load_task_leases(Transaction& transaction, ShardId shard) {
  Parameters parameters;
  parameters.integer(to_int(shard));
  std::vector<TaskLeaseRow> rows;
  for (const auto& row : transaction.execute("load_task_leases", std::move(parameters))) {
    RowReader reader(row);
    TaskLeaseRow lease;
    lease.shard = shard;
    lease.run_id = reader.id<RunTag>();
    lease.step = reader.bigint();
    lease.attempt = reader.integer();
    lease.inquiry = reader.boolean();
    lease.worker = reader.text();
    lease.hand_out = static_cast<std::uint64_t>(reader.bigint());
    lease.length = Duration{reader.bigint()};
    lease.begun_at = reader.time();
    lease.expires_at = reader.time();
    lease.heartbeat_details = reader.payload();
    rows.push_back(std::move(lease));
  }
  return rows;
}

}  // namespace

Result<LoadAnswer> load(Session& session, const LoadRequest& request) {
  // Only closed runs take several statements that must see the same moment; what an owner asks for otherwise, nobody
  // but it changes: begin and commit would be two round trips for nothing.
  const Mode mode = request.closed_runs.empty() ? Mode::read : Mode::snapshot;
  return session.run<LoadAnswer>(mode, [&](Transaction& transaction) -> Result<LoadAnswer> {
    LoadAnswer answer;
    std::set<RunId> without_signals;
    if (!request.runs.empty()) {
      for (auto& found : load_open_runs(transaction, request.runs)) {
        if (found && !found->has_addressed_signals) without_signals.insert(found->run.row.header.id);
        answer.runs.push_back(found ? std::optional(std::move(found->run)) : std::nullopt);
      }
    }
    if (!request.closed_runs.empty()) answer.closed_runs = load_closed_runs(transaction, request.closed_runs);
    if (!request.run_keys.empty()) answer.run_keys = load_run_keys(transaction, request.run_keys);
    answer.signal_ids.resize(request.signal_ids.size());
    load_mailboxes(transaction, request, answer);
    load_sender_ids(transaction, request.signal_ids, questions_of(request.signal_ids, Sender::run), Sender::run,
                    answer.signal_ids);
    answer.addressed_signals = load_addressed_signals(transaction, request.addressed_signals, without_signals);
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
    recovery.task_leases = load_task_leases(transaction, lease.shard);
    recovery.schedules = load_schedules(transaction, lease.shard);
    return recovery;
  });
}

}  // namespace orchestrator::store::postgres
