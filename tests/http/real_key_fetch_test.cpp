// Tokens whose keys stand elsewhere: fetched over TLS from a server that an authority of our own vouches for.
#include <gmock/gmock.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include "orchestrator/base/json.hpp"
#include "orchestrator/digest/encoding.hpp"
#include "tests/http/server_process.hpp"
#include "tests/support/http_client.hpp"

namespace orchestrator::testing_support {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr const char* kAdminKey = "key-fetch-test-key";
constexpr const char* kAudience = "https://hooks.example/in/gcs";
constexpr const char* kAccount = "pusher@proj.iam.gserviceaccount.com";

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

Key a_key(EVP_PKEY* made) { return {made, &EVP_PKEY_free}; }

void add_extension(X509* certificate, int kind, const std::string& value) {
  const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension(
      X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str()), &X509_EXTENSION_free);
  X509_add_ext(certificate, extension.get(), -1);
}

/// @param issuer null: it signs itself, as an authority does
Certificate a_certificate(const std::string& name, EVP_PKEY* key, X509* issuer, EVP_PKEY* issuer_key) {
  Certificate certificate(X509_new(), &X509_free);
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), issuer == nullptr ? 1 : 2);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1,
                             0);
  X509_set_issuer_name(certificate.get(), issuer == nullptr ? subject : X509_get_subject_name(issuer));
  if (issuer == nullptr) {
    add_extension(certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
  } else {
    add_extension(certificate.get(), NID_subject_alt_name, "DNS:" + name);
  }
  X509_sign(certificate.get(), issuer_key, EVP_sha256());
  return certificate;
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<std::size_t>(size));
}

std::string pem_of(X509* certificate) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> text(BIO_new(BIO_s_mem()), &BIO_free);
  PEM_write_bio_X509(text.get(), certificate);
  return text_of(text.get());
}

std::string pem_of(EVP_PKEY* key) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> text(BIO_new(BIO_s_mem()), &BIO_free);
  PEM_write_bio_PrivateKey(text.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return text_of(text.get());
}

std::string base64url(const std::string& plain) {
  std::string encoded = digest::to_base64(plain);
  while (encoded.ends_with('=')) encoded.pop_back();
  for (char& c : encoded) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return encoded;
}

std::string number_of(EVP_PKEY* key, const char* parameter) {
  BIGNUM* number = nullptr;
  EVP_PKEY_get_bn_param(key, parameter, &number);
  std::string bytes(static_cast<std::size_t>(BN_num_bytes(number)), '\0');
  BN_bn2bin(number, reinterpret_cast<unsigned char*>(bytes.data()));
  BN_free(number);
  return base64url(bytes);
}

std::string key_set_of(EVP_PKEY* key, const std::string& id) {
  const Json one = {{"kty", "RSA"},
                    {"kid", id},
                    {"alg", "RS256"},
                    {"use", "sig"},
                    {"n", number_of(key, OSSL_PKEY_PARAM_RSA_N)},
                    {"e", number_of(key, OSSL_PKEY_PARAM_RSA_E)}};
  return dump_json(Json{{"keys", Json::array({one})}});
}

std::string token_of(EVP_PKEY* key, const std::string& key_id) {
  const auto now =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  const Json header = {{"alg", "RS256"}, {"kid", key_id}, {"typ", "JWT"}};
  const Json claims = {{"iss", "https://accounts.google.com"},
                       {"aud", kAudience},
                       {"email", kAccount},
                       {"email_verified", true},
                       {"iat", now},
                       {"exp", now + 600}};
  const std::string text = base64url(dump_json(header)) + "." + base64url(dump_json(claims));
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key);
  std::size_t size = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  EVP_DigestSign(context.get(), nullptr, &size, bytes, text.size());
  std::string signature(size, '\0');
  EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, bytes, text.size());
  signature.resize(size);
  return text + "." + base64url(signature);
}

/// Answers every connection with the same document over TLS.
class TlsServer {
 public:
  TlsServer(X509* certificate, EVP_PKEY* key, std::string document) : document_(std::move(document)) {
    const std::string certificate_text = pem_of(certificate);
    const std::string key_text = pem_of(key);
    context_.use_certificate(asio::buffer(certificate_text), asio::ssl::context::pem);
    context_.use_private_key(asio::buffer(key_text), asio::ssl::context::pem);
    thread_ = std::thread([this] { serve(); });
  }
  ~TlsServer() {
    stopping_ = true;
    // Wakes the acceptor.
    boost::system::error_code ignored;
    tcp::socket waker(io_);
    waker.connect(acceptor_.local_endpoint(), ignored);
    thread_.join();
  }

  [[nodiscard]] std::string url() const {
    return "https://localhost:" + std::to_string(acceptor_.local_endpoint().port()) + "/certs";
  }
  [[nodiscard]] int connections() const { return connections_; }
  [[nodiscard]] int answered() const { return answered_; }

 private:
  void serve() {
    for (;;) {
      boost::system::error_code problem;
      asio::ssl::stream<tcp::socket> stream(io_, context_);
      acceptor_.accept(stream.next_layer(), problem);
      if (problem || stopping_) return;
      ++connections_;
      stream.handshake(asio::ssl::stream_base::server, problem);
      if (problem) continue;
      std::string request(4096, '\0');
      stream.read_some(asio::buffer(request), problem);
      const std::string answer =
          "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(document_.size()) + "\r\n\r\n" + document_;
      asio::write(stream, asio::buffer(answer), problem);
      ++answered_;
      stream.shutdown(problem);
    }
  }

