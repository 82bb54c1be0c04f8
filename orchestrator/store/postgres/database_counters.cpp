#include "orchestrator/store/postgres/database_counters.hpp"

#include <fstream>
#include <iterator>
#include <pqxx/connection>
#include <pqxx/transaction>
#include <sstream>

#include "orchestrator/store/postgres/session.hpp"

namespace orchestrator::store::postgres {
namespace {

/// The parent of a backend of this machine; 0 when there is no such process or it is not PostgreSQL's.
std::int64_t postmaster_of(std::int64_t backend_pid) {
  std::ifstream file("/proc/" + std::to_string(backend_pid) + "/stat");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto name_end = text.rfind(')');
  // A database elsewhere has process ids too; the same number may be anything here.
  if (name_end == std::string::npos || text.find("(postgres)") == std::string::npos) return 0;
  std::istringstream rest(text.substr(name_end + 1));
  std::string state;
  std::int64_t parent = 0;
  rest >> state >> parent;
  return parent;
}

}  // namespace

Result<DatabaseCounters> read_database_counters(const std::string& url) {
  SessionOptions options;
  options.url = url;
  options.application_name = "orchestrator bench";
  options.kind = SessionKind::page;
  Session session(std::move(options));
  return session.run<DatabaseCounters>(Mode::read, [](Transaction& transaction) -> Result<DatabaseCounters> {
    const pqxx::result rows = transaction.execute("read_database_counters");
    DatabaseCounters counters;
    counters.wal_bytes = rows[0][0].as<std::int64_t>();
    counters.commits = rows[0][1].as<std::int64_t>();
    counters.rows_written = rows[0][2].as<std::int64_t>();
    counters.size_bytes = rows[0][4].as<std::int64_t>();
    // Asked while the session is open: its backend is alive.
    counters.postmaster_pid = postmaster_of(rows[0][3].as<std::int64_t>());
    return counters;
  });
}

Result<std::shared_ptr<void>> hold_snapshot(const std::string& url) {
  /// Destroyed in this order: the transaction before its connection.
  struct Held {
    explicit Held(const std::string& where) : connection(where), transaction(connection) {
      transaction.exec("select count(*) from orchestrator.shard_owner");
    }
    pqxx::connection connection;
    pqxx::transaction<pqxx::repeatable_read, pqxx::read_only> transaction;
  };
  try {
    return std::shared_ptr<void>(std::make_shared<Held>(with_parameters(url, "bench-snapshot")));
  } catch (const std::exception& error) {
    return fail(ErrorCode::unavailable, std::string("no snapshot could be held: ") + error.what());
  }
}

}  // namespace orchestrator::store::postgres
