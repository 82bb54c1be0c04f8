#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/base/error.hpp"
#include "orchestrator/base/json_fwd.hpp"

namespace orchestrator {

/// Both ends are allowed.
struct NumberRange {
  double least = 0;
  double most = 0;
};

/// Takes the members of a handler's input apart and gathers every fault, so that an author sees all of them at once.
/// Each reading function answers a harmless value after a fault; look at `faults()` before using any.
/// Borrows the input: use it during the call only.
class InputReader {
 public:
  /// An input that is no object is a fault at its root.
  explicit InputReader(const Json& input);

  std::string text(const char* name);
  std::optional<std::string> optional_text(const char* name);
  std::int64_t integer(const char* name, NumberRange range);
  std::optional<std::int64_t> optional_integer(const char* name, NumberRange range);
  double number(const char* name, NumberRange range);
  std::optional<double> optional_number(const char* name, NumberRange range);
  bool boolean(const char* name, bool otherwise);
  /// The member as it is, or a null pointer when it is absent. JSON null counts as present.
  [[nodiscard]] const Json* find(const char* name) const;
  /// As find; an absent member is a fault.
  const Json* value(const char* name);

  /// A fault of the handler's own rules. `name` empty means the whole input.
  void refuse(const std::string& name, std::string message);

  [[nodiscard]] const std::vector<FaultDetail>& faults() const { return faults_; }
  /// All faults in one sentence, for an outcome's cause.
  [[nodiscard]] std::string describe_faults() const;

 private:
  const Json* present(const char* name) const;
  double checked_number(const Json& value, const char* name, NumberRange range);
  std::int64_t checked_integer(const Json& value, const char* name, NumberRange range);

  const Json& input_;
  std::vector<FaultDetail> faults_;
};

}  // namespace orchestrator
