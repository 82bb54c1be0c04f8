// Queues: their figures over all nodes, and what operators say about them.
#include <utility>

#include "orchestrator/service/engine_service.hpp"
#include "orchestrator/service/queues.hpp"
#include "orchestrator/store/queue_settings.hpp"

namespace orchestrator::service {
namespace {

QueueItem item_of(const runtime::QueueFigures& figures) {
  QueueItem item;
  item.name = figures.name;
  item.depth = figures.depth;
  item.in_flight = figures.in_flight;
  item.oldest_ready_age_seconds = std::chrono::duration<double>(figures.oldest_ready_age).count();
  item.rate_per_second = static_cast<double>(figures.begun_lately) / runtime::kRateWindowSeconds;
  item.paused = figures.rules.paused;
  if (item.paused) item.paused_at = figures.rules.paused_at;
  item.limits = figures.rules.limits;
  for (const auto& worker : figures.workers) item.workers.push_back({worker.worker_id, worker.in_flight});
  return item;
}

}  // namespace

void EngineService::list_queues(std::string namespace_name, Reply<QueuePage> reply) {
  owners_.list_queues(namespace_name, [reply = std::move(reply)](Result<runtime::QueueList> list) {
    if (!list) return reply(list.error());
    QueuePage page;
    for (const auto& figures : list->queues) page.items.push_back(item_of(figures));
    page.missing_nodes = std::move(list->missing);
    reply(std::move(page));
  });
}

void EngineService::change_queue(ChangeQueue request, Reply<QueueSettings> reply) {
  store::QueueSettingsChange change{.namespace_name = std::move(request.namespace_name),
                                    .name = std::move(request.name),
                                    .limits = request.limits,
                                    .paused = request.paused,
                                    .reason = std::move(request.reason)};
  const char* action = !change.paused ? "queue.limits" : *change.paused ? "queue.pause" : "queue.resume";
  change.audit = audited(change.namespace_name, std::move(request.caller), action, change.name, change.reason);
  store_.change_queue_settings(
      std::move(change), [this, reply = std::move(reply)](const Result<store::QueueSettingsRow>& row) {
        if (!row) return reply(row.error());
        // Here at once, elsewhere in a moment, and within a second where this call is lost.
        node_.queues().learn(*row);
        owners_.tell_queues_changed();
        reply(QueueSettings{row->name, row->paused, row->reason, row->paused_at, row->changed_at, row->limits});
      });
}

}  // namespace orchestrator::service
