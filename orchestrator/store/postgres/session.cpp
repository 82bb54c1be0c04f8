#include "orchestrator/store/postgres/session.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <pqxx/connection>
#include <pqxx/nontransaction>
#include <pqxx/transaction>

#include "orchestrator/store/postgres/statements.hpp"

namespace orchestrator::store::postgres {
namespace {

constexpr int kMaxTries = 5;
constexpr std::chrono::milliseconds kFirstBackoff{100};
constexpr std::chrono::milliseconds kLastBackoff{2'000};
constexpr std::chrono::minutes kPlanLife{1};

using Snapshot = pqxx::transaction<pqxx::repeatable_read, pqxx::read_only>;

std::unique_ptr<pqxx::transaction_base> begin(Mode mode, pqxx::connection_base& connection) {
  switch (mode) {
    case Mode::read:
    case Mode::write: return std::make_unique<pqxx::nontransaction>(connection);
    case Mode::snapshot: return std::make_unique<Snapshot>(connection);
    case Mode::transaction: return std::make_unique<pqxx::work>(connection);
  }
  return nullptr;
}

/// libpqxx writes server notices to standard error unless somebody takes them.
class SilentNotices : public pqxx::errorhandler {
 public:
  using pqxx::errorhandler::errorhandler;
  bool operator()(const char[]) noexcept override { return false; }
};

}  // namespace

struct Session::Connection {
  explicit Connection(const std::string& target) : pq(target), notices(pq) {
    // A connection that libpqxx silently replaces has lost our session settings and, worse, whatever it was doing.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    pq.inhibit_reactivation(true);
#pragma GCC diagnostic pop
    for (const Statement& statement : statements()) pq.prepare(statement.name, statement.text);
  }

  pqxx::connection pq;
  SilentNotices notices;
};

pqxx::result Transaction::execute(const char* statement, Parameters parameters) {
  return transaction_.exec_prepared(statement, parameters.take());
}

void Transaction::execute_script(const std::string& text) { transaction_.exec(text); }

Session::Session(SessionOptions options) : options_(std::move(options)) {}
Session::~Session() = default;

pqxx::connection_base* Session::connection() { return connection_ ? &connection_->pq : nullptr; }

void Session::disconnect() { connection_.reset(); }

void Session::lose_connection() {
  if (connection_ == nullptr) return;
  connection_.reset();
  if (options_.on_lost && !stopped_) options_.on_lost();
}

bool Session::is_alive() const {
  if (!connection_ || !connection_->pq.is_open()) return false;
  // Nothing is expected while idle: what can be read now is the server's good-bye or the end of the stream. Asked
  // before every send, so that a connection that died unnoticed is not mistaken for one that died during a commit.
  pollfd idle{connection_->pq.sock(), POLLIN, 0};
  return ::poll(&idle, 1, 0) == 0;
}

Status Session::ensure_connected() {
  if (stopped_) return fail(ErrorCode::unavailable, "the store is stopping");
  if (is_alive()) return {};
  const auto now = std::chrono::steady_clock::now();
  lose_connection();
  if (now < next_connect_) {
    return fail(ErrorCode::unavailable, "the database is not reachable; the next try follows shortly");
  }
  backoff_ = std::clamp(backoff_ * 2, kFirstBackoff, kLastBackoff);
  next_connect_ = now + backoff_;
  try {
    auto fresh = std::make_unique<Connection>(with_parameters(options_.url, options_.application_name));
    pqxx::nontransaction settings(fresh->pq);
    Transaction transaction(settings);
    Parameters parameters;
    parameters.text(std::to_string(options_.idle_in_transaction_timeout.count()));
    parameters.text(std::to_string(options_.statement_timeout.count()));
    transaction.execute(options_.kind == SessionKind::engine ? "engine_session" : "page_session",
                        std::move(parameters));
    settings.commit();
    connection_ = std::move(fresh);
  } catch (...) {
    Failure failure = failure_of_current_exception();
    // Whatever keeps us from connecting, the next try may succeed.
    Error error(ErrorCode::unavailable, "cannot connect to the database: " + failure.error.message);
    error.members = std::move(failure.error.members);
    return error;
  }
  // The first try after a loss is free of backoff.
  backoff_ = std::chrono::milliseconds{0};
  next_connect_ = {};
  ++connection_count_;
  plans_since_ = now;
  return {};
}

void Session::discard_old_plans() {
  const auto now = std::chrono::steady_clock::now();
  if (options_.kind != SessionKind::engine || now - plans_since_ < kPlanLife) return;
  plans_since_ = now;
  pqxx::nontransaction alone(connection_->pq);
  alone.exec_prepared("discard_plans");
}

std::optional<Failure> Session::attempt(Mode mode, const std::function<Status(Transaction&)>& work) {
  bool sent = false;
  bool committing = false;
  try {
    discard_old_plans();
    const auto open = begin(mode, connection_->pq);
    Transaction transaction(*open);
    sent = true;
    if (Status status = work(transaction); !status) return Failure{std::move(status).error()};
    committing = true;
    open->commit();
    return std::nullopt;
  } catch (...) {
    Failure failure = failure_of_current_exception();
    failure.connection_lost = failure.connection_lost || !connection_->pq.is_open();
    if (failure.connection_lost) {
      const bool in_doubt = (mode == Mode::write && sent) || (mode == Mode::transaction && committing);
      failure.error.code = in_doubt ? ErrorCode::outcome_unknown : ErrorCode::unavailable;
      failure.repeatable = false;
    }
    return failure;
  }
}

Status Session::run_status(Mode mode, const std::function<Status(Transaction&)>& work) {
  for (int tries = 1;; ++tries) {
    if (Status status = ensure_connected(); !status) return status;
    std::optional<Failure> failure = attempt(mode, work);
    if (!failure) return {};
    if (failure->connection_lost) lose_connection();
    if (!failure->repeatable || tries == kMaxTries) return std::move(failure->error);
  }
}

std::string with_parameters(const std::string& url, const std::string& application_name) {
  // A cut-off node must not hold the fence: TCP notices within about ten seconds.
  const std::array<std::pair<std::string_view, std::string>, 7> wanted{{{"application_name", application_name},
                                                                        {"connect_timeout", "5"},
                                                                        {"keepalives", "1"},
                                                                        {"keepalives_idle", "5"},
                                                                        {"keepalives_interval", "2"},
                                                                        {"keepalives_count", "3"},
                                                                        {"tcp_user_timeout", "10000"}}};
  const bool is_uri = url.starts_with("postgresql://") || url.starts_with("postgres://");
  std::string target = url;
  for (const auto& [name, value] : wanted) {
    if (url.find(std::string(name) + "=") != std::string::npos) continue;
    if (is_uri) {
      target += target.find('?') == std::string::npos ? '?' : '&';
      target.append(name).append("=").append(value);
    } else {
      target.append(" ").append(name).append("='").append(value).append("'");
    }
  }
  return target;
}

}  // namespace orchestrator::store::postgres
