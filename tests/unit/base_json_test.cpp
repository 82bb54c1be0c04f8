#include <gtest/gtest.h>

#include "orchestrator/base/json.hpp"

namespace orchestrator {
namespace {

TEST(StorableText, LeavesGoodTextAlone) {
  EXPECT_EQ(storable_text("plain"), "plain");
  EXPECT_EQ(storable_text("caf\xC3\xA9"), "caf\xC3\xA9");
}

TEST(StorableText, ReplacesWhatAColumnRefuses) {
  EXPECT_EQ(storable_text(std::string("a\0b", 3)),
            "a\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(storable_text("a\xFFz"), "a\xEF\xBF\xBDz");
}

TEST(ParseJson, KeepsIntegersWithin64BitsExactly) {
  EXPECT_EQ(dump_json(*parse_json("[9223372036854775807,-9223372036854775808,18446744073709551615]")),
            "[9223372036854775807,-9223372036854775808,18446744073709551615]");
}

TEST(ParseJson, RefusesNestingBeyondAHundredLevels) {
  EXPECT_TRUE(parse_json(std::string(100, '[') + std::string(100, ']')).has_value());

  const auto refused = parse_json(std::string(101, '[') + std::string(101, ']'));

  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().slug, "malformed-json");
}

TEST(ParseJson, DoesNotCountBracketsInsideStrings) {
  EXPECT_TRUE(parse_json("\"" + std::string(500, '[') + "\\\"[\"").has_value());
}

TEST(ParseJson, RefusesTextAfterTheValue) { EXPECT_FALSE(parse_json("{} x").has_value()); }

}  // namespace
}  // namespace orchestrator
