#pragma once

#include <string>

#include "api/json_writer.hpp"
#include "orchestrator/service/service.hpp"

namespace orchestrator::api {

/// One item of GET /v1/signals, and the body of GET /v1/signals/{id}.
void write_signal(JsonWriter& writer, const store::SignalView& view);

/// The body of a sent signal's answer: `{signal_id, fate, run_id}`.
std::string sent_text(const service::SentSignal& sent);

}  // namespace orchestrator::api
