#pragma once

#include <cstdint>
#include <string_view>

namespace orchestrator::digest {

/// CRC-32 with the reflected polynomial 0xEDB88320, as zlib and PNG compute it (ISO 3309). No protection against
/// intent: PayPal signs it in place of the body.
std::uint32_t crc32(std::string_view data);

}  // namespace orchestrator::digest
