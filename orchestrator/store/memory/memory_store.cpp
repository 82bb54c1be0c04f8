#include "orchestrator/store/memory/memory_store.hpp"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "orchestrator/store/audited_actions.hpp"
#include "orchestrator/store/memory/memory_access.hpp"
#include "orchestrator/store/memory/memory_core.hpp"
#include "orchestrator/store/memory/memory_operations.hpp"
#include "orchestrator/store/memory/memory_webhooks.hpp"

namespace orchestrator::store::memory {

namespace {

bool holds_shard(const Tables& tables, const NodeId& node, const ShardLease& lease) {
  const auto at = static_cast<std::size_t>(to_int(lease.shard));
  return at < tables.owners.size() && tables.owners[at].node == node && tables.owners[at].epoch == lease.epoch;
}

/// Whether a shard of this owner may be taken: its lease is over, or its process is gone or no worker any more.
bool has_ended(const Tables& tables, const NodeId& owner, Timestamp now) {
  const auto node = tables.nodes.find(owner);
  return node == tables.nodes.end() || node->second.row.lease_until < now || node->second.process == nullptr ||
         !node->second.row.performs_steps();
}

/// A step's statements go to the test; its batch is committed like any other.
class MemoryStep final : public StepTransaction {
 public:
  using Commit = std::function<Result<CommitAnswer>(const Batch&, const std::vector<Statement>&)>;
  using Execute = std::function<Result<SqlRows>(std::string_view, const SqlParameters&)>;

  MemoryStep(Commit commit, Execute execute) : commit_(std::move(commit)), execute_(std::move(execute)) {}

  Result<SqlRows> execute(std::string_view statement, const SqlParameters& parameters) override {
    if (over_) return fail(ErrorCode::internal, "the step's transaction is over");
    statements_.push_back({std::string(statement), parameters});
    return execute_ ? execute_(statement, parameters) : SqlRows{};
  }
  Result<CommitAnswer> commit_with(const Batch& batch) override {
    if (std::exchange(over_, true)) return fail(ErrorCode::internal, "the step's transaction is over");
    return commit_(batch, statements_);
  }
  void roll_back() override { over_ = true; }

