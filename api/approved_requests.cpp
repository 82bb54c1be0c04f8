#include "api/approved_requests.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "api/context.hpp"
#include "api/limits.hpp"
#include "api/problem.hpp"
#include "api/router.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/service/access.hpp"
#include "orchestrator/service/service.hpp"

namespace orchestrator::api {
namespace {

using store::ApprovalRow;

Error wrong_state(const std::string& why) { return Error(ErrorCode::precondition_failed, "wrong-state", why); }

/// Operations and answers to decisions know by their Idempotency-Key that they were made before; what is done to one
/// run does not.
bool is_told_by_audit(const ApprovalRow& row) { return row.action.starts_with("run."); }

/// Rows of the audit have whole milliseconds.
Timestamp not_before(const ApprovalRow& row) {
  const auto decided = row.decided_at.value_or(row.created_at);
  return std::chrono::floor<std::chrono::milliseconds>(decided);
}

std::string answer_from(const store::AuditRow& effect) {
  return dump_json({{"carried_out", true},
                    {"at", to_rfc3339(effect.at)},
                    {"audit", {{"chain", effect.chain}, {"seq", effect.seq}, {"hash", effect.hash}}}});
}

}  // namespace

Status ApprovedRequests::still_holds(const ApprovalRow& row) const {
  constexpr std::string_view kStored = "key:";
  constexpr std::string_view kConfigured = "config:";
  const std::string_view credential = row.requested_credential;
  if (credential.starts_with(kConfigured)) {
    const auto& keys = context_->options.keys;
    if (std::ranges::find(keys, credential.substr(kConfigured.size()), &ApiKey::name) != keys.end()) return {};
    return wrong_state("the key that asked for it is not configured any more");
  }
  if (!credential.starts_with(kStored)) return {};
  const auto view = context_->service.access().view();
  if (!view) return fail(ErrorCode::unavailable, "the keys were not read yet; try again");
  const auto id = store::KeyId::parse(credential.substr(kStored.size()));
  if (id && view->holds(*id, context_->options.now())) return {};
  return wrong_state("the key that asked for it is revoked or expired");
}

/// Its Idempotency-Key is the approval's id, so that an action that has one happens once; a signal's own id stays.
CallPtr ApprovedRequests::performance_of(const ApprovalRow& row) const {
  const auto kept = parse_json(row.request);
  if (!kept || !kept->is_object()) return nullptr;
  auto call = std::make_shared<Call>();
  Request& request = call->request;
  request.method = kept->value("method", std::string{});
  request.path = kept->value("path", std::string{});
  request.body = kept->value("body", std::string{});
  request.headers.add("Content-Type", "application/json");
  RouteMatch match = routes_->match(request.method, request.path);
  if (match.route == nullptr) return nullptr;
  const std::string& pattern = match.route->pattern;
  const bool is_signal = pattern == "/v1/runs/{id}/signals/{name}" || pattern == "/v1/signals/{name}";
  const bool keeps_key = is_signal && kept->contains("idempotency_key");
  request.headers.add("Idempotency-Key",
                      keeps_key ? kept->at("idempotency_key").get<std::string>() : row.approval_id.str());
  call->route = match.route;
  call->parameters = std::move(match.parameters);
  call->namespace_name = row.namespace_name;
  call->actor = row.requested_by;
  call->role = row.requested_role;
  call->credential = row.requested_credential;
  call->is_approved = true;
  return call;
}

void ApprovedRequests::finish(const ApprovalRow& row, int status, std::string answer, Carried carried) const {
  context_->service.access().finish_approval(
      row.namespace_name, row.approval_id, status, std::move(answer),
      [carried = std::move(carried)](const Result<ApprovalRow>& done) { carried(done, nullptr); });
}

void ApprovedRequests::perform(const ApprovalRow& row, Carried carried) const {
  const CallPtr performance = performance_of(row);
  if (!performance) return carried(Error(ErrorCode::internal, "the request that was kept cannot be read"), nullptr);
  performance->answer = [self = *this, row, carried = std::move(carried)](const Response& response) {
    // Not carried out yet, or nobody knows: it stays approved, and somebody goes on.
    if (response.status >= 500) return carried(row, &response);
    self.finish(row, response.status, response.body.substr(0, kMaxKeptAnswerBytes), carried);
  };
  performance->route->handle(performance);
}

void ApprovedRequests::go_on(const ApprovalRow& row, Carried carried) const {
  const auto perform_if_held = [self = *this, row, carried] {
    const Status holds = self.still_holds(row);
    if (holds) return self.perform(row, carried);
    const Response refusal = problem_response(holds.error(), "/v1/approvals/" + row.approval_id.str());
    if (refusal.status >= 500) return carried(row, &refusal);
    self.finish(row, refusal.status, refusal.body, carried);
  };
  if (!is_told_by_audit(row)) return perform_if_held();
  store::AuditFilter filter;
  filter.namespace_name = row.namespace_name;
  filter.actor = row.requested_by;
  filter.action = row.action;
  filter.target = row.target;
  filter.after = not_before(row);
  filter.limit = 1;
  context_->service.list_audit(
      std::move(filter), [self = *this, row, carried, perform_if_held](const Result<store::AuditPage>& effects) {
        if (!effects) {
          const Response unread = problem_response(effects.error(), "/v1/approvals/" + row.approval_id.str());
          return carried(row, &unread);
        }
        if (effects->items.empty()) return perform_if_held();
        self.finish(row, 200, answer_from(effects->items.front()), carried);
      });
}

}  // namespace orchestrator::api
