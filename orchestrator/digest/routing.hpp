#pragma once

#include <cstdint>
#include <string_view>

#include "orchestrator/base/ids.hpp"

namespace orchestrator::digest {

/// The one routing hash: the first eight bytes, big-endian, of SHA-256 over `namespace`, a zero byte, `key`.
/// SQL computes the same (orchestrator.routing_hash). Run key, signal key, unique key and idempotency key all use it,
/// without the workflow's or signal's name, so that what shares a key shares a shard.
std::uint64_t routing_hash(std::string_view namespace_name, std::string_view key);

/// The shard of a key: hash modulo shard count.
ShardId shard_for_key(std::string_view namespace_name, std::string_view key, std::int32_t shard_count);

/// A UUID derived from text (its random part from SHA-256), carrying `shard` and `at` like make_uuid7; the same
/// arguments give the same id. Used for children and batch items, so that starting one is idempotent.
UuidBytes derived_uuid(std::string_view text, Timestamp at, ShardId shard);

}  // namespace orchestrator::digest
