#include "handlers/sample_handlers.hpp"

#include <utility>

#include "handlers/sample_groups.hpp"

namespace orchestrator::samples {

Status register_sample_handlers(HandlerRegistry& registry, const SampleSettings& settings) {
  std::vector<HandlerEntries> groups = {
      config_handlers(),
      shared_handlers(),
      wallet_handlers(settings),
      dispute_handlers(),
      checkout_handlers(),
      order_handlers(),
      payout_handlers(),
      onboarding_handlers(),
      manifest_handlers(),
      payfast_handlers(settings),
      phonepe_handlers(settings),
      mail_handlers(settings),
      model_handlers(settings),
      sweep_handlers(),
      refund_handlers(),
      outbox_handlers(),
      event_sink_handlers(settings),
  };
  for (HandlerEntries& group : groups) {
    for (HandlerEntry& entry : group) {
      if (Status added = registry.add(std::move(entry)); !added) return added;
    }
  }
  return {};
}

}  // namespace orchestrator::samples
