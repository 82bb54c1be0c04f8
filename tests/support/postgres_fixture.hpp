#pragma once

#include <string>

namespace orchestrator::test {

/// Shards of every migrated test database.
inline constexpr int kTestShards = 8;

/// A database of the test's own, cloned from a migrated template and dropped at the end. The cluster is the one that
/// ORC_TEST_DATABASE_URL names (a superuser's URI), else one that this process starts and stops. Stops the process when
/// there is no usable PostgreSQL: a store test that proves nothing must not look green.
class TestDatabase {
 public:
  enum class Content { migrated, empty };

  explicit TestDatabase(Content content = Content::migrated);
  ~TestDatabase();
  TestDatabase(const TestDatabase&) = delete;
  TestDatabase& operator=(const TestDatabase&) = delete;

  [[nodiscard]] const std::string& url() const { return url_; }

  /// Runs SQL as the superuser and answers the first column of the first row, or nothing as "". Throws on an error.
  [[nodiscard]] std::string query(const std::string& sql) const;
  void execute(const std::string& sql) const { (void)query(sql); }

  /// Ends every other session whose application_name begins so, as an administrator or a crash would, and waits for it.
  void terminate_sessions(const std::string& application_name) const;

 private:
  std::string name_;
  std::string url_;
};

}  // namespace orchestrator::test
