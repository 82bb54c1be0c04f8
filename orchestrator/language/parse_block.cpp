#include "orchestrator/base/json.hpp"
#include "orchestrator/language/limits.hpp"
#include "orchestrator/language/parse_state.hpp"
#include "orchestrator/language/pointer.hpp"
#include "orchestrator/language/utf8.hpp"

namespace orchestrator::language {
namespace {

void check_state_name(const std::string& name, const std::string& pointer, ParseContext& context) {
  if (name.empty()) context.findings.error(kInvalidName, pointer, "A state needs a name");
  if (count_code_points(name) > kMaxStateNameCharacters) {
    context.findings.error(
        kInvalidName, pointer,
        "The name of a state has at most " + std::to_string(kMaxStateNameCharacters) + " characters");
  }
  const auto [known, fresh] = context.state_pointers.emplace(name, pointer);
  if (!fresh) {
    context.findings.error(kDuplicateName, pointer,
                           "Duplicate state name: '" + name + "' is already at " + known->second +
                               "; names are unique within the whole definition");
  }
}

void parse_states(StateMachine& machine, const Json& states, const std::string& place, ParseContext& context) {
  if (states.empty()) context.findings.error(kSchemaFault, place, "'States' must have at least one state");
  for (const auto& [name, source] : states.items()) {
    const std::string pointer = below(place, name);
    if (context.state_pointers.size() >= kMaxStates) {
      context.findings.error(kSchemaFault, pointer,
                             "A definition has at most " + std::to_string(kMaxStates) + " states");
      note_unknown_transition(context);
      return;
    }
    check_state_name(name, pointer, context);
    context.blocks[context.block].states.emplace(name, pointer);
    if (source.is_object()) {
      machine.states.emplace(name, parse_state(name, source, pointer, context));
    } else {
      context.findings.error(kSchemaFault, pointer, "A state is an object");
      note_unknown_transition(context);
    }
  }
}

}  // namespace

StateMachine parse_block(const Json& source, const std::string& pointer, ParseContext& context) {
  const std::size_t outer = context.block;
  context.block = context.blocks.size();
  context.blocks.push_back(Block{.pointer = pointer, .outer = outer});

  StateMachine machine;
  FieldReader fields(source, pointer, context);
  machine.start_at = fields.required_text("StartAt").value_or("");
  context.blocks[context.block].start_at = machine.start_at;
  const Json* states = fields.object("States");
  if (states != nullptr) {
    parse_states(machine, *states, fields.pointer_to("States"), context);
  } else {
    if (!fields.has("States")) context.findings.error(kSchemaFault, pointer, "Field 'States' is missing");
    context.blocks[context.block].complete = false;
  }
  context.block = outer;
  return machine;
}

void note_transition(ParseContext& context, const std::string& from, const std::string& to, std::string pointer,
                     std::string field) {
  context.blocks[context.block].transitions.push_back(
      {.from = from, .to = to, .pointer = std::move(pointer), .field = std::move(field)});
}

void note_unknown_transition(ParseContext& context) { context.blocks[context.block].complete = false; }

}  // namespace orchestrator::language
