#pragma once

#include <string>

#include "orchestrator/base/ids.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/config/config.hpp"

namespace orchestrator::app {

/// This node's id, and the lock that keeps a second process of the same data folder from taking it, too: two processes
/// with one id would take their shards from each other for ever.
class NodeIdentity {
 public:
  /// The configured id; else the one in `<data_dir>/node-id`, made when the folder is there and no other process uses
  /// it; else host name and listen address.
  static NodeIdentity find(const config::Config& config);

  NodeIdentity(NodeIdentity&& other) noexcept;
  NodeIdentity& operator=(NodeIdentity&&) = delete;
  ~NodeIdentity();

  [[nodiscard]] const NodeId& id() const { return id_; }

 private:
  NodeIdentity(NodeId id, int lock) : id_(std::move(id)), lock_(lock) {}

  NodeId id_;
  int lock_ = -1;  ///< file descriptor that holds the lock; -1 when there is none
};

/// A port that is free now on this address, for a configuration that asks for any. unavailable when there is none.
Result<std::uint16_t> pick_free_port(const std::string& host);

}  // namespace orchestrator::app
