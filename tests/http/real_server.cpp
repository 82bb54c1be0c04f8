#include "tests/http/real_server.hpp"

#include <unistd.h>

#include <fstream>

namespace orchestrator::testing_support {

// Below the system's folder for such things: the unprivileged user that PostgreSQL runs as must reach it.
RealServer::RealServer()
    : folder_(std::filesystem::temp_directory_path() / ("orc-http-" + std::to_string(::getpid()))),
      process_(folder_ / "log") {
  std::filesystem::remove_all(folder_);
  std::filesystem::create_directories(folder_ / "workflows");
}

RealServer::~RealServer() {
  // What a killed server left running is adopted and ended by the next one.
  if (!process_.is_running()) start();
  if (process_.is_running()) stop();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::string RealServer::database_url() const {
  std::ifstream file(folder_ / "data" / "database-url");
  std::string url;
  std::getline(file, url);
  return url;
}

bool RealServer::start() {
  return process_.start(
      {"dev"}, {"ORCHESTRATOR_DATA_DIR=" + (folder_ / "data").string(),
                "ORCHESTRATOR_WORKFLOWS_DIR=" + (folder_ / "workflows").string(), "ORCHESTRATOR_LISTEN=127.0.0.1:0",
                "ORCHESTRATOR_ADMIN_KEY=" + std::string(kAdminKey),
                "ORCHESTRATOR_API_KEYS=till:operator=" + std::string(kOperatorKey), "ORCHESTRATOR_NODE_ID=http-test",
                "PAYFAST_PASSPHRASE=jt7NOE43FZPn", "PATH=/usr/bin:/bin"});
}

}  // namespace orchestrator::testing_support
