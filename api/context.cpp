#include "api/context.hpp"

#include "api/stored_keys.hpp"
#include "orchestrator/service/access.hpp"
#include "orchestrator/service/service.hpp"

namespace orchestrator::api {

Result<Identity> Context::identify(const Headers& headers) const {
  auto by_key = identify_by_key(options.keys, headers);
  if (!by_key) by_key = identify_by_stored_key(service.access().view().get(), headers, options.now());
  return by_key ? *std::move(by_key) : authenticator.identify(headers);
}

}  // namespace orchestrator::api
