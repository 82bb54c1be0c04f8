#include <algorithm>

#include "orchestrator/base/json.hpp"
#include "orchestrator/store/audited_actions.hpp"
#include "orchestrator/store/memory/memory_database.hpp"

namespace orchestrator::store::memory {
namespace {

RunView view_of(const OpenRunRow& row) {
  RunView view;
  view.header = row.header;
  view.state = row.progress.state;
  view.waiting_on = shown_waiting_on(row.header, row.progress.waiting_on);
  view.attempts = row.progress.attempts;
  if (row.header.kind != RunKind::job || row.progress.job_state) view.started_at = row.progress.started_at;
  view.wake_at = row.progress.wake_at;
  view.job_state = row.progress.job_state;
  return view;
}

RunView view_of(const Tables& tables, const ClosedRunRow& row) {
  RunView view;
  view.header = row.header;
  view.state = row.state;
  view.output = row.output;
  view.error = row.error;
  view.cause = row.cause;
  view.attempts = row.attempts;
  view.started_at = row.started_at;
  view.closed_at = row.closed_at;
  view.dead_letter = row.dead_letter;
  view.successor_run_id = row.successor_run_id;
  view.job_state = row.job_state;
  if (const auto found = tables.discarded.find(row.header.id); found != tables.discarded.end())
    view.discarded = found->second;
  return view;
}

bool has_attributes(const RunHeader& header, const std::map<std::string, std::string>& wanted) {
  const Json& attributes = json_of(header.attributes);
  return std::all_of(wanted.begin(), wanted.end(), [&](const auto& entry) {
    const auto value = parse_json(entry.second);
    return value && attributes.is_object() && attributes.contains(entry.first) && attributes[entry.first] == *value;
  });
}

bool waits_for(const RunView& view, const std::string& kind) {
  const auto items = parse_json(view.waiting_on);
  if (!items || !items->is_array()) return false;
  return std::any_of(items->begin(), items->end(),
                     [&](const Json& item) { return string_member(item, "kind") == kind; });
}

/// Whether a member of an open run's waiting_on is this text.
bool waits_at(const RunView& view, const char* member, const std::string& text) {
  const auto items = is_closed(view.state) ? Result<Json>(Json::array()) : parse_json(view.waiting_on);
  if (!items || !items->is_array()) return false;
  return std::any_of(items->begin(), items->end(),
                     [&](const Json& item) { return string_member(item, member) == text; });
}

bool matches(const RunView& view, const RunFilter& filter) {
  const RunHeader& header = view.header;
  const std::string key = header.key.value_or("");
  const auto starts = [&](const std::string& text) { return text.starts_with(filter.text); };
  const bool is_state =
      filter.states.empty() || std::find(filter.states.begin(), filter.states.end(), view.state) != filter.states.end();
  return header.namespace_name == filter.namespace_name && is_state &&
         (filter.workflow.empty() || header.workflow == filter.workflow) &&
         (!filter.version || header.version == *filter.version) && (filter.key.empty() || header.key == filter.key) &&
         (filter.error.empty() || view.error == filter.error) &&
         (filter.waiting_on.empty() || waits_for(view, filter.waiting_on)) &&
         (!filter.parent_run_id || header.parent_run_id == filter.parent_run_id) &&
         has_attributes(header, filter.attributes) &&
         (!filter.started_after || header.created_at > *filter.started_after) &&
         (!filter.started_before || header.created_at < *filter.started_before) &&
         (filter.text.empty() || starts(header.id.str()) || starts(key) || starts(header.workflow)) &&
         (filter.queue.empty() || header.queue == filter.queue || waits_at(view, "queue", filter.queue)) &&
         (filter.handler.empty() || (header.kind == RunKind::job && header.workflow == filter.handler) ||
          waits_at(view, "handler", filter.handler)) &&
         (!filter.only_dead_letters || view.dead_letter == DeadLetter::open);
}

/// Both cursors are the id of the last item of the page before.
template <typename Id>
Result<std::optional<Id>> parse_cursor(const std::string& cursor) {
  if (cursor.empty()) return std::optional<Id>{};
  auto id = Id::parse(cursor);
  if (!id) return fail(ErrorCode::invalid_argument, "invalid-parameter", "not a cursor of this list");
  return std::optional<Id>{*id};
}

}  // namespace

Result<RunView> find_run(const Tables& tables, RunId run_id) {
  if (const auto open = tables.open.find(run_id); open != tables.open.end()) return view_of(open->second);
  if (const auto closed = tables.closed.find(run_id); closed != tables.closed.end()) {
    return view_of(tables, closed->second);
  }
  if (auto promised = find_promised_run(tables, run_id)) return *std::move(promised);
  return fail(ErrorCode::not_found, "no such run");
}

Result<RunPage> list_runs(const Tables& tables, const RunFilter& filter) {
  auto before = parse_cursor<RunId>(filter.cursor);
  if (!before) return std::move(before).error();
  std::vector<RunView> found;
  const auto consider = [&](RunView view) {
    if (*before && !(view.header.id < **before)) return;
    if (!matches(view, filter)) return;
    // Lists leave out what may be large.
    view.header.input = nullptr;
    view.output = nullptr;
    view.job_state.reset();
    found.push_back(std::move(view));
  };
  for (const auto& [id, row] : tables.open) consider(view_of(row));
  for (const auto& [id, row] : tables.closed) consider(view_of(tables, row));
  for (RunView& view : promised_runs(tables)) consider(std::move(view));
  std::sort(found.begin(), found.end(), [](const RunView& a, const RunView& b) { return b.header.id < a.header.id; });

  RunPage page;
  const bool has_more = found.size() > static_cast<std::size_t>(filter.limit);
  if (has_more) found.resize(static_cast<std::size_t>(filter.limit));
  page.items = std::move(found);
  if (has_more) page.next_cursor = page.items.back().header.id.str();
  return page;
}

std::vector<JournalRow> read_journal(const Tables& tables, RunId run_id, EventId from, std::int32_t limit) {
  std::vector<JournalRow> rows;
  const auto journal = tables.journal.find(run_id);
  if (journal == tables.journal.end()) return rows;
  for (auto row = journal->second.lower_bound(from); row != journal->second.end(); ++row) {
    if (rows.size() == static_cast<std::size_t>(limit)) break;
    rows.push_back(row->second);
  }
  return rows;
}

std::vector<DeadLetterTrail> read_dead_letter_trails(const Tables& tables, const std::vector<RunId>& runs,
                                                     std::int32_t rows) {
  std::vector<DeadLetterTrail> trails(runs.size());
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (const auto closed = tables.closed.find(runs[i]); closed != tables.closed.end()) {
      trails[i].job_state = closed->second.job_state;
    }
    const auto journal = tables.journal.find(runs[i]);
    if (journal == tables.journal.end()) continue;
    auto row = journal->second.end();
    for (std::int32_t left = rows; left > 0 && row != journal->second.begin(); --left) --row;
    for (; row != journal->second.end(); ++row) trails[i].journal.push_back(row->second);
  }
  return trails;
}

Status discard_dead_letter(Tables& tables, const DiscardRequest& request, Timestamp now) {
  const auto found = tables.closed.find(request.run_id);
  if (found == tables.closed.end() || found->second.header.namespace_name != request.namespace_name ||
      found->second.dead_letter != DeadLetter::open) {
    return fail(ErrorCode::precondition_failed, "wrong-state", "the run is not a dead letter that waits for anybody");
  }
  found->second.dead_letter = DeadLetter::discarded;
  tables.discarded[request.run_id] =
      dump_json(Json{{"reason", request.reason}, {"actor", request.actor}, {"at", to_rfc3339(now)}});
  append_audit(tables, to_int(shard_of(request.run_id)), discard_audit(request), now);
  return {};
}

}  // namespace orchestrator::store::memory
