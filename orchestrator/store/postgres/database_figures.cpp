#include "orchestrator/store/postgres/database_figures.hpp"

#include <utility>

#include "orchestrator/store/postgres/health.hpp"
#include "orchestrator/store/postgres/row_reader.hpp"
#include "orchestrator/store/postgres/session.hpp"

namespace orchestrator::store::postgres {
namespace {

void read_database(Transaction& transaction, DatabaseFigures& figures) {
  const pqxx::result rows = transaction.execute("read_database_figures");
  RowReader reader(rows[0]);
  figures.bytes = reader.bigint();
  figures.sessions = reader.bigint();
  figures.sessions_limit = reader.bigint();
  figures.transaction_id_age = reader.bigint();
}

void read_tables(Transaction& transaction, DatabaseFigures& figures) {
  const pqxx::result rows = transaction.execute("read_hot_tables");
  for (const pqxx::row& row : rows) {
    RowReader reader(row);
    TableFigures& table = figures.tables.emplace_back();
    table.name = reader.text();
    table.live = reader.bigint();
    table.dead = reader.bigint();
  }
}

void read_backlogs(Transaction& transaction, DatabaseFigures& figures) {
  Parameters most;
  most.integer(kMaxCountedMessages);
  const pqxx::result messages = transaction.execute("count_inbox", std::move(most));
  RowReader inbox(messages[0]);
  figures.messages_waiting = inbox.bigint();
  figures.oldest_message_age = std::chrono::milliseconds{inbox.bigint()};
  const pqxx::result late = transaction.execute("read_schedule_overdue");
  RowReader schedules(late[0]);
  figures.schedule_overdue = std::chrono::milliseconds{schedules.bigint()};
}

}  // namespace

Result<DatabaseFigures> HealthReader::read_figures() {
  return session_->run<DatabaseFigures>(Mode::read, [](Transaction& transaction) -> Result<DatabaseFigures> {
    DatabaseFigures figures;
    read_database(transaction, figures);
    read_tables(transaction, figures);
    read_backlogs(transaction, figures);
    return figures;
  });
}

}  // namespace orchestrator::store::postgres
