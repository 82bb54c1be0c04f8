#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace orchestrator::digest {

enum class Algorithm : std::uint8_t { md5, sha1, sha256, sha384, sha512 };

/// Raw digest bytes of `data`. Pure; safe from any thread.
std::string hash(Algorithm algorithm, std::string_view data);

/// Raw HMAC bytes.
std::string hmac(Algorithm algorithm, std::string_view key, std::string_view data);

/// Whether two byte strings are equal, in time that depends on their lengths only.
bool equal_constant_time(std::string_view a, std::string_view b);

}  // namespace orchestrator::digest
