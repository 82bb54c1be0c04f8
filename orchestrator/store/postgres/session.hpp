#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <pqxx/result>
#include <string>

#include "orchestrator/base/result.hpp"
#include "orchestrator/store/postgres/parameters.hpp"
#include "orchestrator/store/postgres/sqlstate.hpp"

namespace orchestrator::store::postgres {

enum class SessionKind : std::uint8_t {
  engine,  ///< plans by index only, plans discarded once a minute
  page,    ///< the planner's defaults, for people's reads
};

struct SessionOptions {
  std::string url;               ///< libpq connection string or URI
  std::string application_name;  ///< begins with "orchestrator": take-overs look for it
  SessionKind kind = SessionKind::engine;
  std::chrono::milliseconds statement_timeout{30'000};
  std::chrono::milliseconds idle_in_transaction_timeout{5'000};
  /// Told about each connection that broke, on the thread that uses the session. Empty: nobody asks.
  std::function<void()> on_lost;
};

/// How a piece of work meets the database, which decides what a lost connection means.
enum class Mode : std::uint8_t {
  read,         ///< statements outside a transaction that change nothing
  snapshot,     ///< several reads in one snapshot
  write,        ///< one statement that commits by itself: a connection lost during it is outcome_unknown
  transaction,  ///< several statements and a COMMIT: only a connection lost during the COMMIT is outcome_unknown
};

/// What the work sees: named statements in the open transaction. Throws libpqxx's exceptions, which Session::run turns
/// into errors.
class Transaction {
 public:
  explicit Transaction(pqxx::transaction_base& transaction) : transaction_(transaction) {}

  pqxx::result execute(const char* statement, Parameters parameters = {});
  /// Several statements at once, without parameters: the text of a migration.
  void execute_script(const std::string& text);

 private:
  pqxx::transaction_base& transaction_;
};

/// One connection that mends itself: connects when it is first needed, again after it was lost, and no more often than
/// its backoff (100 ms doubling to 2 s) allows. Belongs to one thread at a time, except stop().
class Session {
 public:
  explicit Session(SessionOptions options);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Runs `work` in the given mode and commits when it succeeds. Serialization failures and deadlocks run it again, at
  /// most kMaxTries times. Never throws.
  /// Errors: those of `work`; unavailable, outcome_unknown, invalid_argument and internal as in store.hpp.
  template <typename T>
  Result<T> run(Mode mode, const std::function<Result<T>(Transaction&)>& work) {
    std::optional<Result<T>> answer;
    Status status = run_status(mode, [&](Transaction& transaction) -> Status {
      answer.emplace(work(transaction));
      if (!answer->has_value()) return answer->error();
      return {};
    });
    if (!status) return std::move(status).error();
    return std::move(*answer);
  }

  /// Connects if there is no connection. Errors: unavailable, precondition_failed.
  Status ensure_connected();
  /// The raw connection, for adapters that hold a transaction over several calls; null when there is none.
  pqxx::connection_base* connection();
  /// Drops the connection; the next work connects again.
  void disconnect();
  /// The same for one that broke, which is reported.
  void lose_connection();

  /// From now on every work is answered `unavailable`. Any thread.
  void stop() { stopped_ = true; }

  /// How often this session has connected. Rises with each reconnection.
  [[nodiscard]] std::uint64_t connection_count() const { return connection_count_; }

 private:
  struct Connection;
  Status run_status(Mode mode, const std::function<Status(Transaction&)>& work);
  std::optional<Failure> attempt(Mode mode, const std::function<Status(Transaction&)>& work);
  bool is_alive() const;
  void discard_old_plans();

  SessionOptions options_;  // Fixed after construction.
  std::atomic<bool> stopped_{false};

  // Only on the thread that uses the session.
  std::unique_ptr<Connection> connection_;
  std::uint64_t connection_count_ = 0;
  std::chrono::milliseconds backoff_{0};
  std::chrono::steady_clock::time_point next_connect_{};
  std::chrono::steady_clock::time_point plans_since_{};
};

/// A connection string with libpq parameters added; those that it already has are kept.
std::string with_parameters(const std::string& url, const std::string& application_name);

}  // namespace orchestrator::store::postgres
