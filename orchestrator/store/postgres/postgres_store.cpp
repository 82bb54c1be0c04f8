#include "orchestrator/store/postgres/postgres_store.hpp"

#include <utility>
#include <vector>

#include "orchestrator/handler/sql.hpp"
#include "orchestrator/store/postgres/access.hpp"
#include "orchestrator/store/postgres/audit.hpp"
#include "orchestrator/store/postgres/calendars.hpp"
#include "orchestrator/store/postgres/commit.hpp"
#include "orchestrator/store/postgres/definitions.hpp"
#include "orchestrator/store/postgres/event_feed.hpp"
#include "orchestrator/store/postgres/inbox.hpp"
#include "orchestrator/store/postgres/load.hpp"
#include "orchestrator/store/postgres/namespaces.hpp"
#include "orchestrator/store/postgres/operator_actions.hpp"
#include "orchestrator/store/postgres/ownership.hpp"
#include "orchestrator/store/postgres/queue_settings.hpp"
#include "orchestrator/store/postgres/queue_shares.hpp"
#include "orchestrator/store/postgres/reads.hpp"
#include "orchestrator/store/postgres/schedules.hpp"
#include "orchestrator/store/postgres/session_pool.hpp"
#include "orchestrator/store/postgres/step_transaction.hpp"
#include "orchestrator/store/postgres/webhooks.hpp"

namespace orchestrator::store::postgres {
namespace {

/// @param use one of kConnectionUses; also in the name under which the database lists the connection.
SessionOptions engine_session(const PostgresOptions& options, const char* use) {
  SessionOptions engine{.url = options.url,
                        .application_name = std::string("orchestrator-") + use,
                        .kind = SessionKind::engine,
                        .statement_timeout = options.statement_timeout,
                        .idle_in_transaction_timeout = options.idle_in_transaction_timeout};
  if (options.on_connection_lost) {
    engine.on_lost = [report = options.on_connection_lost, use] { report(use); };
  }
  return engine;
}

SessionOptions page_session(const PostgresOptions& options, const char* use) {
  SessionOptions page = engine_session(options, use);
  page.kind = SessionKind::page;
  page.statement_timeout = options.page_timeout;
  return page;
}

SessionOptions step_session(const PostgresOptions& options) {
  // Its planner settings are a handler's, who knows nothing of ours.
  SessionOptions step = page_session(options, "step");
  step.statement_timeout = options.statement_timeout;
  step.idle_in_transaction_timeout = options.step_idle_timeout;
  return step;
}

/// Every method hands its work to the pool of its kind and answers from that pool's thread.
class PostgresStore final : public Store {
 public:
  PostgresStore(const PostgresOptions& options, std::int32_t shard_count, std::string cluster_secret)
      : shard_count_(shard_count),
        cluster_secret_(std::move(cluster_secret)),
        loader_(engine_session(options, "loader"), options.load_connections),
        inbox_(engine_session(options, "inbox"), 1),
        ownership_(engine_session(options, "ownership"), 1),
        pages_(page_session(options, "page"), options.page_connections),
        webhooks_(pages_, page_session(options, "webhook")),
        access_(pages_, inbox_),
        steps_(step_session(options), options.step_connections, options.step_idle_timeout) {
    for (int lane = 0; lane < options.lanes; ++lane) {
      lanes_.push_back(std::make_unique<SessionPool>(engine_session(options, "committer"), 1));
    }
  }

  ~PostgresStore() override { PostgresStore::stop(); }

  [[nodiscard]] std::int32_t shard_count() const override { return shard_count_; }
  [[nodiscard]] std::string cluster_secret() const override { return cluster_secret_; }
  [[nodiscard]] std::int32_t lane_count() const override { return static_cast<std::int32_t>(lanes_.size()); }

  void commit(std::int32_t lane, std::shared_ptr<const Batch> batch, Done<CommitAnswer> done) override {
    SessionPool& committer = *lanes_.at(static_cast<std::size_t>(lane) % lanes_.size());
    on(committer, std::move(done), [batch = std::move(batch)](Session& s) { return postgres::commit(s, *batch); });
  }

