#include "orchestrator/store/postgres/step_transaction.hpp"

#include <algorithm>
#include <pqxx/transaction>

#include "orchestrator/store/postgres/commit.hpp"

namespace orchestrator::store::postgres {

/// Holds one session until the step is over.
class LentSession {
 public:
  LentSession(StepSessions& owner, Session* session) : owner_(owner), session_(session) {}
  ~LentSession() { owner_.give_back(session_); }
  LentSession(const LentSession&) = delete;
  LentSession& operator=(const LentSession&) = delete;

  Session& operator*() { return *session_; }

 private:
  StepSessions& owner_;
  Session* session_;
};

namespace {

SqlRows to_rows(const pqxx::result& result) {
  SqlRows rows;
  rows.affected = static_cast<std::int64_t>(result.affected_rows());
  for (pqxx::row::size_type i = 0; i < result.columns(); ++i) rows.columns.emplace_back(result.column_name(i));
  rows.rows.reserve(result.size());
  for (const auto& row : result) {
    auto& cells = rows.rows.emplace_back();
    cells.reserve(row.size());
    for (const auto& field : row) {
      cells.push_back(field.is_null() ? std::nullopt
                                      : std::optional<std::string>(std::string(field.c_str(), field.size())));
    }
  }
  return rows;
}

/// A transaction over one session of the pool. Destroying it rolls back what was not committed.
class PostgresStep : public StepTransaction {
 public:
  explicit PostgresStep(std::unique_ptr<LentSession> session) : session_(std::move(session)) {}
  ~PostgresStep() override { roll_back(); }

  Status begin() {
    if (Status status = (**session_).ensure_connected(); !status) return status;
    return guarded([&]() -> Status {
      open_ = std::make_unique<pqxx::work>(*(**session_).connection());
      // Without the role (no right to create it, see migrations/0001) the statements run as the engine's own user.
      is_handler_ = !open_->exec_prepared("handler_role_exists").empty();
      if (is_handler_) open_->exec("set local role orchestrator_handler");
      return {};
    });
  }

  Result<SqlRows> execute(std::string_view statement, const SqlParameters& parameters) override {
    if (!open_) return fail(ErrorCode::internal, "the step's transaction is over");
    for (const auto& value : parameters) {
      // libpq would cut the text there.
      if (value && value->find('\0') != std::string::npos) {
        return fail(ErrorCode::invalid_argument, "a text parameter holds a zero byte");
      }
    }
    SqlRows rows;
    Status status = guarded([&]() -> Status {
      const auto given = pqxx::prepare::make_dynamic_params(parameters.begin(), parameters.end());
      rows = to_rows(open_->exec_params(std::string(statement), given));
      return {};
    });
    if (!status) {
      Error error = std::move(status).error();
      const auto is_conflict = [](const auto& member) {
        return member.first == "sqlstate" && (member.second == "23505" || member.second == "23P01");
      };
      if (std::any_of(error.members.begin(), error.members.end(), is_conflict)) error.code = ErrorCode::conflict;
      return error;
    }
    return rows;
  }

  Result<CommitAnswer> commit_with(const Batch& batch) override {
    if (!open_) return fail(ErrorCode::internal, "the step's transaction is over");
    CommitAnswer answer;
    Status status = guarded([&]() -> Status {
      if (is_handler_) open_->exec("reset role");
      Transaction transaction(*open_);
      answer = execute_commit_batch(transaction, batch);
      if (!answer.lost.empty()) return fail(ErrorCode::ownership_lost, "the step's shard belongs to another owner");
      committing_ = true;
      open_->commit();
      committing_ = false;
      open_.reset();
      return {};
    });
    committing_ = false;
    if (!status) {
      roll_back();
      return std::move(status).error();
    }
    return answer;
  }

  void roll_back() override {
    if (!open_) return;
    try {
      open_->abort();
    } catch (...) {
      // A rollback that did not arrive is done by the server when the connection ends.
      (**session_).lose_connection();
    }
    open_.reset();
  }

 private:
  /// Runs one piece of the transaction and turns what it throws into an error.
  template <typename Piece>
  Status guarded(Piece piece) {
    try {
      return piece();
    } catch (...) {
      Failure failure = failure_of_current_exception();
      auto* connection = (**session_).connection();
      if (failure.connection_lost || connection == nullptr || !connection->is_open()) {
        failure.error.code = committing_ ? ErrorCode::outcome_unknown : ErrorCode::unavailable;
        open_.reset();
        (**session_).lose_connection();
      }
      return std::move(failure.error);
    }
  }

  std::unique_ptr<LentSession> session_;
  std::unique_ptr<pqxx::work> open_;
  bool is_handler_ = false;
  bool committing_ = false;
};

}  // namespace

StepSessions::StepSessions(const SessionOptions& options, int count, std::chrono::milliseconds patience)
    : patience_(patience) {
  for (int i = 0; i < count; ++i) {
    sessions_.push_back(std::make_unique<Session>(options));
    free_.push_back(sessions_.back().get());
  }
}

StepSessions::~StepSessions() { stop(); }

Result<std::unique_ptr<StepTransaction>> StepSessions::begin() {
  Session* session = nullptr;
  {
    const auto deadline = std::chrono::steady_clock::now() + patience_;
    const telemetry::MutexLock lock(mutex_);
    while (!stopping_ && free_.empty() && returned_.wait_until(mutex_, deadline)) {
    }
    if (stopping_) return fail(ErrorCode::unavailable, "the store is stopping");
    if (free_.empty()) return fail(ErrorCode::unavailable, "every connection for transactional handlers is in use");
    session = free_.back();
    free_.pop_back();
  }
  auto step = std::make_unique<PostgresStep>(std::make_unique<LentSession>(*this, session));
  if (Status status = step->begin(); !status) return std::move(status).error();
  return std::unique_ptr<StepTransaction>(std::move(step));
}

void StepSessions::give_back(Session* session) {
  const telemetry::MutexLock lock(mutex_);
  free_.push_back(session);
  returned_.notify_one();
}

void StepSessions::stop() {
  const telemetry::MutexLock lock(mutex_);
  stopping_ = true;
  returned_.notify_all();
}

}  // namespace orchestrator::store::postgres
