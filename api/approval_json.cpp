#include "api/approval_json.hpp"

#include <utility>

#include "api/json_writer.hpp"
#include "orchestrator/base/json.hpp"

namespace orchestrator::api {

bool is_overdue(const store::ApprovalRow& row, Timestamp now) {
  return row.state == store::ApprovalState::waiting && row.expires_at <= now;
}

void write_approval(JsonWriter& writer, const store::ApprovalRow& row, Timestamp now) {
  const auto state = is_overdue(row, now) ? store::ApprovalState::expired : row.state;
  writer.begin_object().member("approval_id", row.approval_id).member("state", to_string(state));
  writer.member("action", row.action).member("target", row.target).member("reason", row.reason);
  writer.member("approver_role", to_string(row.approver_role));
  writer.member("requested_by", row.requested_by).member("requested_role", to_string(row.requested_role));
  writer.member("created_at", row.created_at).member("expires_at", row.expires_at);
  const auto request = parse_json(row.request);
  const auto asked = request && request->is_object() ? *request : Json::object();
  writer.name("request").begin_object();
  writer.member("method", asked.value("method", std::string{})).member("path", asked.value("path", std::string{}));
  const auto body = parse_json(asked.value("body", std::string{}));
  writer.name("body").json(body ? *body : Json());
  writer.end_object();
  writer.member("decided_by", row.decided_by).member("decided_reason", row.decided_reason);
  writer.member("decided_at", row.decided_at);
  writer.name("status");
  if (row.status) {
    writer.number(*row.status);
  } else {
    writer.null();
  }
  const auto answer = row.answer ? parse_json(*row.answer) : Result<Json>(Json());
  writer.name("answer").json(answer ? *answer : Json());
  writer.end_object();
}

std::string approval_text(const store::ApprovalRow& row, Timestamp now) {
  JsonWriter writer;
  write_approval(writer, row, now);
  return std::move(writer).take();
}

}  // namespace orchestrator::api
