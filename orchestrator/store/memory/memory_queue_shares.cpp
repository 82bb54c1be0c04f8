#include "orchestrator/store/memory/memory_database.hpp"

namespace orchestrator::store::memory {

std::vector<QueueShareAnswer> exchange_queue_shares(Tables& tables, const NodeId& node,
                                                    const std::vector<QueueShareAsk>& asks, Timestamp now) {
  LedgerMoment moment{.now = now, .version = ++tables.queue_exchanges, .alive = {}, .remembered = {}};
  for (const auto& [id, entry] : tables.nodes) {
    if (!entry.row.performs_steps()) continue;
    if (entry.row.lease_until >= now) moment.alive.insert(id);
    if (entry.row.lease_until + kShareGrace >= now) moment.remembered.insert(id);
  }
  std::vector<QueueShareAnswer> answers;
  for (const auto& ask : asks) {
    const Tables::NamePair key{ask.namespace_name, ask.queue};
    const auto settings = tables.queue_settings.find(key);
    const QueueLimits limits = settings == tables.queue_settings.end() ? QueueLimits{} : settings->second.limits;
    answers.push_back(settle(tables.queue_ledgers[key], limits, node, ask, moment));
  }
  return answers;
}

std::vector<QueueShareRow> list_queue_shares(const Tables& tables, const NodeId& node) {
  std::vector<QueueShareRow> shares;
  for (const auto& [key, ledger] : tables.queue_ledgers) {
    const auto own = ledger.shares.find(node);
    if (own == ledger.shares.end()) continue;
    shares.push_back({.namespace_name = key.first,
                      .queue = key.second,
                      .held = own->second.held,
                      .version = own->second.version,
                      .is_wanted_by_others = is_wanted_by_others(ledger, node)});
  }
  return shares;
}

}  // namespace orchestrator::store::memory
