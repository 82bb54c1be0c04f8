#include "orchestrator/app/top_json.hpp"

#include "orchestrator/app/top_change.hpp"

namespace orchestrator::app {
namespace {

Json number_or_null(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

Json rates(const TopChange& change) {
  const auto rate = [&](std::string_view name, const Labels& labels = {}) {
    return number_or_null(change.rate(name, labels));
  };
  constexpr std::string_view kClosed = "orchestrator_runs_closed_total";
  return {{"runs_started", rate("orchestrator_runs_started_total")},
          {"runs_succeeded", rate(kClosed, {{"state", "succeeded"}})},
          {"runs_failed", rate(kClosed, {{"state", "failed"}})},
          {"attempts", rate("orchestrator_steps_total")},
          {"attempts_failed", rate("orchestrator_steps_total", {{"outcome", "failed"}})},
          {"http_requests", rate("orchestrator_http_requests_total")},
          {"http_server_errors", number_or_null(change.server_errors())},
          {"commits", rate("orchestrator_store_commits_total", {{"outcome", "committed"}})}};
}

Json percentiles(const TopChange& change) {
  const auto slow = [&](std::string_view name) { return number_or_null(change.slow(name)); };
  return {{"pickup", slow("orchestrator_step_pickup_seconds")},
          {"timer_lag", slow("orchestrator_timer_lag_seconds")},
          {"http", slow("orchestrator_http_request_seconds")},
          {"commit", slow("orchestrator_store_commit_seconds")}};
}

Json nodes(const TopReading& now, const TopChange& change) {
  Json all = Json::array();
  for (const TopNode& node : now.nodes) {
    Json one{
        {"node_id", node.node_id}, {"url", node.url}, {"shards", node.shards}, {"answers", node.metrics.has_value()}};
    if (node.metrics) {
      const MetricsText& metrics = *node.metrics;
      one["slots"] = metrics.sum("orchestrator_handler_slots");
      one["slots_busy"] = metrics.sum("orchestrator_handler_slots_busy");
      one["cpu"] = number_or_null(change.rate_of(node, "orchestrator_process_cpu_seconds", {}));
      one["resident_bytes"] = metrics.max("orchestrator_process_resident_bytes");
      one["runs_open"] = metrics.sum("orchestrator_runs_open");
      one["heartbeat_age_seconds"] = metrics.max("orchestrator_node_heartbeat_age_seconds");
    }
    all.push_back(std::move(one));
  }
  return all;
}

}  // namespace

Json top_json(const TopReading& now, const TopReading* before) {
  const TopChange change(now, before);
  return {{"at", to_rfc3339(now.at)},
          {"url", now.url},
          {"namespace", now.namespace_name.empty() ? Json() : Json(now.namespace_name)},
          {"rates", rates(change)},
          {"p95_seconds", percentiles(change)},
          {"store",
           {{"bytes", greatest(now, "orchestrator_store_database_bytes")},
            {"oldest_snapshot_age_seconds", greatest(now, "orchestrator_store_oldest_snapshot_age_seconds")}}},
          {"queues", now.queues},
          {"nodes", nodes(now, change)},
          {"missing_nodes", now.missing_nodes},
          {"dead_letters", {{"items", now.dead_letters}, {"more", now.more_dead_letters}}},
          {"decisions", {{"items", now.decisions}, {"more", now.more_decisions}}}};
}

}  // namespace orchestrator::app
