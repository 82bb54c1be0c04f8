#include "orchestrator/store/webhooks.hpp"

namespace orchestrator::store {

std::string_view to_string(WebhookVerdict verdict) { return verdict == WebhookVerdict::poison ? "poison" : "accepted"; }

}  // namespace orchestrator::store
