#include <algorithm>
#include <ranges>

#include "orchestrator/store/memory/memory_database.hpp"

namespace orchestrator::store::memory {
namespace {

bool passes(const AuditFilter& filter, const AuditRow& row) {
  const auto differs = [](const std::string& wanted, const std::string& is) { return !wanted.empty() && wanted != is; };
  const bool is_noun = filter.action.ends_with('.') && row.entry.action.starts_with(filter.action);
  return !differs(filter.namespace_name, row.entry.namespace_name) && !differs(filter.actor, row.entry.caller.actor) &&
         (is_noun || !differs(filter.action, row.entry.action)) && !differs(filter.target, row.entry.target) &&
         (!filter.chain || *filter.chain == row.chain) && (!filter.after || row.at >= *filter.after) &&
         (!filter.before || row.at < *filter.before);
}

}  // namespace

void append_audit(Tables& tables, std::int32_t chain, const std::optional<AuditEntry>& entry, Timestamp now) {
  if (!entry) return;
  auto& rows = tables.audit[chain];
  const std::string last = rows.empty() ? std::string(kChainStart) : rows.back().hash;
  rows.push_back(chained(*entry, chain, static_cast<std::int64_t>(rows.size()), last, now));
}

Result<AuditPage> list_audit(const Tables& tables, const AuditFilter& filter) {
  const auto before = parse_audit_cursor(filter.cursor);
  if (!before) return before.error();
  const auto place_of = [](const AuditRow& row) { return AuditPlace{row.at, row.chain, row.seq}; };
  AuditPage page;
  for (const auto& [chain, rows] : tables.audit) {
    for (const AuditRow& row : rows) {
      if (passes(filter, row) && (!*before || place_of(row) < **before)) page.items.push_back(row);
    }
  }
  std::ranges::sort(page.items, [&](const auto& a, const auto& b) { return place_of(b) < place_of(a); });
  if (page.items.size() > static_cast<std::size_t>(filter.limit)) {
    page.items.resize(static_cast<std::size_t>(filter.limit));
    page.next_cursor = audit_cursor(page.items.back());
  }
  return page;
}

}  // namespace orchestrator::store::memory
