#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include "handlers/http_client.hpp"

namespace orchestrator::handlers {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

/// A certificate that signs itself, as PEM text.
struct Certificate {
  std::string key;
  std::string text;
};

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<std::size_t>(size));
}

Certificate a_certificate_for(const std::string& name) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), &X509_free);
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key.get());
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1,
                             0);
  X509_set_issuer_name(certificate.get(), subject);
  const std::string names = "DNS:" + name;
  const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension(
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names.c_str()), &X509_EXTENSION_free);
  X509_add_ext(certificate.get(), extension.get(), -1);
  X509_sign(certificate.get(), key.get(), EVP_sha256());

  const std::unique_ptr<BIO, decltype(&BIO_free)> key_text(BIO_new(BIO_s_mem()), &BIO_free);
  const std::unique_ptr<BIO, decltype(&BIO_free)> certificate_text(BIO_new(BIO_s_mem()), &BIO_free);
  PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  PEM_write_bio_X509(certificate_text.get(), certificate.get());
  return {text_of(key_text.get()), text_of(certificate_text.get())};
}

/// Answers one connection with 200 over TLS.
class TlsServer {
 public:
  explicit TlsServer(const Certificate& certificate) {
    context_.use_certificate(asio::buffer(certificate.text), asio::ssl::context::pem);
    context_.use_private_key(asio::buffer(certificate.key), asio::ssl::context::pem);
    thread_ = std::thread([this] { serve(); });
  }
  ~TlsServer() { thread_.join(); }

  [[nodiscard]] std::string url() const {
    return "https://localhost:" + std::to_string(acceptor_.local_endpoint().port()) + "/";
  }

 private:
  void serve() {
    boost::system::error_code problem;
    asio::ssl::stream<tcp::socket> stream(io_, context_);
    acceptor_.accept(stream.next_layer(), problem);
    stream.handshake(asio::ssl::stream_base::server, problem);
    if (problem) return;
    std::string request(4096, '\0');
    stream.read_some(asio::buffer(request), problem);
    const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecure";
    asio::write(stream, asio::buffer(answer), problem);
  }

  asio::io_context io_;
  asio::ssl::context context_{asio::ssl::context::tls_server};
  tcp::acceptor acceptor_{io_, {asio::ip::make_address("127.0.0.1"), 0}};
  std::thread thread_;
};

class HttpTlsTest : public testing::Test {
 protected:
  ~HttpTlsTest() override {
    std::error_code ignored;
    std::filesystem::remove(file_, ignored);
  }
  std::shared_ptr<TlsTrust> trust_in(const Certificate& certificate) {
    std::ofstream(file_) << certificate.text;
    return load_tls_trust(file_).value();
  }
  static HttpAnswer call(const TlsServer& server, std::shared_ptr<TlsTrust> trust) {
    HttpOptions options;
    options.allow_private = true;
    options.trust = std::move(trust);
    HttpCall request;
    request.url = server.url();
    return send_http(request, options);
  }

  std::string file_ = std::filesystem::temp_directory_path() /
                      (std::string("authority_") + testing::UnitTest::GetInstance()->current_test_info()->name());
};

TEST_F(HttpTlsTest, TalksToATrustedServerOfThatName) {
  const Certificate certificate = a_certificate_for("localhost");
  const TlsServer server(certificate);

  const HttpAnswer answer = call(server, trust_in(certificate));

  EXPECT_EQ(answer.end, HttpEnd::answered) << answer.problem;
  EXPECT_EQ(answer.body, "secure");
}

TEST_F(HttpTlsTest, SendsNothingToAServerOfAnotherName) {
  const Certificate certificate = a_certificate_for("elsewhere.example");
  const TlsServer server(certificate);

  EXPECT_EQ(call(server, trust_in(certificate)).end, HttpEnd::connect_failed);
}

TEST_F(HttpTlsTest, SendsNothingToAServerThatNobodyVouchesFor) {
  const TlsServer server(a_certificate_for("localhost"));

  EXPECT_EQ(call(server, trust_in(a_certificate_for("localhost"))).end, HttpEnd::connect_failed);
}

TEST(TlsTrust, NeedsAReadableFile) { EXPECT_FALSE(load_tls_trust("/nowhere/authorities.pem")); }

}  // namespace
}  // namespace orchestrator::handlers
