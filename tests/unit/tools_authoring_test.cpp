#include "orchestrator/tools/authoring.hpp"

#include <gtest/gtest.h>

#include <string>

#include "orchestrator/base/json.hpp"
#include "orchestrator/yaml/yaml.hpp"

namespace orchestrator::tools {
namespace {

TEST(ValidateReport, IsValidWithoutDiagnostics) {
  const Json report = validate_report(R"({"StartAt":"A","States":{"A":{"Type":"Succeed"}}})", false, false);

  EXPECT_EQ(dump_json(report), R"({"diagnostics":[],"valid":true})");
}

TEST(ValidateReport, ListsFaultsWithSeverityCodeLocationAndMessage) {
  const Json report = validate_report(R"({"StartAt":"A","States":{"A":{"Type":"Pass","Next":"B"}}})", false, false);

  EXPECT_EQ(report["valid"], false);
  EXPECT_EQ(report["diagnostics"][0]["severity"], "ERROR");
  EXPECT_EQ(report["diagnostics"][0]["code"], "MISSING_TRANSITION_TARGET");
  EXPECT_EQ(report["diagnostics"][0]["location"], "/States/A/Next");
  EXPECT_EQ(report["diagnostics"][0]["message"], "Missing 'Next' target: B");
}

TEST(ValidateReport, StaysValidWithWarnings) {
  const Json report =
      validate_report(R"({"StartAt":"A","States":{"A":{"Type":"Pass","InputPath":"$v","End":true}}})", false, false);

  EXPECT_EQ(report["valid"], true);
  EXPECT_EQ(report["diagnostics"][0]["severity"], "WARNING");
}

TEST(ValidateReport, ReportsASyntaxErrorAsADiagnostic) {
  const Json json = validate_report("{", false, false);
  const Json yaml = validate_report("a: [", true, false);

  EXPECT_EQ(json["valid"], false);
  EXPECT_EQ(json["diagnostics"][0]["code"], "INVALID_JSON_DESCRIPTION");
  EXPECT_EQ(yaml["valid"], false);
  EXPECT_EQ(yaml["diagnostics"][0]["code"], "INVALID_YAML_DESCRIPTION");
}

TEST(ValidateReport, ReportsAnEmptyText) {
  EXPECT_EQ(validate_report(" \n", false, false)["diagnostics"][0]["code"], "MISSING_DESCRIPTION");
}

TEST(ValidateReport, FindsAStateThatIsGivenTwice) {
  const Json report = validate_report(
      R"({"StartAt":"A","States":{"A":{"Type":"Pass","Result":[1,{"x":1}],"End":true},"A":{"Type":"Succeed"}}})", false,
      false);

  EXPECT_EQ(report["valid"], false);
  EXPECT_EQ(report["diagnostics"][0]["location"], "/States/A");
}

TEST(ValidateReport, AppliesTheExpressRules) {
  const std::string text =
      R"({"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:::glue:startJobRun.sync","End":true}}})";

  EXPECT_EQ(validate_report(text, false, false)["valid"], true);
  EXPECT_EQ(validate_report(text, false, true)["valid"], false);
}

TEST(ValidateReport, ReadsYaml) {
  const Json report = validate_report(R"(
StartAt: Wait
States:
  Wait: {Type: Wait, Seconds: 5, Next: Done}
  Done:
    Type: Succeed
)",
                                      true, false);

  EXPECT_EQ(dump_json(report), R"({"diagnostics":[],"valid":true})");
}

TEST(EvalJsonPath, AnswersNodesOrInvalid) {
  EXPECT_EQ(dump_json(eval_jsonpath("$.a[*]", parse_json(R"({"a":[1,2]})").value())), R"({"nodes":[1,2]})");
  EXPECT_EQ(dump_json(eval_jsonpath("$.a-b", Json::object())), R"({"invalid":true})");
  EXPECT_EQ(dump_json(eval_jsonpath("$", std::nullopt)), R"({"nodes":[]})");
  EXPECT_EQ(dump_json(eval_jsonpath("$", Json(nullptr))), R"({"nodes":[null]})");
}

std::string yaml(const std::string& text) {
  const Result<Json> value = orchestrator::yaml::parse(text);
  return value ? dump_json(*value) : value.error().slug;
}

TEST(Yaml, KeepsScalarsAsTheCoreSchemaSays) {
  EXPECT_EQ(yaml("[1, -7, 9223372036854775807, -9223372036854775808, 18446744073709551615]"),
            "[1,-7,9223372036854775807,-9223372036854775808,18446744073709551615]");
  EXPECT_EQ(yaml("[0x1F, 0o17, 1.5, -1e3, +4]"), "[31,15,1.5,-1000.0,4]");
  EXPECT_EQ(yaml("[true, False, null, ~, ]"), "[true,false,null,null]");
  EXPECT_EQ(yaml("[yes, No, 2026-01-31, 12:30, 1_000, 0x, -, 1.2.3]"),
            R"(["yes","No","2026-01-31","12:30","1_000","0x","-","1.2.3"])");
  EXPECT_EQ(yaml("a:"), R"({"a":null})");
}

TEST(Yaml, KeepsQuotedAndBlockScalarsAsTexts) {
  EXPECT_EQ(yaml(R"(["1", 'true', "null", "", '~'])"), R"(["1","true","null","","~"])");
  EXPECT_EQ(yaml("a: |\n  12\n"), R"({"a":"12\n"})");
  EXPECT_EQ(yaml("[!!str 12, !!int '7', !!bool 'true', !!float '2']"), R"(["12",7,true,2.0])");
}

TEST(Yaml, ExpandsAliases) { EXPECT_EQ(yaml("a: &x {b: 1}\nc: *x"), R"({"a":{"b":1},"c":{"b":1}})"); }

TEST(Yaml, RefusesWhatJsonCannotHold) {
  for (const char* text : {"[.inf]", "[.nan]", "? [a]\n: 1", "a: 1\na: 2", "--- 1\n--- 2", "", "!!binary x",
                           "!custom {a: !x y}", "\"\\xZZ\"", "[1"}) {
    EXPECT_EQ(yaml(text), "malformed-json") << text;
  }
}

TEST(Yaml, RefusesAliasesThatMultiply) {
  std::string text = "a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n";
  for (int i = 1; i < 9; ++i) {
    const std::string inner = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + inner + "," + inner + "," + inner + "," +
            inner + "," + inner + "," + inner + "," + inner + "," + inner + "]\n";
  }

  EXPECT_EQ(yaml(text), "malformed-json");
}

TEST(Yaml, RefusesNestingBeyondTheLimitOfJson) {
  EXPECT_EQ(yaml(std::string(90, '[') + std::string(90, ']')).size(), 180U);
  EXPECT_EQ(yaml(std::string(150, '[') + std::string(150, ']')), "malformed-json");
}

}  // namespace
}  // namespace orchestrator::tools
