#pragma once

#include <memory>
#include <string>

#include "handlers/sample_handlers.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/handler/handler.hpp"
#include "tests/support/postgres_fixture.hpp"

namespace orchestrator::samples {

/// A migrated database with the shipped handlers on it; each step commits as the engine would commit it, without a run.
class SampleBackend {
 public:
  SampleBackend();
  ~SampleBackend();

  /// Performs the handler as one step of the run `key` and commits when it completed.
  Outcome perform(const std::string& handler, const Json& input, const std::string& key);
  /// The output of a step that must complete.
  Json output(const std::string& handler, const Json& input, const std::string& key);
  /// First column of the first row, as the superuser.
  [[nodiscard]] std::string query(const std::string& sql) const { return database_.query(sql); }
  /// Whether the database refuses a statement.
  [[nodiscard]] bool refuses(const std::string& sql) const;
  /// The rules that the audit finds broken.
  Json violations();
  [[nodiscard]] const test::TestDatabase& database() const { return database_; }

 private:
  struct Connection;
  test::TestDatabase database_;
  HandlerRegistry registry_;
  std::unique_ptr<Connection> connection_;
  int audit_count_ = 0;
};

}  // namespace orchestrator::samples
