#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "orchestrator/base/json.hpp"

namespace orchestrator::flows {

using namespace std::chrono_literals;
using Days = std::chrono::days;

/// How a simulated run of a shipped flow ended.
struct FlowEnd {
  std::string status;  ///< SUCCEEDED, FAILED, ...
  Json output;
  std::string error;
  std::vector<std::string> states;  ///< entered, in order
  Json task_inputs;                 ///< [{state, input}]
  std::chrono::seconds took{};      ///< on the virtual clock

  [[nodiscard]] bool entered(const std::string& state) const { return times(state) > 0; }
  [[nodiscard]] int times(const std::string& state) const;
  /// The input of the state's last task.
  [[nodiscard]] Json input_of(const std::string& state) const;
};

/// A definition of workflows/ on a virtual clock. Its settings come from the real flow.config handler; everything else
/// answers what the test says, in the order in which it says it.
class SimulatedFlow {
 public:
  SimulatedFlow(std::string name, Json input);

  SimulatedFlow& answers(const std::string& state, Json result);
  /// The same answer as often as it is asked for.
  SimulatedFlow& always(const std::string& state, const Json& result);
  SimulatedFlow& fails(const std::string& state, const std::string& error);
  SimulatedFlow& signal(std::chrono::seconds at, const std::string& name, Json payload);
  [[nodiscard]] FlowEnd run() const;

 private:
  std::string name_;
  Json input_;
  Json tasks_ = Json::object();
  Json signals_ = Json::array();
};

/// Text of workflows/NAME.asl.json.
std::string definition_text(const std::string& name);
/// Names of every shipped definition.
std::vector<std::string> definition_names();

}  // namespace orchestrator::flows
