#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace orchestrator::language {

/// RFC 4648 with padding. Here because this room links no library that has it.
std::string to_base64(std::string_view bytes);

/// The reverse; the padding may be left out. Nothing when malformed.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace orchestrator::language
