#include "orchestrator/digest/routing.hpp"

#include <string>

#include "orchestrator/digest/digest.hpp"

namespace orchestrator::digest {
namespace {

std::uint64_t first_eight_bytes(std::string_view text) {
  const std::string bytes = hash(Algorithm::sha256, text);
  std::uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = value << 8 | static_cast<std::uint8_t>(bytes[static_cast<std::size_t>(i)]);
  return value;
}

}  // namespace

std::uint64_t routing_hash(std::string_view namespace_name, std::string_view key) {
  std::string text;
  text.reserve(namespace_name.size() + 1 + key.size());
  text.append(namespace_name).push_back('\0');
  text.append(key);
  return first_eight_bytes(text);
}

ShardId shard_for_key(std::string_view namespace_name, std::string_view key, std::int32_t shard_count) {
  return ShardId{
      static_cast<std::int32_t>(routing_hash(namespace_name, key) % static_cast<std::uint64_t>(shard_count))};
}

UuidBytes derived_uuid(std::string_view text, Timestamp at, ShardId shard) {
  return make_uuid7(at, shard, first_eight_bytes(text));
}

}  // namespace orchestrator::digest
