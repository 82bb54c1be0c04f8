#pragma once

#include <cstdint>
#include <vector>

#include "orchestrator/store/postgres/session.hpp"
#include "orchestrator/store/queue_settings.hpp"

namespace orchestrator::store::postgres {

/// Store::change_queue_settings.
Result<QueueSettingsRow> change_queue_settings(Session& session, const QueueSettingsChange& change);
/// Store::list_queue_settings.
Result<std::vector<QueueSettingsRow>> list_queue_settings(Session& session, std::int64_t after_revision);

}  // namespace orchestrator::store::postgres
