#include "tests/support/vectors/payment_vectors.hpp"

#include <fstream>
#include <stdexcept>

#include "orchestrator/base/json.hpp"

namespace orchestrator::testing_support {

namespace {

Json vector_in(const char* file_name, std::string_view id) {
  std::ifstream file{std::string(ORC_VECTORS_DIR "/") + file_name};
  for (const Json& entry : Json::parse(file)) {
    if (entry.at("id") == id) return entry;
  }
  throw std::runtime_error("no vector named " + std::string{id});
}

}  // namespace

Json payment_vector(std::string_view id) { return vector_in("payment_providers.json", id); }

Json webhook_vector(std::string_view id) { return vector_in("webhook_providers.json", id); }

}  // namespace orchestrator::testing_support