  const std::string document_;
  asio::io_context io_;
  asio::ssl::context context_{asio::ssl::context::tls_server};
  tcp::acceptor acceptor_{io_, {asio::ip::make_address("127.0.0.1"), 0}};
  std::atomic<bool> stopping_{false};
  std::atomic<int> connections_{0};
  std::atomic<int> answered_{0};
  std::thread thread_;
};

class RealKeyFetch : public testing::Test {
 protected:
  RealKeyFetch()
      : folder_(std::filesystem::temp_directory_path() / ("orc-keys-" + std::to_string(::getpid()))),
        process_(folder_ / "log") {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_ / "workflows");
    std::ofstream(folder_ / "authorities.pem") << pem_of(authority_.get());
  }
  ~RealKeyFetch() override {
    if (process_.is_running()) process_.stop();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  bool start() {
    return process_.start(
        {"dev"}, {"ORCHESTRATOR_DATA_DIR=" + (folder_ / "data").string(),
                  "ORCHESTRATOR_WORKFLOWS_DIR=" + (folder_ / "workflows").string(), "ORCHESTRATOR_LISTEN=127.0.0.1:0",
                  "ORCHESTRATOR_ADMIN_KEY=" + std::string(kAdminKey), "ORCHESTRATOR_NODE_ID=key-fetch-test",
                  "ORCHESTRATOR_HTTP_ALLOW_PRIVATE=1", "SSL_CERT_FILE=" + (folder_ / "authorities.pem").string(),
                  "PATH=/usr/bin:/bin"});
  }
  void make_endpoint(const std::string& name, const std::string& key_set_url) {
    const Json endpoint = {
        {"provider", "pubsub"},
        {"signal", {{"name", "pushed"}, {"key", "$.message.messageId"}}},
        {"options", {{"audience", kAudience}, {"service_account", kAccount}, {"key_set_url", key_set_url}}}};
    HttpClient client(process_.port());
    const auto made =
        client.request("PUT", "/v1/webhook-endpoints/" + name, dump_json(endpoint),
                       {{"Authorization", std::string("Bearer ") + kAdminKey}, {"Content-Type", "application/json"}});
    ASSERT_EQ(made.status, 201) << made.body;
  }
  int deliver(const std::string& endpoint, const std::string& token, const std::string& message = "m-1") {
    HttpClient client(process_.port());
    const Json body = {{"message", {{"messageId", message}}}, {"subscription", "projects/p/subscriptions/s"}};
    return client.request("POST", "/hooks/default/" + endpoint, dump_json(body), {{"Authorization", "Bearer " + token}})
        .status;
  }
  /// The status once it is `wanted`, or the last one after ten seconds: providers come again.
  int deliver_until(int wanted, const std::string& endpoint, const std::string& token) {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    int status = 0;
    do {
      status = deliver(endpoint, token);
    } while (status != wanted && std::chrono::steady_clock::now() < give_up);
    return status;
  }

  const Key authority_key_ = a_key(EVP_EC_gen("P-256"));
  const Certificate authority_ =
      a_certificate("An authority of this test", authority_key_.get(), nullptr, authority_key_.get());
  const Key server_key_ = a_key(EVP_EC_gen("P-256"));
  const Key signing_key_ = a_key(EVP_RSA_gen(2048));
  std::filesystem::path folder_;
  ServerProcess process_;
};

TEST_F(RealKeyFetch, BelievesATokenWhoseKeysComeFromATrustedServer) {
  const Certificate certificate = a_certificate("localhost", server_key_.get(), authority_.get(), authority_key_.get());
  const TlsServer keys(certificate.get(), server_key_.get(), key_set_of(signing_key_.get(), "k-1"));
  ASSERT_TRUE(start()) << process_.log();
  make_endpoint("push", keys.url());

  const int first = deliver("push", token_of(signing_key_.get(), "k-1"));
  const int believed = deliver_until(200, "push", token_of(signing_key_.get(), "k-1"));
  const Key other = a_key(EVP_RSA_gen(2048));
  const int forged = deliver("push", token_of(other.get(), "k-1"), "m-2");

  EXPECT_GE(first, 200) << "no webhook waits for a key";
  EXPECT_EQ(believed, 200) << process_.log();
  EXPECT_EQ(forged, 401);
  EXPECT_EQ(keys.answered(), 1) << "the keys are kept";
}

TEST_F(RealKeyFetch, TakesNoKeysFromAServerThatNobodyVouchesFor) {
  const Key stranger_key = a_key(EVP_EC_gen("P-256"));
  const Certificate stranger = a_certificate("localhost", stranger_key.get(), nullptr, stranger_key.get());
  const TlsServer keys(stranger.get(), stranger_key.get(), key_set_of(signing_key_.get(), "k-1"));
  ASSERT_TRUE(start()) << process_.log();
  make_endpoint("push", keys.url());

  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (keys.connections() == 0 && std::chrono::steady_clock::now() < give_up) {
    const int status = deliver("push", token_of(signing_key_.get(), "k-1"));
    EXPECT_FALSE(status >= 200 && status < 300) << status;
  }
  const int status = deliver("push", token_of(signing_key_.get(), "k-1"));

  EXPECT_GE(keys.connections(), 1);
  EXPECT_EQ(keys.answered(), 0);
  EXPECT_FALSE(status >= 200 && status < 300) << status;
}

}  // namespace
}  // namespace orchestrator::testing_support
