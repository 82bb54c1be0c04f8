#include "tests/store/store_harness.hpp"

#include <atomic>

#include "orchestrator/base/json.hpp"
#include "orchestrator/store/postgres/postgres_store.hpp"

namespace orchestrator::store {
namespace {

class MemoryBackend final : public Backend {
 public:
  std::unique_ptr<Store> open() override {
    memory::MemoryOptions options;
    options.post = [](const std::function<void()>& work) { work(); };
    options.now = [] { return std::chrono::floor<Duration>(std::chrono::system_clock::now()); };
    return std::make_unique<memory::MemoryStore>(database_, options);
  }

 private:
  std::shared_ptr<memory::MemoryDatabase> database_ = std::make_shared<memory::MemoryDatabase>(test::kTestShards);
};

class PostgresBackend final : public Backend {
 public:
  std::unique_ptr<Store> open() override {
    auto store = postgres::open_postgres({.url = database_.url()});
    if (!store) check_failed("open_postgres", store.error().message.c_str(), __FILE__, __LINE__);
    return *std::move(store);
  }

 private:
  test::TestDatabase database_;
};

std::atomic<std::uint64_t> counter{1};

UuidBytes next_uuid(std::int32_t shard) {
  const std::uint64_t n = ++counter;
  return make_uuid7(noon() + std::chrono::milliseconds(n), ShardId{shard}, n);
}

}  // namespace

std::unique_ptr<Backend> make_backend(BackendKind kind) {
  if (kind == BackendKind::memory) return std::make_unique<MemoryBackend>();
  return std::make_unique<PostgresBackend>();
}

std::string backend_name(const testing::TestParamInfo<BackendKind>& info) {
  return info.param == BackendKind::memory ? "Memory" : "Postgres";
}

std::vector<ShardLease> StoreConformance::own(Store& store, const std::string& node,
                                              const std::vector<std::int32_t>& shards) {
  NodeRow row{.id = NodeId{node}, .url = "http://" + node, .roles = "api,worker"};
  const auto beat = ask<HeartbeatAnswer>([&](auto done) { store.heartbeat(row, std::chrono::minutes(1), done); });
  EXPECT_TRUE(beat) << beat.error().message;
  std::vector<ShardId> wanted;
  for (const std::int32_t shard : shards) wanted.push_back(ShardId{shard});
  auto leases = ask<std::vector<ShardLease>>([&](auto done) { store.take_over(NodeId{node}, wanted, done); });
  EXPECT_TRUE(leases) << leases.error().message;
  return *std::move(leases);
}

Result<DataError> StoreConformance::find_data_error(const Batch& batch) {
  return ask<DataError>([&](auto done) { store().find_data_error(std::make_shared<const Batch>(batch), done); });
}

Result<CommitAnswer> StoreConformance::commit(Store& store, const Batch& batch) {
  return ask<CommitAnswer>([&](auto done) { store.commit(0, std::make_shared<const Batch>(batch), done); });
}

Result<LoadAnswer> StoreConformance::load(const LoadRequest& request) {
  return ask<LoadAnswer>([&](auto done) { store().load(request, done); });
}

std::optional<LoadedRun> StoreConformance::load_run(RunId id) {
  auto answer = load({.runs = {id}});
  EXPECT_TRUE(answer) << answer.error().message;
  return answer->runs.at(0);
}

Timestamp noon() {
  static const Timestamp moment =
      std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now()) + std::chrono::hours(12);
  return moment;
}

RunId next_run_id(std::int32_t shard) { return RunId{next_uuid(shard)}; }
SignalId next_signal_id(std::int32_t shard) { return SignalId{next_uuid(shard)}; }
MessageId next_message_id(std::int32_t shard) { return MessageId{next_uuid(shard)}; }
BatchId next_batch_id() { return BatchId{next_uuid(0)}; }

Batch a_batch(const std::vector<ShardLease>& leases) {
  Batch batch;
  batch.id = next_batch_id();
  batch.leases = leases;
  return batch;
}

OpenRunRow an_open_run(std::int32_t shard) {
  OpenRunRow row;
  row.shard = ShardId{shard};
  row.header.id = next_run_id(shard);
  row.header.namespace_name = "default";
  row.header.workflow = "ship";
  row.header.version = 1;
  row.header.input = make_payload({{"order", 7}, {"note", std::string("zero \0 byte", 11)}});
  row.header.attributes = make_payload({{"customer", "c-1"}});
  row.header.created_at = time_of(row.header.id.bytes);
  row.progress.waiting_on = R"([{"kind":"worker"}])";
  return row;
}

ClosedRunRow a_closed_run(const OpenRunRow& open) {
  ClosedRunRow row;
  row.shard = open.shard;
  row.header = open.header;
  row.output = make_payload({{"done", true}});
  row.attempts = 1;
  row.started_at = open.header.created_at;
  row.closed_at = open.header.created_at + std::chrono::seconds(5);
  return row;
}

JournalRow a_journal_row(const RunId& run, EventId seq, std::string events) {
  return {.shard = shard_of(run), .run_id = run, .seq = seq, .at = noon(), .events = std::move(events)};
}

SignalRow a_signal(std::int32_t shard, const std::string& key, const std::string& id) {
  SignalRow row;
  row.shard = ShardId{shard};
  row.signal_id = next_signal_id(shard);
  row.namespace_name = "default";
  row.name = "paid";
  row.key = key;
  row.id = id;
  row.payload = make_payload({{"amount", 12}, {"text", std::string("a\0b", 3)}});
  row.received_at = time_of(row.signal_id.bytes);
  row.expires_at = noon() + std::chrono::days(7);
  return row;
}

SignalWaitRow a_wait(std::int32_t shard, const std::string& key, const RunId& run, EventId step) {
  SignalWaitRow row;
  row.shard = ShardId{shard};
  row.namespace_name = "default";
  row.key = key;
  row.run_id = run;
  row.step = step;
  row.names = {"paid", "it's \"quoted\""};
  row.state_name = "Await payment";
  row.since = noon() + std::chrono::microseconds(++counter);
  return row;
}

InboxRow a_message(std::int32_t shard) {
  return {.shard = ShardId{shard},
          .id = next_message_id(shard),
          .kind = "child_ended",
          .body = R"({"a":1,"zero":"\u0000"})",
          .created_at = noon()};
}

}  // namespace orchestrator::store
