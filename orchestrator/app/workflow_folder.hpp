#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "orchestrator/service/service.hpp"
#include "orchestrator/telemetry/log.hpp"

namespace orchestrator::app {

/// Deploys the definitions of a folder to the namespace `default`, each again when its file changes. Never removes
/// anything. Only on one thread.
class WorkflowFolder {
 public:
  /// `service` and `logger` outlive it.
  WorkflowFolder(std::filesystem::path folder, service::Service& service, const telemetry::Logger& logger)
      : folder_(std::move(folder)), service_(service), logger_(logger) {}

  /// Looks once: new and changed files are deployed, what is wrong with one is logged and does not stop the others.
  /// A folder that does not exist has no files. Blocks for the deployments, each at most 10 s.
  void look();

 private:
  struct Seen {
    std::filesystem::file_time_type changed;
    std::uintmax_t size = 0;
  };

  /// False when the same file should be tried again although it has not changed.
  bool deploy(const std::filesystem::path& file);

  const std::filesystem::path folder_;
  service::Service& service_;
  const telemetry::Logger& logger_;
  std::map<std::filesystem::path, Seen> seen_;
};

}  // namespace orchestrator::app
