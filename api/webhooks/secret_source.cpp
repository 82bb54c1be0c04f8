#include "api/webhooks/secret_source.hpp"

#include <cstdlib>
#include <fstream>
#include <iterator>

namespace orchestrator::api::webhooks {

std::optional<std::string> secret_from_environment(const std::string& variable) {
  if (const char* value = std::getenv(variable.c_str())) return std::string{value};
  const char* path = std::getenv((variable + "_FILE").c_str());
  if (path == nullptr) return std::nullopt;
  std::ifstream file{path, std::ios::binary};
  if (!file) return std::nullopt;
  std::string secret{std::istreambuf_iterator<char>(file), {}};
  while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r')) secret.pop_back();
  return secret;
}

}  // namespace orchestrator::api::webhooks
