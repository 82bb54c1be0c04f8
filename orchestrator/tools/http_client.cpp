#include "orchestrator/tools/http_client.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <exception>
#include <optional>

namespace orchestrator::tools {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;

namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::seconds kConnectTimeout{5};

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

Error connection_error(const ServerAccess& access, const boost::system::error_code& problem) {
  return {ErrorCode::unavailable,
          "no connection to http://" + access.host + ":" + access.port + ": " + problem.message()};
}

Error exchange_error(const boost::system::error_code& problem) {
  if (problem == beast::error::timeout) return {ErrorCode::deadline_exceeded, "the server did not answer in time"};
  return {ErrorCode::outcome_unknown, "the connection ended before the answer: " + problem.message()};
}

}  // namespace

struct HttpConnection::State {
  State(asio::io_context& io, ServerAccess server) : access(std::move(server)), resolver(io), stream(io) {}

  asio::awaitable<std::optional<Error>> connect();
  asio::awaitable<Result<ClientResponse>> send(ClientRequest asked);
  http::request<http::string_body> make_request(ClientRequest asked) const;
  void close() {
    stream.close();
    buffer.clear();
    open = false;
  }

  ServerAccess access;
  tcp::resolver resolver;
  beast::tcp_stream stream;
  beast::flat_buffer buffer;
  bool open = false;
};

asio::awaitable<std::optional<Error>> HttpConnection::State::connect() {
  auto [resolve_problem, found] = co_await resolver.async_resolve(access.host, access.port, kAwait);
  if (resolve_problem) co_return connection_error(access, resolve_problem);
  stream.expires_after(kConnectTimeout);
  auto [connect_problem, endpoint] = co_await stream.async_connect(found, kAwait);
  if (connect_problem) co_return connection_error(access, connect_problem);
  boost::system::error_code ignored;
  stream.socket().set_option(tcp::no_delay(true), ignored);
  open = true;
  co_return std::nullopt;
}

http::request<http::string_body> HttpConnection::State::make_request(ClientRequest asked) const {
  http::request<http::string_body> request;
  request.method_string(asked.method);
  request.target(access.base_path + asked.target);
  request.version(11);
  request.set(http::field::host, access.host + ":" + access.port);
  request.set(http::field::user_agent, "orchestrator-cli");
  if (!access.api_key.empty()) request.set(http::field::authorization, "Bearer " + access.api_key);
  if (!access.namespace_name.empty()) request.set("Orchestrator-Namespace", access.namespace_name);
  if (!asked.body.empty()) request.set(http::field::content_type, asked.content_type);
  for (const auto& [name, value] : asked.headers) request.set(name, value);
  request.body() = std::move(asked.body);
  if (asked.method != "GET") request.prepare_payload();
  return request;
}

asio::awaitable<Result<ClientResponse>> HttpConnection::State::send(ClientRequest asked) {
  const auto timeout = asked.timeout;
  if (!open) {
    auto problem = co_await connect();
    if (problem) co_return *std::move(problem);
  }
  const http::request<http::string_body> request = make_request(std::move(asked));
  stream.expires_after(timeout);
  auto [write_problem, written] = co_await http::async_write(stream, request, kAwait);
  if (write_problem) {
    close();
    co_return exchange_error(write_problem);
  }
  http::response_parser<http::string_body> parser;
  parser.body_limit(kMaxClientAnswerBytes);
  auto [read_problem, read] = co_await http::async_read(stream, buffer, parser, kAwait);
  if (read_problem) {
    close();
    co_return exchange_error(read_problem);
  }
  if (!parser.keep_alive()) close();
  ClientResponse response;
  response.status = static_cast<int>(parser.get().result_int());
  response.body = std::move(parser.get().body());
  co_return response;
}

namespace {

asio::awaitable<void> send_into(HttpConnection* connection, ClientRequest request,
                                std::optional<Result<ClientResponse>>* answer) {
  answer->emplace(co_await connection->send(std::move(request)));
}

}  // namespace

HttpConnection::HttpConnection(asio::io_context& io, ServerAccess access)
    : state_(std::make_unique<State>(io, std::move(access))) {}
HttpConnection::~HttpConnection() = default;
HttpConnection::HttpConnection(HttpConnection&&) noexcept = default;
HttpConnection& HttpConnection::operator=(HttpConnection&&) noexcept = default;

asio::awaitable<Result<ClientResponse>> HttpConnection::send(ClientRequest request) {
  return state_->send(std::move(request));
}

Result<ClientResponse> send_once(const ServerAccess& access, ClientRequest request) {
  asio::io_context io{1};
  HttpConnection connection(io, access);
  std::optional<Result<ClientResponse>> answer;
  asio::co_spawn(io, send_into(&connection, std::move(request), &answer), [](const std::exception_ptr&) {});
  io.run();
  if (!answer) return fail(ErrorCode::internal, "the request could not be sent");
  return *std::move(answer);
}

Result<ServerAccess> parse_server_url(std::string_view url) {
  constexpr std::string_view kScheme = "http://";
  const auto refuse = [] {
    return fail(ErrorCode::invalid_argument, "the server's URL must look like http://127.0.0.1:8080");
  };
  if (!url.starts_with(kScheme)) return refuse();
  url.remove_prefix(kScheme.size());
  ServerAccess access;
  const auto slash = url.find('/');
  std::string_view authority = url.substr(0, slash);
  if (slash != std::string_view::npos) {
    access.base_path = url.substr(slash);
    while (access.base_path.ends_with('/')) access.base_path.pop_back();
  }
  std::string_view port = "80";
  // The brackets of an IPv6 address hold colons of their own.
  const auto colon = authority.find(':', authority.starts_with('[') ? authority.find(']') : 0);
  if (colon != std::string_view::npos) {
    port = authority.substr(colon + 1);
    authority = authority.substr(0, colon);
  }
  if (authority.starts_with('[') && authority.ends_with(']')) authority = authority.substr(1, authority.size() - 2);
  const bool digits =
      !port.empty() && port.size() <= 5 && port.find_first_not_of("0123456789") == std::string_view::npos;
  if (authority.empty() || !digits) return refuse();
  access.host = authority;
  access.port = port;
  return access;
}

std::string encode_component(std::string_view text) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    if (is_unreserved(c)) {
      encoded += c;
    } else {
      encoded += '%';
      encoded += kHex[static_cast<unsigned char>(c) >> 4];
      encoded += kHex[static_cast<unsigned char>(c) & 0xF];
    }
  }
  return encoded;
}

}  // namespace orchestrator::tools
