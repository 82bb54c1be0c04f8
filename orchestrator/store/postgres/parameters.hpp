#pragma once

#include <cstdint>
#include <optional>
#include <pqxx/transaction_base>
#include <string>
#include <string_view>

#include "orchestrator/base/ids.hpp"
#include "orchestrator/base/timestamp.hpp"
#include "orchestrator/store/postgres/binary_array.hpp"

namespace orchestrator::store::postgres {

/// The parameters of one statement, in order.
///
/// Texts travel in binary form: in text form libpq would cut them at a zero byte, in binary form PostgreSQL refuses
/// them.
///
/// Fills libpqxx 6.4's own parameter struct: its variadic calls cannot choose between null and binary at run time, and
/// commit_batch needs exactly that for tables without rows in a batch.
class Parameters {
 public:
  Parameters& null();
  Parameters& text(std::string_view value);  ///< for parameters of type text or json
  Parameters& text_or_null(const std::optional<std::string>& value);
  Parameters& integer(std::int64_t value);
  Parameters& integer(const std::optional<std::int64_t>& value);
  Parameters& boolean(bool value);
  /// Microseconds, for orchestrator.from_micros.
  Parameters& micros(Timestamp value);
  Parameters& micros(const std::optional<Timestamp>& value);
  Parameters& bytes(std::string_view value);  ///< bytea, or another type in its binary form
  Parameters& array(BinaryArray array);
  Parameters& array_or_null(std::optional<BinaryArray> array);
  template <typename Tag>
  Parameters& id(const Uuid<Tag>& value) {
    return bytes(std::string_view(reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size()));
  }
  template <typename Tag>
  Parameters& id(const std::optional<Uuid<Tag>>& value) {
    return value ? id(*value) : null();
  }

  /// Hands them to the call; spent afterwards.
  pqxx::internal::params take() { return std::move(params_); }

 private:
  Parameters& plain(std::string value);

  pqxx::internal::params params_;
};

}  // namespace orchestrator::store::postgres
