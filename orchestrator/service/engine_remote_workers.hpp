#pragma once

#include <memory>

#include "orchestrator/runtime/owners.hpp"
#include "orchestrator/service/deadlines.hpp"
#include "orchestrator/service/remote_workers.hpp"

namespace orchestrator::service {

class Service;

/// The use cases of remote workers on a node.
class EngineRemoteWorkers final : public RemoteWorkers {
 public:
  EngineRemoteWorkers(Service& service, runtime::Node& node, runtime::Owners& owners, store::Store& store,
                      std::shared_ptr<Deadlines> deadlines);

  std::uint64_t claim(runtime::ClaimRequest request, Reply<std::vector<runtime::ClaimedTask>> reply) override;
  void stop_claim(std::uint64_t number) override;
  void give_back(std::string namespace_name, std::vector<runtime::ClaimedTask> tasks) override;
  void report(ReportTask report, Reply<runtime::TaskAnswer> reply) override;

 private:
  struct Proof;
  void look_for_outcome(std::shared_ptr<Proof> proof, std::string cursor);

  // Fixed after construction.
  Service& service_;
  runtime::Node& node_;
  runtime::Owners& owners_;
  const std::string secret_;
  const std::shared_ptr<Deadlines> deadlines_;  ///< shared with the other use cases
};

}  // namespace orchestrator::service
