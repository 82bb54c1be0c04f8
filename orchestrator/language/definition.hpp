#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/language/path.hpp"

/// A parsed workflow definition: what the Amazon States Language text says, checked, with paths and templates compiled.
/// Built by parse_definition (parse.hpp), read by the planner (core/); immutable and shared between runs.
namespace orchestrator::language {

class Template;  // template.hpp: a compiled Parameters / ResultSelector / ItemSelector / Assign object

/// Shared because a State is copied never but its definition lives in several caches.
using TemplatePtr = std::shared_ptr<const Template>;

enum class StateType : std::uint8_t { task, pass, choice, wait, succeed, fail, parallel, map };

/// "Task", "Pass", ... as the language spells it.
std::string_view type_name(StateType type);

/// What a Task performs. Source: contract.md section 4.
struct Resource {
  enum class Kind : std::uint8_t {
    handler,   ///< handler:NAME[?queue=Q&priority=P]
    signal,    ///< signal:NAME[|NAME2...] and decision:NAME[|signal:NAME2]
    workflow,  ///< workflow:NAME[?wait=false&key_path=$.x&on_conflict=...&mode=replace]
    event,     ///< event:TYPE
    foreign,   ///< any other URI, AWS ARNs included: simulates, cannot be deployed
  };
  /// One of the names that a signal or decision step waits for.
  struct Awaited {
    std::string name;
    bool is_decision = false;
  };

  Kind kind = Kind::foreign;
  std::string text;                   ///< As written.
  std::string name;                   ///< Handler, workflow or event name; the first awaited name.
  std::vector<Awaited> awaited;       ///< kind signal: every alternative, in order.
  std::string queue;                  ///< handler: ?queue=, empty means the default queue.
  std::optional<int> priority;        ///< handler: ?priority=
  bool wait = true;                   ///< workflow: ?wait=
  std::optional<Path> key_path;       ///< workflow: ?key_path=, over the child's input.
  std::string on_conflict;            ///< workflow: ?on_conflict=, empty means the default.
  bool replace = false;               ///< workflow: ?mode=replace (continue as new).
  bool waits_for_task_token = false;  ///< foreign: ends in .waitForTaskToken
  bool runs_to_completion = false;    ///< foreign: ends in .sync or .sync:2
};

/// One entry of `Retry`.
struct Retrier {
  std::vector<std::string> error_equals;
  double interval_seconds = 1;  ///< whole seconds in definitions, fractions only in jobs
  std::int64_t max_attempts = 3;
  double backoff_rate = 2.0;
  std::optional<double> max_delay_seconds;
  bool full_jitter = false;
  /// Jobs only: the delay of the first, second, ... retry instead of the backoff; the last one repeats.
  std::vector<double> delays_seconds;
};

/// One entry of `Catch`.
struct Catcher {
  std::vector<std::string> error_equals;
  std::string next;
  ResultPath result_path;
  TemplatePtr assign;  ///< null when absent
};

/// `Inquire`: asked before any retry when an attempt's outcome is unknown. Our extension.
struct Inquiry {
  Resource resource;
  TemplatePtr parameters;  ///< null: no parameters; `$` is {input, output} of the step
};

struct ChoiceCondition;  // choice.hpp

/// One entry of `Choices`.
struct ChoiceRule {
  std::shared_ptr<const ChoiceCondition> condition;
  std::string next;
  TemplatePtr assign;
};

struct StateMachine;

/// One state. Members that a type does not use keep their defaults.
struct State {
  std::string name;
  StateType type = StateType::pass;
  std::string comment;

  // Where to go. Exactly one of next / end for the types that have them.
  std::string next;
  bool end = false;

  // Data flow, JSONPath mode.
  PathOrNull input_path;  ///< absent: "$"; null: {}
  PathOrNull output_path;
  TemplatePtr parameters;  ///< Parameters (Task, Pass, Parallel, Map's ItemSelector lives in item_selector)
  TemplatePtr result_selector;
  ResultPath result_path;  ///< absent: "$"; null: discard
  TemplatePtr assign;

  // Errors.
  std::vector<Retrier> retry;
  std::vector<Catcher> catches;

  // Task.
  Resource resource;
  std::optional<std::int64_t> timeout_seconds;
  std::optional<Path> timeout_seconds_path;
  std::optional<std::int64_t> heartbeat_seconds;
  std::optional<Path> heartbeat_seconds_path;
  std::optional<Inquiry> inquire;

  // Pass.
  Payload result;  ///< null when absent

  // Choice.
  std::vector<ChoiceRule> choices;
  std::string default_next;  ///< empty when absent

  // Wait: exactly one.
  std::optional<std::int64_t> seconds;
  std::optional<std::string> timestamp;
  std::optional<Path> seconds_path;
  std::optional<Path> timestamp_path;

  // Fail.
  std::optional<std::string> error;
  std::optional<std::string> cause;
  std::optional<Path> error_path;  ///< reference path or intrinsic, see error_template
  std::optional<Path> cause_path;
  TemplatePtr error_template;  ///< ErrorPath written as an intrinsic call
  TemplatePtr cause_template;

  // Parallel.
  std::vector<std::shared_ptr<const StateMachine>> branches;

  // Map (inline).
  std::shared_ptr<const StateMachine> item_processor;
  std::optional<Path> items_path;  ///< absent: "$"
  TemplatePtr item_selector;       ///< ItemSelector, or the older Parameters of Map
  std::optional<std::int64_t> max_concurrency;
  std::optional<Path> max_concurrency_path;
  std::optional<double> tolerated_failure_percentage;
  std::optional<Path> tolerated_failure_percentage_path;
  std::optional<std::int64_t> tolerated_failure_count;
  std::optional<Path> tolerated_failure_count_path;
};

/// A block of states with one entrance: the whole definition, a Parallel branch, a Map's item processor.
struct StateMachine {
  std::string start_at;
  std::map<std::string, State> states;

  [[nodiscard]] const State* find(const std::string& name) const {
    const auto found = states.find(name);
    return found == states.end() ? nullptr : &found->second;
  }
};

/// A whole definition.
struct Definition {
  StateMachine root;
  std::string comment;
  std::optional<std::int64_t> timeout_seconds;  ///< of the run, from its start
  std::map<std::string, Path> attributes;       ///< `Attributes`: name -> path over the run's input
  Payload input_schema;                         ///< `InputSchema`, JSON Schema; null when absent
  Payload output_schema;                        ///< `OutputSchema`, likewise, over the run's output
  Payload source;                               ///< the definition as parsed JSON
};

using DefinitionPtr = std::shared_ptr<const Definition>;

}  // namespace orchestrator::language
