// Whose data there is: GET and POST /v1/namespaces.
#include "api/body.hpp"
#include "api/context.hpp"
#include "api/idempotency.hpp"
#include "api/json_writer.hpp"
#include "api/object_reader.hpp"
#include "api/problem.hpp"
#include "api/router.hpp"
#include "api/routes.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/service/service.hpp"

namespace orchestrator::api {
namespace {

std::string location_of_namespaces(const Json& /*body*/) { return "/v1/namespaces"; }

void write_namespace(JsonWriter& writer, const store::NamespaceRow& row) {
  writer.begin_object().member("name", row.name).member("created_at", row.created_at).end_object();
}

void create_namespace(Context& context, const CallPtr& call) {
  auto body = read_json(call->request);
  if (!body) return call->fail(body.error());
  auto ref = idempotency_of(*call, *body);
  if (!ref) return call->fail(ref.error());

  std::vector<FaultDetail> faults;
  ObjectReader reader(*body, "", faults);
  const std::string name = reader.required("name", reader.name("name")).value_or("");
  reader.finish();
  if (const Status status = body_status(std::move(faults)); !status) return call->fail(status.error());

  act_once(context, call, std::move(*ref), location_of_namespaces,
           [&context, call, name](std::optional<RunId> /*reserved*/, Finish finish) {
             context.service.create_namespace(
                 name, call->caller(), [call, finish = std::move(finish)](const Result<store::CreatedNamespace>& made) {
                   if (!made) return finish(problem_response(made.error(), call->request.path));
                   JsonWriter writer;
                   write_namespace(writer, made->row);
                   Response response = json_response(made->created ? 201 : 200, std::move(writer).take());
                   if (made->created) response.headers.emplace_back("Location", "/v1/namespaces");
                   finish(std::move(response));
                 });
           });
}

void list_namespaces(Context& context, const CallPtr& call) {
  context.service.list_namespaces([call](Result<std::vector<store::NamespaceRow>> rows) {
    if (!rows) return call->fail(rows.error());
    JsonWriter writer;
    writer.begin_object().name("items").begin_array();
    for (const store::NamespaceRow& row : *rows) write_namespace(writer, row);
    writer.end_array().name("next_cursor").null().end_object();
    call->respond(json_response(200, std::move(writer).take()));
  });
}

}  // namespace

void add_namespace_routes(Router& router, Context& context) {
  const auto bind = [&context](auto action) {
    return [&context, action](const CallPtr& call) { action(context, call); };
  };
  const Role rules = Role::admin;
  router.add({.method = "GET", .pattern = "/v1/namespaces", .handle = bind(list_namespaces), .role = rules});
  router.add({.method = "POST", .pattern = "/v1/namespaces", .handle = bind(create_namespace), .role = rules});
}

}  // namespace orchestrator::api
