#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>

#include "orchestrator/digest/certificates.hpp"

namespace orchestrator::digest {
namespace {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

constexpr std::int64_t kNowSeconds = 1'763'613'000;
constexpr Timestamp kNow{std::chrono::seconds{kNowSeconds}};

Key a_key() { return {EVP_EC_gen("P-256"), &EVP_PKEY_free}; }

void add_extension(X509* certificate, int kind, const std::string& value) {
  const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension(
      X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str()), &X509_EXTENSION_free);
  X509_add_ext(certificate, extension.get(), -1);
}

/// A certificate for `name`, signed by `issuer` (nothing: by itself), valid for an hour around now.
Certificate a_certificate(const std::string& name, EVP_PKEY* key, X509* issuer, EVP_PKEY* issuer_key,
                          bool is_authority) {
  Certificate certificate(X509_new(), &X509_free);
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), is_authority ? 1 : 2);
  ASN1_TIME_set(X509_getm_notBefore(certificate.get()), kNowSeconds - 1800);
  ASN1_TIME_set(X509_getm_notAfter(certificate.get()), kNowSeconds + 1800);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1,
                             0);
  X509_set_issuer_name(certificate.get(), issuer == nullptr ? subject : X509_get_subject_name(issuer));
  add_extension(certificate.get(), NID_basic_constraints, is_authority ? "critical,CA:TRUE" : "CA:FALSE");
  if (!is_authority) add_extension(certificate.get(), NID_subject_alt_name, "DNS:" + name);
  X509_sign(certificate.get(), issuer_key, EVP_sha256());
  return certificate;
}

std::string pem(X509* certificate) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), &BIO_free);
  PEM_write_bio_X509(out.get(), certificate);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

/// An authority, an authority below it, and a certificate of PayPal's.
class CertificatesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    file_ = std::filesystem::temp_directory_path() / ("orc_authorities_" + std::to_string(::getpid()) + ".pem");
    std::ofstream(file_) << pem(root_.get());
  }
  void TearDown() override { std::filesystem::remove(file_); }

  [[nodiscard]] Result<PublicKey> key_of(const std::string& chain, Timestamp now = kNow) const {
    const auto authorities = CertificateAuthorities::load(file_.string());
    if (!authorities) return authorities.error();
    return authorities->key_of(chain, "paypal.com", now);
  }

  Key root_key_ = a_key();
  Key middle_key_ = a_key();
  Key leaf_key_ = a_key();
  Certificate root_ = a_certificate("Test root", root_key_.get(), nullptr, root_key_.get(), true);
  Certificate middle_ = a_certificate("Test middle", middle_key_.get(), root_.get(), root_key_.get(), true);
  Certificate leaf_ =
      a_certificate("messageverificationcerts.paypal.com", leaf_key_.get(), middle_.get(), middle_key_.get(), false);
  std::filesystem::path file_;
};

TEST_F(CertificatesTest, ChainThatLeadsToAnAuthorityGivesItsKey) {
  const auto key = key_of(pem(leaf_.get()) + pem(middle_.get()));

  ASSERT_TRUE(key) << key.error().message;
  EXPECT_NE(key->pem().find("BEGIN PUBLIC KEY"), std::string::npos);
}

TEST_F(CertificatesTest, IncompleteChainIsNotTrusted) { EXPECT_FALSE(key_of(pem(leaf_.get()))); }

TEST_F(CertificatesTest, CertificateThatSignsItselfIsNotTrusted) {
  const auto own = a_certificate("x.paypal.com", leaf_key_.get(), nullptr, leaf_key_.get(), false);

  EXPECT_FALSE(key_of(pem(own.get())));
}

TEST_F(CertificatesTest, CertificateIsTrustedWhileItIsValidOnly) {
  const std::string chain = pem(leaf_.get()) + pem(middle_.get());

  EXPECT_FALSE(key_of(chain, kNow + std::chrono::hours{1}));
  EXPECT_FALSE(key_of(chain, kNow - std::chrono::hours{1}));
}

TEST_F(CertificatesTest, CertificateOfSomebodyElseIsNotPayPals) {
  for (const char* name : {"www.example.com", "paypal.com", "evilpaypal.com", "x.paypal.com.example.com"}) {
    const auto other = a_certificate(name, leaf_key_.get(), middle_.get(), middle_key_.get(), false);
    EXPECT_FALSE(key_of(pem(other.get()) + pem(middle_.get()))) << name;
  }
}

TEST_F(CertificatesTest, GarbageIsNoCertificate) {
  EXPECT_FALSE(key_of(""));
  EXPECT_FALSE(key_of("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"));
  EXPECT_FALSE(CertificateAuthorities::load("/nonexistent.pem"));
}

}  // namespace
}  // namespace orchestrator::digest
