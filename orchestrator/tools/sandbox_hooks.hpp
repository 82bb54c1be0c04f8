#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace boost::asio {
class io_context;
}

namespace orchestrator::tools {

/// One webhook that a fake provider sends.
struct HookCall {
  std::string url;  ///< http://host:port/path
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::chrono::milliseconds delay{0};
};

/// Sends webhooks, and again until one is answered with 2xx, as real providers do; only the gaps are shorter: 250 ms
/// doubling to 5 s, for at most two minutes. Only on the io_context's thread.
class HookSender {
 public:
  explicit HookSender(boost::asio::io_context& io) : io_(io) {}
  void send(HookCall call);

 private:
  boost::asio::io_context& io_;
};

}  // namespace orchestrator::tools
