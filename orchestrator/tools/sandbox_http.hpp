#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "orchestrator/base/result.hpp"

namespace boost::asio {
class io_context;
}

namespace orchestrator::tools {

/// Largest request that the sandbox reads.
inline constexpr std::size_t kMaxSandboxBodyBytes = 1'048'576;
/// Most connections at a time; a further one is closed at once.
inline constexpr int kMaxSandboxConnections = 2'000;

/// A call that reached a fake provider.
struct SandboxRequest {
  std::string method;
  std::string path;                            ///< without the query
  std::map<std::string, std::string> query;    ///< decoded
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;

  [[nodiscard]] std::string header(const std::string& lower_name) const;
};

/// What it answers, and how.
struct SandboxReply {
  enum class Fate : std::uint8_t {
    answer,
    hang,  ///< keeps the connection open and says nothing until the caller gives up
    drop,  ///< closes the connection without an answer
  };

  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  Fate fate = Fate::answer;
  std::chrono::milliseconds delay{0};
};

/// A small HTTP server on loopback. Everything happens on the io_context's only thread.
class SandboxServer {
 public:
  using Handle = std::function<SandboxReply(const SandboxRequest&)>;

  SandboxServer(boost::asio::io_context& io, Handle handle);
  ~SandboxServer();

  /// Opens 127.0.0.1:`port` (0: a free one). unavailable when the port is taken.
  Result<std::uint16_t> listen(std::uint16_t port);

 private:
  struct Impl;
  // Shared with the sessions that are still open when the server goes.
  std::shared_ptr<Impl> impl_;
};

}  // namespace orchestrator::tools