  void find_data_error(std::shared_ptr<const Batch> batch, Done<DataError> done) override {
    on(loader_, std::move(done),
       [batch = std::move(batch)](Session& s) { return postgres::find_data_error(s, *batch); });
  }

  void load(LoadRequest request, Done<LoadAnswer> done) override {
    on(loader_, std::move(done), [request = std::move(request)](Session& s) { return postgres::load(s, request); });
  }

  void heartbeat(NodeRow node, std::chrono::milliseconds lease, Done<HeartbeatAnswer> done) override {
    on(ownership_, std::move(done),
       [this, node = std::move(node), lease](Session& s) { return keeper_.heartbeat(s, node, lease); });
  }

  void take_over(NodeId node, std::vector<ShardId> shards, Done<std::vector<ShardLease>> done) override {
    on(ownership_, std::move(done), [this, node = std::move(node), shards = std::move(shards)](Session& s) {
      return keeper_.take_over(s, node, shards);
    });
  }

  void hand_over(NodeId node, std::vector<ShardLease> shards, Done<void> done) override {
    on(ownership_, std::move(done), [node = std::move(node), shards = std::move(shards)](Session& s) {
      return postgres::hand_over(s, node, shards);
    });
  }

  void leave(NodeId node, Done<void> done) override {
    on(ownership_, std::move(done), [node = std::move(node)](Session& s) { return postgres::leave(s, node); });
  }

  void recover(ShardLease lease, Timestamp horizon, Done<Recovery> done) override {
    on(loader_, std::move(done), [=](Session& s) { return postgres::recover(s, lease, horizon); });
  }

  void was_committed(std::shared_ptr<const Batch> batch, Done<bool> done) override {
    on(loader_, std::move(done), [batch = std::move(batch)](Session& s) { return postgres::was_committed(s, *batch); });
  }

  void send(std::vector<InboxRow> messages, Done<void> done) override {
    on(pages_, std::move(done), [messages = std::move(messages)](Session& s) { return postgres::send(s, messages); });
  }

  void read_inbox(std::vector<ShardId> shards, std::int32_t limit, Done<InboxRead> done) override {
    on(inbox_, std::move(done),
       [this, shards = std::move(shards), limit](Session& s) { return reader_.read(s, shards, limit); });
  }

  void due_runs(std::vector<ShardId> shards, Timestamp until, std::int32_t limit,
                Done<std::vector<DueRun>> done) override {
    on(inbox_, std::move(done), [shards = std::move(shards), until, limit](Session& s) {
      return s.run<std::vector<DueRun>>(Mode::read, [&](Transaction& transaction) -> Result<std::vector<DueRun>> {
        return read_due_runs(transaction, shards, until, limit);
      });
    });
  }

  void expired_signals(std::vector<ShardId> shards, Timestamp now, std::int32_t limit,
                       Done<std::vector<SignalRow>> done) override {
    on(inbox_, std::move(done), [shards = std::move(shards), now, limit](Session& s) {
      return postgres::expired_signals(s, shards, now, limit);
    });
  }

  void deploy(DeployRequest request, Done<DeployAnswer> done) override {
    on(pages_, std::move(done), [request = std::move(request)](Session& s) { return postgres::deploy(s, request); });
  }

  void find_definition(std::string namespace_name, std::string name, std::int32_t version,
                       Done<DefinitionRow> done) override {
    on(pages_, std::move(done),
       [namespace_name = std::move(namespace_name), name = std::move(name), version](Session& s) {
         return postgres::find_definition(s, namespace_name, name, version);
       });
  }

  void list_workflows(std::string namespace_name, Done<std::vector<WorkflowSummary>> done) override {
    on(pages_, std::move(done), [namespace_name = std::move(namespace_name)](Session& s) {
      return postgres::list_workflows(s, namespace_name);
    });
  }

  void create_namespace(std::string name, std::optional<AuditEntry> audit, Done<CreatedNamespace> done) override {
    on(pages_, std::move(done), [name = std::move(name), audit = std::move(audit)](Session& s) {
      return postgres::create_namespace(s, name, audit);
    });
  }

