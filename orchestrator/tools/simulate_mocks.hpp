#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/base/json.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/base/timestamp.hpp"

namespace orchestrator::tools {

/// One answer of the outside to an attempt of a state.
struct MockAnswer {
  bool answers = true;  ///< false: `timed_out` or `hang`, the time-out decides
  std::optional<Json> output;
  std::optional<std::string> error;
  std::optional<std::string> cause;
  std::optional<Json> expect_input;
  bool used = false;
};

struct MockSignal {
  Timestamp at{};
  std::string name;
  std::optional<std::string> key;
  Payload payload;
};

/// The mocks file of a simulation, read and checked.
class Mocks {
 public:
  /// invalid_argument ("invalid-mocks") with a sentence that names the faulty place; members that nobody knows are all
  /// named, as faults with JSON pointers.
  static Result<Mocks> read(const std::optional<Json>& source);

  [[nodiscard]] Timestamp now() const { return now_; }
  [[nodiscard]] const Payload& context() const { return context_; }
  /// In the order in which they arrive.
  [[nodiscard]] const std::vector<MockSignal>& signals() const { return signals_; }
  [[nodiscard]] bool has_answers_for(const std::string& state) const { return answers_.contains(state); }
  /// The first unused entry that expects this input, else the first unused one that expects anything; the error
  /// Mock.Exhausted when none is left.
  MockAnswer next_answer(const std::string& state, const Json& input);

 private:
  Timestamp now_{};
  Payload context_;
  std::map<std::string, std::vector<MockAnswer>> answers_;
  std::vector<MockSignal> signals_;
};

}  // namespace orchestrator::tools
