#include "tests/simulation/operators.hpp"

#include <utility>

#include "orchestrator/base/json.hpp"

namespace orchestrator::testing {
namespace {

/// One look in so many at a paused run resumes it, while they still pause.
constexpr std::uint64_t kResumeOneIn = 3;
/// One look in so many mends the run, where they do such things.
constexpr std::uint64_t kMendOneIn = 3;

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
  if (may_mend_ && random_.next() % kMendOneIn == 0) return mend(id);
  if (!is_paused) {
    steer(id, core::PauseAsked{.reason = "looks odd", .actor = "simulation"});
  } else if (random_.next() % kResumeOneIn == 0) {
    steer(id, core::ResumeAsked{.reason = "is fine", .actor = "simulation"});
  }
}

/// Jobs have one step and nothing to skip to: they are edited.
void Operators::mend(RunId run_id) {
  const bool is_job = cluster_.tables().open.at(run_id).header.kind == RunKind::job;
  if (is_job || random_.next() % 2 == 0) {
    steer(run_id, some_edit());
  } else {
    steer(run_id, skip_of(run_id));
  }
}

/// With a result that every flow can go on with. A Wait passes its input on.
core::SkipAsked Operators::skip_of(RunId run_id) const {
  core::SkipAsked skip{.state_name = {}, .output = nullptr, .reason = "known already", .actor = "simulation"};
  const std::string& waiting_on = cluster_.tables().open.at(run_id).progress.waiting_on;
  if (waiting_on.find("\"timer\"") == std::string::npos) skip.output = make_payload({{"name", "stop"}});
  return skip;
}

core::EditAsked Operators::some_edit() {
  core::EditAsked edit;
  edit.reason = "better so";
  edit.actor = "simulation";
  const auto number = static_cast<std::int64_t>(random_.next() % 4);
  switch (random_.next() % 4) {
    case 0: edit.run_at = cluster_.world.database_now() + std::chrono::seconds{number}; break;
    case 1: edit.priority = static_cast<std::int32_t>(number); break;
    case 2: edit.attributes = make_payload({{"looked_at", number}}); break;
    default: edit.variables = make_payload({{"note", number}}); break;
  }
  return edit;
}

void Operators::cancel(RunId run_id) {
  const auto names = cluster_.node_names();
  if (names.empty()) return;
  service::CancelRun cancel{.namespace_name = "default", .run_id = run_id, .mode = CancelMode::kill};
  cancel.reason = "nobody needs it";
  cancel.actor = "simulation";
  cluster_.call(names[random_.next() % names.size()], [cancel](service::Service& service) {
    service.cancel_run(cancel, [](const Result<service::CancelReceipt>&) {});
  });
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
