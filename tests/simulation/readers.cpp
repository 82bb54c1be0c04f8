#include "tests/simulation/readers.hpp"

#include <utility>
#include <vector>

#include "orchestrator/base/json.hpp"

namespace orchestrator::testing {

void Readers::go() {
  const Duration pause{static_cast<std::int64_t>(5'000 + random_.next() % 45'000)};
  cluster_.world.post_at(cluster_.world.now() + pause, [this] {
    look();
    go();
  });
}

void Readers::look() {
  const auto names = cluster_.node_names();
  std::vector<RunId> runs;
  for (const auto& [id, row] : cluster_.tables().open) runs.push_back(id);
  if (names.empty() || runs.empty()) return;
  const std::string& name = names[random_.next() % names.size()];
  const RunId run_id = runs[random_.next() % runs.size()];
  cluster_.call(name, [this, run_id](service::Service& service) {
    service.read_run("default", run_id, [this, run_id](Result<service::RunReading> reading) {
      if (reading) check(run_id, reading->view);
    });
  });
}

void Readers::check(RunId run_id, const store::RunView& view) {
  const std::string where = "a reader was told that run " + run_id.str() + " ";
  if (is_closed(view.state) && !cluster_.tables().closed.contains(run_id) && witness_.retries_of(run_id) == 0)
    findings_.add("I-29", where + "is " + std::string(to_string(view.state)) + ", which is not committed");
  if (view.header.kind == RunKind::job) return;
  const auto items = parse_json(view.waiting_on);
  if (!items) {
    findings_.add("I-29", where + "waits for " + view.waiting_on);
    return;
  }
  for (const Json& item : *items) {
    const std::string state = string_member(item, "state_name");
    if (!state.empty() && !witness_.was_entered(run_id, state))
      findings_.add("I-29", where + "waits in " + state + ", which is not committed");
  }
}

}  // namespace orchestrator::testing
