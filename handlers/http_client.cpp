#include "handlers/http_client.hpp"

#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <exception>
#include <string>

#include "handlers/http_address.hpp"
#include "handlers/public_address.hpp"

namespace orchestrator::handlers {

namespace asio = boost::asio;
namespace http = boost::beast::http;
namespace ssl = boost::asio::ssl;
using asio::ip::tcp;

class TlsTrust {
 public:
  ssl::context context{ssl::context::tls_client};
};

namespace {

using Clock = std::chrono::steady_clock;
using boost::system::error_code;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds kCancelCheck{50};
/// Interim answers (100, 103) that are skipped before the real one.
constexpr int kMaxInterimAnswers = 8;

std::string lower_case(std::string_view text) {
  std::string result{text};
  std::ranges::transform(result, result.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return result;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    const bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return alphanumeric || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool is_header_value(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return (c >= 0 && c < ' ' && c != '\t') || c == 0x7f; });
}

/// Headers that frame the message: given twice or wrongly they would let a second request be smuggled in.
bool is_ours(std::string_view lower_name) {
  return lower_name == "host" || lower_name == "content-length" || lower_name == "transfer-encoding" ||
         lower_name == "connection";
}

Status check_call(const HttpCall& call) {
  static constexpr std::array kMethods = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
  if (std::ranges::find(kMethods, call.method) == kMethods.end()) {
    return fail(ErrorCode::invalid_argument, "the method must be GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS");
  }
  for (const auto& [name, value] : call.headers) {
    if (!is_token(name) || !is_header_value(value)) {
      return fail(ErrorCode::invalid_argument, "a header has a name or value that HTTP does not allow");
    }
    if (is_ours(lower_case(name))) return fail(ErrorCode::invalid_argument, "the header " + name + " cannot be set");
  }
  if (call.body.size() > kMaxHttpRequestBytes) {
    return fail(ErrorCode::invalid_argument,
                "the body is longer than " + std::to_string(kMaxHttpRequestBytes) + " bytes");
  }
  return {};
}

http::request<http::string_body> make_request(const HttpCall& call, const HttpAddress& address) {
  http::request<http::string_body> request;
  request.method_string(call.method);
  request.target(address.target);
  request.version(11);
  request.set(http::field::host, address.authority);
  request.set(http::field::connection, "close");
  for (const auto& [name, value] : call.headers) request.insert(name, value);
  if (request.find(http::field::user_agent) == request.end()) request.set(http::field::user_agent, "orchestrator");
  request.body() = call.body;
  // GET without a body needs no Content-Length; an empty POST does.
  if (!call.body.empty() || call.method == "POST" || call.method == "PUT" || call.method == "PATCH") {
    request.prepare_payload();
  }
  return request;
}

template <typename Parser>
void take_head(HttpAnswer& answer, const Parser& parser) {
  answer.status = static_cast<int>(parser.get().result_int());
  for (const auto& field : parser.get()) {
    answer.headers.emplace_back(lower_case({field.name_string().data(), field.name_string().size()}),
                                std::string{field.value()});
  }
}

/// One request and its answer over a connection of its own. Only on the calling thread: its io_context runs there.
class Exchange {
 public:
  Exchange(const HttpCall& call, HttpAddress address, const HttpOptions& options, std::shared_ptr<TlsTrust> trust)
      : options_(options),
        address_(std::move(address)),
        request_(make_request(call, address_)),
        trust_(std::move(trust)) {}

  /// Runs until the answer is there, the time is over or cancellation is asked for.
  HttpAnswer drive();

 private:
  asio::awaitable<void> run();
  asio::awaitable<bool> connect();
  asio::awaitable<bool> secure();
  template <typename Stream>
  asio::awaitable<void> talk(Stream* stream);

  void finish(HttpEnd end, std::string problem) {
    answer_.end = end;
    answer_.problem = std::move(problem);
  }
  void give_up(HttpEnd unsent, HttpEnd sent, std::string problem);

