#pragma once

#include <string_view>

#include "orchestrator/base/json_fwd.hpp"

namespace orchestrator::testing_support {

/// One entry of payment_providers.json by its `id`: signatures that two independent programs agreed on. Throws when
/// there is none, which fails the test that asked.
Json payment_vector(std::string_view id);

/// The same for webhook_providers.json: other providers' webhooks, and tokens with their key set.
Json webhook_vector(std::string_view id);

}  // namespace orchestrator::testing_support
