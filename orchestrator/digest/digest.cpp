#include "orchestrator/digest/digest.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "orchestrator/base/check.hpp"

namespace orchestrator::digest {
namespace {

const EVP_MD* method_of(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::md5: return EVP_md5();
    case Algorithm::sha1: return EVP_sha1();
    case Algorithm::sha256: return EVP_sha256();
    case Algorithm::sha384: return EVP_sha384();
    case Algorithm::sha512: return EVP_sha512();
  }
  return EVP_sha256();
}

}  // namespace

std::string hash(Algorithm algorithm, std::string_view data) {
  unsigned char buffer[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  const int ok = EVP_Digest(data.data(), data.size(), buffer, &size, method_of(algorithm), nullptr);
  ORC_CHECK(ok == 1, "libcrypto computes every digest we name");
  return {reinterpret_cast<const char*>(buffer), size};
}

std::string hmac(Algorithm algorithm, std::string_view key, std::string_view data) {
  unsigned char buffer[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(data.data());
  const auto* done =
      HMAC(method_of(algorithm), key.data(), static_cast<int>(key.size()), bytes, data.size(), buffer, &size);
  ORC_CHECK(done != nullptr, "libcrypto computes every HMAC we name");
  return {reinterpret_cast<const char*>(buffer), size};
}

bool equal_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace orchestrator::digest
