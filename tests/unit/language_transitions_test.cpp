#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "language_findings.hpp"

namespace orchestrator::language {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Transitions, NeedTargetsThatExist) {
  EXPECT_THAT(findings(R"({"StartAt":"Nope","States":{"A":{"Type":"Succeed"}}})"),
              ElementsAre("MISSING_TRANSITION_TARGET /StartAt"));
  EXPECT_THAT(
      findings(R"({"StartAt":"A","States":{
      "A":{"Type":"Choice","Default":"X","Choices":[{"Variable":"$.a","IsNull":true,"Next":"Y"},
                                                    {"Variable":"$.a","IsNull":true,"Next":"B"}]},
      "B":{"Type":"Task","Resource":"handler:h","End":true,"Catch":[{"ErrorEquals":["E"],"Next":"Z"}]}}})"),
      ElementsAre("MISSING_TRANSITION_TARGET /States/A/Default", "MISSING_TRANSITION_TARGET /States/A/Choices/0/Next",
                  "MISSING_TRANSITION_TARGET /States/B/Catch/0/Next"));
}

TEST(Transitions, IntoAnotherScopeSayWhereThatStateIs) {
  const std::string definition = R"({"StartAt":"P","States":{
      "P":{"Type":"Parallel","Next":"Done","Branches":[{"StartAt":"In","States":{"In":{"Type":"Pass","Next":"Done"}}}]},
      "Done":{"Type":"Succeed"}}})";

  EXPECT_THAT(findings(definition), testing::Contains("MISSING_TRANSITION_TARGET /States/P/Branches/0/States/In/Next"));
  EXPECT_THAT(messages(definition), HasSubstr("in another scope (/States/Done)"));
}

TEST(Transitions, ReachEveryState) {
  const std::string definition = R"({"StartAt":"A","States":{"A":{"Type":"Pass","End":true},
      "Island":{"Type":"Pass","Next":"Coast"},"Coast":{"Type":"Succeed"}}})";

  EXPECT_THAT(findings(definition),
              ElementsAre("MISSING_TRANSITION_TARGET /States/Coast", "MISSING_TRANSITION_TARGET /States/Island"));
}

TEST(Transitions, ReachStatesThroughCatchAndChoice) {
  EXPECT_THAT(findings(R"({"StartAt":"A","States":{
      "A":{"Type":"Task","Resource":"handler:h","Next":"C","Catch":[{"ErrorEquals":["E"],"Next":"Caught"}]},
      "C":{"Type":"Choice","Choices":[{"Variable":"$.a","IsNull":true,"Next":"One"}],"Default":"Two"},
      "One":{"Type":"Succeed"},"Two":{"Type":"Pass","Next":"A"},"Caught":{"Type":"Fail"}}})"),
              IsEmpty());
}

TEST(Transitions, AreCheckedInsideBranchesAndIterations) {
  EXPECT_THAT(findings(R"({"StartAt":"M","States":{"M":{"Type":"Map","End":true,"ItemProcessor":{"StartAt":"I",
      "States":{"I":{"Type":"Succeed"},"Lost":{"Type":"Succeed"}}}}}})"),
              ElementsAre("MISSING_TRANSITION_TARGET /States/M/ItemProcessor/States/Lost"));
}

TEST(Transitions, LeadToAnEnd) {
  EXPECT_THAT(findings(R"({"StartAt":"A","States":{"A":{"Type":"Pass","Next":"B"},"B":{"Type":"Pass","Next":"A"}}})"),
              ElementsAre("MISSING_END_STATE /States"));
}

TEST(Transitions, AreNotGuessedAtWhenSomeCannotBeRead) {
  EXPECT_THAT(findings(R"({"StartAt":"A","States":{"A":{"Type":"Oops","Next":"B"},"B":{"Type":"Succeed"}}})"),
              ElementsAre("SCHEMA_VALIDATION_FAILED /States/A/Type"));
}

TEST(StateNames, AreUniqueInTheWholeDefinition) {
  EXPECT_THAT(findings(R"({"StartAt":"P","States":{"P":{"Type":"Parallel","End":true,"Branches":[
      {"StartAt":"X","States":{"X":{"Type":"Succeed"}}},{"StartAt":"X","States":{"X":{"Type":"Succeed"}}}]}}})"),
              ElementsAre("DUPLICATE_STATE_NAME /States/P/Branches/1/States/X"));
}

TEST(StateNames, MayHaveEightyCharactersOfAnyScript) {
  std::string name;
  for (int i = 0; i < 80; ++i) name += "ж";

  EXPECT_THAT(findings(R"({"StartAt":")" + name + R"(","States":{")" + name + R"(":{"Type":"Succeed"}}})"), IsEmpty());
}

TEST(StateNames, HaveAtMostEightyCharacters) {
  const std::string name(81, 'x');

  EXPECT_THAT(findings(R"({"StartAt":")" + name + R"(","States":{")" + name + R"(":{"Type":"Succeed"}}})"),
              ElementsAre("INVALID_STATE_NAME /States/" + name));
}

TEST(StateNames, AreEscapedInPointers) {
  EXPECT_THAT(findings(R"({"StartAt":"a/b~c","States":{"a/b~c":{"Type":"Pass","Next":"x"}}})"),
              testing::Contains("MISSING_TRANSITION_TARGET /States/a~1b~0c/Next"));
}

TEST(VariableUse, OfAnUnassignedNameIsAWarningAtMost) {
  const std::string definition =
      with_state(R"json("Type":"Pass","Parameters":{"a.$":"States.Format('{}', $gone.x)"})json");

  EXPECT_THAT(findings(definition), ElementsAre("warning UNASSIGNED_VARIABLE /States/S/Parameters"));
  EXPECT_TRUE(parse_definition(*parse_json(definition), {}).valid());
}

TEST(VariableUse, SeesOuterScopesAndNotInnerOnes) {
  const auto definition = [](const char* outer, const char* inner, const char* after) {
    return R"({"StartAt":"A","States":{"A":{"Type":"Pass",)" + std::string(outer) + R"("Next":"M"},
      "M":{"Type":"Map","Next":"Z","ItemProcessor":{"StartAt":"I","States":{"I":{"Type":"Pass",)" +
           std::string(inner) + R"("End":true}}}},"Z":{"Type":"Pass",)" + std::string(after) + R"("End":true}}})";
  };

  EXPECT_THAT(findings(definition(R"("Assign":{"v":1},)", R"("InputPath":"$v",)", "")), IsEmpty());
  EXPECT_THAT(findings(definition("", R"("Assign":{"v":1},)", R"("InputPath":"$v",)")),
              ElementsAre("warning UNASSIGNED_VARIABLE /States/Z/InputPath"));
  EXPECT_THAT(findings(definition(R"("Assign":{"v":1},)", R"("Assign":{"v":2},)", "")),
              ElementsAre("warning SHADOWED_VARIABLE /States/M/ItemProcessor/States/I/Assign/v"));
}

TEST(ErrorNames, ThatTheLanguageDoesNotKnowAreAWarning) {
  EXPECT_THAT(
      findings(with_state(R"("Type":"Task","Resource":"handler:h","Retry":[{"ErrorEquals":["States.TimeOut"]}])")),
      ElementsAre("warning UNKNOWN_ERROR_NAME /States/S/Retry/0/ErrorEquals/0"));
}

}  // namespace
}  // namespace orchestrator::language
