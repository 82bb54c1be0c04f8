#pragma once

#include <optional>
#include <string>
#include <vector>

#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/language/choice.hpp"
#include "orchestrator/language/definition.hpp"
#include "orchestrator/language/field_reader.hpp"
#include "orchestrator/language/parse_context.hpp"

/// The parts of the definition parser. Each reads one JSON value, reports its faults into the context, and answers as
/// much as it could read.
namespace orchestrator::language {

/// A block of states. `allowed` are its fields beside StartAt and States.
StateMachine parse_block(const Json& source, const std::string& pointer, ParseContext& context);

/// One state of the block `context.block`.
State parse_state(const std::string& name, const Json& source, const std::string& pointer, ParseContext& context);

/// Resource, time-outs and Inquire of a Task.
void parse_task(State& state, FieldReader& fields, ParseContext& context);

/// Branches of a Parallel.
void parse_parallel(State& state, FieldReader& fields, ParseContext& context);

/// Items, iterations and limits of a Map.
void parse_map(State& state, FieldReader& fields, ParseContext& context);

/// `Retry` and `Catch`.
void parse_error_handling(State& state, FieldReader& fields, ParseContext& context);

/// `Choices` and `Default`.
void parse_choices(State& state, FieldReader& fields, ParseContext& context);

/// Notes an arrow of the block being read.
void note_transition(ParseContext& context, const std::string& from, const std::string& to, std::string pointer,
                     std::string field);

/// Says that some arrow of the block being read is unknown.
void note_unknown_transition(ParseContext& context);

}  // namespace orchestrator::language
