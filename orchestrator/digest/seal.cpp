#include "orchestrator/digest/seal.hpp"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <memory>

#include "orchestrator/base/check.hpp"
#include "orchestrator/digest/digest.hpp"
#include "orchestrator/digest/openssl_owner.hpp"

namespace orchestrator::digest {
namespace {

constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kTagBytes = 16;

using Cipher = std::unique_ptr<EVP_CIPHER_CTX, Freeing<EVP_CIPHER_CTX_free>>;

unsigned char* raw(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
const unsigned char* raw(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

}  // namespace

std::string random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  ORC_CHECK(RAND_bytes(raw(bytes), static_cast<int>(count)) == 1, "the system gives random bytes");
  return bytes;
}

std::string seal(std::string_view secret, std::string_view purpose, std::string_view text) {
  const std::string key = hmac(Algorithm::sha256, secret, purpose);
  std::string nonce = random_bytes(kNonceBytes);
  std::string hidden(text.size(), '\0');
  std::string tag(kTagBytes, '\0');
  const Cipher cipher(EVP_CIPHER_CTX_new());
  int size = 0;
  int rest = 0;
  const bool ok =
      cipher != nullptr &&
      EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, raw(std::string_view{key}), raw(nonce)) == 1 &&
      EVP_EncryptUpdate(cipher.get(), raw(hidden), &size, raw(text), static_cast<int>(text.size())) == 1 &&
      EVP_EncryptFinal_ex(cipher.get(), raw(hidden) + size, &rest) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, static_cast<int>(kTagBytes), tag.data()) == 1;
  ORC_CHECK(ok, "libcrypto seals with the cipher we name");
  return nonce + tag + hidden;
}

std::optional<std::string> unseal(std::string_view secret, std::string_view purpose, std::string_view sealed) {
  if (sealed.size() < kNonceBytes + kTagBytes) return std::nullopt;
  const std::string key = hmac(Algorithm::sha256, secret, purpose);
  const std::string_view nonce = sealed.substr(0, kNonceBytes);
  std::string tag(sealed.substr(kNonceBytes, kTagBytes));
  const std::string_view hidden = sealed.substr(kNonceBytes + kTagBytes);
  std::string text(hidden.size(), '\0');
  const Cipher cipher(EVP_CIPHER_CTX_new());
  int size = 0;
  int rest = 0;
  const bool ok =
      cipher != nullptr &&
      EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, raw(std::string_view{key}), raw(nonce)) == 1 &&
      EVP_DecryptUpdate(cipher.get(), raw(text), &size, raw(hidden), static_cast<int>(hidden.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, static_cast<int>(kTagBytes), tag.data()) == 1 &&
      EVP_DecryptFinal_ex(cipher.get(), raw(text) + size, &rest) == 1;
  if (!ok) return std::nullopt;
  return text;
}

}  // namespace orchestrator::digest
