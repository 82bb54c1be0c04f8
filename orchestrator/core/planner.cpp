#include "orchestrator/core/planner.hpp"

#include "orchestrator/core/apply.hpp"
#include "orchestrator/core/child.hpp"
#include "orchestrator/core/deciding.hpp"
#include "orchestrator/core/signal_wait.hpp"
#include "orchestrator/core/task.hpp"

namespace orchestrator::core {

Planner::Planner(language::Functions functions, Limits limits) : functions_(std::move(functions)), limits_(limits) {}

Decision Planner::start(Run& run, const Inputs& inputs) const {
  RunData& data = RunAccess::data(run);
  ORC_CHECK(!data.begun, "a run starts once");
  Deciding deciding(data, functions_, limits_, inputs);
  deciding.begin();
  return deciding.take();
}

Decision Planner::refuse(Run& run, RunState state, std::string error, std::string cause, const Inputs& inputs) const {
  RunData& data = RunAccess::data(run);
  ORC_CHECK(!data.begun, "a run starts once");
  Deciding deciding(data, functions_, limits_, inputs);
  deciding.refuse(state, std::move(error), std::move(cause));
  return deciding.take();
}

Result<Decision> Planner::decide(Run& run, const Event& event, const Inputs& inputs) const {
  RunData& data = RunAccess::data(run);
  if (!data.begun) return fail(ErrorCode::precondition_failed, "the run has not begun");
  Deciding deciding(data, functions_, limits_, inputs);
  Status decided = std::visit([&](const auto& kind) { return deciding.on(kind); }, event);
  if (!decided) return std::move(decided).error();
  return deciding.take();
}

Status Planner::rehearse(const Run& run, const Event& event, const Inputs& inputs) const {
  const RunData& data = RunAccess::data(run);
  if (!data.begun) return fail(ErrorCode::precondition_failed, "the run has not begun");
  auto copy = Run::restore(data.header, data.definition, run.checkpoint());
  if (!copy) return std::move(copy).error();
  auto decision = decide(*copy, event, inputs);
  if (!decision) return std::move(decision).error();
  return {};
}

Status Planner::replay(Run& run, const std::vector<HistoryEvent>& events) const {
  RunData& data = RunAccess::data(run);
  for (const HistoryEvent& event : events) {
    if (Status applied = apply(data, event); !applied) return applied;
  }
  return {};
}

std::vector<Command> Planner::owed(const Run& run) const {
  std::vector<Command> commands;
  const RunData& data = RunAccess::data(run);
  if (data.closed) return commands;
  for (const auto& [id, scope] : data.scopes) {
    switch (scope.phase) {
      case Phase::scheduled:
      case Phase::inquiring: commands.emplace_back(task_command(data, scope)); break;
      case Phase::awaiting:
        // The waits of a paused run are taken back until it is resumed.
        if (!data.paused) commands.emplace_back(await_command(scope));
        break;
      case Phase::child:
        if (!scope.step.request->child) commands.emplace_back(child_command(data, scope));
        break;
      default: break;
    }
  }
  return commands;
}

}  // namespace orchestrator::core
