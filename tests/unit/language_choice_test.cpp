#include <gtest/gtest.h>

#include <string>

#include "language_scope.hpp"
#include "orchestrator/language/choice.hpp"
#include "orchestrator/language/parse.hpp"

namespace orchestrator::language {
namespace {

constexpr const char* kInput = R"({
  "text": "banana", "same": "banana", "number": 5, "big": 9007199254740993, "float": 5.0, "yes": true, "no": false,
  "null": null, "time": "2026-01-01T12:00:00Z", "later": "2026-01-01T14:00:00.001+01:00", "noon": "2026-01-01T13:00:00+01:00",
  "list": [1, 2]})";

/// A definition whose only Choice goes to Yes when `rule` holds.
std::string answer(const std::string& rule, const TestScope& scope = TestScope(kInput)) {
  Json choice = *parse_json(rule);
  choice["Next"] = "Yes";
  const Json source = {{"StartAt", "C"},
                       {"States",
                        {{"C", {{"Type", "Choice"}, {"Choices", Json::array({choice})}, {"Default", "No"}}},
                         {"Yes", {{"Type", "Succeed"}}},
                         {"No", {{"Type", "Succeed"}}}}}};
  const ParsedDefinition parsed = parse_definition(source, {});
  if (!parsed.valid()) return "invalid: " + parsed.diagnostics.front().message;
  const Result<ChoiceAnswer> answer = choose(*parsed.definition->root.find("C"), scope.view());
  return answer ? answer->next : answer.error().slug + ": " + answer.error().message;
}

struct Rule {
  const char* text;
  const char* answer;
};

void PrintTo(const Rule& rule, std::ostream* out) { *out << rule.text; }

class ChoiceOperators : public testing::TestWithParam<Rule> {};

TEST_P(ChoiceOperators, Compare) { EXPECT_EQ(answer(GetParam().text), GetParam().answer); }

INSTANTIATE_TEST_SUITE_P(Strings, ChoiceOperators,
                         testing::Values(Rule{R"({"Variable":"$.text","StringEquals":"banana"})", "Yes"},
                                         Rule{R"({"Variable":"$.text","StringEquals":"apple"})", "No"},
                                         Rule{R"({"Variable":"$.text","StringEqualsPath":"$.same"})", "Yes"},
                                         Rule{R"({"Variable":"$.text","StringLessThan":"cherry"})", "Yes"},
                                         Rule{R"({"Variable":"$.text","StringLessThanPath":"$.same"})", "No"},
                                         Rule{R"({"Variable":"$.text","StringGreaterThan":"apple"})", "Yes"},
                                         Rule{R"({"Variable":"$.text","StringGreaterThanPath":"$.same"})", "No"},
                                         Rule{R"({"Variable":"$.text","StringLessThanEquals":"banana"})", "Yes"},
                                         Rule{R"({"Variable":"$.text","StringLessThanEqualsPath":"$.same"})", "Yes"},
                                         Rule{R"({"Variable":"$.text","StringGreaterThanEquals":"banana"})", "Yes"},
                                         Rule{R"({"Variable":"$.text","StringGreaterThanEqualsPath":"$.same"})", "Yes"},
                                         Rule{R"({"Variable":"$.text","StringMatches":"b*na"})", "Yes"},
                                         Rule{R"({"Variable":"$.text","StringMatches":"b*x"})", "No"},
                                         Rule{R"({"Variable":"$.number","StringEquals":"5"})", "No"},
                                         Rule{R"({"Variable":"$.number","StringMatches":"*"})", "No"},
                                         Rule{R"({"Variable":"$.text","StringEqualsPath":"$.number"})", "No"}));

