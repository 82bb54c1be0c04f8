#pragma once

#include <string_view>

namespace orchestrator {

/// A text file packed into the binary at build time (cmake/embed.cmake).
struct EmbeddedFile {
  std::string_view name;
  std::string_view text;
};

}  // namespace orchestrator
