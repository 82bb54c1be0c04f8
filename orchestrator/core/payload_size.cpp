#include "orchestrator/core/payload_size.hpp"

#include "orchestrator/base/json.hpp"

namespace orchestrator::core {
namespace {

constexpr std::size_t kQuotes = 2;
constexpr std::size_t kSeparator = 1;
// Numbers and literals are counted as this many bytes: near enough, and never looked at twice.
constexpr std::size_t kScalar = 5;

/// Takes the bytes of `value` off `left`; false once nothing is left or it nests too deep.
bool take(const Json& value, std::size_t& left, int depth) {
  if (depth > kMaxJsonDepth) return false;
  std::size_t own = kScalar;
  if (value.is_string()) own = value.get_ref<const std::string&>().size() + kQuotes;
  if (value.is_structured()) own = kQuotes;
  if (own > left) return false;
  left -= own;
  if (value.is_object()) {
    for (auto member = value.begin(); member != value.end(); ++member) {
      const std::size_t name = member.key().size() + kQuotes + 2 * kSeparator;
      if (name > left) return false;
      left -= name;
      if (!take(*member, left, depth + 1)) return false;
    }
  } else if (value.is_array()) {
    for (const Json& item : value) {
      if (left < kSeparator) return false;
      left -= kSeparator;
      if (!take(item, left, depth + 1)) return false;
    }
  }
  return true;
}

}  // namespace

bool fits_in(const Json& value, std::size_t limit) { return take(value, limit, 0); }

}  // namespace orchestrator::core