INSTANTIATE_TEST_SUITE_P(
    Numbers, ChoiceOperators,
    testing::Values(Rule{R"({"Variable":"$.number","NumericEquals":5})", "Yes"},
                    Rule{R"({"Variable":"$.number","NumericEquals":5.0})", "Yes"},
                    Rule{R"({"Variable":"$.big","NumericEquals":9007199254740992})", "No"},
                    Rule{R"({"Variable":"$.number","NumericEqualsPath":"$.float"})", "Yes"},
                    Rule{R"({"Variable":"$.number","NumericLessThan":5.1})", "Yes"},
                    Rule{R"({"Variable":"$.number","NumericLessThanPath":"$.float"})", "No"},
                    Rule{R"({"Variable":"$.number","NumericGreaterThan":-1})", "Yes"},
                    Rule{R"({"Variable":"$.number","NumericGreaterThanPath":"$.float"})", "No"},
                    Rule{R"({"Variable":"$.number","NumericLessThanEquals":5})", "Yes"},
                    Rule{R"({"Variable":"$.number","NumericLessThanEqualsPath":"$.float"})", "Yes"},
                    Rule{R"({"Variable":"$.number","NumericGreaterThanEquals":6})", "No"},
                    Rule{R"({"Variable":"$.number","NumericGreaterThanEqualsPath":"$.float"})", "Yes"},
                    Rule{R"({"Variable":"$.text","NumericEquals":5})", "No"},
                    Rule{R"({"Variable":"$.number","NumericEqualsPath":"$.text"})", "No"}));

INSTANTIATE_TEST_SUITE_P(
    BooleansAndTimes, ChoiceOperators,
    testing::Values(Rule{R"({"Variable":"$.yes","BooleanEquals":true})", "Yes"},
                    Rule{R"({"Variable":"$.no","BooleanEquals":true})", "No"},
                    Rule{R"({"Variable":"$.yes","BooleanEqualsPath":"$.no"})", "No"},
                    Rule{R"({"Variable":"$.text","BooleanEquals":false})", "No"},
                    Rule{R"({"Variable":"$.time","TimestampEquals":"2026-01-01T12:00:00.000Z"})", "Yes"},
                    Rule{R"({"Variable":"$.time","TimestampEqualsPath":"$.noon"})", "Yes"},
                    Rule{R"({"Variable":"$.time","TimestampLessThan":"2026-01-01T12:00:00.001Z"})", "Yes"},
                    Rule{R"({"Variable":"$.time","TimestampLessThanPath":"$.later"})", "Yes"},
                    Rule{R"({"Variable":"$.time","TimestampGreaterThan":"2025-12-31T00:00:00Z"})", "Yes"},
                    Rule{R"({"Variable":"$.time","TimestampGreaterThanPath":"$.later"})", "No"},
                    Rule{R"({"Variable":"$.time","TimestampLessThanEquals":"2026-01-01T12:00:00Z"})", "Yes"},
                    Rule{R"({"Variable":"$.time","TimestampLessThanEqualsPath":"$.noon"})", "Yes"},
                    Rule{R"({"Variable":"$.time","TimestampGreaterThanEquals":"2026-01-01T12:00:01Z"})", "No"},
                    Rule{R"({"Variable":"$.time","TimestampGreaterThanEqualsPath":"$.noon"})", "Yes"},
                    Rule{R"({"Variable":"$.text","TimestampEquals":"2026-01-01T12:00:00Z"})", "No"}));

INSTANTIATE_TEST_SUITE_P(TypeTests, ChoiceOperators,
                         testing::Values(Rule{R"({"Variable":"$.null","IsNull":true})", "Yes"},
                                         Rule{R"({"Variable":"$.text","IsNull":false})", "Yes"},
                                         Rule{R"({"Variable":"$.null","IsNull":false})", "No"},
                                         Rule{R"({"Variable":"$.null","IsPresent":true})", "Yes"},
                                         Rule{R"({"Variable":"$.none","IsPresent":true})", "No"},
                                         Rule{R"({"Variable":"$.none","IsPresent":false})", "Yes"},
                                         Rule{R"({"Variable":"$none","IsPresent":false})", "Yes"},
                                         Rule{R"({"Variable":"$.float","IsNumeric":true})", "Yes"},
                                         Rule{R"({"Variable":"$.text","IsNumeric":false})", "Yes"},
                                         Rule{R"({"Variable":"$.text","IsString":true})", "Yes"},
                                         Rule{R"({"Variable":"$.yes","IsString":false})", "Yes"},
                                         Rule{R"({"Variable":"$.no","IsBoolean":true})", "Yes"},
                                         Rule{R"({"Variable":"$.null","IsBoolean":false})", "Yes"},
                                         Rule{R"({"Variable":"$.time","IsTimestamp":true})", "Yes"},
                                         Rule{R"({"Variable":"$.text","IsTimestamp":false})", "Yes"},
                                         Rule{R"({"Variable":"$.text","IsTimestamp":true})", "No"}));

