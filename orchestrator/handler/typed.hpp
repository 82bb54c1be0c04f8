#pragma once

#include <concepts>
#include <string>
#include <utility>

#include "orchestrator/handler/handler.hpp"
#include "orchestrator/handler/input_reader.hpp"

namespace orchestrator {

/// The error of a handler whose input does not have the shape that it asks for. Not retryable: the next attempt would
/// get the same input.
inline constexpr const char* kInvalidInput = "Orchestrator.InvalidInput";

/// A handler's input as a struct that says how it is read:
///
///     struct SleepInput {
///       double seconds = 0;
///       static SleepInput read(InputReader& input) { return {.seconds = input.number("seconds", {0, 3600})}; }
///     };
template <typename Input>
concept ReadableInput = requires(InputReader& reader) {
  { Input::read(reader) } -> std::same_as<Input>;
};

/// A plain handler from a function over a typed input. The function runs only when the input has no fault.
template <ReadableInput Input, std::invocable<const Input&, TaskContext&> Perform>
PlainHandler typed_handler(Perform perform) {
  return [perform = std::move(perform)](const Json& input, TaskContext& context) -> Outcome {
    InputReader reader(input);
    const Input typed = Input::read(reader);
    if (!reader.faults().empty()) return Outcome::failed(kInvalidInput, reader.describe_faults(), false);
    return perform(typed, context);
  };
}

/// The same for a handler whose SQL commits together with the step.
template <ReadableInput Input, std::invocable<const Input&, TaskContext&, Sql&> Perform>
TransactionalHandler typed_transactional_handler(Perform perform) {
  return [perform = std::move(perform)](const Json& input, TaskContext& context, Sql& sql) -> Outcome {
    InputReader reader(input);
    const Input typed = Input::read(reader);
    if (!reader.faults().empty()) return Outcome::failed(kInvalidInput, reader.describe_faults(), false);
    return perform(typed, context, sql);
  };
}

}  // namespace orchestrator
