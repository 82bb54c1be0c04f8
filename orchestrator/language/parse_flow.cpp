#include <algorithm>
#include <set>

#include "orchestrator/language/parse_context.hpp"
#include "orchestrator/language/pointer.hpp"

namespace orchestrator::language {
namespace {

std::string block_name(const std::string& pointer) { return pointer.empty() ? "the outermost block" : pointer; }

void check_target(ParseContext& context, const Block& block, const std::string& target, const std::string& pointer,
                  const std::string& field) {
  if (block.states.contains(target)) return;
  std::string message = "Missing '" + field + "' target: " + target;
  const auto elsewhere = context.state_pointers.find(target);
  if (elsewhere != context.state_pointers.end()) {
    message += "; that state is in another scope (" + elsewhere->second + "), and a transition cannot leave or enter " +
               block_name(block.pointer);
  }
  context.findings.error(kMissingTarget, pointer, std::move(message));
}

/// The states that can be entered, following the arrows from StartAt.
std::set<std::string> reachable_states(const Block& block) {
  std::multimap<std::string, std::string> arrows;
  for (const Transition& transition : block.transitions) arrows.emplace(transition.from, transition.to);
  std::set<std::string> reached{block.start_at};
  std::vector<std::string> open{block.start_at};
  while (!open.empty()) {
    const std::string from = std::move(open.back());
    open.pop_back();
    const auto [first, last] = arrows.equal_range(from);
    for (auto arrow = first; arrow != last; ++arrow) {
      if (reached.insert(arrow->second).second) open.push_back(arrow->second);
    }
  }
  return reached;
}

void check_block(ParseContext& context, const Block& block) {
  if (!block.start_at.empty() && !block.states.empty()) {
    check_target(context, block, block.start_at, below(block.pointer, std::string_view("StartAt")), "StartAt");
  }
  for (const Transition& transition : block.transitions) {
    check_target(context, block, transition.to, transition.pointer, transition.field);
  }
  if (!block.complete) return;
  if (!block.has_end && !block.states.empty()) {
    context.findings.error(kMissingEnd, below(block.pointer, std::string_view("States")),
                           "No state ends this block: one must have \"End\": true or be a Succeed or Fail state");
  }
  // Without a true entrance every state would be called unreachable, which helps nobody.
  if (!block.states.contains(block.start_at)) return;
  const std::set<std::string> reached = reachable_states(block);
  for (const auto& [name, pointer] : block.states) {
    if (!reached.contains(name)) {
      context.findings.error(kMissingTarget, pointer, "State \"" + name + "\" is not reachable.");
    }
  }
}

bool is_inside(const ParseContext& context, std::size_t block, std::size_t outer) {
  while (block != outer && context.blocks[block].outer != block) block = context.blocks[block].outer;
  return block == outer;
}

}  // namespace

void check_transitions(ParseContext& context) {
  for (const Block& block : context.blocks) check_block(context, block);
}

void check_variables(ParseContext& context) {
  for (const VariableUse& use : context.read) {
    const bool assigned = std::ranges::any_of(context.assigned, [&](const VariableUse& assignment) {
      return assignment.name == use.name && is_inside(context, use.block, assignment.block);
    });
    if (!assigned) {
      context.findings.warning(kUnassignedVariable, use.pointer,
                               "The variable '$" + use.name + "' is not assigned by any state that is visible here");
    }
  }
  for (const VariableUse& inner : context.assigned) {
    const bool shadows = std::ranges::any_of(context.assigned, [&](const VariableUse& outer) {
      return outer.name == inner.name && outer.block != inner.block && is_inside(context, inner.block, outer.block);
    });
    if (shadows) {
      context.findings.warning(kShadowedVariable, inner.pointer,
                               "The variable '$" + inner.name +
                                   "' also exists in an outer scope, which an inner one can read but not write");
    }
  }
}

}  // namespace orchestrator::language
