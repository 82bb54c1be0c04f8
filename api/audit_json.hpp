#pragma once

#include <string>

#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/store/audit.hpp"

namespace orchestrator::api {

class JsonWriter;

/// One row of the audit as the API shows and exports it. Digests that are empty are null.
void write_audit_row(JsonWriter& writer, const store::AuditRow& row);
std::string audit_line(const store::AuditRow& row);

/// The row back from an export. invalid_argument when it is none.
Result<store::AuditRow> audit_row_from(const Json& item);

}  // namespace orchestrator::api