  void list_namespaces(Done<std::vector<NamespaceRow>> done) override {
    on(pages_, std::move(done), [](Session& s) { return postgres::list_namespaces(s); });
  }

  void change_queue_settings(QueueSettingsChange change, Done<QueueSettingsRow> done) override {
    on(pages_, std::move(done),
       [change = std::move(change)](Session& s) { return postgres::change_queue_settings(s, change); });
  }

  void list_queue_settings(std::int64_t after_revision, Done<std::vector<QueueSettingsRow>> done) override {
    on(pages_, std::move(done),
       [after_revision](Session& s) { return postgres::list_queue_settings(s, after_revision); });
  }

  void put_calendar(CalendarRow row, std::optional<AuditEntry> audit, Done<PutCalendar> done) override {
    on(pages_, std::move(done),
       [row = std::move(row), audit = std::move(audit)](Session& s) { return postgres::put_calendar(s, row, audit); });
  }

  void find_calendar(std::string namespace_name, std::string name, Done<CalendarRow> done) override {
    on(pages_, std::move(done), [namespace_name = std::move(namespace_name), name = std::move(name)](Session& s) {
      return postgres::find_calendar(s, namespace_name, name);
    });
  }

  void list_calendars(std::string namespace_name, Done<std::vector<CalendarRow>> done) override {
    on(pages_, std::move(done), [namespace_name = std::move(namespace_name)](Session& s) {
      return postgres::list_calendars(s, namespace_name);
    });
  }

  void delete_calendar(std::string namespace_name, std::string name, std::optional<AuditEntry> audit,
                       Done<void> done) override {
    on(pages_, std::move(done),
       [namespace_name = std::move(namespace_name), name = std::move(name), audit = std::move(audit)](Session& s) {
         return postgres::delete_calendar(s, namespace_name, name, audit);
       });
  }

  void list_calendar_users(CalendarUserFilter filter, Done<std::vector<CalendarUser>> done) override {
    on(pages_, std::move(done),
       [filter = std::move(filter)](Session& s) { return postgres::list_calendar_users(s, filter); });
  }

  void exchange_queue_shares(NodeId node, std::vector<QueueShareAsk> asks,
                             Done<std::vector<QueueShareAnswer>> done) override {
    on(pages_, std::move(done), [node = std::move(node), asks = std::move(asks)](Session& s) {
      return postgres::exchange_queue_shares(s, node, asks);
    });
  }

  void list_queue_shares(NodeId node, Done<std::vector<QueueShareRow>> done) override {
    on(pages_, std::move(done), [node = std::move(node)](Session& s) { return postgres::list_queue_shares(s, node); });
  }

  [[nodiscard]] WebhookStore& webhooks() override { return webhooks_; }
  [[nodiscard]] AccessStore& access() override { return access_; }

  void keep_feed_open(std::chrono::seconds length, Done<FeedPlace> done) override {
    on(pages_, std::move(done), [length](Session& s) { return postgres::keep_feed_open(s, length); });
  }

  void read_feed(FeedRead read, Done<FeedPage> done) override {
    on(pages_, std::move(done), [read = std::move(read)](Session& s) { return postgres::read_feed(s, read); });
  }

  void find_run(RunId run_id, Done<RunView> done) override {
    on(pages_, std::move(done), [run_id](Session& s) { return postgres::find_run(s, run_id); });
  }

  void list_runs(RunFilter filter, Done<RunPage> done) override {
    on(pages_, std::move(done),
       [this, filter = std::move(filter)](Session& s) { return postgres::list_runs(s, filter, shard_count_); });
  }

  void read_journal(RunId run_id, EventId from, std::int32_t limit, Done<std::vector<JournalRow>> done) override {
    on(pages_, std::move(done), [=](Session& s) { return postgres::read_journal(s, run_id, from, limit); });
  }

  void find_signal(SignalId signal_id, Done<SignalRow> done) override {
    on(pages_, std::move(done), [signal_id](Session& s) { return postgres::find_signal(s, signal_id); });
  }

