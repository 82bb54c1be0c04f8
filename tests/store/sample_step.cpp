#include "sample_step.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <pqxx/pqxx>

namespace orchestrator::samples {

namespace {

/// Statements of one step in a transaction of the handler role; the test commits it.
class TestSql : public Sql {
 public:
  explicit TestSql(pqxx::connection& connection) : work_(connection) {
    work_.exec("set local role orchestrator_handler");
  }

  Result<SqlRows> execute(std::string_view statement, const SqlParameters& parameters) override {
    try {
      const auto given = pqxx::prepare::make_dynamic_params(parameters.begin(), parameters.end());
      const pqxx::result result = work_.exec_params(std::string(statement), given);
      SqlRows rows;
      for (pqxx::row::size_type i = 0; i < result.columns(); ++i) rows.columns.emplace_back(result.column_name(i));
      for (const auto& row : result) {
        auto& cells = rows.rows.emplace_back();
        for (const auto& field : row) {
          cells.push_back(field.is_null() ? std::nullopt : std::optional<std::string>(field.c_str()));
        }
      }
      return rows;
    } catch (const pqxx::unique_violation& problem) {
      return fail(ErrorCode::conflict, problem.what());
    } catch (const pqxx::sql_error& problem) {
      return fail(ErrorCode::invalid_argument, problem.what());
    }
  }

  void commit() { work_.commit(); }

 private:
  pqxx::work work_;
};

SampleSettings sandbox_settings() {
  SampleSettings settings;
  settings.payfast = {.url = "http://127.0.0.1:1",
                      .merchant_id = "10000100",
                      .merchant_key = "46f0cd694581a",
                      .passphrase = "jt7NOE43FZPn",
                      .notify_url = "http://127.0.0.1:2/hooks/default/payfast"};
  return settings;
}

}  // namespace

struct SampleBackend::Connection {
  explicit Connection(const std::string& url) : connection(url) {}
  pqxx::connection connection;
};

SampleBackend::SampleBackend() : connection_(std::make_unique<Connection>(database_.url())) {
  const Status registered = register_sample_handlers(registry_, sandbox_settings());
  EXPECT_TRUE(registered);
}

SampleBackend::~SampleBackend() = default;

Outcome SampleBackend::perform(const std::string& handler, const Json& input, const std::string& key) {
  const HandlerEntry* entry = registry_.find(handler);
  if (entry == nullptr || !entry->transactional) {
    ADD_FAILURE() << handler << " is no transactional handler";
    return {};
  }
  const std::atomic<bool> never_cancelled = false;
  TaskContext context{.namespace_name = "default", .idempotency_key = key, .cancel_requested = &never_cancelled};
  TestSql sql(connection_->connection);
  Outcome outcome = entry->transactional(input, context, sql);
  if (outcome.kind == Outcome::Kind::completed) sql.commit();
  return outcome;
}

Json SampleBackend::output(const std::string& handler, const Json& input, const std::string& key) {
  const Outcome outcome = perform(handler, input, key);
  EXPECT_EQ(outcome.kind, Outcome::Kind::completed) << handler << ": " << outcome.cause.value_or("");
  return json_of(outcome.output);
}

bool SampleBackend::refuses(const std::string& sql) const {
  try {
    database_.execute(sql);
    return false;
  } catch (const pqxx::sql_error&) {
    return true;
  }
}

Json SampleBackend::violations() {
  return output("sample.audit", Json::object(), "audit-" + std::to_string(++audit_count_)).at("violations");
}

}  // namespace orchestrator::samples
