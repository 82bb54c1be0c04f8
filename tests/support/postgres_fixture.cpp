#include "tests/support/postgres_fixture.hpp"

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <optional>
#include <pqxx/connection>
#include <pqxx/nontransaction>

#include "orchestrator/base/check.hpp"
#include "orchestrator/store/postgres/migrate.hpp"
#include "orchestrator/tools/private_postgres.hpp"

namespace orchestrator::test {
namespace {

namespace fs = std::filesystem;

/// The cluster of this process; lives until its end.
class Cluster {
 public:
  Cluster() {
    if (const char* given = std::getenv("ORC_TEST_DATABASE_URL"); given && *given) {
      url_ = given;
      return;
    }
    folder_ = fs::temp_directory_path() / ("orchestrator-test-" + std::to_string(::getpid()));
    auto started = tools::PrivatePostgres::start(
        {.data_dir = folder_, .max_connections = 200, .shared_buffers_megabytes = 64, .durable = false});
    if (!started) check_failed("PrivatePostgres::start", started.error().message.c_str(), __FILE__, __LINE__);
    postgres_.emplace(*std::move(started));
    url_ = postgres_->url_of("postgres");
  }

  ~Cluster() {
    if (!postgres_) return;
    (void)postgres_->stop();
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }

  /// The same URI with another database.
  [[nodiscard]] std::string url_of(const std::string& database) const {
    const std::size_t authority = url_.find("://") + 3;
    const std::size_t path = url_.find('/', authority);
    const std::size_t query = url_.find('?', authority);
    const std::string tail = query == std::string::npos ? "" : url_.substr(query);
    return url_.substr(0, std::min(path, query)) + "/" + database + tail;
  }

  std::string run(const std::string& url, const std::string& sql) const {
    pqxx::connection connection(url);
    pqxx::nontransaction alone(connection);
    const pqxx::result rows = alone.exec(sql);
    return rows.empty() || rows.columns() == 0 || rows[0][0].is_null() ? std::string{} : rows[0][0].c_str();
  }

  /// Makes the template once per cluster, whoever comes first; its name changes with the migrations.
  std::string template_name() {
    if (!template_.empty()) return template_;
    std::string all;
    for (const auto& migration : store::postgres::migrations()) all += migration.checksum;
    const std::string name = "orc_template_" + std::to_string(std::hash<std::string>{}(all));
    pqxx::connection connection(url_);
    pqxx::nontransaction alone(connection);
    alone.exec("select pg_advisory_lock(7301)");
    if (alone.exec("select from pg_database where datname = '" + name + "'").empty()) {
      alone.exec("drop database if exists orc_template_fresh");
      alone.exec("create database orc_template_fresh");
      const auto status = store::postgres::migrate_up(url_of("orc_template_fresh"), kTestShards);
      if (!status) check_failed("migrate_up", status.error().message.c_str(), __FILE__, __LINE__);
      alone.exec("alter database orc_template_fresh rename to " + name);
    }
    template_ = name;
    return name;
  }

  [[nodiscard]] const std::string& url() const { return url_; }

 private:
  fs::path folder_;
  std::string url_;
  std::string template_;
  std::optional<tools::PrivatePostgres> postgres_;
};

Cluster& cluster() {
  static Cluster shared;
  return shared;
}

}  // namespace

TestDatabase::TestDatabase(Content content) {
  static std::atomic<int> count{0};
  name_ = "orc_test_" + std::to_string(::getpid()) + "_" + std::to_string(++count);
  url_ = cluster().url_of(name_);
  const std::string source = content == Content::migrated ? cluster().template_name() : "template0";
  cluster().run(cluster().url(), "create database " + name_ + " template " + source);
}

TestDatabase::~TestDatabase() {
  try {
    cluster().run(cluster().url(), "drop database if exists " + name_ + " with (force)");
  } catch (const std::exception&) {
    // The next run of the cluster does without it; a test must not fail at its end because of it.
    return;
  }
}

std::string TestDatabase::query(const std::string& sql) const { return cluster().run(url_, sql); }

void TestDatabase::terminate_sessions(const std::string& application_name) const {
  execute(
      "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = current_database() "
      "and pid <> pg_backend_pid() and application_name like '" +
      application_name + "%'");
}

}  // namespace orchestrator::test
