#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "api/webhooks/provider.hpp"
#include "orchestrator/digest/certificates.hpp"
#include "orchestrator/telemetry/mutex.hpp"

namespace orchestrator::api::webhooks {

/// Where documents come from and what is believed of them.
struct KeySource {
  /// Fetches a document; answers on any thread. Empty: nothing can be fetched.
  std::function<void(std::string url, std::function<void(Result<std::string>)>)> fetch;
  std::function<Timestamp()> now;  ///< for the validity of certificates
  std::string authorities_file;    ///< PEM; empty: the system's
};

/// Providers' public keys. Fetched in the background, never while a webhook waits: what is not here yet is asked for,
/// and the provider is told to come again. Documents are fetched again every kKeyFreshness, used for kKeyLife when that
/// fails, and no more often than kKeyFetchGap. Thread-safe.
class KeyCache {
 public:
  explicit KeyCache(KeySource source);
  ~KeyCache();

  /// The document in the form that the need asks for; null while it is not at hand. Asks for it, or for a newer one
  /// when it is old or does not name the key.
  std::shared_ptr<const std::string> find(const KeyNeed& need);

 private:
  /// Shared with fetches, which may answer after the end.
  struct Body;
  std::shared_ptr<Body> body_;
};

}  // namespace orchestrator::api::webhooks
