#include "orchestrator/language/pointer.hpp"

namespace orchestrator::language {

std::string below(const std::string& parent, std::string_view member) {
  std::string pointer = parent + '/';
  for (const char c : member) {
    if (c == '~')
      pointer += "~0";
    else if (c == '/')
      pointer += "~1";
    else
      pointer += c;
  }
  return pointer;
}

std::string below(const std::string& parent, std::size_t index) { return parent + '/' + std::to_string(index); }

}  // namespace orchestrator::language
