#pragma once

#include <iosfwd>

#include "orchestrator/app/page.hpp"
#include "orchestrator/base/json_fwd.hpp"

namespace orchestrator::app {

// `page` is that of standard output unless told otherwise.

/// One run or job as a page: what went wrong first, then what it waits for, its life, its input and output.
void print_run(const Json& run, std::ostream& out, const Page& page = page_of_output());

/// A page of runs as a table, and how to get the next one.
void print_runs(const Json& list, std::ostream& out, const Page& page = page_of_output());

/// History items as a table: number, time, type, and what matters about each.
void print_history(const Json& items, std::ostream& out, const Page& page = page_of_output());

/// One history item as a line, for those who watch.
void print_history_item(const Json& item, std::ostream& out);

/// Any flat object, member by member.
void print_members(const Json& object, std::ostream& out);

}  // namespace orchestrator::app
