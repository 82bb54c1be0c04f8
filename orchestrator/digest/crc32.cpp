#include "orchestrator/digest/crc32.hpp"

#include <array>

namespace orchestrator::digest {
namespace {

constexpr std::array<std::uint32_t, 256> kTable = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = (value & 1) != 0 ? value >> 1 ^ 0xEDB88320U : value >> 1;
    table[byte] = value;
  }
  return table;
}();

}  // namespace

std::uint32_t crc32(std::string_view data) {
  std::uint32_t value = 0xFFFFFFFFU;
  for (const char c : data) value = value >> 8 ^ kTable[(value ^ static_cast<unsigned char>(c)) & 0xFFU];
  return value ^ 0xFFFFFFFFU;
}

}  // namespace orchestrator::digest
