#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "orchestrator/base/ids.hpp"
#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/base/timestamp.hpp"

namespace orchestrator::api {

/// Writes one JSON text piece by piece: answers are text at once, without a tree in between, and stored JSON text goes
/// in unread. The caller balances begin and end.
class JsonWriter {
 public:
  JsonWriter& begin_object();
  JsonWriter& end_object();
  JsonWriter& begin_array();
  JsonWriter& end_array();
  /// The name of the next value.
  JsonWriter& name(std::string_view name);

  JsonWriter& text(std::string_view value);
  JsonWriter& number(std::int64_t value);
  JsonWriter& boolean(bool value);
  JsonWriter& null();
  /// JSON text that is known to be well-formed.
  JsonWriter& raw(std::string_view json);
  JsonWriter& json(const Json& value);
  JsonWriter& payload(const Payload& value);

  JsonWriter& member(std::string_view key, std::string_view value) { return name(key).text(value); }
  JsonWriter& member(std::string_view key, const char* value) { return name(key).text(value); }
  JsonWriter& member(std::string_view key, bool value) { return name(key).boolean(value); }
  template <std::signed_integral Integer>
  JsonWriter& member(std::string_view key, Integer value) {
    return name(key).number(value);
  }
  JsonWriter& member(std::string_view key, Timestamp value) { return name(key).text(to_rfc3339(value)); }
  template <typename Tag>
  JsonWriter& member(std::string_view key, const Uuid<Tag>& value) {
    return name(key).text(value.str());
  }
  JsonWriter& member(std::string_view key, const Payload& value) { return name(key).payload(value); }
  /// Nothing becomes null: members of an answer are null, not absent.
  template <typename Value>
  JsonWriter& member(std::string_view key, const std::optional<Value>& value) {
    return value ? member(key, *value) : name(key).null();
  }

  [[nodiscard]] std::string take() && { return std::move(text_); }

 private:
  void separate();

  std::string text_;
  bool needs_comma_ = false;
};

}  // namespace orchestrator::api
