#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/base/result.hpp"

namespace orchestrator::telemetry {

/// `error`: a person must act. `warn`: we coped. `info`: life of the process and of runs. `debug`: off in production.
enum class LogLevel : std::uint8_t { debug, info, warn, error };

std::string_view to_string(LogLevel level);
/// invalid_argument unless the text is debug, info, warn or error.
Result<LogLevel> parse_log_level(std::string_view text);

/// One value of a log line. Borrowed text: valid for the duration of the call only.
class LogValue {
 public:
  LogValue(const char* text) : content_(std::string_view{text}) {}
  LogValue(std::string_view text) : content_(text) {}
  LogValue(const std::string& text) : content_(std::string_view{text}) {}
  LogValue(bool value) : content_(value) {}
  LogValue(std::integral auto value) : content_(static_cast<std::int64_t>(value)) {}
  LogValue(std::floating_point auto value) : content_(static_cast<double>(value)) {}

  [[nodiscard]] const std::variant<std::string_view, std::int64_t, double, bool>& content() const { return content_; }

 private:
  std::variant<std::string_view, std::int64_t, double, bool> content_;
};

/// A member of a log line, named by the table of words: `namespace, run_id, step, attempt, worker_id, trace_id`.
/// Never payloads, secrets or connection strings.
struct LogField {
  std::string_view name;
  LogValue value;
};

/// Writes one JSON object per line: `ts` (RFC 3339, UTC), `level`, `event`, then the fields in the order given.
/// Thread-safe; lines never mix. Passed by reference to whoever logs; the application owns it.
class Logger {
 public:
  /// Receives each line without its line end, one at a time.
  using Sink = std::function<void(std::string_view line)>;

  /// Writes to standard error.
  explicit Logger(LogLevel level);
  /// Writes to `sink`: for tests, and for tools that show lines in another way.
  Logger(LogLevel level, Sink sink);
  ~Logger();
  Logger(const Logger&) = delete;
  Logger& operator=(const Logger&) = delete;

  /// @param event a fixed snake_case name without values in it.
  void debug(std::string_view event, std::initializer_list<LogField> fields = {}) const;
  void info(std::string_view event, std::initializer_list<LogField> fields = {}) const;
  void warn(std::string_view event, std::initializer_list<LogField> fields = {}) const;
  void error(std::string_view event, std::initializer_list<LogField> fields = {}) const;

  /// The same with a JSON object's members as further fields; anything but an object counts as none. For handlers'
  /// lines, whose fields are only known when they run.
  void write(LogLevel level, std::string_view event, std::initializer_list<LogField> fields, const Json& more) const;

  [[nodiscard]] bool is_enabled(LogLevel level) const { return level >= level_; }

 private:
  class Output;

  void write(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) const;

  // Fixed after construction.
  LogLevel level_;
  std::unique_ptr<Output> output_;
};

}  // namespace orchestrator::telemetry
