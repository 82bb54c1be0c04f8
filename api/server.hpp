#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "api/limits.hpp"
#include "orchestrator/base/result.hpp"

namespace boost::asio {
class io_context;
}

namespace orchestrator::api {

class RequestHandler;

struct ServerOptions {
  /// Address to listen on, IPv4 or IPv6 in numbers. Default: this machine only.
  std::string address = "127.0.0.1";
  /// 0 picks a free port, see HttpServer::port.
  unsigned short port = 8080;
  /// Connections at the same time, 1 to 100 000; one more is answered 503 and closed. Source: at 64 KiB of buffers
  /// each, ten thousand are 640 MiB at worst.
  std::size_t max_connections = 10'000;
  Deadlines deadlines;
};

/// Accepts HTTP/1.1 connections and hands their requests to a handler: keep-alive, pipelining in order, bodies limited
/// before they are read, a deadline on every wait for the client. Each connection has a strand of its own, so the
/// io_context may be run by several threads. Runs nothing by itself.
class HttpServer {
 public:
  /// `io` and `handler` outlive the server; `io` is no longer run when the server is destroyed, or stop() came first.
  HttpServer(boost::asio::io_context& io, RequestHandler& handler, ServerOptions options);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Binds and begins to accept. invalid_argument for an address that is none, unavailable when the port is taken.
  /// Once.
  Status listen();
  /// The port that listens; the one picked when options said 0. After listen().
  [[nodiscard]] unsigned short port() const;

  /// Stops accepting, closes idle connections, lets the others take the answer they wait for and then close. Any
  /// thread; returns at once.
  void drain();
  /// Closes every connection, in flight or not. Any thread; returns at once.
  void stop();
  /// Connections that are open. Zero after drain() means that everybody has been answered. Any thread.
  [[nodiscard]] std::size_t connection_count() const;

 private:
  struct Core;
  // Shared with the accept loop and the sessions, whose last callbacks may come after the server is gone.
  std::shared_ptr<Core> core_;
};

}  // namespace orchestrator::api
