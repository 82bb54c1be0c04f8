#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "orchestrator/base/result.hpp"
#include "orchestrator/base/timestamp.hpp"

namespace orchestrator::api {

/// Reads the parameters behind `?`. The first fault is kept; `finish` returns it, or one for a parameter that nobody
/// asked for. All errors are invalid-parameter with the member `parameter`.
class QueryReader {
 public:
  explicit QueryReader(std::string_view query);
  /// The same from names and values that came another way.
  explicit QueryReader(const std::vector<std::pair<std::string, std::string>>& parameters);

  /// The last value of that name.
  std::optional<std::string> text(std::string_view name);
  /// Every value of that name, also those joined by commas.
  std::vector<std::string> list(std::string_view name);
  std::optional<std::int64_t> integer(std::string_view name, std::int64_t least, std::int64_t most);
  std::optional<Timestamp> time(std::string_view name);
  /// Parameters named `prefix` + something, without the prefix.
  std::vector<std::pair<std::string, std::string>> with_prefix(std::string_view prefix);

  /// `limit`, 1 to 500, default 50.
  std::int32_t limit();
  std::string cursor();

  void fault(std::string_view name, std::string message);
  [[nodiscard]] Status finish() const;

 private:
  struct Parameter {
    std::string name;
    std::string value;
    bool asked = false;
  };
  std::vector<Parameter> parameters_;
  std::optional<Error> first_fault_;
};

}  // namespace orchestrator::api
