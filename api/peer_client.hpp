#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "orchestrator/base/result.hpp"

namespace boost::asio {
class io_context;
}

namespace orchestrator::api {

using PeerReply = std::function<void(Result<std::string>)>;

/// Calls other nodes over HTTP/1.1 (api/routes_peers.cpp), over connections that are kept. One that the other end
/// closed while it was idle is not used again. Thread-safe.
class PeerClient {
 public:
  /// @param secret of the installation, Store::cluster_secret
  /// @param patience for one call, connecting and answering together; what takes longer is `outcome_unknown`
  PeerClient(boost::asio::io_context& io, std::string secret, std::chrono::milliseconds patience);
  ~PeerClient();

  /// Calls back exactly once, on an I/O thread or at once.
  /// Errors: unavailable when the other node was certainly not asked or refused; outcome_unknown when nobody knows.
  void call(const std::string& url, const std::string& operation, std::string body, PeerReply reply);

 private:
  struct Core;
  std::shared_ptr<Core> core_;  // Shared with calls in flight.
};

}  // namespace orchestrator::api
