#include "tests/simulation/operators.hpp"

#include <utility>

namespace orchestrator::testing {
namespace {

/// One look in so many at a paused run resumes it, while they still pause.
constexpr std::uint64_t kResumeOneIn = 3;

}  // namespace

void Operators::go() {
  const Duration pause{static_cast<std::int64_t>(100'000 + random_.next() % 500'000)};
  cluster_.world.post_at(cluster_.world.now() + pause, [this] {
    look();
    go();
  });
}

void Operators::look() {
  std::vector<std::pair<RunId, bool>> runs;
  for (const auto& [id, row] : cluster_.tables().open) runs.emplace_back(id, row.progress.state == RunState::paused);
  if (is_calm_) {
    for (const auto& [id, is_paused] : runs) {
      if (is_paused) steer(id, core::ResumeAsked{.reason = "over", .actor = "simulation"});
    }
    return;
  }
  if (runs.empty()) return;
  const auto& [id, is_paused] = runs[random_.next() % runs.size()];
  if (!is_paused) {
    steer(id, core::PauseAsked{.reason = "looks odd", .actor = "simulation"});
  } else if (random_.next() % kResumeOneIn == 0) {
    steer(id, core::ResumeAsked{.reason = "is fine", .actor = "simulation"});
  }
}

/// Whether it arrives, and what it is answered, is all the same: the next look sees what became of it.
void Operators::steer(RunId run_id, core::Steering asked) {
  const auto names = cluster_.node_names();
  if (names.empty()) return;
  const std::string& name = names[random_.next() % names.size()];
  cluster_.call(name, [run_id, asked = std::move(asked)](service::Service& service) {
    service.steer_run({"default", run_id, asked}, [](const Result<service::SteeredRun>&) {});
  });
}

}  // namespace orchestrator::testing
