#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace orchestrator::digest {

/// Lower-case hexadecimal.
std::string to_hex(std::string_view bytes);
/// Upper- or lower-case hexadecimal to bytes; nothing when malformed.
std::optional<std::string> from_hex(std::string_view text);

/// RFC 4648 base64 with padding.
std::string to_base64(std::string_view bytes);
/// Strict RFC 4648: padding required, no line breaks; nothing when malformed.
std::optional<std::string> from_base64(std::string_view text);

/// RFC 4648 base64url without padding, as in JSON Web Tokens; strict: nothing when malformed.
std::optional<std::string> from_base64url(std::string_view text);

/// `application/x-www-form-urlencoded` as PHP's urlencode does it: space becomes `+`, letters, digits and `-_.` stay,
/// everything else is %XX in upper case. Source: PayFast's signature rule.
std::string form_urlencode(std::string_view text);
/// The reverse; malformed % sequences stay as they are.
std::string form_urldecode(std::string_view text);

}  // namespace orchestrator::digest
