#include "orchestrator/runtime/job_definitions.hpp"

#include <algorithm>
#include <utility>

#include "orchestrator/core/job.hpp"

namespace orchestrator::runtime {

language::DefinitionPtr JobDefinitions::find(const std::string& handler, const std::string& queue,
                                             const JobSpecPtr& spec) {
  const JobSpec& wanted = job_spec_of(spec);
  if (const auto known = kept_.find(Names(handler, queue)); known != kept_.end()) {
    const auto same = std::find_if(known->second.begin(), known->second.end(),
                                   [&](const Kept& kept) { return core::same_job_definition(kept.spec, wanted); });
    if (same != known->second.end()) return same->definition;
  }
  if (count_ >= kMaxKept) {
    kept_.clear();
    count_ = 0;
  }
  ++count_;
  auto& policies = kept_[{handler, queue}];
  policies.push_back({wanted, core::job_definition(handler, queue, wanted)});
  return policies.back().definition;
}

}  // namespace orchestrator::runtime
