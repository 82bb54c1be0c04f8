#include "orchestrator_client/connection.hpp"

#include <atomic>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <charconv>
#include <stdexcept>

namespace orchestrator_client {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

/// A claim may answer 500 inputs of a megabyte each; nobody sends more.
constexpr std::uint64_t kMaxAnswerBytes = 1ULL << 30;
constexpr std::chrono::seconds kConnectPatience{5};
/// Younger than the server's own patience with an idle connection.
constexpr std::chrono::seconds kKeepIdle{30};

std::optional<std::chrono::seconds> seconds_of(std::string_view text) {
  int seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc{} || end != text.data() + text.size() || seconds < 0) return std::nullopt;
  return std::chrono::seconds{seconds};
}

}  // namespace

Address Address::of(const std::string& url, const std::string& api_key, const std::string& namespace_name) {
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme)) throw std::invalid_argument("the server's url begins with http://, not " + url);
  std::string authority = url.substr(kScheme.size());
  authority = authority.substr(0, authority.find('/'));
  const auto colon = authority.rfind(':');
  const bool has_port = colon != std::string::npos && !authority.ends_with(']');
  Address address;
  address.host = authority.substr(0, has_port ? colon : std::string::npos);
  if (address.host.starts_with('[') && address.host.ends_with(']'))
    address.host = address.host.substr(1, address.host.size() - 2);
  address.port = has_port ? authority.substr(colon + 1) : "80";
  if (address.host.empty() || address.port.empty()) throw std::invalid_argument("no host in the url " + url);
  if (!api_key.empty()) address.authorization = "Bearer " + api_key;
  address.namespace_name = namespace_name;
  return address;
}

/// Asynchronous calls on a loop of its own, run by the caller until they end: that is what gives them deadlines.
class Connection::Body {
 public:
  explicit Body(const Address& address) : address_(address) {}

  std::optional<Answer> post(const std::string& target, const std::string& body, std::chrono::milliseconds patience) {
    if (is_aborted_) return std::nullopt;
    if (stream_ && std::chrono::steady_clock::now() - used_at_ > kKeepIdle) stream_.reset();
    if (!stream_ && !connect()) return std::nullopt;
    http::request<http::string_body> request(http::verb::post, target, 11);
    request.set(http::field::host, address_.host + ":" + address_.port);
    request.set(http::field::content_type, "application/json");
    if (!address_.authorization.empty()) request.set(http::field::authorization, address_.authorization);
    if (!address_.namespace_name.empty()) request.set("Orchestrator-Namespace", address_.namespace_name);
    request.body() = body;
    request.prepare_payload();

    beast::flat_buffer buffer;
    http::response_parser<http::string_body> parser;
    parser.body_limit(kMaxAnswerBytes);
    error_code failed;
    stream_->expires_after(patience);
    http::async_write(*stream_, request, [&](error_code error, std::size_t) {
      failed = error;
      if (error) return;
      http::async_read(*stream_, buffer, parser, [&](error_code reading, std::size_t) { failed = reading; });
    });
    run();
    if (failed || !parser.is_done()) {
      stream_.reset();
      return std::nullopt;
    }
    used_at_ = std::chrono::steady_clock::now();
    Answer answer;
    answer.status = static_cast<int>(parser.get().result_int());
    const auto retry_after = parser.get()[http::field::retry_after];
    answer.retry_after = seconds_of({retry_after.data(), retry_after.size()});
    const bool keeps = parser.get().keep_alive();
    answer.body = std::move(parser.get().body());
    if (!keeps) stream_.reset();
    return answer;
  }

  void abort() {
    is_aborted_ = true;
    asio::post(loop_, [this] {
      if (stream_) stream_->cancel();
    });
  }

 private:
  bool connect() {
    tcp::resolver resolver(loop_);
    error_code failed;
    const auto endpoints = resolver.resolve(address_.host, address_.port, failed);
    if (failed) return false;
    stream_.emplace(loop_);
    stream_->expires_after(kConnectPatience);
    failed = asio::error::timed_out;
    stream_->async_connect(endpoints, [&](error_code error, const tcp::endpoint&) { failed = error; });
    run();
    if (failed) {
      stream_.reset();
      return false;
    }
    error_code ignored;
    stream_->socket().set_option(tcp::no_delay(true), ignored);
    return true;
  }

  void run() {
    loop_.restart();
    loop_.run();
  }

  const Address& address_;
  asio::io_context loop_{1};
  std::optional<beast::tcp_stream> stream_;
  std::chrono::steady_clock::time_point used_at_;
  std::atomic<bool> is_aborted_{false};
};

Connection::Connection(const Address& address) : body_(std::make_unique<Body>(address)) {}
Connection::~Connection() = default;

std::optional<Answer> Connection::post(const std::string& target, const std::string& body,
                                       std::chrono::milliseconds patience) {
  return body_->post(target, body, patience);
}

void Connection::abort() { body_->abort(); }

}  // namespace orchestrator_client
