#include "orchestrator/tools/sandbox_http.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <cstdio>
#include <exception>
#include <optional>

#include "orchestrator/digest/provider_signatures.hpp"

namespace orchestrator::tools {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;

namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
/// How long a kept-alive connection may say nothing, and how long a hanging answer hangs at most.
constexpr std::chrono::seconds kIdleTimeout{120};

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return lower;
}

SandboxRequest read_message(http::request<http::string_body> message) {
  SandboxRequest request;
  request.method = message.method_string();
  const std::string target = message.target();
  const std::size_t mark = target.find('?');
  request.path = target.substr(0, mark);
  if (mark != std::string::npos) {
    for (auto& [name, value] : digest::parse_form(target.substr(mark + 1))) request.query[name] = value;
  }
  for (const auto& field : message) request.headers[lower_case(field.name_string())] = field.value();
  request.body = std::move(message.body());
  return request;
}

http::response<http::string_body> write_message(const SandboxReply& reply, unsigned version, bool keep_alive) {
  http::response<http::string_body> message(static_cast<http::status>(reply.status), version);
  message.set(http::field::content_type, reply.content_type);
  for (const auto& [name, value] : reply.headers) message.set(name, value);
  message.keep_alive(keep_alive);
  message.body() = reply.body;
  message.prepare_payload();
  return message;
}

}  // namespace

struct SandboxServer::Impl {
  Impl(asio::io_context& context, Handle handler) : io(context), handle(std::move(handler)), acceptor(context) {}

  /// Takes connections until the acceptor is closed. The server lives as long as its coroutines.
  static asio::awaitable<void> accept(std::shared_ptr<Impl> server);
  /// Serves one connection until its caller leaves.
  static asio::awaitable<void> serve(std::shared_ptr<Impl> server, tcp::socket socket);

  asio::io_context& io;
  Handle handle;
  tcp::acceptor acceptor;
  int connection_count = 0;
};

namespace {

void report_escape(std::exception_ptr escaped) {
  if (escaped) std::fputs("sandbox: a connection ended with an exception\n", stderr);
}

asio::awaitable<void> pause(std::chrono::milliseconds delay) {
  asio::steady_timer timer(co_await asio::this_coro::executor, delay);
  co_await timer.async_wait(kAwait);
}

// What these two borrow lives in the frame of the coroutine that awaits them at once.
// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters)

/// Waits until the caller closes the connection, or the idle time is over.
asio::awaitable<void> hang(beast::tcp_stream& stream, beast::flat_buffer& buffer) {
  stream.expires_after(kIdleTimeout);
  http::request_parser<http::string_body> never;
  co_await http::async_read(stream, buffer, never, kAwait);
}

/// One request and its answer; false when the connection is over.
asio::awaitable<bool> serve_once(const SandboxServer::Handle& handle, beast::tcp_stream& stream,
                                 beast::flat_buffer& buffer) {
  http::request_parser<http::string_body> parser;
  parser.body_limit(kMaxSandboxBodyBytes);
  stream.expires_after(kIdleTimeout);
  const auto [read_problem, read_bytes] = co_await http::async_read(stream, buffer, parser, kAwait);
  if (read_problem) co_return false;
  const bool keep_alive = parser.get().keep_alive();
  const unsigned version = parser.get().version();
  const SandboxRequest request = read_message(parser.release());
  const SandboxReply reply = handle(request);
  if (reply.delay.count() > 0) co_await pause(reply.delay);
  if (reply.fate == SandboxReply::Fate::drop) co_return false;
  if (reply.fate == SandboxReply::Fate::hang) {
    co_await hang(stream, buffer);
    co_return false;
  }
  const http::response<http::string_body> message = write_message(reply, version, keep_alive);
  stream.expires_after(kIdleTimeout);
  const auto [write_problem, written_bytes] = co_await http::async_write(stream, message, kAwait);
  co_return !write_problem && keep_alive;
}

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)

}  // namespace

SandboxServer::SandboxServer(asio::io_context& io, Handle handle)
    : impl_(std::make_shared<Impl>(io, std::move(handle))) {}

SandboxServer::~SandboxServer() {
  boost::system::error_code ignored;
  impl_->acceptor.close(ignored);
}

asio::awaitable<void> SandboxServer::Impl::accept(std::shared_ptr<Impl> server) {
  while (server->acceptor.is_open()) {
    auto [accept_problem, socket] = co_await server->acceptor.async_accept(kAwait);
    if (accept_problem || server->connection_count >= kMaxSandboxConnections) continue;
    ++server->connection_count;
    asio::co_spawn(server->io, serve(server, std::move(socket)), report_escape);
  }
}

asio::awaitable<void> SandboxServer::Impl::serve(std::shared_ptr<Impl> server, tcp::socket socket) {
  beast::tcp_stream stream(std::move(socket));
  beast::flat_buffer buffer;
  while (co_await serve_once(server->handle, stream, buffer)) {
  }
  boost::system::error_code ignored;
  stream.socket().shutdown(tcp::socket::shutdown_both, ignored);
  --server->connection_count;
}

Result<std::uint16_t> SandboxServer::listen(std::uint16_t port) {
  const tcp::endpoint endpoint(asio::ip::address_v4::loopback(), port);
  boost::system::error_code problem;
  impl_->acceptor.open(endpoint.protocol(), problem);
  if (!problem) impl_->acceptor.set_option(tcp::acceptor::reuse_address(true), problem);
  if (!problem) impl_->acceptor.bind(endpoint, problem);
  if (!problem) impl_->acceptor.listen(asio::socket_base::max_listen_connections, problem);
  if (problem) {
    return fail(ErrorCode::unavailable,
                "cannot listen on 127.0.0.1:" + std::to_string(port) + ": " + problem.message());
  }
  asio::co_spawn(impl_->io, Impl::accept(impl_), report_escape);
  return impl_->acceptor.local_endpoint().port();
}

std::string SandboxRequest::header(const std::string& lower_name) const {
  const auto found = headers.find(lower_name);
  return found == headers.end() ? std::string() : found->second;
}

}  // namespace orchestrator::tools
