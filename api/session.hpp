#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <memory>

#include "api/limits.hpp"

namespace orchestrator::api {

class RequestHandler;

/// One connection, from its acceptance to its close. Keeps itself alive while it runs.
class Session {
 public:
  virtual ~Session() = default;
  /// Serves requests until somebody ends it. Once.
  virtual void start() = 0;
  /// Closes when idle, else after the answer in hand. Any thread.
  virtual void drain() = 0;
  /// Closes at once. Any thread.
  virtual void stop() = 0;
};

/// What sessions know of their server.
class SessionHost {
 public:
  virtual ~SessionHost() = default;
  virtual RequestHandler& handler() = 0;
  [[nodiscard]] virtual const Deadlines& deadlines() const = 0;
  [[nodiscard]] virtual bool is_draining() const = 0;
  /// The session's last call.
  virtual void ended(const Session* session) = 0;
};

/// `socket` runs on a strand. The host is shared because sessions may outlive the server by a callback.
std::shared_ptr<Session> make_session(boost::asio::ip::tcp::socket socket, std::shared_ptr<SessionHost> host);

}  // namespace orchestrator::api
