#include "orchestrator/runtime/definitions.hpp"

#include <utility>

#include "orchestrator/base/json.hpp"
#include "orchestrator/language/parse.hpp"

namespace orchestrator::runtime {

void Definitions::find(const std::string& namespace_name, const std::string& name, std::int32_t version, Found found) {
  const bool newest = version == 0;
  {
    telemetry::MutexLock lock(mutex_);
    if (newest) {
      const auto known = newest_.find({namespace_name, name});
      if (known != newest_.end()) version = known->second;
    }
    const auto hit = compiled_.find({namespace_name, name, version});
    if (hit != compiled_.end()) {
      FoundDefinition answer{version, hit->second};
      lock.unlock();
      found(std::move(answer));
      return;
    }
  }
  store_.find_definition(namespace_name, name, version,
                         [this, newest, found = std::move(found)](Result<store::DefinitionRow> row) {
                           if (!row) {
                             found(std::move(row).error());
                           } else {
                             found(keep(*row, newest));
                           }
                         });
}

void Definitions::deployed(const std::string& namespace_name, const std::string& name, std::int32_t version) {
  const telemetry::MutexLock lock(mutex_);
  auto& newest = newest_[{namespace_name, name}];
  newest = std::max(newest, version);
}

Result<FoundDefinition> Definitions::keep(const store::DefinitionRow& row, bool newest) {
  auto source = parse_json(row.source);
  if (!source) return fail(ErrorCode::internal, "definition " + row.name + " is stored as something that is not JSON");
  auto parsed = language::parse_definition(*source, {});
  if (!parsed.valid()) return fail(ErrorCode::internal, "definition " + row.name + " no longer compiles");

  const telemetry::MutexLock lock(mutex_);
  // Dropping all is simple and rare: a node that runs more than kMaxKept versions at once reads some again.
  if (compiled_.size() >= kMaxKept) compiled_.clear();
  compiled_[{row.namespace_name, row.name, row.version}] = parsed.definition;
  if (newest) {
    auto& known = newest_[{row.namespace_name, row.name}];
    known = std::max(known, row.version);
  }
  return FoundDefinition{row.version, parsed.definition};
}

}  // namespace orchestrator::runtime
