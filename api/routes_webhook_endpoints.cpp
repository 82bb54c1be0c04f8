// Where providers may knock: /v1/webhook-endpoints.
#include <algorithm>

#include "api/body.hpp"
#include "api/context.hpp"
#include "api/idempotency.hpp"
#include "api/json_writer.hpp"
#include "api/object_reader.hpp"
#include "api/path_parameter.hpp"
#include "api/problem.hpp"
#include "api/query_reader.hpp"
#include "api/router.hpp"
#include "api/routes.hpp"
#include "orchestrator/base/json.hpp"

namespace orchestrator::api {
namespace {

using store::EndpointWrite;
using store::WebhookEndpointRow;

std::string location_of_endpoint(const Json& body) {
  const std::string name = string_member(body, "name");
  return name.empty() ? std::string{} : "/v1/webhook-endpoints/" + name;
}

/// Secrets that were given as literals are never shown again.
Status write_endpoint(JsonWriter& writer, const WebhookEndpointRow& row) {
  const auto endpoint = webhooks::endpoint_of(row);
  if (!endpoint) return endpoint.error();
  const auto settings = parse_json(webhooks::settings_text(*endpoint, true));
  writer.begin_object().member("name", row.name).member("provider", row.provider);
  writer.member("url", "/hooks/" + row.namespace_name + "/" + row.name);
  for (const char* name : {"secrets", "signal", "start", "options"}) writer.name(name).json(settings->at(name));
  writer.member("created_at", row.created_at).member("updated_at", row.updated_at).end_object();
  return {};
}

Response endpoint_response(const CallPtr& call, int status, const WebhookEndpointRow& row) {
  JsonWriter writer;
  if (const Status written = write_endpoint(writer, row); !written) {
    return problem_response(written.error(), call->request.path);
  }
  Response response = json_response(status, std::move(writer).take());
  if (status == 201) response.headers.emplace_back("Location", "/v1/webhook-endpoints/" + row.name);
  return response;
}

/// The row that a body asks for. With a name in the path, one in the body must be the same.
Result<WebhookEndpointRow> read_row(const CallPtr& call, Json body, const std::optional<std::string>& path_name) {
  std::vector<FaultDetail> faults;
  ObjectReader reader(body, "", faults);
  auto name = reader.name("name");
  if (!path_name) reader.required("name", name);
  if (path_name && name && *name != *path_name) reader.fault("name", "invalid", "must be the name in the path");
  const webhooks::Endpoint endpoint = webhooks::read_endpoint(reader, faults);
  reader.finish();
  if (const Status status = body_status(std::move(faults)); !status) return status.error();
  WebhookEndpointRow row;
  row.namespace_name = call->namespace_name;
  row.name = path_name ? *path_name : *name;
  row.provider = endpoint.provider;
  row.settings = webhooks::settings_text(endpoint, false);
  return row;
}

/// Asks for the public keys that webhooks of a new endpoint will need, so that the first one finds them.
void warm_up(Context& context, const WebhookEndpointRow& row) {
  const auto endpoint = webhooks::endpoint_of(row);
  if (!endpoint || endpoint->options.key_set_url.empty()) return;
  const webhooks::KeyNeed need{.url = endpoint->options.key_set_url, .key_id = {}};
  context.keys.find(need);
}

void write(Context& context, const CallPtr& call, WebhookEndpointRow row, EndpointWrite how, const Finish& finish) {
  const std::string name = row.name;
  context.service.webhooks().write_endpoint(
      std::move(row), how, call->caller(),
      [&context, call, name, finish](const Result<store::WrittenEndpoint>& written) {
        // Also when the outcome is unknown: it may have been written.
        context.endpoints.forget(call->namespace_name, name);
        if (!written) return finish(problem_response(written.error(), call->request.path));
        warm_up(context, written->row);
        finish(endpoint_response(call, written->created ? 201 : 200, written->row));
      });
}

void create_endpoint(Context& context, const CallPtr& call) {
  auto body = read_json(call->request);
  if (!body) return call->fail(body.error());
  auto ref = idempotency_of(*call, *body);
  if (!ref) return call->fail(ref.error());
  auto row = read_row(call, *std::move(body), std::nullopt);
  if (!row) return call->fail(row.error());
  act_once(context, call, std::move(*ref), location_of_endpoint,
           [&context, call, row = *std::move(row)](std::optional<RunId> /*reserved*/, const Finish& finish) {
             write(context, call, row, EndpointWrite::create, finish);
           });
}

void replace_endpoint(Context& context, const CallPtr& call) {
  const auto name = name_parameter(*call, 0);
  if (!name) return call->fail(name.error());
  auto body = read_json(call->request);
  if (!body) return call->fail(body.error());
  auto row = read_row(call, *std::move(body), *name);
  if (!row) return call->fail(row.error());
  write(context, call, *std::move(row), EndpointWrite::replace,
        [call](Response response) { call->respond(std::move(response)); });
}

void remove_endpoint(Context& context, const CallPtr& call) {
  const auto name = name_parameter(*call, 0);
  if (!name) return call->fail(name.error());
  context.service.webhooks().remove_endpoint(call->namespace_name, *name, call->caller(),
                                             [&context, call, name = *name](const Result<void>& removed) {
                                               context.endpoints.forget(call->namespace_name, name);
                                               if (!removed) return call->fail(removed.error());
                                               Response nothing;
                                               nothing.status = 204;
                                               call->respond(std::move(nothing));
                                             });
}

/// Newest first. A namespace has few enough to sort them here; the cursor is the last one's place in that order.
void list_endpoints(Context& context, const CallPtr& call) {
  QueryReader query(call->request.query);
  const auto limit = static_cast<std::size_t>(query.limit());
  const std::string cursor = query.cursor();
  if (const Status status = query.finish(); !status) return call->fail(status.error());
  context.service.webhooks().list_endpoints(
      call->namespace_name, [call, limit, cursor](Result<std::vector<WebhookEndpointRow>> rows) {
        if (!rows) return call->fail(rows.error());
        const auto place = [](const WebhookEndpointRow& row) { return to_rfc3339(row.created_at) + " " + row.name; };
        std::ranges::sort(*rows, [&](const auto& a, const auto& b) { return place(b) < place(a); });
        JsonWriter writer;
        writer.begin_object().name("items").begin_array();
        std::size_t shown = 0;
        std::optional<std::string> next;
        for (const auto& row : *rows) {
          if (!cursor.empty() && place(row) >= cursor) continue;
          if (shown == limit) break;
          if (const Status written = write_endpoint(writer, row); !written) return call->fail(written.error());
          if (++shown == limit && &row != &rows->back()) next = place(row);
        }
        writer.end_array().member("next_cursor", next).end_object();
        call->respond(json_response(200, std::move(writer).take()));
      });
}

void read_endpoint_by_name(Context& context, const CallPtr& call) {
  const auto name = name_parameter(*call, 0);
  if (!name) return call->fail(name.error());
  context.service.webhooks().find_endpoint(call->namespace_name, *name, [call](const Result<WebhookEndpointRow>& row) {
    if (!row) return call->fail(row.error());
    call->respond(endpoint_response(call, 200, *row));
  });
}

}  // namespace

void add_webhook_endpoint_routes(Router& router, Context& context) {
  const auto bind = [&context](auto action) {
    return [&context, action](const CallPtr& call) { action(context, call); };
  };
  const char* one = "/v1/webhook-endpoints/{name}";
  router.add({.method = "POST", .pattern = "/v1/webhook-endpoints", .handle = bind(create_endpoint)});
  router.add({.method = "GET", .pattern = "/v1/webhook-endpoints", .handle = bind(list_endpoints)});
  router.add({.method = "GET", .pattern = one, .handle = bind(read_endpoint_by_name)});
  router.add({.method = "PUT", .pattern = one, .handle = bind(replace_endpoint)});
  router.add({.method = "DELETE", .pattern = one, .handle = bind(remove_endpoint)});
}

}  // namespace orchestrator::api
