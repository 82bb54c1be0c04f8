#pragma once

#include <compare>

#include "orchestrator/base/json_fwd.hpp"

namespace orchestrator::language {

/// Orders two JSON numbers by value; integers of 64 bits compare exactly, whatever their signedness.
std::partial_ordering compare_numbers(const Json& left, const Json& right);

/// Deep equality; 1 and 1.0 are equal.
bool equal_values(const Json& left, const Json& right);

/// Whether both are numbers or both are strings (by code point) and `left` comes first.
bool is_less(const Json& left, const Json& right);

}  // namespace orchestrator::language
