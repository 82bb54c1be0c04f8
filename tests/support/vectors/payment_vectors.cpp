#include "tests/support/vectors/payment_vectors.hpp"

#include <fstream>
#include <stdexcept>

#include "orchestrator/base/json.hpp"

namespace orchestrator::testing_support {

Json payment_vector(std::string_view id) {
  std::ifstream file{ORC_VECTORS_DIR "/payment_providers.json"};
  for (const Json& entry : Json::parse(file)) {
    if (entry.at("id") == id) return entry;
  }
  throw std::runtime_error("no vector named " + std::string{id});
}

}  // namespace orchestrator::testing_support
