#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace orchestrator::store::postgres {

/// One named statement of sql/*.sql.
struct Statement {
  std::string name;
  std::string text;
};

/// All statements, in the order of the files. Built once; fixed afterwards.
const std::vector<Statement>& statements();

}  // namespace orchestrator::store::postgres
