// The process itself: GET /livez, /readyz, /metrics, /v1/nodes.
#include "api/context.hpp"
#include "api/json_writer.hpp"
#include "api/problem.hpp"
#include "api/router.hpp"
#include "api/routes.hpp"
#include "orchestrator/service/service.hpp"

namespace orchestrator::api {
namespace {

Response page(std::string content_type, std::string body) {
  Response response;
  response.content_type = std::move(content_type);
  response.body = std::move(body);
  return response;
}

void show_live(Context& /*context*/, const CallPtr& call) { call->respond(json_response(200, R"({"status":"live"})")); }

void show_ready(Context& context, const CallPtr& call) {
  if (context.draining) return call->fail(Error(ErrorCode::unavailable, "The server is ending"));
  context.service.check_ready([call](const Result<void>& ready) {
    if (ready) return call->respond(json_response(200, R"({"status":"ready"})"));
    // Whatever the reason, a probe only knows ready and not.
    Error error(ErrorCode::unavailable, ready.error().message);
    error.members = ready.error().members;
    call->fail(error);
  });
}

void show_metrics(Context& context, const CallPtr& call) {
  if (!context.options.metrics_text) {
    return call->fail(Error(ErrorCode::invalid_argument, "not-implemented", "This process has no metrics"));
  }
  call->respond(page("text/plain; version=0.0.4; charset=utf-8", context.options.metrics_text()));
}

void list_nodes(Context& context, const CallPtr& call) {
  context.service.list_nodes([call](Result<std::vector<service::NodeReading>> nodes) {
    if (!nodes) return call->fail(nodes.error());
    JsonWriter writer;
    writer.begin_object().name("items").begin_array();
    for (const auto& node : *nodes) {
      writer.begin_object().member("node_id", node.node_id).member("url", node.url).name("shards").begin_array();
      for (const std::int32_t shard : node.shards) writer.number(shard);
      writer.end_array().member("lease_until", node.lease_until).end_object();
    }
    writer.end_array().name("next_cursor").null().end_object();
    call->respond(json_response(200, std::move(writer).take()));
  });
}

}  // namespace

void add_probe_routes(Router& router, Context& context) {
  const auto bind = [&context](auto action) {
    return [&context, action](const CallPtr& call) { action(context, call); };
  };
  router.add({.method = "GET", .pattern = "/livez", .handle = bind(show_live), .access = Access::open});
  router.add({.method = "GET", .pattern = "/readyz", .handle = bind(show_ready), .access = Access::open});
  router.add({.method = "GET", .pattern = "/metrics", .handle = bind(show_metrics), .access = Access::open});
}

void add_process_routes(Router& router, Context& context) {
  const auto bind = [&context](auto action) {
    return [&context, action](const CallPtr& call) { action(context, call); };
  };
  router.add({.method = "GET", .pattern = "/v1/nodes", .handle = bind(list_nodes)});
}

}  // namespace orchestrator::api
