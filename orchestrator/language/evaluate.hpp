#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "orchestrator/base/ids.hpp"
#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/base/timestamp.hpp"
#include "orchestrator/language/definition.hpp"

namespace orchestrator::language {

/// What the pure language is given from outside.
struct Functions {
  /// Raw digest of `data`; `algorithm` is MD5, SHA-1, SHA-256, SHA-384 or SHA-512. Must not throw.
  std::function<std::string(std::string_view algorithm, std::string_view data)> hash;
};

using Variables = std::map<std::string, Payload>;

/// Everything an expression can see. Only borrowed: all members outlive the evaluation.
struct Scope {
  const Json* input = nullptr;    ///< `$`
  const Json* context = nullptr;  ///< `$$`
  /// Looks a variable up through inner and outer scopes; null when it is not defined.
  std::function<const Json*(const std::string& name)> variable;
  const Functions* functions = nullptr;
  /// Source of States.UUID and States.MathRandom: called once per use. Must be deterministic per decision.
  std::function<std::uint64_t()> random;
};

// Failures of evaluation are `Error`s whose `slug` is the States error name ("States.Runtime",
// "States.IntrinsicFailure", ...) and whose `message` is the cause's text, without the leading
// "An error occurred while executing the state ..." sentence, which the planner adds.

/// One value for a path in a field like TimeoutSecondsPath, Variable, ItemsPath or a template's "x.$".
/// An indefinite path gives an array; a missing definite one is States.Runtime.
Result<Json> evaluate_path(const Path& path, const Scope& scope);

/// InputPath / OutputPath over `scope.input`.
Result<Json> apply_input_path(const PathOrNull& path, const Scope& scope);

/// Puts `result` into `input` at the reference path, making objects on the way; States.ResultPathMatchFailure when it
/// cannot be placed.
Result<Json> apply_result_path(const ResultPath& path, const Json& input, Json result);

/// Fills a payload template (Parameters, ResultSelector, ItemSelector, Assign, ErrorPath as intrinsic).
Result<Json> fill(const Template& shape, const Scope& scope);

/// The state that a Choice goes to, or States.NoChoiceMatched. `rule` is the index of the matched rule, -1 for Default.
struct ChoiceAnswer {
  std::string next;
  int rule = -1;
};
Result<ChoiceAnswer> choose(const State& state, const Scope& scope);

/// Orchestrator.TimeAdd / SecondsBetween and every States.* intrinsic live behind `fill`; see intrinsics.cpp.

/// RFC 9535 nodes for `orchestrator eval --language jsonpath`: {"nodes": [...]} or invalid_argument.
Result<Json> select_nodes(std::string_view path, const Json& input);

}  // namespace orchestrator::language
