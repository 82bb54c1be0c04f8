// Requests that wait for a second person: GET /v1/approvals, /{id}, POST .../approve, .../reject.
#include "api/approval_json.hpp"
#include "api/approved_requests.hpp"
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

/// What the routes of this file share.
struct Desk {
  Context& context;
  ApprovedRequests approved;
};

/// One decision on its way.
struct Decision {
  CallPtr call;
  ApprovalState to = ApprovalState::approved;
  std::string reason;
};

Error wrong_state(const std::string& why) { return Error(ErrorCode::precondition_failed, "wrong-state", why); }
Error forbidden(const std::string& why) { return Error(ErrorCode::precondition_failed, "forbidden", why); }

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

/// Answers with the request as it is then, or as the action did that could not be carried out yet.
ApprovedRequests::Carried carried(const Desk& desk, const CallPtr& call) {
  return [desk, call](const Result<ApprovalRow>& row, const Response* not_yet) {
    if (not_yet != nullptr) return call->respond(*not_yet);
    answer(desk, call, row);
  };
}

void decide(const Desk& desk, const Decision& decision, const ApprovalRow& row) {
  const CallPtr& call = decision.call;
  if (const Status may = may_decide(*call, row); !may) return call->fail(may.error());
  if (is_overdue(row, desk.context.options.now())) return call->fail(wrong_state("its time is over"));
  const bool is_approval = decision.to == ApprovalState::approved;
  if (is_approval) {
    if (const Status holds = desk.approved.still_holds(row); !holds) return call->fail(holds.error());
    // Approved before and cut short there.
    if (row.state == ApprovalState::approved) return desk.approved.go_on(row, carried(desk, call));
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
                                                  if (is_approval)
                                                    return desk.approved.perform(*decided, carried(desk, call));
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
  const Desk desk{context, ApprovedRequests(context, performers)};
  context.service.access().carry_out_with([approved = desk.approved](const ApprovalRow& row) {
    // Nobody waits for the answer: the row has it.
    approved.go_on(row, [](const Result<ApprovalRow>&, const Response*) {});
  });
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