  void list_signals(SignalFilter filter, Done<SignalPage> done) override {
    on(pages_, std::move(done), [filter = std::move(filter)](Session& s) { return postgres::list_signals(s, filter); });
  }

  void find_schedule(ScheduleRef ref, Done<ScheduleRow> done) override {
    on(pages_, std::move(done), [ref = std::move(ref)](Session& s) { return postgres::find_schedule(s, ref); });
  }

  void list_schedules(ScheduleFilter filter, Done<SchedulePage> done) override {
    on(pages_, std::move(done),
       [filter = std::move(filter)](Session& s) { return postgres::list_schedules(s, filter); });
  }

  void list_schedule_slots(SlotFilter filter, Done<SlotPage> done) override {
    on(pages_, std::move(done),
       [filter = std::move(filter)](Session& s) { return postgres::list_schedule_slots(s, filter); });
  }

  void find_schedule_slots(ShardId shard, ScheduleId schedule_id, std::vector<Timestamp> slots,
                           Done<std::vector<ScheduleSlotRow>> done) override {
    on(pages_, std::move(done), [=, slots = std::move(slots)](Session& s) {
      return postgres::find_schedule_slots(s, shard, schedule_id, slots);
    });
  }

  void read_dead_letter_trails(std::vector<RunId> runs, std::int32_t rows,
                               Done<std::vector<DeadLetterTrail>> done) override {
    on(pages_, std::move(done),
       [runs = std::move(runs), rows](Session& s) { return postgres::read_dead_letter_trails(s, runs, rows); });
  }

  void discard_dead_letter(DiscardRequest request, Done<void> done) override {
    on(pages_, std::move(done),
       [request = std::move(request)](Session& s) { return postgres::discard_dead_letter(s, request); });
  }

  void list_audit(AuditFilter filter, Done<AuditPage> done) override {
    on(pages_, std::move(done), [filter = std::move(filter)](Session& s) { return postgres::list_audit(s, filter); });
  }

  void check_ready(Done<void> done) override {
    on(pages_, std::move(done), [](Session& s) { return postgres::check_ready(s); });
  }

  void keep_partitions(Done<void> done) override {
    on(pages_, std::move(done), [](Session& s) { return postgres::keep_partitions(s); });
  }

  Result<std::unique_ptr<StepTransaction>> begin_step() override { return steps_.begin(); }

  void stop() override {
    steps_.stop();
    for (auto& lane : lanes_) lane->stop();
    loader_.stop();
    inbox_.stop();
    ownership_.stop();
    webhooks_.stop();
    pages_.stop();
  }

 private:
  template <typename T, typename Work>
  void on(SessionPool& pool, Done<T> done, Work work) {
    pool.post([done = std::move(done), work = std::move(work)](Session& session) { done(work(session)); });
  }

  const std::int32_t shard_count_;
  const std::string cluster_secret_;
  OwnershipKeeper keeper_;  // Only on the thread of ownership_.
  InboxReader reader_;      // Only on the thread of inbox_.
  std::vector<std::unique_ptr<SessionPool>> lanes_;
  SessionPool loader_;
  SessionPool inbox_;
  SessionPool ownership_;
  SessionPool pages_;
  PostgresWebhooks webhooks_;
  PostgresAccess access_;
  StepSessions steps_;
};

Status check(const PostgresOptions& options) {
  const auto within = [](int value, int highest) { return value >= 1 && value <= highest; };
  if (!within(options.lanes, 8) || !within(options.load_connections, 8) || !within(options.page_connections, 32) ||
      !within(options.step_connections, 64)) {
    return fail(ErrorCode::invalid_argument, "a number of database connections is out of range");
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Store>> open_postgres(PostgresOptions options) {
  if (Status fine = check(options); !fine) return std::move(fine).error();
  Session first(page_session(options, "page"));
  auto shard_count = read_shard_count(first);
  if (!shard_count) return std::move(shard_count).error();
  auto secret = read_cluster_secret(first);
  if (!secret) return std::move(secret).error();
  first.disconnect();
  return std::unique_ptr<Store>(std::make_unique<PostgresStore>(options, *shard_count, *std::move(secret)));
}

}  // namespace orchestrator::store::postgres
