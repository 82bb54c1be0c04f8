#pragma once

#include <string>

#include "orchestrator/base/timestamp.hpp"
#include "orchestrator/store/access.hpp"

namespace orchestrator::api {

class JsonWriter;

/// A request that waits, or waited, for a second person. One whose time is over reads as expired.
void write_approval(JsonWriter& writer, const store::ApprovalRow& row, Timestamp now);
std::string approval_text(const store::ApprovalRow& row, Timestamp now);

/// Whether nobody can approve it any more although it still stands as waiting.
bool is_overdue(const store::ApprovalRow& row, Timestamp now);

}  // namespace orchestrator::api
