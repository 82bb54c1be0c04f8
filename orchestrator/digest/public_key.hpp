#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace orchestrator::digest {

/// How a signature was made. The key's kind must fit: a key never verifies for another algorithm than its own.
enum class SignatureAlgorithm : std::uint8_t {
  rs256,  ///< RSA PKCS#1 v1.5 with SHA-256
  es256,  ///< ECDSA on P-256 with SHA-256; the signature is r and s, 32 bytes each (RFC 7518)
  eddsa,  ///< Ed25519
};

/// Somebody's public key. Copies share it; safe from any thread.
class PublicKey {
 public:
  /// From big-endian numbers; nothing for an RSA key below 2048 or above 8192 bits.
  static std::optional<PublicKey> rsa(std::string_view modulus, std::string_view exponent);
  /// From the coordinates of a point on P-256, 32 bytes each.
  static std::optional<PublicKey> p256(std::string_view x, std::string_view y);
  /// From the 32 bytes of RFC 8032.
  static std::optional<PublicKey> ed25519(std::string_view bytes);
  /// From a `PUBLIC KEY` in PEM.
  static std::optional<PublicKey> from_pem(std::string_view text);

  [[nodiscard]] std::string pem() const;
  /// Whether `signature` (raw bytes) is this key's over `data`.
  [[nodiscard]] bool verifies(SignatureAlgorithm algorithm, std::string_view data, std::string_view signature) const;

 private:
  friend class CertificateAuthorities;
  explicit PublicKey(std::shared_ptr<void> key) : key_(std::move(key)) {}
  /// Takes libcrypto's key over, or nothing.
  static std::optional<PublicKey> own(void* key);

  std::shared_ptr<void> key_;  // libcrypto's, which counts references itself; shared so that copies stay cheap.
};

}  // namespace orchestrator::digest