INSTANTIATE_TEST_SUITE_P(
    Combinations, ChoiceOperators,
    testing::Values(
        Rule{R"({"Not":{"Variable":"$.no","BooleanEquals":true}})", "Yes"},
        Rule{R"({"And":[{"Variable":"$.yes","BooleanEquals":true},{"Variable":"$.number","NumericEquals":5}]})", "Yes"},
        Rule{R"({"And":[{"Variable":"$.yes","BooleanEquals":true},{"Variable":"$.number","NumericEquals":6}]})", "No"},
        Rule{R"({"Or":[{"Variable":"$.no","BooleanEquals":true},{"Variable":"$.number","NumericEquals":5}]})", "Yes"},
        Rule{R"({"Or":[{"Variable":"$.no","BooleanEquals":true}]})", "No"},
        Rule{R"({"And":[{"Variable":"$.none","IsPresent":true},{"Variable":"$.none","NumericEquals":1}]})", "No"},
        Rule{R"({"Or":[{"Variable":"$.yes","BooleanEquals":true},{"Variable":"$.none","NumericEquals":1}]})", "Yes"}));

TEST(Choice, MissingVariableIsARuntimeError) {
  const std::string text =
      "States.Runtime: Invalid path '$.none': The choice state's condition path references an invalid value.";

  EXPECT_EQ(answer(R"({"Variable":"$.none","NumericEquals":1})"), text);
  EXPECT_EQ(answer(R"({"Variable":"$.none","IsNull":true})"), text);
  EXPECT_EQ(answer(R"({"Variable":"$.number","NumericEqualsPath":"$.none"})"), text);
}

TEST(Choice, UnknownVariableIsARuntimeErrorUnlessAskedFor) {
  EXPECT_EQ(answer(R"({"Variable":"$gone","NumericEquals":1})"),
            "States.Runtime: Invalid path '$gone' : The variable 'gone' is not defined");
}

TEST(Choice, ReadsVariablesAndContext) {
  TestScope scope;
  scope.with_context(R"({"Execution":{"Name":"x"}})").with_variable("n", "3");

  EXPECT_EQ(answer(R"({"Variable":"$n","NumericEquals":3})", scope), "Yes");
  EXPECT_EQ(answer(R"({"Variable":"$$.Execution.Name","StringEquals":"x"})", scope), "Yes");
}

TEST(Choice, TakesTheFirstRuleThatHoldsAndSaysWhich) {
  const Json source = *parse_json(R"({"StartAt":"C","States":{
    "C":{"Type":"Choice","Choices":[{"Variable":"$.n","NumericEquals":1,"Next":"A"},
                                    {"Variable":"$.n","NumericGreaterThan":0,"Next":"B"}]},
    "A":{"Type":"Succeed"},"B":{"Type":"Succeed"}}})");
  const ParsedDefinition parsed = parse_definition(source, {});
  ASSERT_TRUE(parsed.valid());
  const State& state = *parsed.definition->root.find("C");

  EXPECT_EQ(choose(state, TestScope(R"({"n":1})").view())->rule, 0);
  EXPECT_EQ(choose(state, TestScope(R"({"n":2})").view())->next, "B");
  const Result<ChoiceAnswer> none = choose(state, TestScope(R"({"n":0})").view());
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().slug, "States.NoChoiceMatched");
}

TEST(StringMatches, UnderstandsStarsAndEscapes) {
  EXPECT_TRUE(matches_wildcards("", ""));
  EXPECT_TRUE(matches_wildcards("", "***"));
  EXPECT_TRUE(matches_wildcards("foo.log", "*.log"));
  EXPECT_TRUE(matches_wildcards("aXbXc", "a*b*c"));
  EXPECT_TRUE(matches_wildcards("mississippi", "m*iss*i*pi"));
  EXPECT_TRUE(matches_wildcards("a*b", "a\\*b"));
  EXPECT_TRUE(matches_wildcards("a\\b", "a\\\\b"));
  EXPECT_FALSE(matches_wildcards("aXb", "a\\*b"));
  EXPECT_FALSE(matches_wildcards("foo.log.txt", "*.log"));
  EXPECT_FALSE(matches_wildcards("ab", "abc"));
}

TEST(StringMatches, TakesLittleTimeForManyStars) {
  EXPECT_FALSE(matches_wildcards(std::string(5'000, 'a'), "*a*a*a*a*a*a*a*a*a*a*b"));
}

}  // namespace
}  // namespace orchestrator::language
