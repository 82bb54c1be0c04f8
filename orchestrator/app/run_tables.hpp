#pragma once

#include <iosfwd>

#include "orchestrator/base/json_fwd.hpp"

namespace orchestrator::app {

/// One run, member by member, ending with its error or output.
void print_run(const Json& run, std::ostream& out);

/// A page of runs as a table, and how to get the next one.
void print_runs(const Json& page, std::ostream& out);

/// History items as a table: number, time, type, and what matters about each.
void print_history(const Json& items, std::ostream& out);

/// Any flat object, member by member.
void print_members(const Json& object, std::ostream& out);

}  // namespace orchestrator::app
