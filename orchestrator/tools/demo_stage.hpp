#pragma once

#include <string>
#include <vector>

#include "orchestrator/base/json.hpp"
#include "orchestrator/tools/demo.hpp"
#include "orchestrator/tools/demo_client.hpp"

namespace orchestrator::tools {

/// One copy of a flow being played: what the scripts of demo_flows.cpp do to the outside of the server. Every call
/// blocks until it is done; the first failure sticks, and later calls do nothing.
class DemoStage {
 public:
  DemoStage(const DemoOptions& options, std::string flow, int copy);

  /// `<tag>-<flow>-<copy>-<what>`
  [[nodiscard]] std::string name(const std::string& what) const;
  /// `<tag>-<what>`: the same for every copy.
  [[nodiscard]] std::string shared_name(const std::string& what) const { return options_.tag + "-" + what; }
  [[nodiscard]] int copy() const { return copy_; }
  [[nodiscard]] const DemoOptions& options() const { return options_; }

  /// Starts a run under a key, or finds the one that has it. Answers its id.
  std::string start(const std::string& workflow, const std::string& key, Json input);
  /// Adds a run that somebody else started to the copy's story.
  void watch(const std::string& run_id) { run_ids_.push_back(run_id); }
  /// Waits until the run waits for a signal or decision of this name.
  void await_wait(const std::string& run_id, const std::string& signal);
  /// The child that the run waits for now, once it waits for one of this workflow.
  std::string await_child(const std::string& run_id, const std::string& workflow);
  /// The result of a state that has finished, from the run's history.
  Json await_result(const std::string& run_id, const std::string& state);
  /// Waits for the end; a run that does not succeed is a failure. Answers its output.
  Json await_end(const std::string& run_id);
  void signal(const std::string& name, const std::string& key, const Json& payload);
  /// Notes a failure unless `actual` is `expected`.
  void expect(const std::string& what, const Json& actual, const Json& expected);

  /// A call of the sandbox's control or of a fake provider's page.
  Json sandbox(const std::string& target, const Json& body);
  void post_form(const std::string& target, const std::string& form);
  /// Scripts a fault when faults are wanted.
  void fault(const std::string& operation, const std::string& kind, const std::string& key);

  [[nodiscard]] bool failed() const { return !status_.has_value(); }
  [[nodiscard]] DemoEnd end() const;

 private:
  void note(Error error);
  Json run(const std::string& run_id);
  template <typename Found>
  Json poll(const std::string& what, Found found);

  const DemoOptions& options_;
  const DemoClient server_;
  const DemoClient sandbox_;
  const std::string flow_;
  const int copy_;
  Status status_;
  std::vector<std::string> run_ids_;
};

}  // namespace orchestrator::tools
