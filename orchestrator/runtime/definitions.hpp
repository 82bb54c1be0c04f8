#pragma once

#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "orchestrator/base/result.hpp"
#include "orchestrator/language/definition.hpp"
#include "orchestrator/store/store.hpp"
#include "orchestrator/telemetry/mutex.hpp"

namespace orchestrator::runtime {

/// A definition with the version it was found under.
struct FoundDefinition {
  std::int32_t version = 0;
  language::DefinitionPtr definition;
};

/// Compiled definitions, kept in memory up to a named limit; misses are read from the store. Thread-safe.
class Definitions {
 public:
  static constexpr std::size_t kMaxKept = 2'000;
  using Found = std::function<void(Result<FoundDefinition>)>;

  explicit Definitions(store::Store& store) : store_(store) {}

  /// Calls back at once on a hit, else later on a store thread. `version` 0 is the newest.
  /// Errors: not_found ("unknown-workflow"), those of the store, internal when a stored text no longer compiles.
  void find(const std::string& namespace_name, const std::string& name, std::int32_t version, Found found);

  /// A version was deployed through this node: starts without a version take it from now on.
  void deployed(const std::string& namespace_name, const std::string& name, std::int32_t version);

 private:
  using Name = std::pair<std::string, std::string>;
  using Versioned = std::tuple<std::string, std::string, std::int32_t>;

  Result<FoundDefinition> keep(const store::DefinitionRow& row, bool newest);

  store::Store& store_;  // Fixed after construction.
  telemetry::Mutex mutex_;
  std::map<Versioned, language::DefinitionPtr> compiled_ ORC_GUARDED_BY(mutex_);
  std::map<Name, std::int32_t> newest_ ORC_GUARDED_BY(mutex_);
};

}  // namespace orchestrator::runtime
