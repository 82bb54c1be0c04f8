#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "orchestrator/store/postgres/migrate.hpp"
#include "orchestrator/tools/private_postgres.hpp"

namespace orchestrator::tools {
namespace {

namespace fs = std::filesystem;

class PrivatePostgresTest : public testing::Test {
 protected:
  PrivatePostgresTest() {
    options_.data_dir = fs::temp_directory_path() / ("orc-private-" + std::to_string(::getpid()));
  }
  ~PrivatePostgresTest() override {
    std::error_code ignored;
    fs::remove_all(options_.data_dir, ignored);
  }

  PrivatePostgresOptions options_{.shared_buffers_megabytes = 32, .durable = false};
};

bool answers(const PrivatePostgres& postgres) { return store::postgres::migrate_status(postgres.url()).has_value(); }

TEST_F(PrivatePostgresTest, StartsIsAdoptedRestartsAndStops) {
  auto first = PrivatePostgres::start(options_);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_TRUE(answers(*first));

  auto second = PrivatePostgres::start(options_);
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(second->pid(), first->pid());
  EXPECT_EQ(second->url(), first->url());

  ::kill(first->pid(), SIGKILL);
  ::waitpid(first->pid(), nullptr, 0);
  EXPECT_FALSE(first->is_running());
  const Status again = first->restart_if_dead();
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_TRUE(answers(*first));

  const Status stopped = first->stop();
  EXPECT_TRUE(stopped) << stopped.error().message;
  EXPECT_FALSE(first->is_running());
  EXPECT_FALSE(answers(*first));

  const Status after_stop = first->restart_if_dead();
  ASSERT_TRUE(after_stop) << after_stop.error().message;
  EXPECT_TRUE(answers(*first));
  EXPECT_TRUE(first->stop());
}

TEST_F(PrivatePostgresTest, WritesItsUrlForItsOwnerOnly) {
  auto postgres = PrivatePostgres::start(options_);
  ASSERT_TRUE(postgres) << postgres.error().message;

  std::ifstream file(options_.data_dir / "database-url");
  std::string url;
  std::getline(file, url);
  struct stat found{};
  ASSERT_EQ(::stat((options_.data_dir / "database-url").c_str(), &found), 0);

  EXPECT_EQ(url, postgres->url());
  EXPECT_EQ(found.st_mode & 0777, 0600U);
  EXPECT_TRUE(postgres->stop());
}

TEST_F(PrivatePostgresTest, ALongFolderNameStillHasASocket) {
  const fs::path root = options_.data_dir;
  options_.data_dir = root / std::string(120, 'x');
  auto postgres = PrivatePostgres::start(options_);
  ASSERT_TRUE(postgres) << postgres.error().message;

  EXPECT_TRUE(answers(*postgres));

  EXPECT_TRUE(postgres->stop());
  options_.data_dir = root;
}

TEST_F(PrivatePostgresTest, AFolderThatIsAFileIsRefused) {
  std::ofstream(options_.data_dir) << "x";

  const auto postgres = PrivatePostgres::start(options_);

  ASSERT_FALSE(postgres);
  EXPECT_EQ(postgres.error().code, ErrorCode::precondition_failed);
}

}  // namespace
}  // namespace orchestrator::tools
