#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "orchestrator/base/result.hpp"
#include "orchestrator/base/timestamp.hpp"
#include "orchestrator/digest/public_key.hpp"

namespace orchestrator::digest {

/// The certificate authorities that somebody's certificate must lead to. Safe from any thread.
class CertificateAuthorities {
 public:
  /// @param file PEM; empty: the system's
  /// Errors: invalid_argument when the file holds none.
  static Result<CertificateAuthorities> load(const std::string& file = {});

  /// The key of the first certificate of a PEM chain, if the chain leads to one of the authorities at `now` and the
  /// certificate is for a host below `domain` (such as "paypal.com"). Errors: precondition_failed with a sentence.
  [[nodiscard]] Result<PublicKey> key_of(std::string_view pem_chain, std::string_view domain, Timestamp now) const;

 private:
  explicit CertificateAuthorities(std::shared_ptr<void> store) : store_(std::move(store)) {}

  std::shared_ptr<void> store_;  // libcrypto's; shared because settings that hold it are copied.
};

}  // namespace orchestrator::digest
