#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "orchestrator/base/ids.hpp"
#include "orchestrator/base/timestamp.hpp"

namespace orchestrator::store::postgres {

/// PostgreSQL's fixed type numbers (catalog pg_type), as an array in binary form names its elements.
enum class ElementType : std::uint32_t {
  boolean = 16,
  bytea = 17,
  bigint = 20,
  integer = 23,
  text = 25,
  json = 114,
  timestamptz = 1184,
  uuid = 2950,
  jsonb = 3802,
};

/// One column of many rows, in PostgreSQL's binary array format (src/backend/utils/adt/arrayfuncs.c, array_recv):
/// parsing text arrays on both sides would cost more than the insert.
class BinaryArray {
 public:
  explicit BinaryArray(ElementType type);

  void add_null();
  void add(bool value);
  void add(std::int32_t value);
  void add(std::int64_t value);
  void add(std::string_view value);  ///< text, json, jsonb and bytea
  void add(const UuidBytes& value);
  void add(Timestamp value);
  template <typename Tag>
  void add(const Uuid<Tag>& value) {
    add(value.bytes);
  }
  template <typename T>
  void add(const std::optional<T>& value) {
    if (value) {
      add(*value);
    } else {
      add_null();
    }
  }

  /// The finished bytes; the array is spent.
  std::string take();

 private:
  void put32(std::uint32_t value);
  void put64(std::uint64_t value);

  ElementType type_;
  std::uint32_t count_ = 0;
  bool has_null_ = false;
  std::string bytes_;
};

}  // namespace orchestrator::store::postgres
