// What operators did to a run or a schedule, written in the batch that has its effect.
#include <utility>

#include "orchestrator/base/json.hpp"
#include "orchestrator/runtime/shard_group.hpp"
#include "orchestrator/store/audit.hpp"

namespace orchestrator::runtime {
namespace {

/// Whoever sent it is not known any more, or never was anybody: a webhook, a transaction, a signal that lay here.
constexpr const char* kUnknownSender = "signal";

/// Tells which moment of the run it was: the events below `next_event_id` are its history until then.
std::string digest_of(const RunEntry& entry) {
  const RunHeader& header = entry.run.header();
  Json what = {{"run_id", header.id.str()},
               {"state", to_string(entry.run.state())},
               {"next_event_id", entry.run.next_event_id()},
               {"priority", header.priority}};
  what["run_at"] = header.run_at ? Json(to_micros(*header.run_at)) : Json();
  return store::audit_digest(what);
}

}  // namespace

std::string audit_digest_of(const store::ScheduleRow& row) {
  const auto& progress = row.progress;
  Json what = {{"schedule_id", row.schedule_id.str()}, {"settings", row.settings}};
  what["paused_at"] = progress.paused_at ? Json(to_micros(*progress.paused_at)) : Json();
  what["last_run_id"] = progress.last_run_id ? Json(progress.last_run_id->str()) : Json();
  return store::audit_digest(what);
}

std::optional<AuditEntry> ShardGroup::audit_of(std::optional<AuditEntry> asked, const RunEntry& entry) {
  if (asked) asked->before_hash = digest_of(entry);
  return asked;
}

AuditEntry ShardGroup::answer_audit(const RunEntry& entry, const store::SignalRow& signal) {
  AuditEntry audit;
  audit.namespace_name = signal.namespace_name;
  audit.caller = {signal.actor.empty() ? kUnknownSender : signal.actor, signal.sender};
  audit.action = "decision.answer";
  audit.target = entry.run.header().id.str();
  audit.reason = signal.name + " by signal " + signal.signal_id.str();
  audit.before_hash = digest_of(entry);
  return audit;
}

void ShardGroup::write_audit(std::optional<AuditEntry> audit, const RunEntry& entry, Pending& out) {
  if (!audit) return;
  audit->after_hash = digest_of(entry);
  out.batch.audit.push_back({shard_of(entry.run.header().id), *std::move(audit)});
}

void ShardGroup::write_audit(std::optional<AuditEntry> audit, const store::ScheduleRow& after, Pending& out) {
  if (!audit) return;
  if (audit->action != "schedule.remove") audit->after_hash = audit_digest_of(after);
  out.batch.audit.push_back({after.shard, *std::move(audit)});
}

}  // namespace orchestrator::runtime
