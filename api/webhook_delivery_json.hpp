#pragma once

#include <cstdint>

#include "api/json_writer.hpp"
#include "orchestrator/store/webhooks.hpp"

namespace orchestrator::api {

/// Who reads: raw bodies are not for viewers.
enum class BodyAccess : std::uint8_t { hidden, shown };

/// One delivery as the contract shows it. `body_base64` is null when it is hidden or was left out of a page.
void write_delivery(JsonWriter& writer, const store::WebhookDeliveryView& view, BodyAccess access);

}  // namespace orchestrator::api
