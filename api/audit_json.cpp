#include "api/audit_json.hpp"

#include <optional>
#include <utility>

#include "api/json_writer.hpp"
#include "orchestrator/base/json.hpp"

namespace orchestrator::api {
namespace {

std::optional<std::string> unless_empty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

}  // namespace

void write_audit_row(JsonWriter& writer, const store::AuditRow& row) {
  const AuditEntry& entry = row.entry;
  writer.begin_object().member("chain", row.chain).member("seq", row.seq).member("at", row.at);
  writer.member("namespace", entry.namespace_name).member("actor", entry.caller.actor);
  writer.member("role", to_string(entry.caller.role)).member("action", entry.action);
  writer.member("target", entry.target).member("reason", entry.reason);
  writer.member("before_hash", unless_empty(entry.before_hash)).member("after_hash", unless_empty(entry.after_hash));
  writer.member("previous_hash", row.previous_hash).member("hash", row.hash).end_object();
}

std::string audit_line(const store::AuditRow& row) {
  JsonWriter writer;
  write_audit_row(writer, row);
  return std::move(writer).take() + "\n";
}

Result<store::AuditRow> audit_row_from(const Json& item) {
  const Error broken(ErrorCode::invalid_argument, "not a row of an audit's export");
  if (!item.is_object()) return broken;
  bool is_whole = true;
  const auto text = [&](const char* name) {
    const auto found = item.find(name);
    if (found != item.end() && found->is_null()) return std::string{};
    if (found == item.end() || !found->is_string()) {
      is_whole = false;
      return std::string{};
    }
    return found->get<std::string>();
  };
  const auto number = [&](const char* name) {
    const auto found = item.find(name);
    if (found == item.end() || !found->is_number_integer()) {
      is_whole = false;
      return std::int64_t{0};
    }
    return found->get<std::int64_t>();
  };
  store::AuditRow row;
  row.chain = static_cast<std::int32_t>(number("chain"));
  row.seq = number("seq");
  const auto at = parse_rfc3339(text("at"));
  const auto role = parse_role(text("role"));
  row.entry.namespace_name = text("namespace");
  row.entry.caller.actor = text("actor");
  row.entry.action = text("action");
  row.entry.target = text("target");
  row.entry.reason = text("reason");
  row.entry.before_hash = text("before_hash");
  row.entry.after_hash = text("after_hash");
  row.previous_hash = text("previous_hash");
  row.hash = text("hash");
  if (!is_whole || !at || !role) return broken;
  row.at = *at;
  row.entry.caller.role = *role;
  return row;
}

}  // namespace orchestrator::api
