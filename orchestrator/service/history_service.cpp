// History: committed journal rows, filled in for readers by replaying them.
#include <charconv>
#include <utility>

#include "orchestrator/base/json.hpp"
#include "orchestrator/core/history_items.hpp"
#include "orchestrator/service/engine_service.hpp"
#include "orchestrator/service/job_history.hpp"

namespace orchestrator::service {
namespace {

constexpr std::int32_t kRowsPerRead = 500;

}  // namespace

/// One request's way through the journal: from the first event, since later items lean on earlier ones.
struct EngineService::HistoryWalk {
  RunId run_id;
  EventId after = 0;  ///< the cursor: items up to this seq were shown
  std::int32_t limit = 0;
  EventId next_row = 1;
  std::unique_ptr<core::HistoryItems> items;
  HistoryPage page;
  Reply<HistoryPage> reply;
};

void EngineService::read_history(std::string namespace_name, RunId run_id, std::int32_t limit, std::string cursor,
                                 Reply<HistoryPage> reply) {
  // Shared by the callbacks of one walk, which follow each other.
  auto walk = std::make_shared<HistoryWalk>();
  walk->run_id = run_id;
  walk->limit = limit;
  if (!cursor.empty()) {
    const auto [end, error] = std::from_chars(cursor.data(), cursor.data() + cursor.size(), walk->after);
    if (error != std::errc{} || end != cursor.data() + cursor.size() || walk->after < 1) {
      reply(fail(ErrorCode::invalid_argument, "invalid-parameter", "not a cursor of this list"));
      return;
    }
  }
  walk->reply = std::move(reply);
  read_run(namespace_name, run_id, [this, walk](Result<RunReading> reading) {
    if (!reading) {
      walk->reply(std::move(reading).error());
      return;
    }
    if (reading->view.header.kind == RunKind::job) {
      show_job(*walk, reading->view);
      return;
    }
    const RunHeader header = reading->view.header;
    node_.definitions().find(header.namespace_name, header.workflow, header.version,
                             [this, walk, header](Result<runtime::FoundDefinition> found) {
                               if (!found) {
                                 walk->reply(std::move(found).error());
                                 return;
                               }
                               walk->items = std::make_unique<core::HistoryItems>(planner_, header, found->definition);
                               walk_history(walk);
                             });
  });
}

/// A job has a dozen events at most, made from its row.
void EngineService::show_job(HistoryWalk& walk, const store::RunView& view) {
  auto items = job_history(view);
  if (!items) {
    walk.reply(std::move(items).error());
    return;
  }
  for (Json& item : *items) {
    if (item.at("seq").get<EventId>() <= walk.after) continue;
    if (static_cast<std::int32_t>(walk.page.items.size()) == walk.limit) {
      walk.page.next_cursor = std::to_string(walk.page.items.back().at("seq").get<EventId>());
      break;
    }
    walk.page.items.push_back(std::move(item));
  }
  walk.reply(std::move(walk.page));
}

void EngineService::walk_history(std::shared_ptr<HistoryWalk> walk) {
  store_.read_journal(walk->run_id, walk->next_row, kRowsPerRead,
                      [this, walk](Result<std::vector<store::JournalRow>> rows) {
                        if (!rows) {
                          walk->reply(std::move(rows).error());
                          return;
                        }
                        for (const auto& row : *rows) {
                          auto events = decode_events(row.events, row.seq, row.at);
                          auto items = events ? walk->items->add(*events) : Result<std::vector<Json>>(events.error());
                          if (!items) {
                            walk->reply(std::move(items).error());
                            return;
                          }
                          for (auto& item : *items) {
                            const EventId seq = item.at("seq").get<EventId>();
                            if (seq <= walk->after) continue;
                            if (static_cast<std::int32_t>(walk->page.items.size()) == walk->limit) {
                              walk->page.next_cursor = std::to_string(walk->page.items.back().at("seq").get<EventId>());
                              walk->reply(std::move(walk->page));
                              return;
                            }
                            walk->page.items.push_back(std::move(item));
                          }
                          walk->next_row = row.seq + static_cast<EventId>(events->size());
                        }
                        if (rows->size() < static_cast<std::size_t>(kRowsPerRead)) {
                          walk->reply(std::move(walk->page));
                        } else {
                          walk_history(walk);
                        }
                      });
}

}  // namespace orchestrator::service
