#pragma once

#include <string>
#include <utility>
#include <vector>

namespace orchestrator::testing {

/// What a played seed found wrong: sentences that begin with the number of the invariant that was broken.
class Findings {
 public:
  void add(const std::string& invariant, const std::string& what) {
    if (sentences_.size() < most_) sentences_.push_back(invariant + ": " + what);
  }
  /// While a seed plays, the first one tells; what follows from a broken state only hides it. At the end all do.
  void keep_at_most(std::size_t most) { most_ = most; }
  [[nodiscard]] bool empty() const { return sentences_.empty(); }
  [[nodiscard]] const std::vector<std::string>& sentences() const { return sentences_; }

 private:
  std::size_t most_ = 1;
  std::vector<std::string> sentences_;
};

}  // namespace orchestrator::testing
