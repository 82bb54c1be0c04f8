#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "orchestrator/base/ids.hpp"
#include "orchestrator/base/result.hpp"

namespace orchestrator::store::postgres {

class Session;

/// An open run for which nothing will ever happen.
struct StuckRun {
  RunId run_id;
  std::string namespace_name;
  std::string workflow;
  std::string why;  ///< one half of a sentence
};

struct StuckRuns {
  std::int64_t looked_at = 0;      ///< open runs
  std::vector<StuckRun> examples;  ///< the first ones
  std::int64_t count = 0;
};

/// Stuck runs that are named; the rest is counted.
inline constexpr std::size_t kMaxNamedStuckRuns = 20;

/// Proves of every open run at rest that something will wake it: a timer, a wait, a child, a person. A run that is just
/// changing may look stuck for a moment; whoever finds some looks again before he believes it.
class StuckRunReader {
 public:
  explicit StuckRunReader(std::string url);
  ~StuckRunReader();
  StuckRunReader(const StuckRunReader&) = delete;
  StuckRunReader& operator=(const StuckRunReader&) = delete;

  /// Walks all open runs in chunks; about 5 us of the database's time for each. Blocks.
  /// @param goes_on asked between two chunks; false ends the walk with what was found
  /// Errors: unavailable, precondition_failed (not migrated).
  Result<StuckRuns> read(const std::function<bool()>& goes_on);

 private:
  std::unique_ptr<Session> session_;
};

}  // namespace orchestrator::store::postgres
