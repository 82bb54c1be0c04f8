#include "orchestrator/digest/public_key.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include "orchestrator/digest/openssl_owner.hpp"

namespace orchestrator::digest {
namespace {

constexpr int kLeastRsaBits = 2048;
/// A larger one would let whoever chooses the key choose how long we compute.
constexpr int kMostRsaBits = 8192;
constexpr std::size_t kCoordinateBytes = 32;

using Number = std::unique_ptr<BIGNUM, Freeing<BN_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Freeing<EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Freeing<EVP_MD_CTX_free>>;
using ParameterBuilder = std::unique_ptr<OSSL_PARAM_BLD, Freeing<OSSL_PARAM_BLD_free>>;
using ParameterList = std::unique_ptr<OSSL_PARAM, Freeing<OSSL_PARAM_free>>;
using EcSignature = std::unique_ptr<ECDSA_SIG, Freeing<ECDSA_SIG_free>>;

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

Number number_of(std::string_view bytes) {
  return Number{BN_bin2bn(bytes_of(bytes), static_cast<int>(bytes.size()), nullptr)};
}

EVP_PKEY* key_from(const char* kind, OSSL_PARAM* parameters) {
  const KeyContext context{EVP_PKEY_CTX_new_from_name(nullptr, kind, nullptr)};
  EVP_PKEY* key = nullptr;
  if (!context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1) {
    return nullptr;
  }
  return key;
}

bool is_kind(EVP_PKEY* key, SignatureAlgorithm algorithm) {
  switch (algorithm) {
    case SignatureAlgorithm::rs256:
      return EVP_PKEY_is_a(key, "RSA") == 1 && EVP_PKEY_get_bits(key) >= kLeastRsaBits &&
             EVP_PKEY_get_bits(key) <= kMostRsaBits;
    case SignatureAlgorithm::es256: return EVP_PKEY_is_a(key, "EC") == 1 && EVP_PKEY_get_bits(key) == 256;
    case SignatureAlgorithm::eddsa: return EVP_PKEY_is_a(key, "ED25519") == 1;
  }
  return false;
}

/// r and s as libcrypto wants them; empty when they are not 64 bytes.
std::string to_der(std::string_view signature) {
  if (signature.size() != 2 * kCoordinateBytes) return {};
  const EcSignature pair{ECDSA_SIG_new()};
  Number r = number_of(signature.substr(0, kCoordinateBytes));
  Number s = number_of(signature.substr(kCoordinateBytes));
  if (!pair || !r || !s || ECDSA_SIG_set0(pair.get(), r.get(), s.get()) != 1) return {};
  // The pair owns them now.
  [[maybe_unused]] const auto* owned_r = r.release();
  [[maybe_unused]] const auto* owned_s = s.release();
  unsigned char* out = nullptr;
  const int size = i2d_ECDSA_SIG(pair.get(), &out);
  if (size <= 0) return {};
  std::string der{reinterpret_cast<const char*>(out), static_cast<std::size_t>(size)};
  OPENSSL_free(out);
  return der;
}

}  // namespace

std::optional<PublicKey> PublicKey::own(void* key) {
  if (key == nullptr) return std::nullopt;
  return PublicKey(std::shared_ptr<void>(key, [](void* old) { EVP_PKEY_free(static_cast<EVP_PKEY*>(old)); }));
}

std::optional<PublicKey> PublicKey::rsa(std::string_view modulus, std::string_view exponent) {
  if (modulus.size() > kMostRsaBits / 8 + 1 || exponent.empty() || exponent.size() > 8) return std::nullopt;
  const Number n = number_of(modulus);
  const Number e = number_of(exponent);
  const ParameterBuilder builder{OSSL_PARAM_BLD_new()};
  if (!n || !e || !builder || BN_num_bits(n.get()) < kLeastRsaBits || BN_num_bits(n.get()) > kMostRsaBits ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1) {
    return std::nullopt;
  }
  const ParameterList parameters{OSSL_PARAM_BLD_to_param(builder.get())};
  return own(key_from("RSA", parameters.get()));
}

std::optional<PublicKey> PublicKey::p256(std::string_view x, std::string_view y) {
  if (x.size() != kCoordinateBytes || y.size() != kCoordinateBytes) return std::nullopt;
  std::string point = "\x04";  // uncompressed
  point.append(x).append(y);
  const ParameterBuilder builder{OSSL_PARAM_BLD_new()};
  if (!builder || OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) != 1) {
    return std::nullopt;
  }
  const ParameterList parameters{OSSL_PARAM_BLD_to_param(builder.get())};
  return own(key_from("EC", parameters.get()));
}

std::optional<PublicKey> PublicKey::ed25519(std::string_view bytes) {
  return own(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_of(bytes), bytes.size()));
}

std::optional<PublicKey> PublicKey::from_pem(std::string_view text) {
  const std::unique_ptr<BIO, Freeing<BIO_free>> source{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
  return source ? own(PEM_read_bio_PUBKEY(source.get(), nullptr, nullptr, nullptr)) : std::nullopt;
}

std::string PublicKey::pem() const {
  const std::unique_ptr<BIO, Freeing<BIO_free>> out{BIO_new(BIO_s_mem())};
  if (!out || PEM_write_bio_PUBKEY(out.get(), static_cast<EVP_PKEY*>(key_.get())) != 1) return {};
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

bool PublicKey::verifies(SignatureAlgorithm algorithm, std::string_view data, std::string_view signature) const {
  auto* key = static_cast<EVP_PKEY*>(key_.get());
  if (!is_kind(key, algorithm)) return false;
  const std::string der = algorithm == SignatureAlgorithm::es256 ? to_der(signature) : std::string{signature};
  if (der.empty()) return false;
  const DigestContext context{EVP_MD_CTX_new()};
  const EVP_MD* method = algorithm == SignatureAlgorithm::eddsa ? nullptr : EVP_sha256();
  return context && EVP_DigestVerifyInit(context.get(), nullptr, method, nullptr, key) == 1 &&
         EVP_DigestVerify(context.get(), bytes_of(der), der.size(), bytes_of(data), data.size()) == 1;
}

}  // namespace orchestrator::digest
