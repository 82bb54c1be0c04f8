#pragma once

#include <string_view>

namespace orchestrator::language {

/// Whether `name` is a general category of Unicode ("L", "Lu", ...) that regular expressions may ask for.
bool is_category_name(std::string_view name);

/// Whether the character's general category is `name`, or begins with it when `name` is one letter.
bool is_in_category(char32_t character, std::string_view name);

}  // namespace orchestrator::language
