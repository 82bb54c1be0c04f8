#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <unordered_map>
#include <vector>

#include "api/message.hpp"
#include "api/server.hpp"
#include "api/session.hpp"
#include "orchestrator/telemetry/mutex.hpp"

namespace orchestrator::api {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr auto kUseTuple = asio::as_tuple(asio::use_awaitable);

/// Before accepting again when the system has no descriptors left; they come back as connections close.
constexpr std::chrono::milliseconds kAcceptPause{100};

/// What a connection over the limit is told; it is written without waiting for the request.
constexpr std::string_view kOverloaded =
    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Type: application/problem+json\r\n"
    "Content-Length: 104\r\nConnection: close\r\n\r\n"
    R"({"type":"/problems/unavailable","title":"Unavailable","status":503,"detail":"Too many open connections"})";

}  // namespace

struct HttpServer::Core final : SessionHost, std::enable_shared_from_this<HttpServer::Core> {
  Core(asio::io_context& io_context, RequestHandler& request_handler, ServerOptions server_options)
      : io(io_context),
        answering(request_handler),
        options(std::move(server_options)),
        strand(asio::make_strand(io)),
        acceptor(strand),
        pause(strand) {}

  RequestHandler& handler() override { return answering; }
  const Deadlines& deadlines() const override { return options.deadlines; }
  bool is_draining() const override { return draining.load(std::memory_order_relaxed); }

  void ended(const Session* session) override {
    const telemetry::MutexLock lock(mutex);
    sessions.erase(session);
  }

  Status open() {
    error_code error;
    const auto address = asio::ip::make_address(options.address, error);
    if (error) return fail(ErrorCode::invalid_argument, "listen address is not an IP address: " + options.address);
    const tcp::endpoint endpoint(address, options.port);
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (error) {
      return fail(ErrorCode::unavailable,
                  "cannot listen on " + options.address + ":" + std::to_string(options.port) + ": " + error.message());
    }
    port = acceptor.local_endpoint(error).port();
    asio::co_spawn(strand, accept_all(shared_from_this()), [](const std::exception_ptr& /*escaped*/) {});
    return {};
  }

  static asio::awaitable<void> accept_all(std::shared_ptr<Core> self) {
    while (self->acceptor.is_open()) {
      auto session_strand = asio::make_strand(self->io);
      auto [error, socket] = co_await self->acceptor.async_accept(session_strand, kUseTuple);
      if (!self->acceptor.is_open()) co_return;
      if (!error) {
        self->admit(tcp::socket(std::move(socket)));
      } else if (error != asio::error::connection_aborted) {
        self->pause.expires_after(kAcceptPause);
        co_await self->pause.async_wait(kUseTuple);
      }
    }
  }

  void admit(tcp::socket socket) {
    if (const auto session = keep(socket)) {
      session->start();
      return;
    }
    error_code ignored;
    // The analyzer does not see that keep() takes the socket only for a session.
    socket.non_blocking(true, ignored);  // NOLINT(clang-analyzer-cplusplus.Move)
    socket.write_some(asio::buffer(kOverloaded.data(), kOverloaded.size()), ignored);
    socket.shutdown(tcp::socket::shutdown_send, ignored);
  }

  /// A session that has taken the socket; null, and the socket left alone, when there is no room for another.
  std::shared_ptr<Session> keep(tcp::socket& socket) {
    const telemetry::MutexLock lock(mutex);
    if (draining || sessions.size() >= options.max_connections) return nullptr;
    error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    auto session = make_session(std::move(socket), shared_from_this());
    sessions.emplace(session.get(), session);
    return session;
  }

  /// Those alive now, so that none is called under the lock.
  std::vector<std::shared_ptr<Session>> alive() {
    const telemetry::MutexLock lock(mutex);
    std::vector<std::shared_ptr<Session>> found;
    found.reserve(sessions.size());
    for (const auto& [key, session] : sessions) {
      if (auto held = session.lock()) found.push_back(std::move(held));
    }
    return found;
  }

  void close_acceptor() {
    asio::post(strand, [self = shared_from_this()] {
      error_code ignored;
      self->acceptor.close(ignored);
      self->pause.cancel();
    });
  }

  // Fixed after construction, the port after listen().
  asio::io_context& io;
  RequestHandler& answering;
  const ServerOptions options;
  unsigned short port = 0;

  // Only on strand.
  asio::strand<asio::io_context::executor_type> strand;
  tcp::acceptor acceptor;
  asio::steady_timer pause;

  std::atomic<bool> draining{false};
  telemetry::Mutex mutex;
  // Weak: a session ends itself.
  std::unordered_map<const Session*, std::weak_ptr<Session>> sessions ORC_GUARDED_BY(mutex);
};

HttpServer::HttpServer(asio::io_context& io, RequestHandler& handler, ServerOptions options)
    : core_(std::make_shared<Core>(io, handler, std::move(options))) {}

HttpServer::~HttpServer() { stop(); }

Status HttpServer::listen() { return core_->open(); }

unsigned short HttpServer::port() const { return core_->port; }

void HttpServer::drain() {
  {
    const telemetry::MutexLock lock(core_->mutex);
    core_->draining = true;
  }
  core_->close_acceptor();
  core_->answering.drain();
  for (const auto& session : core_->alive()) session->drain();
}

void HttpServer::stop() {
  {
    const telemetry::MutexLock lock(core_->mutex);
    core_->draining = true;
  }
  core_->close_acceptor();
  for (const auto& session : core_->alive()) session->stop();
}

std::size_t HttpServer::connection_count() const {
  const telemetry::MutexLock lock(core_->mutex);
  return core_->sessions.size();
}

}  // namespace orchestrator::api
