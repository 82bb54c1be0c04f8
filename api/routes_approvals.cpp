// Requests that wait for a second person: GET /v1/approvals, /{id}, POST .../approve, .../reject.
#include <algorithm>

#include "api/approval_json.hpp"
#include "api/body.hpp"
#include "api/context.hpp"
#include "api/json_writer.hpp"
#include "api/limits.hpp"
#include "api/object_reader.hpp"
#include "api/problem.hpp"
#include "api/query_reader.hpp"
#include "api/router.hpp"
#include "api/routes.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/service/access.hpp"
#include "orchestrator/service/service.hpp"

namespace orchestrator::api {
namespace {

using store::ApprovalRow;
using store::ApprovalState;

/// In the audit, for what nobody did: time was over.
constexpr const char* kClock = "clock";

/// What the routes of this file share.
struct Desk {
  Context& context;
  const Router& performers;
};

/// One decision on its way.
struct Decision {
  CallPtr call;
  ApprovalState to = ApprovalState::approved;
  std::string reason;
};

Error wrong_state(const std::string& why) { return Error(ErrorCode::precondition_failed, "wrong-state", why); }
Error forbidden(const std::string& why) { return Error(ErrorCode::precondition_failed, "forbidden", why); }

/// Writes down that its time is over. Nobody waits for the answer: until then it reads as expired anyway.
void expire(Context& context, const ApprovalRow& row) {
  store::ApprovalDecision over;
  over.namespace_name = row.namespace_name;
  over.approval_id = row.approval_id;
  over.to = ApprovalState::expired;
  over.actor = kClock;
  over.reason = "nobody approved it in time";
  context.service.access().decide_approval(row, std::move(over), Role::viewer, [](const auto&) {});
}

Result<store::ApprovalId> id_of(const Call& call) {
  auto id = store::ApprovalId::parse(call.parameters.at(0));
  if (!id) return fail(ErrorCode::not_found, "no such approval");
  return id;
}

void list(const Desk& desk, const CallPtr& call) {
  QueryReader query(call->request.query);
  store::ApprovalFilter filter;
  filter.namespace_name = call->namespace_name;
  if (const auto state = query.text("state")) {
    filter.state = store::parse_approval_state(*state);
    if (!filter.state) query.fault("state", "must be waiting, approved, done, rejected or expired");
  }
  filter.limit = query.limit();
  filter.cursor = query.cursor();
  if (const Status status = query.finish(); !status) return call->fail(status.error());
  const bool only_waiting = filter.state == ApprovalState::waiting;
  Context& context = desk.context;
  context.service.access().list_approvals(std::move(filter),
                                          [&context, call, only_waiting](const Result<store::ApprovalPage>& page) {
                                            if (!page) return call->fail(page.error());
                                            const Timestamp now = context.options.now();
                                            JsonWriter writer;
                                            writer.begin_object().name("items").begin_array();
                                            for (const ApprovalRow& row : page->items) {
                                              if (is_overdue(row, now)) expire(context, row);
                                              if (!only_waiting || !is_overdue(row, now))
                                                write_approval(writer, row, now);
                                            }
                                            writer.end_array().member("next_cursor", page->next_cursor).end_object();
                                            call->respond(json_response(200, std::move(writer).take()));
                                          });
}

void answer(const Desk& desk, const CallPtr& call, const Result<ApprovalRow>& row) {
  if (!row) return call->fail(row.error());
  call->respond(json_response(200, approval_text(*row, desk.context.options.now())));
}

void read(const Desk& desk, const CallPtr& call) {
  const auto id = id_of(*call);
  if (!id) return call->fail(id.error());
  desk.context.service.access().find_approval(
      call->namespace_name, *id, [desk, call](const Result<ApprovalRow>& row) { answer(desk, call, row); });
}

/// Somebody else, who may: another name and another credential than the one that asked.
Status may_decide(const Call& call, const ApprovalRow& row) {
  if (call.role < row.approver_role) {
    return forbidden("This takes the role " + std::string(to_string(row.approver_role)));
  }
  if (call.actor == row.requested_by || call.credential == row.requested_credential) {
    return forbidden("Whoever asked for it cannot decide about it");
  }
  return {};
}

/// Whoever asked must still be somebody: what a revoked key asked for is not done.
Status still_holds(Context& context, const ApprovalRow& row) {
  constexpr std::string_view kStored = "key:";
  constexpr std::string_view kConfigured = "config:";
  const std::string_view credential = row.requested_credential;
  if (credential.starts_with(kConfigured)) {
    const auto& keys = context.options.keys;
    if (std::ranges::find(keys, credential.substr(kConfigured.size()), &ApiKey::name) != keys.end()) return {};
    return wrong_state("the key that asked for it is not configured any more");
  }
  if (!credential.starts_with(kStored)) return {};
  const auto view = context.service.access().view();
  if (!view) return fail(ErrorCode::unavailable, "the keys were not read yet; try again");
  const auto id = store::KeyId::parse(credential.substr(kStored.size()));
  if (id && view->holds(*id, context.options.now())) return {};
  return wrong_state("the key that asked for it is revoked or expired");
}

/// The request as it was made, in the name of whoever made it. Its Idempotency-Key is the approval's id, so that
/// carrying it out twice does it once; a signal's own id stays.
CallPtr performance_of(const Desk& desk, const ApprovalRow& row) {
  const auto kept = parse_json(row.request);
  if (!kept || !kept->is_object()) return nullptr;
  auto call = std::make_shared<Call>();
  Request& request = call->request;
  request.method = kept->value("method", std::string{});
  request.path = kept->value("path", std::string{});
  request.body = kept->value("body", std::string{});
  request.headers.add("Content-Type", "application/json");
  const bool is_signal = request.path.find("/signals/") != std::string::npos;
  const bool keeps_key = is_signal && kept->contains("idempotency_key");
  request.headers.add("Idempotency-Key",
                      keeps_key ? kept->at("idempotency_key").get<std::string>() : row.approval_id.str());
  RouteMatch match = desk.performers.match(request.method, request.path);
  if (match.route == nullptr) return nullptr;
  call->route = match.route;
  call->parameters = std::move(match.parameters);
  call->namespace_name = row.namespace_name;
  call->actor = row.requested_by;
  call->role = row.requested_role;
  call->credential = row.requested_credential;
  call->is_approved = true;
  return call;
}

void perform(const Desk& desk, const CallPtr& call, const ApprovalRow& row) {
  const CallPtr performance = performance_of(desk, row);
  if (!performance) return call->fail(Error(ErrorCode::internal, "the request that was kept cannot be read"));
  performance->answer = [desk, call, row](const Response& response) {
    // Not carried out yet, or nobody knows: it stays approved, and approving it again goes on.
    if (response.status >= 500) {
      Response again = response;
      return call->respond(std::move(again));
    }
    desk.context.service.access().finish_approval(
        row.namespace_name, row.approval_id, response.status, response.body.substr(0, kMaxKeptAnswerBytes),
        [desk, call](const Result<ApprovalRow>& done) { answer(desk, call, done); });
  };
  performance->route->handle(performance);
}

void decide(const Desk& desk, const Decision& decision, const ApprovalRow& row) {
  const CallPtr& call = decision.call;
  if (const Status may = may_decide(*call, row); !may) return call->fail(may.error());
  if (is_overdue(row, desk.context.options.now())) {
    expire(desk.context, row);
    return call->fail(wrong_state("its time is over"));
  }
  const bool is_approval = decision.to == ApprovalState::approved;
  if (is_approval) {
    if (const Status holds = still_holds(desk.context, row); !holds) return call->fail(holds.error());
    // Approved before and cut short there.
    if (row.state == ApprovalState::approved) return perform(desk, call, row);
  }
  store::ApprovalDecision asked;
  asked.namespace_name = row.namespace_name;
  asked.approval_id = row.approval_id;
  asked.to = decision.to;
  asked.actor = call->actor;
  asked.reason = decision.reason;
  desk.context.service.access().decide_approval(row, std::move(asked), call->role,
                                                [desk, call, is_approval](const Result<ApprovalRow>& decided) {
                                                  if (!decided) return call->fail(decided.error());
                                                  if (is_approval) return perform(desk, call, *decided);
                                                  answer(desk, call, decided);
                                                });
}

/// The body is `{reason?}`, and may be left out.
void begin_decision(const Desk& desk, const CallPtr& call, ApprovalState to) {
  const auto id = id_of(*call);
  if (!id) return call->fail(id.error());
  auto body = read_optional_json(call->request);
  if (!body) return call->fail(body.error());
  if (body->is_null()) *body = Json::object();
  std::vector<FaultDetail> faults;
  ObjectReader reader(*body, "", faults);
  Decision decision{.call = call, .to = to, .reason = reader.text("reason", kMaxReasonBytes).value_or("")};
  reader.finish();
  if (const Status status = body_status(std::move(faults)); !status) return call->fail(status.error());
  desk.context.service.access().find_approval(call->namespace_name, *id,
                                              [desk, decision](const Result<ApprovalRow>& row) {
                                                if (!row) return decision.call->fail(row.error());
                                                decide(desk, decision, *row);
                                              });
}

}  // namespace

void add_approval_routes(Router& router, Context& context, const Router& performers) {
  const Desk desk{context, performers};
  const Role decides = Role::operator_;
  const std::string one = "/v1/approvals/{id}";
  router.add(
      {.method = "GET", .pattern = "/v1/approvals", .handle = [desk](const CallPtr& call) { list(desk, call); }});
  router.add({.method = "GET", .pattern = one, .handle = [desk](const CallPtr& call) { read(desk, call); }});
  router.add({.method = "POST",
              .pattern = one + "/approve",
              .handle = [desk](const CallPtr& call) { begin_decision(desk, call, ApprovalState::approved); },
              .role = decides});
  router.add({.method = "POST",
              .pattern = one + "/reject",
              .handle = [desk](const CallPtr& call) { begin_decision(desk, call, ApprovalState::rejected); },
              .role = decides});
}

}  // namespace orchestrator::api
