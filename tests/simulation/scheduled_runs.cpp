#include "tests/simulation/scheduled_runs.hpp"

#include <algorithm>
#include <map>

#include "orchestrator/base/json.hpp"

namespace orchestrator::testing {
namespace {

constexpr Duration kPatience = std::chrono::seconds{20};
constexpr const char* kName = "planned";

}  // namespace

void ScheduledRuns::begin(Duration within) {
  service::ScheduleChange& change = change_.emplace();
  change.namespace_name = "default";
  change.name = kName;
  change.reserved = RunId{make_uuid7(cluster_.world.database_now(), ShardId{0}, random_.next())};
  schedule::Settings& settings = change.settings;
  settings.workflow = "shipment";
  settings.overlap = static_cast<schedule::Overlap>(random_.next() % 4);
  settings.missed = schedule::Missed::all;
  settings.missed_max = schedule::kMaxMissedStarts;
  const int count = 4 + static_cast<int>(random_.next() % 6);
  for (int i = 0; i < count; ++i) {
    const auto away = random_.next() % static_cast<std::uint64_t>(within.count());
    settings.at.push_back(cluster_.world.database_now() + Duration{static_cast<std::int64_t>(away)});
  }
  std::sort(settings.at.begin(), settings.at.end());
  settings.at.erase(std::unique(settings.at.begin(), settings.at.end()), settings.at.end());
  ask();
}

void ScheduledRuns::ask() {
  if (answered_) return;
  const auto names = cluster_.node_names();
  if (!names.empty()) {
    cluster_.call(names[random_.next() % names.size()], [this](service::Service& service) {
      service.schedules().change(*change_, [this](Result<runtime::ScheduleAnswer> answer) {
        if (answer) {
          answered_ = true;
        } else if (!error_traits(answer.error().code).retryable) {
          findings_.add("I-21", "the schedule was refused: " + answer.error().message);
        }
      });
    });
  }
  cluster_.world.post_at(cluster_.world.now() + kPatience, [this] { ask(); });
}

void ScheduledRuns::before_commit(const store::Batch& all) {
  if (all.schedule_slots.empty()) return;
  const auto& tables = cluster_.tables();
  const auto is_stale = [&](const store::ShardLease& lease) {
    return tables.owners[static_cast<std::size_t>(to_int(lease.shard))].epoch != lease.epoch;
  };
  std::vector<ShardId> stale;
  for (const auto& lease : all.leases) {
    if (is_stale(lease)) stale.push_back(lease.shard);
  }
  const store::Batch batch = store::without_shards(all, stale);
  for (const auto& slot : batch.schedule_slots) {
    const auto known = tables.schedule_slots.find({slot.shard, slot.schedule_id, slot.slot_at, slot.origin});
    const std::string name = "the slot " + to_rfc3339(slot.slot_at);
    if (known != tables.schedule_slots.end() && known->second.outcome != store::SlotOutcome::queued)
      findings_.add("I-21", name + " is decided a second time");
    if (slot.outcome != store::SlotOutcome::started) continue;
    const auto is_its_run = [&](const auto& row) { return row.header.id == *slot.run_id; };
    // The next slot may have cancelled it before it was written.
    const bool begins = std::any_of(batch.opened.begin(), batch.opened.end(), is_its_run) ||
                        std::any_of(batch.closed.begin(), batch.closed.end(), is_its_run);
    if (!begins) findings_.add("I-21", name + " started, but its run is not in that commit");
  }
}

bool ScheduledRuns::are_over() const {
  if (!change_) return true;
  const auto& tables = cluster_.tables();
  const bool waits = std::any_of(tables.schedule_slots.begin(), tables.schedule_slots.end(),
                                 [](const auto& slot) { return slot.second.outcome == store::SlotOutcome::queued; });
  const bool to_come = std::any_of(tables.schedules.begin(), tables.schedules.end(),
                                   [](const auto& row) { return row.second.progress.next_fire_at.has_value(); });
  return answered_ && !waits && !to_come;
}

void ScheduledRuns::check_ends() {
  if (!change_) return;
  const auto& tables = cluster_.tables();
  if (tables.schedules.size() != 1) {
    findings_.add("I-1", "the schedule was acknowledged and is gone");
    return;
  }
  std::map<std::string, int> runs;
  const auto count = [&](const RunHeader& header) {
    if (header.attributes && header.attributes->contains("slot")) ++runs[(*header.attributes)["slot"]];
  };
  for (const auto& [id, row] : tables.open) count(row.header);
  for (const auto& [id, row] : tables.closed) count(row.header);
  std::size_t decided = 0;
  std::size_t started = 0;
  for (const auto& [key, slot] : tables.schedule_slots) {
    ++decided;
    const bool is_started = slot.outcome == store::SlotOutcome::started;
    started += is_started ? 1 : 0;
    if (is_started && !tables.closed.contains(*slot.run_id) && !tables.open.contains(*slot.run_id))
      findings_.add("I-21", "the slot " + to_rfc3339(slot.slot_at) + " started a run that is nowhere");
  }
  std::size_t begun = 0;
  for (const auto& [slot, number] : runs) begun += static_cast<std::size_t>(number);
  if (begun != started)
    findings_.add("I-21", std::to_string(started) + " slots started " + std::to_string(begun) + " runs");
  const Timestamp created_at = tables.schedules.begin()->second.created_at;
  const auto due = std::count_if(change_->settings.at.begin(), change_->settings.at.end(),
                                 [&](Timestamp at) { return at > created_at; });
  if (decided != static_cast<std::size_t>(due))
    findings_.add("I-21", std::to_string(decided) + " of " + std::to_string(due) + " slots have an outcome");
}

}  // namespace orchestrator::testing
