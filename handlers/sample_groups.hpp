#pragma once

#include <string>
#include <utility>
#include <vector>

#include "handlers/sample_settings.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/handler/handler.hpp"

/// The groups behind register_sample_handlers. Each answers its entries; the list in sample_handlers.cpp adds them.
namespace orchestrator::samples {

using HandlerEntries = std::vector<HandlerEntry>;

HandlerEntries config_handlers();
HandlerEntries shared_handlers();
HandlerEntries wallet_handlers(const SampleSettings& settings);
HandlerEntries dispute_handlers();
HandlerEntries checkout_handlers();
HandlerEntries order_handlers();
HandlerEntries payout_handlers();
HandlerEntries refund_handlers();
HandlerEntries onboarding_handlers();
HandlerEntries manifest_handlers();
HandlerEntries sweep_handlers();
HandlerEntries outbox_handlers();

HandlerEntries payfast_handlers(const SampleSettings& settings);
HandlerEntries phonepe_handlers(const SampleSettings& settings);
HandlerEntries mail_handlers(const SampleSettings& settings);
HandlerEntries model_handlers(const SampleSettings& settings);
HandlerEntries event_sink_handlers(const SampleSettings& settings);

inline HandlerEntry transactional(std::string name, TransactionalHandler handler) {
  HandlerEntry entry;
  entry.name = std::move(name);
  entry.transactional = std::move(handler);
  return entry;
}

/// @param immediate computes for microseconds and never blocks (handler.hpp)
inline HandlerEntry plain(std::string name, PlainHandler handler, bool immediate = false) {
  HandlerEntry entry;
  entry.name = std::move(name);
  entry.plain = std::move(handler);
  entry.immediate = immediate;
  return entry;
}

}  // namespace orchestrator::samples
