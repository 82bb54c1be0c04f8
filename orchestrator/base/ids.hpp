#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>

#include "orchestrator/base/result.hpp"
#include "orchestrator/base/timestamp.hpp"

namespace orchestrator {

/// A slice of all runs, owned by one node at a time. 0 to shard count - 1.
enum class ShardId : std::int32_t {};
inline std::int32_t to_int(ShardId shard) { return static_cast<std::int32_t>(shard); }

/// Grows with every take-over of a shard; a write with an old epoch changes nothing.
enum class Epoch : std::int64_t {};
inline std::int64_t to_int(Epoch epoch) { return static_cast<std::int64_t>(epoch); }

/// Dense number of a history event within its run, from 1. 0 means none.
using EventId = std::int64_t;

using UuidBytes = std::array<std::uint8_t, 16>;

/// Lower-case text of 36 characters.
std::string uuid_to_string(const UuidBytes& bytes);
Result<UuidBytes> uuid_from_string(std::string_view text);

/// A 16-byte id whose tag keeps a run id from being passed as a signal id.
template <typename Tag>
struct Uuid {
  UuidBytes bytes{};

  auto operator<=>(const Uuid&) const = default;
  [[nodiscard]] bool is_nil() const { return bytes == UuidBytes{}; }
  [[nodiscard]] std::string str() const { return uuid_to_string(bytes); }
  static Result<Uuid> parse(std::string_view text) {
    auto bytes = uuid_from_string(text);
    if (!bytes) return bytes.error();
    return Uuid{*bytes};
  }
};

using RunId = Uuid<struct RunTag>;
using SignalId = Uuid<struct SignalTag>;
using MessageId = Uuid<struct MessageTag>;
using BatchId = Uuid<struct BatchTag>;

/// Names a node across restarts: `ORCHESTRATOR_NODE_ID`, at most 128 characters.
struct NodeId {
  std::string value;
  auto operator<=>(const NodeId&) const = default;
};

/// UUIDv7: 48 bits of milliseconds, version, then 16 bits that hold the shard (4 of them beside the version nibble are
/// kept random), then randomness. `run_id` alone tells shard and time.
/// @param random at least 8 fresh random bytes, as two words.
UuidBytes make_uuid7(Timestamp now, ShardId shard, std::uint64_t random);

/// The shard that `make_uuid7` wrote into an id.
ShardId shard_of(const UuidBytes& bytes);
template <typename Tag>
ShardId shard_of(const Uuid<Tag>& id) {
  return shard_of(id.bytes);
}
/// The moment (milliseconds) that `make_uuid7` wrote into an id.
Timestamp time_of(const UuidBytes& bytes);

}  // namespace orchestrator

template <typename Tag>
struct std::hash<orchestrator::Uuid<Tag>> {
  std::size_t operator()(const orchestrator::Uuid<Tag>& id) const noexcept {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    std::memcpy(&high, id.bytes.data(), 8);
    std::memcpy(&low, id.bytes.data() + 8, 8);
    return static_cast<std::size_t>((high ^ (low * 0x9E3779B97F4A7C15ULL)) * 0xBF58476D1CE4E5B9ULL);
  }
};