 private:
  Commit commit_;
  Execute execute_;
  std::vector<Statement> statements_;
  bool over_ = false;
};

}  // namespace

MemoryStore::MemoryStore(std::shared_ptr<MemoryDatabase> database, MemoryOptions options)
    : core_(std::make_shared<Core>(std::move(database), std::move(options))) {
  webhooks_ = std::make_unique<MemoryWebhooks>(core_);
  access_ = std::make_unique<MemoryAccess>(core_);
  operations_ = std::make_unique<MemoryOperations>(core_);
}

WebhookStore& MemoryStore::webhooks() { return *webhooks_; }
AccessStore& MemoryStore::access() { return *access_; }
OperationStore& MemoryStore::operations() { return *operations_; }

MemoryStore::~MemoryStore() { MemoryStore::stop(); }

std::int32_t MemoryStore::shard_count() const { return core_->database->shard_count(); }
std::int32_t MemoryStore::lane_count() const { return static_cast<std::int32_t>(core_->lanes.size()); }

void MemoryStore::commit(std::int32_t lane, std::shared_ptr<const Batch> batch, Done<CommitAnswer> done) {
  core_->enqueue(static_cast<std::size_t>(lane) % core_->lanes.size(), {std::move(batch), std::move(done)});
}

void MemoryStore::find_data_error(std::shared_ptr<const Batch> batch, Done<DataError> done) {
  core_->run<DataError>("find_data_error", false, std::move(done),
                        [core = core_.get(), batch = std::move(batch)](const Tables& tables) {
                          return store::find_data_error(*batch, [&](const Batch& part) -> Status {
                            Tables scratch = tables;
                            auto answer = core->write(scratch, part);
                            if (!answer) return std::move(answer).error();
                            return {};
                          });
                        });
}

void MemoryStore::load(LoadRequest request, Done<LoadAnswer> done) {
  core_->run<LoadAnswer>(
      "load", false, std::move(done),
      [request = std::move(request)](Tables& tables) -> Result<LoadAnswer> { return memory::load(tables, request); });
}

void MemoryStore::keep_feed_open(std::chrono::seconds length, Done<FeedPlace> done) {
  const auto work = [core = core_.get(), length](Tables& tables) -> Result<FeedPlace> {
    return memory::keep_feed_open(tables, length, core->options.now());
  };
  core_->run<FeedPlace>("keep_feed_open", false, std::move(done), work);
}

void MemoryStore::read_feed(FeedRead read, Done<FeedPage> done) {
  core_->run<FeedPage>("read_feed", false, std::move(done),
                       [read = std::move(read)](Tables& tables) { return memory::read_feed(tables, read); });
}

void MemoryStore::heartbeat(NodeRow node, std::chrono::milliseconds lease, Done<HeartbeatAnswer> done) {
  const auto work = [core = core_.get(), node = std::move(node), lease](Tables& tables) -> Result<HeartbeatAnswer> {
    const Timestamp now = core->options.now();
    Tables::Node& own = tables.nodes[node.id];
    own.row = node;
    own.row.lease_until = now + lease;
    own.process = core;
    HeartbeatAnswer answer;
    answer.database_now = now;
    answer.shards = tables.owners;
    for (const auto& [id, entry] : tables.nodes) {
      answer.nodes.push_back(entry.row);
      if (entry.row.lease_until >= now && entry.process == nullptr) answer.gone.push_back(id);
    }
    return answer;
  };
  core_->run<HeartbeatAnswer>("heartbeat", false, std::move(done), work);
}

void MemoryStore::take_over(NodeId node, std::vector<ShardId> shards, Done<std::vector<ShardLease>> done) {
  using Leases = std::vector<ShardLease>;
  const auto work = [core = core_.get(), node = std::move(node),
                     shards = std::move(shards)](Tables& tables) -> Result<Leases> {
    Leases taken;
    for (ShardId shard : shards) {
      const auto at = static_cast<std::size_t>(to_int(shard));
      if (at >= tables.owners.size()) continue;
      ShardOwnerRow& owner = tables.owners[at];
      if (owner.node && *owner.node != node && !has_ended(tables, *owner.node, core->options.now())) continue;
      owner.node = node;
      owner.epoch = Epoch{to_int(owner.epoch) + 1};
      taken.push_back({shard, owner.epoch});
    }
    return taken;
  };
  core_->run<Leases>("take_over", true, std::move(done), work);
}

void MemoryStore::hand_over(NodeId node, std::vector<ShardLease> shards, Done<void> done) {
  const auto work = [node = std::move(node), shards = std::move(shards)](Tables& tables) -> Status {
    for (const ShardLease& lease : shards) {
      if (holds_shard(tables, node, lease)) tables.owners[static_cast<std::size_t>(to_int(lease.shard))].node.reset();
    }
    return {};
  };
  core_->run<void>("hand_over", true, std::move(done), work);
}

void MemoryStore::leave(NodeId node, Done<void> done) {
  core_->run<void>("leave", true, std::move(done), [node = std::move(node)](Tables& tables) -> Status {
    for (ShardOwnerRow& owner : tables.owners) {
      if (owner.node == node) owner.node.reset();
    }
    tables.nodes.erase(node);
    return {};
  });
}

void MemoryStore::recover(ShardLease lease, Timestamp horizon, Done<Recovery> done) {
  core_->run<Recovery>("recover", false, std::move(done),
                       [=](Tables& tables) { return memory::recover(tables, lease, horizon); });
}

void MemoryStore::was_committed(std::shared_ptr<const Batch> batch, Done<bool> done) {
  core_->run<bool>("was_committed", false, std::move(done),
                   [batch = std::move(batch)](Tables& tables) { return memory::was_committed(tables, *batch); });
}

void MemoryStore::send(std::vector<InboxRow> messages, Done<void> done) {
  core_->run<void>("send", true, std::move(done), [messages = std::move(messages)](Tables& tables) -> Status {
    for (const InboxRow& message : messages) insert_message(tables, message);
    return {};
  });
}

void MemoryStore::read_inbox(std::vector<ShardId> shards, std::int32_t limit, Done<InboxRead> done) {
  const auto work = [core = core_.get(), shards = std::move(shards), limit](Tables& tables) -> Result<InboxRead> {
    std::map<std::uint64_t, const InboxRow*> unseen;
    for (const auto& [key, message] : tables.inbox) {
      const bool is_asked = std::find(shards.begin(), shards.end(), key.first) != shards.end();
      if (is_asked && message.arrival > core->read_up_to[key.first]) unseen[message.arrival] = &message.row;
    }
    InboxRead answer;
    for (const auto& [arrival, row] : unseen) {
      if (answer.rows.size() == static_cast<std::size_t>(std::max(limit, 0))) break;
      answer.rows.push_back(*row);
      core->read_up_to[row->shard] = arrival;
    }
    return answer;
  };
  core_->run<InboxRead>("read_inbox", false, std::move(done), work);
}

void MemoryStore::due_runs(std::vector<ShardId> shards, Timestamp until, std::int32_t limit,
                           Done<std::vector<DueRun>> done) {
  using Answer = std::vector<DueRun>;
  core_->run<Answer>("due_runs", false, std::move(done),
                     [shards = std::move(shards), until, limit](Tables& tables) -> Result<Answer> {
                       return memory::due_runs(tables, shards, until, limit);
                     });
}

void MemoryStore::expired_signals(std::vector<ShardId> shards, Timestamp now, std::int32_t limit,
                                  Done<std::vector<SignalRow>> done) {
  using Answer = std::vector<SignalRow>;
  core_->run<Answer>("expired_signals", false, std::move(done),
                     [shards = std::move(shards), now, limit](Tables& tables) -> Result<Answer> {
                       return memory::expired_signals(tables, shards, now, limit);
                     });
}

void MemoryStore::deploy(DeployRequest request, Done<DeployAnswer> done) {
  const auto work = [core = core_.get(), request = std::move(request)](Tables& tables) -> Result<DeployAnswer> {
    auto& versions = tables.definitions[{request.namespace_name, request.name}];
    if (!versions.empty() && versions.back().checksum == request.checksum) {
      return DeployAnswer{.version = versions.back().version, .created = false};
    }
    const auto version = static_cast<std::int32_t>(versions.size()) + 1;
    append_audit(tables, kClusterChain, deploy_audit(request, versions.empty() ? "" : versions.back().checksum),
                 core->options.now());
    versions.push_back(
        {request.namespace_name, request.name, version, request.checksum, request.source, core->options.now()});
    return DeployAnswer{.version = version, .created = true};
  };
  core_->run<DeployAnswer>("deploy", true, std::move(done), work);
}

void MemoryStore::find_definition(std::string namespace_name, std::string name, std::int32_t version,
                                  Done<DefinitionRow> done) {
  const auto work = [key = std::pair(std::move(namespace_name), std::move(name)),
                     version](Tables& tables) -> Result<DefinitionRow> {
    const auto found = tables.definitions.find(key);
    const auto count = found == tables.definitions.end() ? 0 : static_cast<std::int32_t>(found->second.size());
    if (count == 0 || version < 0 || version > count) {
      return fail(ErrorCode::not_found, "unknown-workflow", "no such workflow or version: " + key.second);
    }
    return found->second[static_cast<std::size_t>((version == 0 ? count : version) - 1)];
  };
  core_->run<DefinitionRow>("find_definition", false, std::move(done), work);
}

void MemoryStore::list_workflows(std::string namespace_name, Done<std::vector<WorkflowSummary>> done) {
  using Answer = std::vector<WorkflowSummary>;
  core_->run<Answer>("list_workflows", false, std::move(done),
                     [namespace_name = std::move(namespace_name)](Tables& tables) -> Result<Answer> {
                       Answer workflows;
                       for (const auto& [key, versions] : tables.definitions) {
                         if (key.first != namespace_name) continue;
                         WorkflowSummary& summary = workflows.emplace_back();
                         summary.name = key.second;
                         for (const DefinitionRow& row : versions) summary.versions.push_back(row.version);
                       }
                       return workflows;
                     });
}

void MemoryStore::create_namespace(std::string name, std::optional<AuditEntry> audit, Done<CreatedNamespace> done) {
  const auto work = [core = core_.get(), name = std::move(name),
                     audit = std::move(audit)](Tables& tables) -> Result<CreatedNamespace> {
    const NamespaceRow fresh{.name = name, .created_at = core->options.now()};
    const auto [entry, is_new] = tables.namespaces.try_emplace(name, fresh);
    if (is_new) append_audit(tables, kClusterChain, namespace_audit(audit, name), core->options.now());
    return CreatedNamespace{.row = entry->second, .created = is_new};
  };
  core_->run<CreatedNamespace>("create_namespace", true, std::move(done), work);
}

void MemoryStore::list_namespaces(Done<std::vector<NamespaceRow>> done) {
  using Answer = std::vector<NamespaceRow>;
  core_->run<Answer>("list_namespaces", false, std::move(done), [](Tables& tables) -> Result<Answer> {
    Answer namespaces;
    for (const auto& [name, row] : tables.namespaces) namespaces.push_back(row);
    return namespaces;
  });
}

void MemoryStore::change_queue_settings(QueueSettingsChange change, Done<QueueSettingsRow> done) {
  const auto work = [core = core_.get(), change = std::move(change)](Tables& tables) -> Result<QueueSettingsRow> {
    const Tables::NamePair key{change.namespace_name, change.name};
    const bool is_new = !tables.queue_settings.contains(key);
    if (is_new && static_cast<std::int64_t>(tables.queue_settings.size()) >= kMaxQueueSettings)
      return no_room_for_queue_settings();
    const std::optional<QueueSettingsRow> before = is_new ? std::nullopt : std::optional(tables.queue_settings[key]);
    QueueSettingsRow& row = tables.queue_settings[key];
    row.namespace_name = change.namespace_name;
    row.name = change.name;
    if (change.limits) row.limits = *change.limits;
    if (change.paused) {
      row.paused = *change.paused;
      row.reason = row.paused ? change.reason : std::string{};
      if (!row.paused) row.paused_at.reset();
      if (row.paused && !row.paused_at) row.paused_at = core->options.now();
    }
    row.changed_at = core->options.now();
    row.revision = ++tables.queue_revision;
    append_audit(tables, kClusterChain, queue_audit(change, before, row), core->options.now());
    return row;
  };
  core_->run<QueueSettingsRow>("change_queue_settings", true, std::move(done), work);
}

void MemoryStore::list_queue_settings(std::int64_t after_revision, Done<std::vector<QueueSettingsRow>> done) {
  using Answer = std::vector<QueueSettingsRow>;
  core_->run<Answer>("list_queue_settings", false, std::move(done), [after_revision](Tables& tables) -> Result<Answer> {
    Answer changed;
    for (const auto& [key, row] : tables.queue_settings) {
      if (row.revision > after_revision) changed.push_back(row);
    }
    std::sort(changed.begin(), changed.end(),
              [](const auto& left, const auto& right) { return left.revision < right.revision; });
    return changed;
  });
}

void MemoryStore::exchange_queue_shares(NodeId node, std::vector<QueueShareAsk> asks,
                                        Done<std::vector<QueueShareAnswer>> done) {
  using Answer = std::vector<QueueShareAnswer>;
  const auto work = [core = core_.get(), node = std::move(node),
                     asks = std::move(asks)](Tables& tables) -> Result<Answer> {
    return memory::exchange_queue_shares(tables, node, asks, core->options.now());
  };
  core_->run<Answer>("exchange_queue_shares", true, std::move(done), work);
}

void MemoryStore::list_queue_shares(NodeId node, Done<std::vector<QueueShareRow>> done) {
  using Answer = std::vector<QueueShareRow>;
  core_->run<Answer>(
      "list_queue_shares", false, std::move(done),
      [node = std::move(node)](Tables& tables) -> Result<Answer> { return memory::list_queue_shares(tables, node); });
}

void MemoryStore::find_run(RunId run_id, Done<RunView> done) {
  core_->run<RunView>("find_run", false, std::move(done),
                      [run_id](Tables& tables) { return memory::find_run(tables, run_id); });
}

void MemoryStore::list_runs(RunFilter filter, Done<RunPage> done) {
  core_->run<RunPage>("list_runs", false, std::move(done),
                      [filter = std::move(filter)](Tables& tables) { return memory::list_runs(tables, filter); });
}

void MemoryStore::read_journal(RunId run_id, EventId from, std::int32_t limit, Done<std::vector<JournalRow>> done) {
  using Answer = std::vector<JournalRow>;
  core_->run<Answer>("read_journal", false, std::move(done), [=](Tables& tables) -> Result<Answer> {
    return memory::read_journal(tables, run_id, from, limit);
  });
}

void MemoryStore::find_signal(SignalId signal_id, Done<SignalView> done) {
  core_->run<SignalView>("find_signal", false, std::move(done),
                         [signal_id](Tables& tables) { return memory::find_signal(tables, signal_id); });
}

void MemoryStore::list_signals(SignalFilter filter, Done<SignalPage> done) {
  core_->run<SignalPage>("list_signals", false, std::move(done),
                         [filter = std::move(filter)](Tables& tables) { return memory::list_signals(tables, filter); });
}

void MemoryStore::put_calendar(CalendarRow row, std::optional<AuditEntry> audit, Done<PutCalendar> done) {
  const auto work = [core = core_.get(), row = std::move(row), audit = std::move(audit)](Tables& tables) {
    return memory::put_calendar(tables, row, audit, core->options.now());
  };
  core_->run<PutCalendar>("put_calendar", true, std::move(done), work);
}

void MemoryStore::find_calendar(std::string namespace_name, std::string name, Done<CalendarRow> done) {
  const auto work = [namespace_name = std::move(namespace_name), name = std::move(name)](Tables& tables) {
    return memory::find_calendar(tables, namespace_name, name);
  };
  core_->run<CalendarRow>("find_calendar", false, std::move(done), work);
}

void MemoryStore::list_calendars(std::string namespace_name, Done<std::vector<CalendarRow>> done) {
  using Answer = std::vector<CalendarRow>;
  const auto work = [namespace_name = std::move(namespace_name)](Tables& tables) -> Result<Answer> {
    return memory::list_calendars(tables, namespace_name);
  };
  core_->run<Answer>("list_calendars", false, std::move(done), work);
}

void MemoryStore::delete_calendar(std::string namespace_name, std::string name, std::optional<AuditEntry> audit,
                                  Done<void> done) {
  const auto work = [core = core_.get(), namespace_name = std::move(namespace_name), name = std::move(name),
                     audit = std::move(audit)](Tables& tables) {
    return memory::delete_calendar(tables, namespace_name, name, audit, core->options.now());
  };
  core_->run<void>("delete_calendar", true, std::move(done), work);
}

void MemoryStore::list_calendar_users(CalendarUserFilter filter, Done<std::vector<CalendarUser>> done) {
  using Answer = std::vector<CalendarUser>;
  const auto work = [filter = std::move(filter)](Tables& tables) -> Result<Answer> {
    return memory::list_calendar_users(tables, filter);
  };
  core_->run<Answer>("list_calendar_users", false, std::move(done), work);
}

void MemoryStore::find_schedule(ScheduleRef ref, Done<ScheduleRow> done) {
  core_->run<ScheduleRow>("find_schedule", false, std::move(done),
                          [ref = std::move(ref)](Tables& tables) { return memory::find_schedule(tables, ref); });
}

void MemoryStore::list_schedules(ScheduleFilter filter, Done<SchedulePage> done) {
  core_->run<SchedulePage>("list_schedules", false, std::move(done), [filter = std::move(filter)](Tables& tables) {
    return memory::list_schedules(tables, filter);
  });
}

void MemoryStore::list_schedule_slots(SlotFilter filter, Done<SlotPage> done) {
  core_->run<SlotPage>("list_schedule_slots", false, std::move(done), [filter = std::move(filter)](Tables& tables) {
    return memory::list_schedule_slots(tables, filter);
  });
}

void MemoryStore::find_schedule_slots(ShardId shard, ScheduleId schedule_id, std::vector<Timestamp> slots,
                                      Done<std::vector<ScheduleSlotRow>> done) {
  using Answer = std::vector<ScheduleSlotRow>;
  core_->run<Answer>("find_schedule_slots", false, std::move(done),
                     [=, slots = std::move(slots)](Tables& tables) -> Result<Answer> {
                       return memory::find_schedule_slots(tables, shard, schedule_id, slots);
                     });
}

void MemoryStore::read_dead_letter_trails(std::vector<RunId> runs, std::int32_t rows,
                                          Done<std::vector<DeadLetterTrail>> done) {
  using Answer = std::vector<DeadLetterTrail>;
  core_->run<Answer>("read_dead_letter_trails", false, std::move(done),
                     [runs = std::move(runs), rows](Tables& tables) -> Result<Answer> {
                       return memory::read_dead_letter_trails(tables, runs, rows);
                     });
}

void MemoryStore::discard_dead_letter(DiscardRequest request, Done<void> done) {
  const auto work = [core = core_.get(), request = std::move(request)](Tables& tables) {
    return memory::discard_dead_letter(tables, request, core->options.now());
  };
  core_->run<void>("discard_dead_letter", true, std::move(done), work);
}

void MemoryStore::list_audit(AuditFilter filter, Done<AuditPage> done) {
  core_->run<AuditPage>("list_audit", false, std::move(done),
                        [filter = std::move(filter)](Tables& tables) { return memory::list_audit(tables, filter); });
}

void MemoryStore::check_ready(Done<void> done) {
  core_->run<void>("check_ready", false, std::move(done), [](Tables&) -> Status { return {}; });
}

void MemoryStore::keep_partitions(Done<void> done) {
  core_->run<void>("keep_partitions", true, std::move(done), [](Tables&) -> Status { return {}; });
}

Result<std::unique_ptr<StepTransaction>> MemoryStore::begin_step() {
  const auto begin = [](Tables&) -> Status { return {}; };
  if (Status begun = core_->perform<void>("begin_step", false, begin); !begun) return std::move(begun).error();
  const auto commit = [core = core_](const Batch& batch,
                                     const std::vector<Statement>& statements) -> Result<CommitAnswer> {
    const auto write = [&](Tables& tables) -> Result<CommitAnswer> {
      const CommitAnswer fence{.database_now = core->options.now(), .lost = lost_shards(tables, batch)};
      if (!fence.lost.empty()) return fail(ErrorCode::ownership_lost, "the step's shard belongs to another owner");
      Result<CommitAnswer> written = core->write(tables, batch);
      if (written && core->options.step_committed) core->options.step_committed(batch, statements);
      return written;
    };
    return core->perform<CommitAnswer>("commit_step", true, write);
  };
  return std::unique_ptr<StepTransaction>(std::make_unique<MemoryStep>(commit, core_->options.sql));
}

void MemoryStore::stop() {
  const telemetry::MutexLock lock(core_->database->mutex);
  core_->stopped = true;
  // The process is gone for the others, as when its session ends in PostgreSQL.
  for (auto& [id, node] : core_->database->tables.nodes) {
    if (node.process == core_.get()) node.process = nullptr;
  }
}

}  // namespace orchestrator::store::memory
