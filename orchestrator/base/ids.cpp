#include "orchestrator/base/ids.hpp"

namespace orchestrator {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_dash_position(std::size_t i) { return i == 8 || i == 13 || i == 18 || i == 23; }

}  // namespace

std::string uuid_to_string(const UuidBytes& bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text(36, '-');
  std::size_t at = 0;
  for (std::uint8_t byte : bytes) {
    if (is_dash_position(at)) ++at;
    text[at++] = kDigits[byte >> 4];
    text[at++] = kDigits[byte & 15];
  }
  return text;
}

Result<UuidBytes> uuid_from_string(std::string_view text) {
  const auto malformed = [&] { return fail(ErrorCode::invalid_argument, "not a UUID"); };
  if (text.size() != 36) return malformed();
  UuidBytes bytes{};
  std::size_t at = 0;
  for (auto& byte : bytes) {
    if (is_dash_position(at)) {
      if (text[at] != '-') return malformed();
      ++at;
    }
    const int high = hex_value(text[at]);
    const int low = hex_value(text[at + 1]);
    if (high < 0 || low < 0) return malformed();
    byte = static_cast<std::uint8_t>(high << 4 | low);
    at += 2;
  }
  return bytes;
}

UuidBytes make_uuid7(Timestamp now, ShardId shard, std::uint64_t random) {
  const auto millis = static_cast<std::uint64_t>(to_millis(now));
  const auto shard_bits = static_cast<std::uint32_t>(to_int(shard));
  UuidBytes bytes{};
  for (int i = 0; i < 6; ++i) bytes[i] = static_cast<std::uint8_t>(millis >> (40 - 8 * i));
  // rand_a (12 bits) holds the shard's upper bits, the first 4 bits of rand_b its lower ones: 16 bits in all.
  bytes[6] = static_cast<std::uint8_t>(0x70 | (shard_bits >> 12 & 0x0F));
  bytes[7] = static_cast<std::uint8_t>(shard_bits >> 4);
  bytes[8] = static_cast<std::uint8_t>(0x80 | (shard_bits & 0x0F) << 2 | (random >> 62 & 0x03));
  for (int i = 9; i < 16; ++i) bytes[i] = static_cast<std::uint8_t>(random >> (8 * (15 - i)));
  return bytes;
}

ShardId shard_of(const UuidBytes& bytes) {
  const std::int32_t shard = (bytes[6] & 0x0F) << 12 | bytes[7] << 4 | (bytes[8] >> 2 & 0x0F);
  return ShardId{shard};
}

Timestamp time_of(const UuidBytes& bytes) {
  std::uint64_t millis = 0;
  for (int i = 0; i < 6; ++i) millis = millis << 8 | bytes[i];
  return Timestamp{std::chrono::milliseconds{millis}};
}

}  // namespace orchestrator
