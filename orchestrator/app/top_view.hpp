#pragma once

#include <string>
#include <vector>

#include "orchestrator/app/page.hpp"

namespace orchestrator::app {

struct TopReading;

/// How large a frame may be. `rows` 0: as many as there is something to say.
struct TopFrame {
  Page page;
  std::size_t rows = 0;
  std::string note;  ///< stands in the first line: how to leave, or that the server does not answer
  bool alarming = false;
};

/// One frame of `orchestrator top`, as lines that fit. Rates and percentiles are those between `before` and `now`;
/// without `before`, or where a node has started anew since, they are "-".
std::vector<std::string> draw_top(const TopReading& now, const TopReading* before, const TopFrame& frame);

}  // namespace orchestrator::app
