#include "orchestrator/app/watched_store.hpp"

#include <algorithm>
#include <utility>

#include "orchestrator/store/event_feed.hpp"
#include "orchestrator/store/queue_ledger.hpp"
#include "orchestrator/store/queue_settings.hpp"

namespace orchestrator::app {

using store::Done;
using store::Store;

template <typename T>
void WatchedStore::pass(const std::function<void(Store&, Done<T>)>& call, Done<T> done) {
  if (!*life_) return;
  Result<T> answer = await_answer<T>([&](Done<T> told) { call(*inner_, std::move(told)); });
  world_.post_at(world_.now(), VirtualWorld::Purpose::work,
                 [life = life_, done = std::move(done), answer = std::move(answer)]() mutable {
                   if (*life) done(std::move(answer));
                 });
}

void WatchedStore::commit(std::int32_t lane, std::shared_ptr<const store::Batch> batch,
                          Done<store::CommitAnswer> done) {
  if (!*life_) return;
  auto watched = std::make_shared<store::Batch>(*batch);
  watch_.committing(*watched);
  Result<store::CommitAnswer> answer =
      await_answer<store::CommitAnswer>([&](Done<store::CommitAnswer> told) { inner_->commit(lane, watched, told); });
  if (answer) {
    answer->database_now = world_.database_now();
    watch_.committed();
  }
  world_.post_at(world_.now(), VirtualWorld::Purpose::work,
                 [life = life_, done = std::move(done), answer = std::move(answer)]() mutable {
                   if (*life) done(std::move(answer));
                 });
}

void WatchedStore::heartbeat(store::NodeRow node, std::chrono::milliseconds lease, Done<store::HeartbeatAnswer> done) {
  const Done<store::HeartbeatAnswer> timed = [this, done = std::move(done)](Result<store::HeartbeatAnswer> answer) {
    if (answer) answer->database_now = world_.database_now();
    done(std::move(answer));
  };
  pass<store::HeartbeatAnswer>([&](Store& inner, auto told) { inner.heartbeat(node, lease, told); }, timed);
}

void WatchedStore::find_definition(std::string namespace_name, std::string name, std::int32_t version,
                                   Done<store::DefinitionRow> done) {
  if (!watch_.knows(name)) return;
  pass<store::DefinitionRow>(
      [&](Store& inner, auto told) { inner.find_definition(namespace_name, name, version, told); }, std::move(done));
}

// ---- passed on as they are ---------------------------------------------------------------------------------------

void WatchedStore::find_data_error(std::shared_ptr<const store::Batch> batch, Done<store::DataError> done) {
  pass<store::DataError>([&](Store& inner, auto told) { inner.find_data_error(batch, told); }, std::move(done));
}

void WatchedStore::load(store::LoadRequest request, Done<store::LoadAnswer> done) {
  pass<store::LoadAnswer>([&](Store& inner, auto told) { inner.load(request, told); }, std::move(done));
}

void WatchedStore::take_over(NodeId node, std::vector<ShardId> shards, Done<std::vector<store::ShardLease>> done) {
  pass<std::vector<store::ShardLease>>([&](Store& inner, auto told) { inner.take_over(node, shards, told); },
                                       std::move(done));
}

void WatchedStore::hand_over(NodeId node, std::vector<store::ShardLease> shards, Done<void> done) {
  pass<void>([&](Store& inner, auto told) { inner.hand_over(node, shards, told); }, std::move(done));
}

void WatchedStore::leave(NodeId node, Done<void> done) {
  pass<void>([&](Store& inner, auto told) { inner.leave(node, told); }, std::move(done));
}

void WatchedStore::recover(store::ShardLease lease, Timestamp horizon, Done<store::Recovery> done) {
  pass<store::Recovery>([&](Store& inner, auto told) { inner.recover(lease, horizon, told); }, std::move(done));
}

void WatchedStore::was_committed(std::shared_ptr<const store::Batch> batch, Done<bool> done) {
  pass<bool>([&](Store& inner, auto told) { inner.was_committed(batch, told); }, std::move(done));
}

void WatchedStore::send(std::vector<store::InboxRow> messages, Done<void> done) {
  pass<void>([&](Store& inner, auto told) { inner.send(messages, told); }, std::move(done));
}

void WatchedStore::read_inbox(std::vector<ShardId> shards, std::int32_t limit, Done<store::InboxRead> done) {
  pass<store::InboxRead>([&](Store& inner, auto told) { inner.read_inbox(shards, limit, told); }, std::move(done));
}

void WatchedStore::due_runs(std::vector<ShardId> shards, Timestamp until, std::int32_t limit,
                            Done<std::vector<store::DueRun>> done) {
  pass<std::vector<store::DueRun>>([&](Store& inner, auto told) { inner.due_runs(shards, until, limit, told); },
                                   std::move(done));
}

void WatchedStore::expired_signals(std::vector<ShardId> shards, Timestamp now, std::int32_t limit,
                                   Done<std::vector<store::SignalRow>> done) {
  pass<std::vector<store::SignalRow>>([&](Store& inner, auto told) { inner.expired_signals(shards, now, limit, told); },
                                      std::move(done));
}

void WatchedStore::create_namespace(std::string name, std::optional<AuditEntry> audit,
                                    Done<store::CreatedNamespace> done) {
  pass<store::CreatedNamespace>([&](Store& inner, auto told) { inner.create_namespace(name, audit, told); },
                                std::move(done));
}

void WatchedStore::list_namespaces(Done<std::vector<store::NamespaceRow>> done) {
  pass<std::vector<store::NamespaceRow>>([&](Store& inner, auto told) { inner.list_namespaces(told); },
                                         std::move(done));
}

void WatchedStore::change_queue_settings(store::QueueSettingsChange change, Done<store::QueueSettingsRow> done) {
  pass<store::QueueSettingsRow>([&](Store& inner, auto told) { inner.change_queue_settings(change, told); },
                                std::move(done));
}

void WatchedStore::list_queue_settings(std::int64_t after_revision, Done<std::vector<store::QueueSettingsRow>> done) {
  pass<std::vector<store::QueueSettingsRow>>(
      [&](Store& inner, auto told) { inner.list_queue_settings(after_revision, told); }, std::move(done));
}

void WatchedStore::exchange_queue_shares(NodeId node, std::vector<store::QueueShareAsk> asks,
                                         Done<std::vector<store::QueueShareAnswer>> done) {
  pass<std::vector<store::QueueShareAnswer>>(
      [&](Store& inner, auto told) { inner.exchange_queue_shares(node, asks, told); }, std::move(done));
}

void WatchedStore::list_queue_shares(NodeId node, Done<std::vector<store::QueueShareRow>> done) {
  pass<std::vector<store::QueueShareRow>>([&](Store& inner, auto told) { inner.list_queue_shares(node, told); },
                                          std::move(done));
}

void WatchedStore::deploy(store::DeployRequest request, Done<store::DeployAnswer> done) {
  pass<store::DeployAnswer>([&](Store& inner, auto told) { inner.deploy(request, told); }, std::move(done));
}

void WatchedStore::list_workflows(std::string namespace_name, Done<std::vector<store::WorkflowSummary>> done) {
  pass<std::vector<store::WorkflowSummary>>(
      [&](Store& inner, auto told) { inner.list_workflows(namespace_name, told); }, std::move(done));
}

void WatchedStore::find_run(RunId run_id, Done<store::RunView> done) {
  pass<store::RunView>([&](Store& inner, auto told) { inner.find_run(run_id, told); }, std::move(done));
}

void WatchedStore::list_runs(store::RunFilter filter, Done<store::RunPage> done) {
  pass<store::RunPage>([&](Store& inner, auto told) { inner.list_runs(filter, told); }, std::move(done));
}

void WatchedStore::read_journal(RunId run_id, EventId from, std::int32_t limit,
                                Done<std::vector<store::JournalRow>> done) {
  pass<std::vector<store::JournalRow>>([&](Store& inner, auto told) { inner.read_journal(run_id, from, limit, told); },
                                       std::move(done));
}

void WatchedStore::put_calendar(store::CalendarRow row, std::optional<AuditEntry> audit,
                                Done<store::PutCalendar> done) {
  pass<store::PutCalendar>([&](Store& inner, auto told) { inner.put_calendar(row, audit, told); }, std::move(done));
}

void WatchedStore::keep_feed_open(std::chrono::seconds length, store::Done<store::FeedPlace> done) {
  pass<store::FeedPlace>([&](Store& inner, auto told) { inner.keep_feed_open(length, told); }, std::move(done));
}

void WatchedStore::read_feed(store::FeedRead read, store::Done<store::FeedPage> done) {
  pass<store::FeedPage>([&](Store& inner, auto told) { inner.read_feed(read, told); }, std::move(done));
}

void WatchedStore::find_calendar(std::string namespace_name, std::string name, Done<store::CalendarRow> done) {
  pass<store::CalendarRow>([&](Store& inner, auto told) { inner.find_calendar(namespace_name, name, told); },
                           std::move(done));
}

void WatchedStore::list_calendars(std::string namespace_name, Done<std::vector<store::CalendarRow>> done) {
  pass<std::vector<store::CalendarRow>>([&](Store& inner, auto told) { inner.list_calendars(namespace_name, told); },
                                        std::move(done));
}

void WatchedStore::delete_calendar(std::string namespace_name, std::string name, std::optional<AuditEntry> audit,
                                   Done<void> done) {
  pass<void>([&](Store& inner, auto told) { inner.delete_calendar(namespace_name, name, audit, told); },
             std::move(done));
}

void WatchedStore::list_calendar_users(store::CalendarUserFilter filter, Done<std::vector<store::CalendarUser>> done) {
  pass<std::vector<store::CalendarUser>>([&](Store& inner, auto told) { inner.list_calendar_users(filter, told); },
                                         std::move(done));
}

void WatchedStore::find_signal(SignalId signal_id, Done<store::SignalRow> done) {
  pass<store::SignalRow>([&](Store& inner, auto told) { inner.find_signal(signal_id, told); }, std::move(done));
}

void WatchedStore::list_signals(store::SignalFilter filter, Done<store::SignalPage> done) {
  pass<store::SignalPage>([&](Store& inner, auto told) { inner.list_signals(filter, told); }, std::move(done));
}

void WatchedStore::find_schedule(store::ScheduleRef ref, Done<store::ScheduleRow> done) {
  pass<store::ScheduleRow>([&](Store& inner, auto told) { inner.find_schedule(ref, told); }, std::move(done));
}

void WatchedStore::list_schedules(store::ScheduleFilter filter, Done<store::SchedulePage> done) {
  pass<store::SchedulePage>([&](Store& inner, auto told) { inner.list_schedules(filter, told); }, std::move(done));
}

void WatchedStore::list_schedule_slots(store::SlotFilter filter, Done<store::SlotPage> done) {
  pass<store::SlotPage>([&](Store& inner, auto told) { inner.list_schedule_slots(filter, told); }, std::move(done));
}

void WatchedStore::find_schedule_slots(ShardId shard, store::ScheduleId schedule_id, std::vector<Timestamp> slots,
                                       Done<std::vector<store::ScheduleSlotRow>> done) {
  pass<std::vector<store::ScheduleSlotRow>>(
      [&](Store& inner, auto told) { inner.find_schedule_slots(shard, schedule_id, slots, told); }, std::move(done));
}

void WatchedStore::read_dead_letter_trails(std::vector<RunId> runs, std::int32_t rows,
                                           Done<std::vector<store::DeadLetterTrail>> done) {
  pass<std::vector<store::DeadLetterTrail>>(
      [&](Store& inner, auto told) { inner.read_dead_letter_trails(runs, rows, told); }, std::move(done));
}

void WatchedStore::discard_dead_letter(store::DiscardRequest request, Done<void> done) {
  pass<void>([&](Store& inner, auto told) { inner.discard_dead_letter(request, told); }, std::move(done));
}

void WatchedStore::list_audit(store::AuditFilter filter, Done<store::AuditPage> done) {
  pass<store::AuditPage>([&](Store& inner, auto told) { inner.list_audit(filter, told); }, std::move(done));
}

void WatchedStore::check_ready(Done<void> done) {
  pass<void>([&](Store& inner, auto told) { inner.check_ready(told); }, std::move(done));
}

void WatchedStore::keep_partitions(Done<void> done) {
  pass<void>([&](Store& inner, auto told) { inner.keep_partitions(told); }, std::move(done));
}

}  // namespace orchestrator::app
