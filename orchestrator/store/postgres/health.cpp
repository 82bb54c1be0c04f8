#include "orchestrator/store/postgres/health.hpp"

#include <utility>

#include "orchestrator/store/postgres/row_reader.hpp"
#include "orchestrator/store/postgres/session.hpp"

namespace orchestrator::store::postgres {
namespace {

SessionOptions session_options(std::string url) {
  SessionOptions options;
  options.url = std::move(url);
  options.application_name = "orchestrator-health";
  options.kind = SessionKind::page;
  return options;
}

std::optional<SnapshotHolder> read_holder(Transaction& transaction) {
  const pqxx::result rows = transaction.execute("read_oldest_snapshot");
  if (rows.empty()) return std::nullopt;
  RowReader reader(rows[0]);
  SnapshotHolder holder;
  holder.kind = reader.text();
  holder.name = reader.text();
  holder.application = reader.text();
  holder.role = reader.text();
  holder.state = reader.text();
  holder.age = std::chrono::milliseconds{reader.bigint()};
  holder.transactions = reader.bigint();
  return holder;
}

/// Half of the round trip is taken for the way there.
std::chrono::milliseconds read_clock_ahead(Transaction& transaction) {
  const auto asked = std::chrono::system_clock::now();
  const pqxx::result rows = transaction.execute("read_clock");
  const auto answered = std::chrono::system_clock::now();
  RowReader reader(rows[0]);
  const std::chrono::microseconds theirs = reader.time().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(theirs -
                                                               (asked.time_since_epoch() + (answered - asked) / 2));
}

}  // namespace

HealthReader::HealthReader(std::string url) : session_(std::make_unique<Session>(session_options(std::move(url)))) {}
HealthReader::~HealthReader() = default;

Result<DatabaseHealth> HealthReader::read() {
  return session_->run<DatabaseHealth>(Mode::read, [](Transaction& transaction) -> Result<DatabaseHealth> {
    DatabaseHealth health;
    health.oldest_snapshot = read_holder(transaction);
    health.clock_ahead = read_clock_ahead(transaction);
    Parameters parameters;
    parameters.integer(kMaxCountedSignals);
    const pqxx::result counted = transaction.execute("count_unmatched_signals", std::move(parameters));
    RowReader reader(counted[0]);
    health.unmatched_signals = reader.bigint();
    health.oldest_unmatched_signal_age = std::chrono::milliseconds{reader.bigint()};
    Parameters most;
    most.integer(kMaxCountedDeadLetters);
    RowReader letters(transaction.execute("count_dead_letters", std::move(most))[0]);
    health.dead_letters = letters.bigint();
    health.oldest_dead_letter_age = std::chrono::milliseconds{letters.bigint()};
    RowReader operations(transaction.execute("count_open_operations")[0]);
    health.open_operations = operations.bigint();
    health.oldest_operation_age = std::chrono::milliseconds{operations.bigint()};
    health.approvals_waiting = RowReader(transaction.execute("count_waiting_approvals")[0]).bigint();
    health.audit_rows = RowReader(transaction.execute("count_audit_rows")[0]).bigint();
    return health;
  });
}

}  // namespace orchestrator::store::postgres
