#pragma once

#include <cstdint>
#include <optional>
#include <pqxx/result>
#include <pqxx/row>
#include <string>

#include "orchestrator/base/ids.hpp"
#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/base/timestamp.hpp"
#include "orchestrator/store/rows.hpp"

namespace orchestrator::store::postgres {

/// Reads the columns of one row from left to right. Throws std::exception when a column does not hold what the schema
/// promises; Session turns that into `internal`.
class RowReader {
 public:
  explicit RowReader(const pqxx::row& row, int first = 0) : row_(row), at_(first) {}

  std::string text();
  std::optional<std::string> optional_text();
  /// A bytea column.
  std::optional<std::string> optional_bytes();
  std::int32_t integer();
  std::int64_t bigint();
  std::optional<std::int64_t> optional_bigint();
  bool boolean();
  Timestamp time();
  std::optional<Timestamp> optional_time();
  ShardId shard() { return ShardId{integer()}; }
  /// A JSON column; null pointer for SQL null.
  Payload payload();
  template <typename Tag>
  Uuid<Tag> id() {
    return Uuid<Tag>{uuid()};
  }
  template <typename Tag>
  std::optional<Uuid<Tag>> optional_id() {
    if (row_[at_].is_null()) {
      ++at_;
      return std::nullopt;
    }
    return Uuid<Tag>{uuid()};
  }
  bool next_is_null() const { return row_[at_].is_null(); }
  void skip() { ++at_; }

 private:
  UuidBytes uuid();

  pqxx::row row_;
  int at_;
};

/// The columns that several statements share, in the order in which sql/*.sql list them.
RunHeader read_header(RowReader& reader);
RunProgress read_progress(RowReader& reader);
SignalRow read_signal(RowReader& reader);
RunState read_run_state(RowReader& reader);
DeadLetter read_dead_letter(RowReader& reader);

}  // namespace orchestrator::store::postgres
