#include "orchestrator/base/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace orchestrator {

void check_failed(const char* condition, const char* sentence, const char* file, int line) {
  std::fprintf(
      stderr,
      "{\"level\":\"error\",\"event\":\"invariant_broken\",\"check\":\"%s\",\"where\":\"%s:%d\",\"says\":\"%s\"}\n",
      condition, file, line, sentence);
  std::fflush(stderr);
  std::abort();
}

}  // namespace orchestrator
