// Which actions need a second person: GET and PUT /v1/policies, of one namespace as a whole.
#include "api/body.hpp"
#include "api/context.hpp"
#include "api/json_writer.hpp"
#include "api/object_reader.hpp"
#include "api/policy.hpp"
#include "api/problem.hpp"
#include "api/query_reader.hpp"
#include "api/router.hpp"
#include "api/routes.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/service/access.hpp"
#include "orchestrator/service/service.hpp"

namespace orchestrator::api {
namespace {

void answer(const CallPtr& call, const Result<store::PolicyRow>& row) {
  if (!row) return call->fail(row.error());
  const auto rules = rules_from(row->rules);
  if (!rules) return call->fail(rules.error());
  JsonWriter writer;
  writer.begin_object().name("rules").json(rules_json(*rules));
  const bool is_set = !row->changed_by.empty();
  writer.member("changed_at", is_set ? std::optional(row->changed_at) : std::nullopt);
  writer.member("changed_by", is_set ? std::optional(row->changed_by) : std::nullopt).end_object();
  call->respond(json_response(200, std::move(writer).take()));
}

void put(Context& context, const CallPtr& call) {
  auto body = read_json(call->request);
  if (!body) return call->fail(body.error());
  std::vector<FaultDetail> faults;
  const auto rules = read_policy(*body, faults);
  if (const Status status = body_status(std::move(faults)); !status) return call->fail(status.error());
  store::PolicyRow policy;
  policy.namespace_name = call->namespace_name;
  policy.rules = rules_text(rules);
  policy.changed_by = call->actor;
  context.service.access().put_policy(std::move(policy), call->caller(),
                                      [call](const Result<store::PolicyRow>& row) { answer(call, row); });
}

void read(Context& context, const CallPtr& call) {
  QueryReader query(call->request.query);
  if (const Status status = query.finish(); !status) return call->fail(status.error());
  context.service.access().find_policy(call->namespace_name,
                                       [call](const Result<store::PolicyRow>& row) { answer(call, row); });
}

}  // namespace

void add_policy_routes(Router& router, Context& context) {
  const auto bind = [&context](auto action) {
    return [&context, action](const CallPtr& call) { action(context, call); };
  };
  router.add({.method = "GET", .pattern = "/v1/policies", .handle = bind(read)});
  router.add({.method = "PUT", .pattern = "/v1/policies", .handle = bind(put), .role = Role::admin});
}

}  // namespace orchestrator::api
