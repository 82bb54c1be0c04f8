#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace orchestrator::digest {

/// Hides and authenticates `text` (AES-256-GCM, fresh nonce; raw bytes). `secret` may have any length; the same secret
/// opens it, in any process. `purpose` keeps what was sealed for one use from being opened for another.
std::string seal(std::string_view secret, std::string_view purpose, std::string_view text);

/// The text again; nothing when one bit of it, the secret or the purpose is another. Any thread.
std::optional<std::string> unseal(std::string_view secret, std::string_view purpose, std::string_view sealed);

/// Unpredictable bytes of the system.
std::string random_bytes(std::size_t count);

}  // namespace orchestrator::digest
