#pragma once

#include <optional>
#include <utility>
#include <variant>

#include "orchestrator/base/check.hpp"
#include "orchestrator/base/error.hpp"

namespace orchestrator {

/// Marks the failing side: `return fail(ErrorCode::not_found, "no such run");`
struct Unexpected {
  Error error;
};

template <typename... Args>
[[nodiscard]] Unexpected fail(Args&&... args) {
  return Unexpected{Error(std::forward<Args>(args)...)};
}

/// A value or the error that stands in its place. Member names follow std::expected, which C++20 lacks.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : content_(std::in_place_index<0>, std::move(value)) {}
  Result(Unexpected failure) : content_(std::in_place_index<1>, std::move(failure.error)) {}
  Result(Error error) : content_(std::in_place_index<1>, std::move(error)) {}

  [[nodiscard]] bool has_value() const { return content_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  T& value() & {
    ORC_CHECK(has_value(), "value() on a failed Result");
    return std::get<0>(content_);
  }
  const T& value() const& {
    ORC_CHECK(has_value(), "value() on a failed Result");
    return std::get<0>(content_);
  }
  T&& value() && {
    ORC_CHECK(has_value(), "value() on a failed Result");
    return std::get<0>(std::move(content_));
  }

  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  Error& error() & {
    ORC_CHECK(!has_value(), "error() on a good Result");
    return std::get<1>(content_);
  }
  const Error& error() const& {
    ORC_CHECK(!has_value(), "error() on a good Result");
    return std::get<1>(content_);
  }
  Error&& error() && {
    ORC_CHECK(!has_value(), "error() on a good Result");
    return std::get<1>(std::move(content_));
  }

  T value_or(T other) && { return has_value() ? std::get<0>(std::move(content_)) : std::move(other); }

 private:
  std::variant<T, Error> content_;
};

/// Success without a value, or an error.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Unexpected failure) : error_(std::move(failure.error)) {}
  Result(Error error) : error_(std::move(error)) {}

  [[nodiscard]] bool has_value() const { return !error_.has_value(); }
  explicit operator bool() const { return has_value(); }

  Error& error() & {
    ORC_CHECK(error_.has_value(), "error() on a good Result");
    return *error_;
  }
  const Error& error() const& {
    ORC_CHECK(error_.has_value(), "error() on a good Result");
    return *error_;
  }
  Error&& error() && {
    ORC_CHECK(error_.has_value(), "error() on a good Result");
    return std::move(*error_);
  }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

}  // namespace orchestrator
