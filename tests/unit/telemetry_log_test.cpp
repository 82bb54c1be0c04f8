#include "orchestrator/telemetry/log.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "orchestrator/base/json.hpp"
#include "orchestrator/base/timestamp.hpp"

namespace orchestrator::telemetry {
namespace {

class LoggerTest : public testing::Test {
 protected:
  Logger make(LogLevel level) {
    return Logger(level, [this](std::string_view line) { lines_.emplace_back(line); });
  }
  Json only_line() {
    EXPECT_EQ(lines_.size(), 1U);
    auto parsed = parse_json(lines_.empty() ? "null" : lines_.front());
    EXPECT_TRUE(parsed) << lines_.front();
    return parsed ? *parsed : Json();
  }

  std::vector<std::string> lines_;
};

TEST_F(LoggerTest, WritesOneJsonObjectWithTimeLevelEventAndFields) {
  const Logger logger = make(LogLevel::info);

  logger.info("run_started", {{"namespace", "shop"}, {"attempt", 3}, {"late", true}, {"seconds", 0.5}});

  const Json line = only_line();
  EXPECT_TRUE(parse_rfc3339(line.at("ts").get<std::string>()));
  EXPECT_EQ(line.at("level"), "info");
  EXPECT_EQ(line.at("event"), "run_started");
  EXPECT_EQ(line.at("namespace"), "shop");
  EXPECT_EQ(line.at("attempt"), 3);
  EXPECT_EQ(line.at("late"), true);
  EXPECT_EQ(line.at("seconds"), 0.5);
}

TEST_F(LoggerTest, EscapesWhatWouldBreakALine) {
  const Logger logger = make(LogLevel::info);

  logger.warn("odd_text", {{"text", std::string("a\"b\\c\nd\x01 {} %v", 15)}});

  EXPECT_EQ(only_line().at("text"), std::string("a\"b\\c\nd\x01 {} %v", 15));
}

TEST_F(LoggerTest, WritesNumbersThatJsonLacksAsNull) {
  const Logger logger = make(LogLevel::info);

  logger.info("odd_number", {{"value", std::numeric_limits<double>::infinity()}});

  EXPECT_TRUE(only_line().at("value").is_null());
}

TEST_F(LoggerTest, LeavesOutLinesBelowItsLevel) {
  const Logger logger = make(LogLevel::warn);

  logger.debug("quiet");
  logger.info("quiet");
  logger.error("loud");

  EXPECT_EQ(only_line().at("level"), "error");
}

TEST_F(LoggerTest, AddsTheMembersOfAJsonObject) {
  const Logger logger = make(LogLevel::info);

  logger.write(LogLevel::info, "handler_says", {{"step", "Pay"}}, Json{{"tries", 2}, {"tags", {"a", "b"}}});

  const Json line = only_line();
  EXPECT_EQ(line.at("step"), "Pay");
  EXPECT_EQ(line.at("tries"), 2);
  EXPECT_EQ(line.at("tags"), Json({"a", "b"}));
}

TEST(LogLevel, IsReadByItsName) {
  EXPECT_EQ(parse_log_level("debug").value(), LogLevel::debug);
  EXPECT_EQ(parse_log_level("error").value(), LogLevel::error);
  EXPECT_FALSE(parse_log_level("loud"));
}

}  // namespace
}  // namespace orchestrator::telemetry
