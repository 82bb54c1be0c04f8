#include "orchestrator/app/explain.hpp"

#include <iostream>

namespace orchestrator::app {

void explain(const Error& error, Exit& exit) {
  std::cerr << "orchestrator: " << error.message << "\n";
  for (const FaultDetail& fault : error.faults) {
    std::cerr << "  " << fault.pointer << " " << fault.code << ": " << fault.message << "\n";
  }
  exit.code = ExitCode::refused;
}

}  // namespace orchestrator::app