  // Fixed after construction.
  const HttpOptions& options_;
  const HttpAddress address_;
  http::request<http::string_body> request_;
  std::shared_ptr<TlsTrust> trust_;

  asio::io_context io_{1};
  tcp::resolver resolver_{io_};
  tcp::socket socket_{io_};
  std::optional<ssl::stream<tcp::socket&>> tls_;
  bool sending_ = false;  // From here on the other side may have acted.
  bool done_ = false;
  HttpAnswer answer_;
};

HttpAnswer Exchange::drive() {
  asio::co_spawn(io_, run(), [this](const std::exception_ptr& escaped) {
    done_ = true;
    if (escaped) finish(sending_ ? HttpEnd::connection_lost : HttpEnd::connect_failed, "the HTTP library gave up");
  });
  const auto start = Clock::now();
  const auto end = std::min(start + options_.total_timeout, options_.deadline.value_or(Clock::time_point::max()));
  const auto connect_end = std::min(start + options_.connect_timeout, end);
  while (!done_) {
    const auto now = Clock::now();
    if (options_.cancel_requested != nullptr && options_.cancel_requested->load()) {
      give_up(HttpEnd::cancelled_unsent, HttpEnd::cancelled_sent, "the call was cancelled");
      break;
    }
    if (now >= (sending_ ? end : connect_end)) {
      give_up(HttpEnd::timed_out_unsent, HttpEnd::timed_out_sent,
              sending_ ? "no answer in time" : "no connection in time");
      break;
    }
    io_.run_one_until(std::min(now + kCancelCheck, sending_ ? end : connect_end));
  }
  return std::move(answer_);
}

void Exchange::give_up(HttpEnd unsent, HttpEnd sent, std::string problem) {
  const HttpEnd end = sending_ ? sent : unsent;
  error_code ignored;
  resolver_.cancel();
  socket_.close(ignored);
  // A name look-up in progress cannot be broken off: the C library ends it by its own time-out.
  while (!done_ && io_.run_one() > 0) {
  }
  answer_ = HttpAnswer{};
  finish(end, std::move(problem));
}

asio::awaitable<void> Exchange::run() {
  if (!co_await connect()) co_return;
  if (!address_.tls) {
    co_await talk(&socket_);
    co_return;
  }
  if (!co_await secure()) co_return;
  co_await talk(&*tls_);
}

/// Looks the host up and connects to the first address that accepts. False when the exchange is over.
asio::awaitable<bool> Exchange::connect() {
  auto [resolve_problem, found] = co_await resolver_.async_resolve(address_.host, address_.port, kAwait);
  if (resolve_problem) {
    finish(HttpEnd::connect_failed, "no address for " + address_.host + ": " + resolve_problem.message());
    co_return false;
  }
  for (const auto& entry : found) {
    // One private address is enough: which one a host name answers with is the other side's choice.
    if (!options_.allow_private && !is_public_address(entry.endpoint().address())) {
      finish(HttpEnd::address_refused,
             address_.host + " has the address " + entry.endpoint().address().to_string() +
                 ", which is not public (ORCHESTRATOR_HTTP_ALLOW_PRIVATE lets calls reach it)");
      co_return false;
    }
  }
  auto [connect_problem, endpoint] = co_await asio::async_connect(socket_, found, kAwait);
  if (connect_problem) {
    finish(HttpEnd::connect_failed, "no connection to " + address_.authority + ": " + connect_problem.message());
    co_return false;
  }
  error_code ignored;
  socket_.set_option(tcp::no_delay(true), ignored);
  co_return true;
}

/// TLS over the connection, with the peer's certificate checked against the host name. False when the exchange is over.
asio::awaitable<bool> Exchange::secure() {
  tls_.emplace(socket_, trust_->context);
  tls_->set_verify_mode(ssl::verify_peer);
  tls_->set_verify_callback(ssl::host_name_verification(address_.host));
  error_code not_an_address;
  asio::ip::make_address(address_.host, not_an_address);
  // Server name indication is for names only.
  if (not_an_address) SSL_set_tlsext_host_name(tls_->native_handle(), address_.host.c_str());
  auto [problem] = co_await tls_->async_handshake(ssl::stream_base::client, kAwait);
  if (problem) finish(HttpEnd::connect_failed, "TLS with " + address_.authority + " failed: " + problem.message());
  co_return !problem;
}

/// Sends the request and reads the answer over an open stream.
template <typename Stream>
asio::awaitable<void> Exchange::talk(Stream* stream) {
  sending_ = true;
  auto [write_problem, written] = co_await http::async_write(*stream, request_, kAwait);
  // A server may answer and close before it has read everything (413): then its answer counts, not our broken pipe.
  boost::beast::flat_buffer buffer;
  for (int interim = 0; interim <= kMaxInterimAnswers; ++interim) {
    http::response_parser<http::string_body> parser;
    parser.header_limit(kMaxHttpHeaderBytes);
    parser.body_limit(kMaxHttpAnswerBytes);
    parser.skip(request_.method() == http::verb::head);
    auto [read_problem, read] = co_await http::async_read(*stream, buffer, parser, kAwait);
    if (read_problem && read_problem != http::error::body_limit) {
      const error_code problem = write_problem ? write_problem : read_problem;
      finish(HttpEnd::connection_lost, "the connection ended without an answer: " + problem.message());
      co_return;
    }
    const int status = static_cast<int>(parser.get().result_int());
    if (status < 200 && status != 101 && !read_problem) continue;
    take_head(answer_, parser);
    if (read_problem) {
      finish(HttpEnd::answer_too_large, "the answer is longer than " + std::to_string(kMaxHttpAnswerBytes) + " bytes");
      co_return;
    }
    answer_.body = std::move(parser.get().body());
    answer_.end = HttpEnd::answered;
    co_return;
  }
  finish(HttpEnd::connection_lost, "the server sent interim answers without end");
}

HttpAnswer invalid(std::string problem) {
  HttpAnswer answer;
  answer.end = HttpEnd::invalid_call;
  answer.problem = std::move(problem);
  return answer;
}

HttpAnswer exchange_once(const HttpCall& call, const HttpOptions& options) {
  if (const Status status = check_call(call); !status) return invalid(status.error().message);
  const auto address = parse_http_address(call.url);
  if (!address) return invalid(address.error().message);

  std::shared_ptr<TlsTrust> trust = options.trust;
  if (address->tls && !trust) {
    auto loaded = load_tls_trust();
    if (!loaded) {
      HttpAnswer answer;
      answer.end = HttpEnd::connect_failed;
      answer.problem = loaded.error().message;
      return answer;
    }
    trust = *std::move(loaded);
  }

  Exchange exchange(call, *address, options, std::move(trust));
  return exchange.drive();
}

}  // namespace

Result<std::shared_ptr<TlsTrust>> load_tls_trust(const std::string& authorities_file) {
  try {
    auto trust = std::make_shared<TlsTrust>();
    trust->context.set_options(ssl::context::default_workarounds | ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1);
    if (authorities_file.empty()) {
      trust->context.set_default_verify_paths();
    } else {
      trust->context.load_verify_file(authorities_file);
    }
    return trust;
  } catch (const std::exception& problem) {
    return fail(ErrorCode::unavailable, std::string("cannot load the TLS authorities: ") + problem.what());
  }
}

std::string_view HttpAnswer::header(std::string_view name) const {
  const auto found =
      std::ranges::find(headers, name, [](const auto& header) { return std::string_view{header.first}; });
  return found == headers.end() ? std::string_view{} : std::string_view{found->second};
}

HttpAnswer send_http(const HttpCall& call, const HttpOptions& options) {
  try {
    return exchange_once(call, options);
  } catch (const std::exception& problem) {
    // Only setting up throws (no sockets left, a bad allocation); what runs after it answers with values.
    HttpAnswer answer;
    answer.end = HttpEnd::connect_failed;
    answer.problem = problem.what();
    return answer;
  }
}

}  // namespace orchestrator::handlers
