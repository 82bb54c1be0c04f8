#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace orchestrator_client {

/// Where the server is and what it is shown.
struct Address {
  std::string host;
  std::string port;
  std::string authorization;  ///< "Bearer ..."; empty: none
  std::string namespace_name;

  /// std::invalid_argument for anything but http://host[:port].
  static Address of(const std::string& url, const std::string& api_key, const std::string& namespace_name);
};

struct Answer {
  int status = 0;
  std::string body;
  std::optional<std::chrono::seconds> retry_after;
};

/// One kept connection to the server, for one call at a time; made when needed, made again when it was lost.
class Connection {
 public:
  explicit Connection(const Address& address);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// One POST. Nothing when no answer came: the server is away, too slow, or the connection broke in the middle, and
  /// nobody knows how far it got.
  std::optional<Answer> post(const std::string& target, const std::string& body, std::chrono::milliseconds patience);
  /// Ends the call in progress, and every later one at once. Any thread.
  void abort();

 private:
  class Body;
  std::unique_ptr<Body> body_;
};

}  // namespace orchestrator_client
