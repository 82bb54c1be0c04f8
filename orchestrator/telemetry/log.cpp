#include "orchestrator/telemetry/log.hpp"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <chrono>
#include <cmath>
#include <mutex>
#include <string>

#include "orchestrator/base/json.hpp"
#include "orchestrator/base/timestamp.hpp"

namespace orchestrator::telemetry {
namespace {

constexpr std::array<std::string_view, 4> kLevelNames = {"debug", "info", "warn", "error"};

/// Hands each finished line to a function.
class FunctionSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit FunctionSink(Logger::Sink sink) : sink_(std::move(sink)) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    sink_(std::string_view{message.payload.data(), message.payload.size()});
  }
  void flush_() override {}

  Logger::Sink sink_;
};

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return spdlog::level::debug;
    case LogLevel::info: return spdlog::level::info;
    case LogLevel::warn: return spdlog::level::warn;
    case LogLevel::error: return spdlog::level::err;
  }
  return spdlog::level::info;
}

void append_quoted(std::string& line, std::string_view text) {
  line += '"';
  for (const char byte : text) {
    switch (byte) {
      case '"': line += "\\\""; break;
      case '\\': line += "\\\\"; break;
      case '\n': line += "\\n"; break;
      case '\r': line += "\\r"; break;
      case '\t': line += "\\t"; break;
      default:
        if (static_cast<unsigned char>(byte) < 0x20) {
          fmt::format_to(std::back_inserter(line), "\\u{:04x}", static_cast<unsigned>(byte));
        } else {
          line += byte;
        }
    }
  }
  line += '"';
}

struct ValueAppender {
  std::string& line;

  void operator()(std::string_view text) const { append_quoted(line, text); }
  void operator()(std::int64_t value) const { line += std::to_string(value); }
  void operator()(bool value) const { line += value ? "true" : "false"; }
  void operator()(double value) const {
    // JSON has no infinity and no NaN.
    if (std::isfinite(value)) {
      fmt::format_to(std::back_inserter(line), "{}", value);
    } else {
      line += "null";
    }
  }
};

std::string begin_line(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
  // A log line tells wall-clock time: it is compared with other machines' lines, never with durable times.
  const auto now = std::chrono::floor<Duration>(std::chrono::system_clock::now());
  std::string line = "{\"ts\":\"" + to_rfc3339(now) + "\",\"level\":\"";
  line += to_string(level);
  line += "\",\"event\":";
  append_quoted(line, event);
  for (const LogField& field : fields) {
    line += ',';
    append_quoted(line, field.name);
    line += ':';
    std::visit(ValueAppender{line}, field.value.content());
  }
  return line;
}

}  // namespace

class Logger::Output {
 public:
  explicit Output(std::shared_ptr<spdlog::sinks::sink> sink) : logger_("orchestrator", std::move(sink)) {
    logger_.set_pattern("%v");
    logger_.set_level(spdlog::level::trace);
    logger_.flush_on(spdlog::level::trace);
  }

  void write(LogLevel level, const std::string& line) { logger_.log(to_spdlog(level), spdlog::string_view_t{line}); }

 private:
  spdlog::logger logger_;
};

std::string_view to_string(LogLevel level) { return kLevelNames[static_cast<std::size_t>(level)]; }

Result<LogLevel> parse_log_level(std::string_view text) {
  for (std::size_t index = 0; index < kLevelNames.size(); ++index) {
    if (kLevelNames[index] == text) return static_cast<LogLevel>(index);
  }
  return fail(ErrorCode::invalid_argument, "a log level is debug, info, warn or error");
}

Logger::Logger(LogLevel level)
    : level_(level), output_(std::make_unique<Output>(std::make_shared<spdlog::sinks::stderr_sink_mt>())) {}

Logger::Logger(LogLevel level, Sink sink)
    : level_(level), output_(std::make_unique<Output>(std::make_shared<FunctionSink>(std::move(sink)))) {}

Logger::~Logger() = default;

void Logger::debug(std::string_view event, std::initializer_list<LogField> fields) const {
  write(LogLevel::debug, event, fields);
}
void Logger::info(std::string_view event, std::initializer_list<LogField> fields) const {
  write(LogLevel::info, event, fields);
}
void Logger::warn(std::string_view event, std::initializer_list<LogField> fields) const {
  write(LogLevel::warn, event, fields);
}
void Logger::error(std::string_view event, std::initializer_list<LogField> fields) const {
  write(LogLevel::error, event, fields);
}

void Logger::write(LogLevel level, std::string_view event, std::initializer_list<LogField> fields,
                   const Json& more) const {
  if (!is_enabled(level)) return;
  std::string line = begin_line(level, event, fields);
  if (more.is_object()) {
    for (const auto& [name, value] : more.items()) {
      line += ',';
      append_quoted(line, name);
      line += ':';
      line += dump_json(value);
    }
  }
  line += '}';
  output_->write(level, line);
}

void Logger::write(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) const {
  if (!is_enabled(level)) return;
  std::string line = begin_line(level, event, fields);
  line += '}';
  output_->write(level, line);
}

}  // namespace orchestrator::telemetry
