// Where providers may knock: POST and GET /v1/webhook-endpoints.
#include "api/body.hpp"
#include "api/context.hpp"
#include "api/idempotency.hpp"
#include "api/json_writer.hpp"
#include "api/object_reader.hpp"
#include "api/path_parameter.hpp"
#include "api/problem.hpp"
#include "api/router.hpp"
#include "api/routes.hpp"
#include "api/webhooks/endpoint.hpp"
#include "orchestrator/base/json.hpp"

namespace orchestrator::api {
namespace {

std::string location_of_endpoint(const Json& body) {
  const std::string name = string_member(body, "name");
  return name.empty() ? std::string{} : "/v1/webhook-endpoints/" + name;
}

/// Secrets that were given as literals are never shown again.
void write_endpoint(JsonWriter& writer, const store::WebhookEndpointRow& row, const webhooks::Endpoint& endpoint) {
  const auto settings = parse_json(webhooks::settings_text(endpoint, true));
  writer.begin_object().member("name", row.name).member("provider", row.provider);
  writer.member("url", "/hooks/" + row.namespace_name + "/" + row.name);
  for (const char* name : {"secrets", "signal", "start", "options"}) writer.name(name).json(settings->at(name));
  writer.end_object();
}

std::string endpoint_text(const store::WebhookEndpointRow& row, const webhooks::Endpoint& endpoint) {
  JsonWriter writer;
  write_endpoint(writer, row, endpoint);
  return std::move(writer).take();
}

void create_endpoint(Context& context, const CallPtr& call) {
  auto body = read_json(call->request);
  if (!body) return call->fail(body.error());
  auto ref = idempotency_of(*call, *body);
  if (!ref) return call->fail(ref.error());

  std::vector<FaultDetail> faults;
  ObjectReader reader(*body, "", faults);
  const std::string name = reader.required("name", reader.name("name")).value_or("");
  const webhooks::Endpoint endpoint = webhooks::read_endpoint(reader, faults);
  reader.finish();
  if (const Status status = body_status(std::move(faults)); !status) return call->fail(status.error());
  if (webhooks::find_provider(endpoint.provider) == nullptr) {
    return call->fail(Error(ErrorCode::invalid_argument, "not-implemented",
                            "Webhooks of the provider " + endpoint.provider + " cannot be verified yet"));
  }

  store::WebhookEndpointRow row{.namespace_name = call->namespace_name, .name = name, .provider = endpoint.provider};
  row.settings = webhooks::settings_text(endpoint, false);
  act_once(context, call, std::move(*ref), location_of_endpoint,
           [&context, call, row = std::move(row), endpoint](std::optional<RunId> /*reserved*/, Finish finish) {
             context.service.put_webhook_endpoint(
                 row, [call, row, endpoint, finish = std::move(finish)](const Result<void>& stored) {
                   if (!stored) return finish(problem_response(stored.error(), call->request.path));
                   Response response = json_response(201, endpoint_text(row, endpoint));
                   response.headers.emplace_back("Location", "/v1/webhook-endpoints/" + row.name);
                   finish(std::move(response));
                 });
           });
}

void list_endpoints(Context& context, const CallPtr& call) {
  context.service.list_webhook_endpoints(call->namespace_name,
                                         [call](Result<std::vector<store::WebhookEndpointRow>> rows) {
                                           if (!rows) return call->fail(rows.error());
                                           JsonWriter writer;
                                           writer.begin_object().name("items").begin_array();
                                           for (const auto& row : *rows) {
                                             const auto endpoint = webhooks::endpoint_of(row);
                                             if (!endpoint) return call->fail(endpoint.error());
                                             write_endpoint(writer, row, *endpoint);
                                           }
                                           writer.end_array().name("next_cursor").null().end_object();
                                           call->respond(json_response(200, std::move(writer).take()));
                                         });
}

void read_endpoint_by_name(Context& context, const CallPtr& call) {
  const auto name = name_parameter(*call, 0);
  if (!name) return call->fail(name.error());
  context.service.find_webhook_endpoint(call->namespace_name, *name, [call](Result<store::WebhookEndpointRow> row) {
    if (!row) return call->fail(row.error());
    const auto endpoint = webhooks::endpoint_of(*row);
    if (!endpoint) return call->fail(endpoint.error());
    call->respond(json_response(200, endpoint_text(*row, *endpoint)));
  });
}

}  // namespace

void add_webhook_endpoint_routes(Router& router, Context& context) {
  const auto bind = [&context](auto action) {
    return [&context, action](const CallPtr& call) { action(context, call); };
  };
  router.add({.method = "POST", .pattern = "/v1/webhook-endpoints", .handle = bind(create_endpoint)});
  router.add({.method = "GET", .pattern = "/v1/webhook-endpoints", .handle = bind(list_endpoints)});
  router.add({.method = "GET", .pattern = "/v1/webhook-endpoints/{name}", .handle = bind(read_endpoint_by_name)});
}

}  // namespace orchestrator::api
