#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/base/timestamp.hpp"

namespace orchestrator::api {

/// Reads the members of one JSON object and notes every fault, so that a caller learns of all of them at once: unknown
/// members, wrong types, values out of range. A member that is null counts as absent, except for `any`.
class ObjectReader {
 public:
  /// `value` is emptied of what is read. `pointer` is its place in the whole body; faults go to `faults`.
  ObjectReader(Json& value, std::string pointer, std::vector<FaultDetail>& faults);

  /// Whether it is an object at all; if not, that has been noted and every read finds nothing.
  [[nodiscard]] bool is_object() const { return object_ != nullptr; }
  [[nodiscard]] bool has(std::string_view name) const;

  std::optional<std::string> text(const char* name, std::size_t max_bytes);
  /// A name of the contract's form (base/names.hpp).
  std::optional<std::string> name(const char* name);
  /// A key of the contract's form.
  std::optional<std::string> key(const char* name);
  std::optional<std::int64_t> integer(const char* name, std::int64_t least, std::int64_t most);
  /// A number with or without decimals.
  std::optional<double> decimal(const char* name, double least, double most);
  std::optional<bool> boolean(const char* name);
  std::optional<Timestamp> time(const char* name);
  /// One of `choices`.
  std::optional<std::string> choice(const char* name, std::initializer_list<std::string_view> choices);
  /// Any value, moved out; a null pointer when absent.
  Payload any(const char* name);
  /// An object or an array, moved out; JSON null when absent or of another type.
  Json object(const char* name);
  Json array(const char* name);

  /// Notes that `value` is missing. Returns it for chaining: `required("key", reader.key("key"))`.
  template <typename Value>
  std::optional<Value> required(const char* name, std::optional<Value> value) {
    if (!value && !has(name)) fault(name, "missing", "is required");
    return value;
  }

  /// Notes a fault of a member (`name` empty: of the object itself). `message` continues "`name` ...".
  void fault(std::string_view name, std::string code, std::string message);
  /// Notes every member that was never asked for. Last.
  void finish();

  [[nodiscard]] std::string pointer_to(std::string_view name) const;

 private:
  Json* find(const char* name);

  Json* object_ = nullptr;
  std::string pointer_;
  std::vector<FaultDetail>& faults_;
  std::vector<std::string_view> asked_;
};

/// `pointer` one level deeper, escaped as RFC 6901 asks.
std::string deeper_pointer(std::string pointer, std::string_view token);

/// The invalid-body error for these faults, or success when there are none.
Status body_status(std::vector<FaultDetail> faults);

}  // namespace orchestrator::api
