#include "orchestrator/digest/certificates.hpp"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <optional>
#include <vector>

#include "orchestrator/digest/openssl_owner.hpp"

namespace orchestrator::digest {
namespace {

/// Certificates of one chain at most.
constexpr std::size_t kMaxChain = 10;

using Certificate = std::unique_ptr<X509, Freeing<X509_free>>;
using Names = std::unique_ptr<GENERAL_NAMES, Freeing<GENERAL_NAMES_free>>;
using Context = std::unique_ptr<X509_STORE_CTX, Freeing<X509_STORE_CTX_free>>;

/// Borrows its certificates.
struct FreeStack {
  void operator()(STACK_OF(X509) * stack) const { sk_X509_free(stack); }
};

std::vector<Certificate> read_chain(std::string_view pem) {
  std::vector<Certificate> chain;
  const std::unique_ptr<BIO, Freeing<BIO_free>> source{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
  while (source && chain.size() < kMaxChain) {
    Certificate next{PEM_read_bio_X509(source.get(), nullptr, nullptr, nullptr)};
    if (!next) break;
    chain.push_back(std::move(next));
  }
  return chain;
}

std::string text_of(const ASN1_STRING* value) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
          static_cast<std::size_t>(ASN1_STRING_length(value))};
}

/// The hosts that a certificate names: its alternative names, or without any its common name.
std::vector<std::string> hosts_of(X509* certificate) {
  std::vector<std::string> hosts;
  const Names names{static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr))};
  for (int index = 0; names && index < sk_GENERAL_NAME_num(names.get()); ++index) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), index);
    if (name->type == GEN_DNS) hosts.push_back(text_of(name->d.dNSName));
  }
  if (!hosts.empty()) return hosts;
  const X509_NAME* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at >= 0) hosts.push_back(text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))));
  return hosts;
}

bool is_below(std::string_view host, std::string_view domain) {
  return host.size() > domain.size() && host.ends_with(domain) && host[host.size() - domain.size() - 1] == '.';
}

}  // namespace

Result<CertificateAuthorities> CertificateAuthorities::load(const std::string& file) {
  const std::shared_ptr<void> store(X509_STORE_new(),
                                    [](void* old) { X509_STORE_free(static_cast<X509_STORE*>(old)); });
  auto* trusted = static_cast<X509_STORE*>(store.get());
  const int loaded = file.empty() ? X509_STORE_set_default_paths(trusted) : X509_STORE_load_file(trusted, file.c_str());
  if (loaded != 1) return fail(ErrorCode::invalid_argument, "there are no certificate authorities in " + file);
  return CertificateAuthorities(store);
}

Result<PublicKey> CertificateAuthorities::key_of(std::string_view pem_chain, std::string_view domain,
                                                 Timestamp now) const {
  const std::vector<Certificate> chain = read_chain(pem_chain);
  if (chain.empty()) return fail(ErrorCode::precondition_failed, "there is no certificate");
  const std::unique_ptr<STACK_OF(X509), FreeStack> others{sk_X509_new_null()};
  for (std::size_t index = 1; index < chain.size(); ++index) sk_X509_push(others.get(), chain[index].get());

  const Context context{X509_STORE_CTX_new()};
  if (!context || X509_STORE_CTX_init(context.get(), static_cast<X509_STORE*>(store_.get()), chain.front().get(),
                                      others.get()) != 1) {
    return fail(ErrorCode::internal, "the certificate cannot be checked");
  }
  X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(context.get()), to_millis(now) / 1000);
  if (X509_verify_cert(context.get()) != 1) {
    const int why = X509_STORE_CTX_get_error(context.get());
    return fail(ErrorCode::precondition_failed,
                std::string("the certificate is not trusted: ") + X509_verify_cert_error_string(why));
  }
  bool is_theirs = false;
  for (const std::string& host : hosts_of(chain.front().get())) is_theirs = is_theirs || is_below(host, domain);
  if (!is_theirs) {
    return fail(ErrorCode::precondition_failed, "the certificate is not of a host below " + std::string(domain));
  }
  auto key = PublicKey::own(X509_get_pubkey(chain.front().get()));
  if (!key) return fail(ErrorCode::precondition_failed, "the certificate has no key that is known here");
  return *key;
}

}  // namespace orchestrator::digest
