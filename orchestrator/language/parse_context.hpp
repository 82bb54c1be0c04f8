#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "orchestrator/language/findings.hpp"
#include "orchestrator/language/parse.hpp"

namespace orchestrator::language {

/// An arrow between two states, and the field that draws it.
struct Transition {
  std::string from;
  std::string to;
  std::string pointer;
  std::string field;
};

/// One `States` object with its entrance: what is needed to check arrows once the whole definition has been read.
struct Block {
  std::string pointer;
  std::string start_at;
  std::map<std::string, std::string> states;  ///< name -> pointer
  std::vector<Transition> transitions;
  bool has_end = false;
  bool complete = true;   ///< false: some state's arrows could not be read, so nothing can be called unreachable
  std::size_t outer = 0;  ///< index of the block around it; its own for the outermost
};

/// A variable that an expression reads or a state assigns.
struct VariableUse {
  std::string name;
  std::string pointer;
  std::size_t block = 0;
};

/// What the parts of the parser share while one definition is read.
struct ParseContext {
  const ParseOptions& options;
  Findings findings;
  std::vector<Block> blocks;
  std::size_t block = 0;                              ///< index of the block being read
  std::map<std::string, std::string> state_pointers;  ///< every state's name -> pointer of its first occurrence
  std::vector<VariableUse> read;
  std::vector<VariableUse> assigned;
};

/// Targets that exist, states that can be reached, an end; for every block.
void check_transitions(ParseContext& context);

/// Variables that nothing assigns, and names that an inner block takes from an outer one: warnings.
void check_variables(ParseContext& context);

}  // namespace orchestrator::language
