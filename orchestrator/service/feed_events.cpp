#include "orchestrator/service/feed_events.hpp"

#include <algorithm>
#include <utility>

#include "orchestrator/base/json.hpp"
#include "orchestrator/service/job_history.hpp"

namespace orchestrator::service {
namespace {

constexpr std::int32_t kRowsPerRead = 500;

/// A page on its way to events: run after run, each from its history.
struct PageWalk {
  FeedParts parts;
  FeedPosition position;
  store::FeedPage page;
  std::set<std::string> namespaces;
  std::function<void(Result<std::vector<RunEventPtr>>)> done;

  std::vector<RunId> runs;                    ///< to look at, last first
  std::map<RunId, std::set<EventId>> wanted;  ///< rows of each
  std::map<RunId, RunHeader> headers;         ///< of those whose events are told
  std::map<std::pair<RunId, EventId>, std::vector<Json>> items;
  std::unique_ptr<RunReplay> replay;  ///< of the run in hand
};
using WalkPtr = std::shared_ptr<PageWalk>;  // shared by callbacks that follow each other

void next_run(const WalkPtr& walk);

void put_bounded(Json& data, const std::string& name, const Json& value, Json& left_out) {
  const bool is_long = value.is_structured() || value.is_string();
  if (is_long && dump_json(value).size() > kMaxStreamedValueBytes) {
    left_out.push_back(name);
  } else {
    data[name] = value;
  }
}

std::string data_of(const RunHeader& header, const std::optional<RunState>& state, const Json& item) {
  Json data = Json::object();
  Json left_out = Json::array();
  for (const auto& [name, value] : item.items()) put_bounded(data, name, value, left_out);
  if (!left_out.empty()) data["left_out"] = std::move(left_out);
  Json run = Json::object();
  run["run_id"] = header.id.str();
  run["kind"] = std::string(to_string(header.kind));
  run["workflow"] = header.workflow;
  run["version"] = header.version;
  run["key"] = header.key ? Json(*header.key) : Json(nullptr);
  run["state"] = state ? Json(std::string(to_string(*state))) : Json(nullptr);
  data["run"] = std::move(run);
  return dump_json(data);
}

void append_events(const PageWalk& walk, FeedPosition here, const store::FeedEntry& entry,
                   std::vector<RunEventPtr>& events) {
  const auto header = walk.headers.find(entry.run_id);
  const auto items = walk.items.find({entry.run_id, entry.seq});
  if (header == walk.headers.end() || items == walk.items.end()) return;
  const bool is_first = here.batch == walk.position.batch && here.entry == walk.position.entry;
  for (const Json& item : items->second) {
    ++here.event;
    if (is_first && here.event <= walk.position.event) continue;
    const auto type = parse_event_type(string_member(item, "type"));
    if (!type) continue;
    auto event = std::make_shared<RunEvent>();
    event->id = here.text();
    event->namespace_name = header->second.namespace_name;
    event->workflow = header->second.workflow;
    event->type = *type;
    event->state = state_told_by(*type);
    event->data = data_of(header->second, event->state, item);
    events.push_back(std::move(event));
  }
}

/// Two batches of one run can be in one page against their order: the one with a handler's own transaction got its
/// number early. Each run's entries are put into their order; all else stays where it is.
void order_entries(store::FeedPage& page) {
  std::map<RunId, std::vector<EventId>> seqs;
  for (const auto& batch : page.batches) {
    for (const auto& entry : batch.entries) {
      if (entry.seq > 0) seqs[entry.run_id].push_back(entry.seq);
    }
  }
  for (auto& [run_id, list] : seqs) std::sort(list.rbegin(), list.rend());
  for (auto& batch : page.batches) {
    for (auto& entry : batch.entries) {
      if (entry.seq == 0) continue;
      auto& list = seqs.at(entry.run_id);
      entry.seq = list.back();
      list.pop_back();
    }
  }
}

void finish(const WalkPtr& walk) {
  std::vector<RunEventPtr> events;
  FeedPosition here;
  here.after = walk->position.after;
  here.until = walk->page.until;
  for (const auto& batch : walk->page.batches) {
    here.batch = batch.number;
    here.entry = 0;
    for (const auto& entry : batch.entries) {
      const bool is_behind = here.batch == walk->position.batch && here.entry < walk->position.entry;
      if (!is_behind) append_events(*walk, here, entry, events);
      ++here.entry;
    }
  }
  walk->done(std::move(events));
}

/// Reads on in the journal of the run in hand, up to the last row that is wanted.
void read_rows(const WalkPtr& walk) {
  const RunId run_id = walk->replay->header.id;
  walk->parts.store.read_journal(
      run_id, walk->replay->next_row, kRowsPerRead, [walk, run_id](Result<std::vector<store::JournalRow>> rows) {
        if (!rows) return walk->done(std::move(rows).error());
        const std::set<EventId>& wanted = walk->wanted.at(run_id);
        const EventId last = *wanted.rbegin();
        for (const auto& row : *rows) {
          if (row.seq > last) break;
          const auto events = decode_events(row.events, row.seq, row.at);
          auto items = events ? walk->replay->items->add(*events) : Result<std::vector<Json>>(events.error());
          // A history that cannot be told must not keep the others from being told.
          if (!items) return next_run(walk);
          walk->replay->next_row = row.seq + static_cast<EventId>(events->size());
          if (wanted.contains(row.seq)) walk->items[{run_id, row.seq}] = *std::move(items);
        }
        if (rows->size() == static_cast<std::size_t>(kRowsPerRead) && walk->replay->next_row <= last) {
          return read_rows(walk);
        }
        walk->parts.replays.put(std::move(walk->replay));
        next_run(walk);
      });
}

void show_job(PageWalk& walk, const store::RunView& view) {
  auto items = job_history(view);
  if (!items || items->empty()) return;
  const RunId& run_id = view.header.id;
  for (const EventId seq : walk.wanted.at(run_id)) {
    if (seq == 0 && !is_closed(view.state)) continue;
    walk.items[{run_id, seq}] = {seq == 0 ? items->back() : items->front()};
  }
}

void begin_replay(const WalkPtr& walk, const RunHeader& header) {
  walk->parts.definitions.find(
      header.namespace_name, header.workflow, header.version, [walk, header](Result<runtime::FoundDefinition> found) {
        if (!found) return next_run(walk);
        walk->replay = std::make_unique<RunReplay>();
        walk->replay->header = header;
        walk->replay->items = std::make_unique<core::HistoryItems>(walk->parts.planner, header, found->definition);
        read_rows(walk);
      });
}

void next_run(const WalkPtr& walk) {
  walk->replay.reset();
  if (walk->runs.empty()) return finish(walk);
  const RunId run_id = walk->runs.back();
  walk->runs.pop_back();
  walk->replay = walk->parts.replays.take(run_id, *walk->wanted.at(run_id).begin());
  if (walk->replay) {
    if (!walk->namespaces.contains(walk->replay->header.namespace_name)) return next_run(walk);
    walk->headers.emplace(run_id, walk->replay->header);
    return read_rows(walk);
  }
  walk->parts.store.find_run(run_id, [walk](Result<store::RunView> view) {
    // Retention may have been quicker.
    if (!view && view.error().code == ErrorCode::not_found) return next_run(walk);
    if (!view) return walk->done(std::move(view).error());
    const RunHeader& header = view->header;
    if (!walk->namespaces.contains(header.namespace_name)) return next_run(walk);
    walk->headers.emplace(header.id, header);
    if (header.kind == RunKind::job) {
      show_job(*walk, *view);
      return next_run(walk);
    }
    begin_replay(walk, header);
  });
}

}  // namespace

std::unique_ptr<RunReplay> RunReplays::take(const RunId& run_id, EventId row) {
  const telemetry::MutexLock lock(mutex_);
  const auto found = kept_.find(run_id);
  if (found == kept_.end()) return nullptr;
  auto replay = std::move(found->second);
  kept_.erase(found);
  std::erase(order_, run_id);
  if (replay->next_row > row) return nullptr;
  return replay;
}

void RunReplays::put(std::unique_ptr<RunReplay> replay) {
  const RunId run_id = replay->header.id;
  const telemetry::MutexLock lock(mutex_);
  if (!kept_.insert_or_assign(run_id, std::move(replay)).second) std::erase(order_, run_id);
  order_.push_back(run_id);
  if (order_.size() <= kMaxKeptReplays) return;
  kept_.erase(order_.front());
  order_.pop_front();
}

std::optional<RunState> state_told_by(EventType type) {
  switch (type) {
    case EventType::ExecutionStarted:
    case EventType::TaskScheduled:
    case EventType::InquiryScheduled:
    case EventType::RunRetried: return RunState::ready;
    case EventType::TaskStarted:
    case EventType::InquiryStarted: return RunState::running;
    case EventType::WaitStateEntered:
    case EventType::SignalAwaited:
    case EventType::ChildRequested: return RunState::waiting;
    case EventType::RunPaused: return RunState::paused;
    case EventType::ExecutionSucceeded: return RunState::succeeded;
    case EventType::ExecutionFailed: return RunState::failed;
    case EventType::ExecutionTimedOut: return RunState::timed_out;
    case EventType::ExecutionAborted: return RunState::cancelled;
    default: return std::nullopt;
  }
}

void events_of(FeedParts parts, FeedPosition position, store::FeedPage page, std::set<std::string> namespaces,
               std::function<void(Result<std::vector<RunEventPtr>>)> done) {
  auto walk = std::make_shared<PageWalk>(PageWalk{.parts = parts,
                                                  .position = std::move(position),
                                                  .page = std::move(page),
                                                  .namespaces = std::move(namespaces),
                                                  .done = std::move(done),
                                                  .runs = {},
                                                  .wanted = {},
                                                  .headers = {},
                                                  .items = {},
                                                  .replay = {}});
  order_entries(walk->page);
  for (const auto& batch : walk->page.batches) {
    for (const auto& entry : batch.entries) walk->wanted[entry.run_id].insert(entry.seq);
  }
  if (!walk->namespaces.empty()) {
    for (const auto& [run_id, seqs] : walk->wanted) walk->runs.push_back(run_id);
  }
  next_run(walk);
}

}  // namespace orchestrator::service
