#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "orchestrator/runtime/peers.hpp"

namespace boost::asio {
class io_context;
}

namespace orchestrator::api {

/// Calls other nodes over HTTP/1.1 (routes_peers.cpp), over connections that are kept. A connection that the other end
/// closed while it was idle is found out before anything is lost: the call goes out again on a new one. Thread-safe.
class PeerClient final : public runtime::PeerLink {
 public:
  /// @param secret of the installation, Store::cluster_secret
  /// @param patience for one call, connecting and answering together; what takes longer is `outcome_unknown`
  PeerClient(boost::asio::io_context& io, std::string secret, std::chrono::milliseconds patience);
  ~PeerClient() override;

  void call(const std::string& url, const std::string& operation, std::string body,
            runtime::Reply<std::string> reply) override;

 private:
  struct Core;
  std::shared_ptr<Core> core_;  // Shared with calls in flight.
};

}  // namespace orchestrator::api
