#pragma once

#include <optional>
#include <pqxx/row>

#include "orchestrator/store/audit.hpp"
#include "orchestrator/store/batch.hpp"
#include "orchestrator/store/postgres/session.hpp"

namespace orchestrator::store::postgres {

/// The batch's entries, each to the chain of its shard; nothing without any. Last in its transaction.
void append_audit(Transaction& transaction, const Batch& batch);
/// One entry, if there is one. Last in its transaction, which must be a real one: Mode::transaction.
void append_audit(Transaction& transaction, std::int32_t chain, const std::optional<AuditEntry>& entry);

Result<AuditPage> list_audit(Session& session, const AuditFilter& filter);

/// A row as list_audit and read_audit_chains select it.
AuditRow read_audit_row(const pqxx::row& row);

}  // namespace orchestrator::store::postgres
