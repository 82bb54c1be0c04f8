#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "orchestrator/base/result.hpp"
#include "orchestrator/tools/private_postgres.hpp"

namespace orchestrator::app {

/// A migrated database that nobody's work is in, for simulations on PostgreSQL.
class ScratchDatabase {
 public:
  /// In a private PostgreSQL in a temporary folder; both end with this object. Errors: those of PrivatePostgres::start.
  static Result<std::unique_ptr<ScratchDatabase>> make(std::int32_t shards);
  /// The caller's, which is migrated when it is empty. precondition_failed when it has somebody's workflows: a
  /// simulated node would take that installation's shards over and perform its steps with mocks.
  static Result<std::unique_ptr<ScratchDatabase>> use(const std::string& url, std::int32_t shards);

  ~ScratchDatabase();
  ScratchDatabase(const ScratchDatabase&) = delete;
  ScratchDatabase& operator=(const ScratchDatabase&) = delete;

  [[nodiscard]] const std::string& url() const { return url_; }

 private:
  ScratchDatabase() = default;

  std::string url_;
  std::filesystem::path folder_;  ///< empty: the database is the caller's
  std::optional<tools::PrivatePostgres> postgres_;
};

}  // namespace orchestrator::app
