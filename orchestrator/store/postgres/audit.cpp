#include "orchestrator/store/postgres/audit.hpp"

#include <utility>

#include "orchestrator/base/json.hpp"
#include "orchestrator/store/postgres/planned_reads.hpp"
#include "orchestrator/store/postgres/row_reader.hpp"

namespace orchestrator::store::postgres {
namespace {

Json encode(std::int32_t chain, const AuditEntry& given) {
  const AuditEntry entry = storable(given);
  Json object = to_json(entry);
  object["chain"] = chain;
  object["before_hash"] = entry.before_hash;
  object["after_hash"] = entry.after_hash;
  return object;
}

void append(Transaction& transaction, const Json& entries) {
  Parameters parameters;
  parameters.text(dump_json(entries));
  transaction.execute("append_audit", std::move(parameters));
}

std::optional<std::string> unless_empty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

}  // namespace

AuditRow read_audit_row(const pqxx::row& row) {
  RowReader reader(row);
  AuditRow found;
  found.chain = reader.integer();
  found.seq = reader.bigint();
  found.at = reader.time();
  found.entry.namespace_name = reader.text();
  found.entry.caller.actor = reader.text();
  found.entry.caller.role = parse_role(reader.text()).value_or(Role::viewer);
  found.entry.action = reader.text();
  found.entry.target = reader.text();
  found.entry.reason = reader.text();
  found.entry.before_hash = reader.text();
  found.entry.after_hash = reader.text();
  found.previous_hash = reader.text();
  found.hash = reader.text();
  return found;
}

void append_audit(Transaction& transaction, const Batch& batch) {
  if (batch.audit.empty()) return;
  Json entries = Json::array();
  for (const ShardAuditEntry& row : batch.audit) entries.push_back(encode(to_int(row.shard), row.entry));
  append(transaction, entries);
}

void append_audit(Transaction& transaction, std::int32_t chain, const std::optional<AuditEntry>& entry) {
  if (!entry) return;
  Json entries = Json::array();
  entries.push_back(encode(chain, *entry));
  append(transaction, entries);
}

Result<AuditPage> list_audit(Session& session, const AuditFilter& filter) {
  const auto before = parse_audit_cursor(filter.cursor);
  if (!before) return before.error();
  return read_planned<AuditPage>(session, [&](Transaction& transaction) -> Result<AuditPage> {
    Parameters parameters;
    parameters.text_or_null(unless_empty(filter.namespace_name)).text_or_null(unless_empty(filter.actor));
    parameters.text_or_null(unless_empty(filter.action)).text_or_null(unless_empty(filter.target));
    parameters.integer(filter.chain ? std::optional<std::int64_t>(*filter.chain) : std::nullopt);
    parameters.micros(filter.after).micros(filter.before);
    if (*before) {
      parameters.micros((*before)->at).integer((*before)->chain).integer((*before)->seq);
    } else {
      parameters.null().null().null();
    }
    parameters.integer(filter.limit + 1);
    AuditPage page;
    for (const auto& row : transaction.execute("list_audit", std::move(parameters))) {
      if (page.items.size() == static_cast<std::size_t>(filter.limit)) {
        page.next_cursor = audit_cursor(page.items.back());
        break;
      }
      page.items.push_back(read_audit_row(row));
    }
    return page;
  });
}

}  // namespace orchestrator::store::postgres
