#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "orchestrator/language/definition.hpp"
#include "orchestrator/model/job_spec.hpp"

namespace orchestrator::runtime {

/// The definitions that jobs run, made once for each handler, queue and retry policy. For one strand.
class JobDefinitions {
 public:
  /// Beyond it all are dropped and made again as they are asked for.
  static constexpr std::size_t kMaxKept = 2'000;

  language::DefinitionPtr find(const std::string& handler, const std::string& queue, const JobSpecPtr& spec);

 private:
  struct Kept {
    JobSpec spec;
    language::DefinitionPtr definition;
  };
  using Names = std::pair<std::string_view, std::string_view>;  ///< handler and queue
  struct ByNames {
    using is_transparent = void;
    template <typename Left, typename Right>
    bool operator()(const Left& left, const Right& right) const {
      return Names(left.first, left.second) < Names(right.first, right.second);
    }
  };

  /// Few handlers have more than one policy in one queue.
  std::map<std::pair<std::string, std::string>, std::vector<Kept>, ByNames> kept_;
  std::size_t count_ = 0;
};

}  // namespace orchestrator::runtime
