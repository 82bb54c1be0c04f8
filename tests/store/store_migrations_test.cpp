#include <gtest/gtest.h>

#include <pqxx/connection>
#include <thread>

#include "orchestrator/digest/routing.hpp"
#include "orchestrator/store/postgres/migrate.hpp"
#include "orchestrator/store/postgres/session.hpp"
#include "orchestrator/store/postgres/statements.hpp"
#include "tests/support/postgres_fixture.hpp"

namespace orchestrator::store::postgres {
namespace {

using test::TestDatabase;

TEST(Migrations, AllApplyToAnEmptyDatabase) {
  const TestDatabase database(TestDatabase::Content::empty);

  const auto status = migrate_up(database.url(), 16);

  ASSERT_TRUE(status) << status.error().message;
  EXPECT_TRUE(status->complete());
  EXPECT_EQ(status->shard_count, 16);
  EXPECT_EQ(database.query("select count(*) from orchestrator.shard_owner"), "16");
}

TEST(Migrations, TwoServersAtOnceApplyEachOnce) {
  const TestDatabase database(TestDatabase::Content::empty);
  std::vector<std::string> failures(4);

  std::vector<std::thread> servers;
  for (auto& failure : failures) {
    servers.emplace_back([&] {
      const auto status = migrate_up(database.url(), 8);
      if (!status) failure = status.error().message;
    });
  }
  for (auto& server : servers) server.join();

  for (const auto& failure : failures) EXPECT_EQ(failure, "");
  EXPECT_EQ(database.query("select count(*) from orchestrator.schema_migrations"), std::to_string(migrations().size()));
  EXPECT_EQ(database.query("select count(*) from orchestrator.shard_owner"), "8");
}

TEST(Migrations, TheNumberOfShardsIsFixedByTheFirst) {
  const TestDatabase database;

  const auto again = migrate_up(database.url(), test::kTestShards * 2);

  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->shard_count, test::kTestShards);
}

TEST(Migrations, AChangedMigrationIsRefusedByName) {
  const TestDatabase database;
  database.execute("update orchestrator.schema_migrations set checksum = 'other' where version = 2");

  const auto status = migrate_up(database.url(), 8);

  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::precondition_failed);
  EXPECT_NE(status.error().message.find("2_runs"), std::string::npos) << status.error().message;
}

TEST(Migrations, StatusOfAnEmptyDatabaseListsAllAsMissing) {
  const TestDatabase database(TestDatabase::Content::empty);

  const auto status = migrate_status(database.url());

  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(status->migrations.size(), migrations().size());
  EXPECT_FALSE(status->complete());
  EXPECT_EQ(status->shard_count, 0);
}

TEST(Migrations, StatusSaysWhenTheDatabaseIsNewerThanTheBinary) {
  const TestDatabase database;
  database.execute("insert into orchestrator.schema_migrations (version, name, checksum) values (9999, 'later', 'x')");

  const auto status = migrate_status(database.url());

  ASSERT_TRUE(status) << status.error().message;
  EXPECT_TRUE(status->newer);
}

TEST(Migrations, PartitionsOfNowAndFourAheadAreThere) {
  const TestDatabase database;

  EXPECT_EQ(database.query("select count(*) from pg_inherits where inhparent = 'orchestrator.journal'::regclass"), "6");
  EXPECT_EQ(database.query("select count(*) from pg_inherits where inhparent = 'orchestrator.closed_runs'::regclass"),
            "6");
}

TEST(Migrations, PartitionUpkeepSurvivesRowsInTheDefaultPartition) {
  const TestDatabase database;
  database.execute("drop table " + database.query("select inhrelid::regclass::text from pg_inherits where inhparent = "
                                                  "'orchestrator.journal'::regclass order by 1 limit 1"));
  database.execute(
      "insert into orchestrator.journal select 0, orchestrator.lowest_uuid(now() + d * interval '1 day'), 1, now(), "
      "'[]' "
      "from generate_series(0, 34) d");

  database.execute("select orchestrator.keep_partitions()");

  EXPECT_EQ(database.query("select count(*) from orchestrator.journal"), "35");
}

TEST(Statements, EveryOnePreparesOnAFreshlyMigratedDatabase) {
  const TestDatabase database;
  Session session({.url = database.url(), .application_name = "orchestrator-test"});
  const Status connected = session.ensure_connected();
  ASSERT_TRUE(connected) << connected.error().message;

  for (const Statement& statement : statements()) {
    EXPECT_NO_THROW(session.connection()->prepare_now(statement.name)) << statement.name;
  }
}

TEST(RoutingHash, IsTheSameInSqlAndInTheEngine) {
  const TestDatabase database;

  for (const std::string key : {"order-1", "k", "Grüße", "0", "a key with spaces"}) {
    EXPECT_EQ(database.query("select orchestrator.routing_hash('default', '" + key + "')"),
              std::to_string(digest::routing_hash("default", key)));
    EXPECT_EQ(database.query("select orchestrator.shard_for_key('default', '" + key + "')"),
              std::to_string(to_int(digest::shard_for_key("default", key, test::kTestShards))));
  }
}

}  // namespace
}  // namespace orchestrator::store::postgres
