#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "language_findings.hpp"

namespace orchestrator::language {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Definition, WithEveryFieldIsReadCompletely) {
  const Json source = *parse_json(R"json({
    "Comment": "all", "StartAt": "Pay", "Version": "1.0", "TimeoutSeconds": 60, "QueryLanguage": "JSONPath",
    "Attributes": {"order": "$.order.id"}, "InputSchema": {"type": "object"}, "OutputSchema": {},
    "States": {
      "Pay": {"Type": "Task", "Comment": "c", "Resource": "handler:charge?queue=q&priority=5", "InputPath": "$.in",
        "Parameters": {"id.$": "$.id"}, "ResultSelector": {"r.$": "$.x"}, "ResultPath": "$.paid", "OutputPath": "$$",
        "Assign": {"total.$": "$.amount"}, "TimeoutSeconds": 30, "HeartbeatSeconds": 10,
        "Inquire": {"Resource": "handler:status", "Parameters": {"i.$": "$.input"}},
        "Retry": [{"ErrorEquals": ["A", "States.Timeout"], "IntervalSeconds": 2, "MaxAttempts": 0, "BackoffRate": 1.5,
                   "MaxDelaySeconds": 9, "JitterStrategy": "FULL"}, {"ErrorEquals": ["States.ALL"]}],
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Lost", "ResultPath": null, "Assign": {"e.$": "$.Error"}}],
        "Next": "Choose"},
      "Choose": {"Type": "Choice", "Choices": [{"Variable": "$total", "NumericGreaterThan": 5, "Next": "Wait",
                 "Assign": {"big": true}}], "Default": "Both", "Assign": {"big": false}},
      "Wait": {"Type": "Wait", "SecondsPath": "$.s", "Next": "Both"},
      "Both": {"Type": "Parallel", "Branches": [{"StartAt": "B1", "States": {"B1": {"Type": "Pass", "End": true}}}],
               "Next": "Each"},
      "Each": {"Type": "Map", "ItemsPath": "$[0].items", "MaxConcurrency": 3, "ToleratedFailurePercentage": 12.5,
               "ToleratedFailureCountPath": "$.n", "ItemSelector": {"v.$": "$$.Map.Item.Value"},
               "ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}, "StartAt": "I1",
                                 "States": {"I1": {"Type": "Pass", "Result": [1], "End": true}}},
               "Next": "Done"},
      "Done": {"Type": "Succeed", "InputPath": null},
      "Lost": {"Type": "Fail", "ErrorPath": "States.Format('E.{}', $.code)", "CausePath": "$.cause"}}})json");

  const ParsedDefinition parsed = parse_definition(source, {});

  ASSERT_TRUE(parsed.valid()) << messages(dump_json(source));
  EXPECT_THAT(parsed.diagnostics, IsEmpty());
  const Definition& definition = *parsed.definition;
  EXPECT_EQ(definition.comment, "all");
  EXPECT_EQ(definition.timeout_seconds, 60);
  EXPECT_EQ(definition.attributes.at("order").text(), "$.order.id");
  EXPECT_EQ(*definition.source, source);
  EXPECT_NE(definition.input_schema, nullptr);
  EXPECT_EQ(definition.root.start_at, "Pay");

  const State& pay = *definition.root.find("Pay");
  EXPECT_EQ(pay.name, "Pay");
  EXPECT_EQ(pay.type, StateType::task);
  EXPECT_EQ(pay.next, "Choose");
  EXPECT_FALSE(pay.end);
  EXPECT_EQ(pay.resource.queue, "q");
  EXPECT_EQ(pay.resource.priority, 5);
  EXPECT_EQ(pay.result_path.path->text(), "$.paid");
  EXPECT_EQ(pay.timeout_seconds, 30);
  EXPECT_EQ(pay.heartbeat_seconds, 10);
  EXPECT_EQ(pay.inquire->resource.name, "status");
  ASSERT_EQ(pay.retry.size(), 2U);
  EXPECT_EQ(pay.retry[0].interval_seconds, 2);
  EXPECT_EQ(pay.retry[0].max_attempts, 0);
  EXPECT_EQ(pay.retry[0].backoff_rate, 1.5);
  EXPECT_EQ(pay.retry[0].max_delay_seconds, 9);
  EXPECT_TRUE(pay.retry[0].full_jitter);
  EXPECT_EQ(pay.retry[1].interval_seconds, 1);
  EXPECT_EQ(pay.retry[1].max_attempts, 3);
  EXPECT_EQ(pay.retry[1].backoff_rate, 2.0);
  EXPECT_FALSE(pay.retry[1].full_jitter);
  EXPECT_EQ(pay.catches[0].next, "Lost");
  EXPECT_TRUE(pay.catches[0].result_path.is_null);
  EXPECT_NE(pay.catches[0].assign, nullptr);

  EXPECT_EQ(definition.root.find("Choose")->default_next, "Both");
  EXPECT_NE(definition.root.find("Choose")->choices[0].assign, nullptr);
  EXPECT_EQ(definition.root.find("Wait")->seconds_path->text(), "$.s");
  EXPECT_EQ(definition.root.find("Both")->branches[0]->start_at, "B1");
  const State& each = *definition.root.find("Each");
  EXPECT_EQ(each.max_concurrency, 3);
  EXPECT_EQ(each.tolerated_failure_percentage, 12.5);
  EXPECT_EQ(each.tolerated_failure_count_path->text(), "$.n");
  EXPECT_NE(each.item_selector, nullptr);
  EXPECT_EQ(*each.item_processor->find("I1")->result, Json::array({1}));
  EXPECT_TRUE(definition.root.find("Done")->input_path.is_null);
  EXPECT_NE(definition.root.find("Lost")->error_template, nullptr);
  EXPECT_EQ(definition.root.find("Lost")->cause_path->text(), "$.cause");
}

TEST(Definition, OlderMapWithIteratorAndParametersIsReadAsTheNewer) {
  const ParsedDefinition parsed =
      parse_definition(*parse_json(with_state(R"("Type":"Map","Parameters":{"v.$":"$$.Map.Item.Value"},
        "Iterator":{"StartAt":"I","States":{"I":{"Type":"Pass","End":true}}})")),
                       {});

  ASSERT_TRUE(parsed.valid());
  EXPECT_NE(parsed.definition->root.find("S")->item_selector, nullptr);
  EXPECT_EQ(parsed.definition->root.find("S")->parameters, nullptr);
  EXPECT_NE(parsed.definition->root.find("S")->item_processor, nullptr);
}

TEST(Definition, ForeignResourcesAreValidUntilTheyMustBeRouted) {
  const std::string definition = with_state(R"("Type":"Task","Resource":"arn:aws:lambda:us-east-1:1:function:f")");

  EXPECT_THAT(findings(definition), IsEmpty());
  EXPECT_THAT(findings(definition, {.must_be_routable = true}), ElementsAre("UNROUTABLE_RESOURCE /States/S/Resource"));
  EXPECT_THAT(messages(definition, {.must_be_routable = true}), HasSubstr("handler:NAME"));
  EXPECT_THAT(findings(with_state(R"("Type":"Task","Resource":"event:order.paid")"), {.must_be_routable = true}),
              ElementsAre("UNROUTABLE_RESOURCE /States/S/Resource"));
}

TEST(Definition, ExpressRefusesToWaitForOthers) {
  for (const char* ending : {".sync", ".sync:2", ".waitForTaskToken"}) {
    const std::string definition =
        with_state(R"("Type":"Task","Resource":"arn:aws:states:::glue:startJobRun)" + std::string(ending) + "\"");
    EXPECT_THAT(findings(definition), IsEmpty());
    EXPECT_THAT(findings(definition, {.express = true}), ElementsAre("SCHEMA_VALIDATION_FAILED /States/S/Resource"));
  }
}

TEST(Definition, JsonataIsRefusedByName) {
  EXPECT_THAT(findings(R"({"QueryLanguage":"JSONata","StartAt":"A","States":{}})"),
              ElementsAre("UNSUPPORTED_QUERY_LANGUAGE /QueryLanguage"));
  EXPECT_THAT(
      findings(R"({"StartAt":"A","States":{"A":{"Type":"Pass","QueryLanguage":"JSONata","Output":1,"End":true}}})"),
      ElementsAre("UNSUPPORTED_QUERY_LANGUAGE /States/A/QueryLanguage"));
}

TEST(Definition, ReportsEveryFaultAtOnce) {
  EXPECT_THAT(findings(R"({"StartAt":"A","Extra":1,"TimeoutSeconds":0,"States":{
      "A":{"Type":"Pass","Next":"Nowhere","ResultPath":"$.x[*]"},
      "B":{"Type":"Wait","Seconds":-1,"End":true,"Retry":[]}}})"),
              testing::UnorderedElementsAre(
                  "SCHEMA_VALIDATION_FAILED /Extra", "SCHEMA_VALIDATION_FAILED /TimeoutSeconds",
                  "MISSING_TRANSITION_TARGET /States/A/Next", "SCHEMA_VALIDATION_FAILED /States/A/ResultPath",
                  "SCHEMA_VALIDATION_FAILED /States/B/Retry", "SCHEMA_VALIDATION_FAILED /States/B/Seconds",
                  "MISSING_TRANSITION_TARGET /States/B"));
}

TEST(Definition, HasNoDefinitionWhenThereIsAnError) {
  EXPECT_FALSE(parse_definition(Json::array(), {}).valid());
  EXPECT_FALSE(parse_definition(Json(1), {}).valid());
  EXPECT_EQ(parse_definition(Json(nullptr), {}).definition, nullptr);
}

TEST(Definition, ListsAThousandFindingsAtMost) {
  std::string states;
  for (int i = 0; i < 1'500; ++i) states += (i ? ",\"" : "\"") + std::to_string(i) + R"(":{"Type":"Nope"})";

  const std::vector<std::string> list = findings(R"({"StartAt":"0","States":{)" + states + "}}");

  ASSERT_EQ(list.size(), 1'000U);
  EXPECT_EQ(list.back(), "TOO_MANY_DIAGNOSTICS ");
}

struct Fault {
  const char* what;
  std::string definition;
  std::vector<std::string> findings;
};

void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.what; }

class DefinitionFault : public testing::TestWithParam<Fault> {};

TEST_P(DefinitionFault, IsReportedWhereItIs) { EXPECT_EQ(findings(GetParam().definition), GetParam().findings); }

Fault fault(const char* what, std::string definition, const char* place) {
  return {what, std::move(definition), {std::string("SCHEMA_VALIDATION_FAILED ") + place}};
}

/// A fault in the fields of the state S.
Fault in_state(const char* fields, const char* place) {
  return fault(fields, with_state(fields), (std::string("/States/S") + place).c_str());
}

std::string task(const char* fields) {
  return with_state(std::string(R"("Type":"Task","Resource":"handler:h",)") + fields);
}

/// A Resource that is not one.
Fault resource(const char* text) {
  return {text,
          with_state(R"("Type":"Task","Resource":")" + std::string(text) + "\""),
          {"INVALID_RESOURCE /States/S/Resource"}};
}

Fault in_task(const char* fields, const char* place) {
  return fault(fields, task(fields), (std::string("/States/S") + place).c_str());
}

INSTANTIATE_TEST_SUITE_P(
    Top, DefinitionFault,
    testing::Values(
        fault("no StartAt", R"({"States":{"A":{"Type":"Succeed"}}})", ""), fault("no States", R"({"StartAt":"A"})", ""),
        fault("empty States", R"({"StartAt":"A","States":{}})", "/States"),
        fault("States of the wrong type", R"({"StartAt":"A","States":[]})", "/States"),
        fault("StartAt of the wrong type", R"({"StartAt":1,"States":{"A":{"Type":"Succeed"}}})", "/StartAt"),
        fault("Version", R"({"StartAt":"A","Version":"2.0","States":{"A":{"Type":"Succeed"}}})", "/Version"),
        fault("Comment", R"({"StartAt":"A","Comment":1,"States":{"A":{"Type":"Succeed"}}})", "/Comment"),
        fault("QueryLanguage", R"({"StartAt":"A","QueryLanguage":"XPath","States":{"A":{"Type":"Succeed"}}})",
              "/QueryLanguage"),
        fault("InputSchema", R"({"StartAt":"A","InputSchema":true,"States":{"A":{"Type":"Succeed"}}})", "/InputSchema"),
        fault("Attributes", R"({"StartAt":"A","Attributes":[],"States":{"A":{"Type":"Succeed"}}})", "/Attributes"),
        fault("attribute's path", R"({"StartAt":"A","Attributes":{"x":"y"},"States":{"A":{"Type":"Succeed"}}})",
              "/Attributes/x"),
        fault("attribute with many values",
              R"({"StartAt":"A","Attributes":{"x":"$.y[*]"},"States":{"A":{"Type":"Succeed"}}})", "/Attributes/x"),
        fault("attribute of the context",
              R"({"StartAt":"A","Attributes":{"x":"$$.State"},"States":{"A":{"Type":"Succeed"}}})", "/Attributes/x"),
        fault("attribute's name", R"({"StartAt":"A","Attributes":{"x y":"$.y"},"States":{"A":{"Type":"Succeed"}}})",
              "/Attributes/x y"),
        fault("state of the wrong type", R"({"StartAt":"A","States":{"A":1}})", "/States/A"),
        fault("state without a type", R"({"StartAt":"A","States":{"A":{}}})", "/States/A"),
        fault("unknown type", R"({"StartAt":"A","States":{"A":{"Type":"Job"}}})", "/States/A/Type")));

INSTANTIATE_TEST_SUITE_P(
    Common, DefinitionFault,
    testing::Values(
        in_state(R"("Type":"Pass","Unknown":1)", "/Unknown"),
        in_state(R"("Type":"Pass","InputPath":"x")", "/InputPath"),
        in_state(R"("Type":"Pass","InputPath":1)", "/InputPath"),
        in_state(R"("Type":"Pass","OutputPath":"$.[")", "/OutputPath"),
        in_state(R"("Type":"Pass","ResultPath":"$.a[*]")", "/ResultPath"),
        in_state(R"("Type":"Pass","ResultPath":"$$.a")", "/ResultPath"),
        in_state(R"("Type":"Pass","ResultPath":"$v")", "/ResultPath"),
        in_state(R"("Type":"Pass","ResultPath":"$.a[-1]")", "/ResultPath"),
        in_state(R"("Type":"Pass","ResultPath":7)", "/ResultPath"),
        in_state(R"("Type":"Pass","Parameters":"$.x")", "/Parameters"),
        in_state(R"("Type":"Pass","Parameters":{"a.$":"x"})", "/Parameters/a.$"),
        in_state(R"("Type":"Pass","ResultSelector":{})", "/ResultSelector"),
        in_state(R"("Type":"Pass","Assign":{"1x":1})", "/Assign/1x"),
        in_state(R"("Type":"Pass","Assign":{"a-b.$":"$.x"})", "/Assign/a-b.$"),
        in_state(R"("Type":"Pass","Assign":{"states":1})", "/Assign/states"),
        in_state(R"("Type":"Pass","Retry":[])", "/Retry"),
        in_state(R"("Type":"Wait","Seconds":1,"Catch":[])", "/Catch"),
        in_state(R"("Type":"Pass","Arguments":{})", "/Arguments"),
        in_state(R"("Type":"Pass","Comment":null)", "/Comment"),
        fault("no Next", R"({"StartAt":"A","States":{"A":{"Type":"Pass"}}})", "/States/A"),
        fault("Next and End", with_state(R"("Type":"Pass","End":true)"), "/States/S/End"),
        fault("End: false", with_state(R"("Type":"Pass","End":false)", ""), "/States/S/End"),
        fault("Next of the wrong type", with_state(R"("Type":"Pass","Next":1)", ""), "/States/S/Next"),
        fault("Next on Succeed", R"({"StartAt":"A","States":{"A":{"Type":"Succeed","Next":"A"}}})", "/States/A/Next"),
        fault("End on Fail", R"({"StartAt":"A","States":{"A":{"Type":"Fail","End":true}}})", "/States/A/End")));

INSTANTIATE_TEST_SUITE_P(
    Tasks, DefinitionFault,
    testing::Values(
        in_state(R"("Type":"Task")", ""), in_state(R"("Type":"Task","Resource":1)", "/Resource"),
        in_state(R"("Type":"Task","Resource":"")", "/Resource"), resource("pay"), resource("handler:a?nope=1"),
        in_task(R"("TimeoutSeconds":0)", "/TimeoutSeconds"), in_task(R"("TimeoutSeconds":1.5)", "/TimeoutSeconds"),
        in_task(R"("TimeoutSeconds":100000000)", "/TimeoutSeconds"),
        in_task(R"("TimeoutSeconds":"5")", "/TimeoutSeconds"),
        in_task(R"("TimeoutSecondsPath":"$.x[*]")", "/TimeoutSecondsPath"),
        in_task(R"("TimeoutSeconds":5,"TimeoutSecondsPath":"$.x")", "/TimeoutSecondsPath"),
        in_task(R"("TimeoutSeconds":5,"HeartbeatSeconds":5)", "/HeartbeatSeconds"),
        in_task(R"("HeartbeatSeconds":0)", "/HeartbeatSeconds"),
        in_task(R"("HeartbeatSeconds":5,"HeartbeatSecondsPath":"$.x")", "/HeartbeatSecondsPath"),
        in_task(R"("Inquire":1)", "/Inquire"), in_task(R"("Inquire":{})", "/Inquire"),
        in_task(R"("Inquire":{"Resource":"signal:a"})", "/Inquire/Resource"),
        in_task(R"("Inquire":{"Resource":"handler:a","Retry":[]})", "/Inquire/Retry"),
        in_task(R"("Inquire":{"Resource":"handler:a","Parameters":{"x.$":1}})", "/Inquire/Parameters/x.$"),
        in_state(R"("Type":"Task","Resource":"signal:a","Parameters":{"key":[]})", "/Parameters/key"),
        in_state(R"("Type":"Task","Resource":"signal:a","Parameters":{"until":"soon"})", "/Parameters/until"),
        in_state(R"("Type":"Task","Resource":"decision:a","Parameters":{"title":1})", "/Parameters/title"),
        in_state(R"("Type":"Task","Resource":"decision:a","Parameters":{"roles":["a",1]})", "/Parameters/roles"),
        in_state(R"("Type":"Task","Resource":"decision:a","Parameters":{"schema":"x"})", "/Parameters/schema"),
        in_state(R"("Type":"Task","Resource":"decision:a","Parameters":{"schema":{"type":"text"}})",
                 "/Parameters/schema/type"),
        in_state(R"("Type":"Task","Resource":"workflow:a?mode=replace")", "/Resource")));

INSTANTIATE_TEST_SUITE_P(
    ErrorHandling, DefinitionFault,
    testing::Values(
        in_task(R"("Retry":{})", "/Retry"), in_task(R"("Retry":[1])", "/Retry/0"),
        in_task(R"("Retry":[{}])", "/Retry/0"), in_task(R"("Retry":[{"ErrorEquals":[]}])", "/Retry/0/ErrorEquals"),
        in_task(R"("Retry":[{"ErrorEquals":"A"}])", "/Retry/0/ErrorEquals"),
        in_task(R"("Retry":[{"ErrorEquals":[1]}])", "/Retry/0/ErrorEquals/0"),
        in_task(R"("Retry":[{"ErrorEquals":["A","States.ALL"]}])", "/Retry/0/ErrorEquals"),
        in_task(R"("Retry":[{"ErrorEquals":["States.ALL"]},{"ErrorEquals":["A"]}])", "/Retry/0/ErrorEquals"),
        in_task(R"("Retry":[{"ErrorEquals":["A"],"IntervalSeconds":0}])", "/Retry/0/IntervalSeconds"),
        in_task(R"("Retry":[{"ErrorEquals":["A"],"MaxAttempts":-1}])", "/Retry/0/MaxAttempts"),
        in_task(R"("Retry":[{"ErrorEquals":["A"],"BackoffRate":0.9}])", "/Retry/0/BackoffRate"),
        in_task(R"("Retry":[{"ErrorEquals":["A"],"MaxDelaySeconds":1}])", "/Retry/0/MaxDelaySeconds"),
        in_task(R"("Retry":[{"ErrorEquals":["A"],"MaxDelaySeconds":31622400}])", "/Retry/0/MaxDelaySeconds"),
        in_task(R"("Retry":[{"ErrorEquals":["A"],"JitterStrategy":"HALF"}])", "/Retry/0/JitterStrategy"),
        in_task(R"("Retry":[{"ErrorEquals":["A"],"Next":"Done"}])", "/Retry/0/Next"),
        in_task(R"("Catch":[{"ErrorEquals":["A"]}])", "/Catch/0"),
        in_task(R"("Catch":[{"ErrorEquals":["A"],"Next":"Done","ResultPath":"$..a"}])", "/Catch/0/ResultPath"),
        in_task(R"("Catch":[{"ErrorEquals":["States.ALL"],"Next":"Done"},{"ErrorEquals":["A"],"Next":"Done"}])",
                "/Catch/0/ErrorEquals")));

INSTANTIATE_TEST_SUITE_P(
    WaitAndFail, DefinitionFault,
    testing::Values(
        in_state(R"("Type":"Wait")", ""),
        in_state(R"("Type":"Wait","Seconds":1,"Timestamp":"2026-01-01T00:00:00Z")", "/Timestamp"),
        in_state(R"("Type":"Wait","Seconds":1.5)", "/Seconds"), in_state(R"("Type":"Wait","Seconds":"1")", "/Seconds"),
        in_state(R"("Type":"Wait","Timestamp":"2026-01-01")", "/Timestamp"),
        in_state(R"("Type":"Wait","Timestamp":"2026-01-01T00:00:00")", "/Timestamp"),
        in_state(R"("Type":"Wait","SecondsPath":"seconds")", "/SecondsPath"),
        in_state(R"("Type":"Wait","TimestampPath":"$.t[0:1]")", "/TimestampPath"),
        fault("Error twice", R"({"StartAt":"A","States":{"A":{"Type":"Fail","Error":"E","ErrorPath":"$.e"}}})",
              "/States/A/ErrorPath"),
        fault("ErrorPath", R"({"StartAt":"A","States":{"A":{"Type":"Fail","ErrorPath":"e"}}})", "/States/A/ErrorPath"),
        fault("CausePath", R"json({"StartAt":"A","States":{"A":{"Type":"Fail","CausePath":"States.X()"}}})json",
              "/States/A/CausePath"),
        fault("Fail with InputPath", R"({"StartAt":"A","States":{"A":{"Type":"Fail","InputPath":"$"}}})",
              "/States/A/InputPath")));

std::string choice(const std::string& rule) {
  return R"({"StartAt":"S","States":{"S":{"Type":"Choice","Default":"Done","Choices":[)" + rule +
         R"(]},"Done":{"Type":"Succeed"}}})";
}

Fault in_rule(const char* rule, const char* place) {
  return fault(rule, choice(rule), (std::string("/States/S/Choices/0") + place).c_str());
}

INSTANTIATE_TEST_SUITE_P(
    Choices, DefinitionFault,
    testing::Values(
        fault("no Choices", R"({"StartAt":"S","States":{"S":{"Type":"Choice","Default":"D"},"D":{"Type":"Succeed"}}})",
              "/States/S"),
        fault("empty Choices", choice(""), "/States/S/Choices"), in_rule("1", ""), in_rule(R"({"Next":"Done"})", ""),
        in_rule(R"({"Variable":"$.a","Next":"Done"})", ""), in_rule(R"({"StringEquals":"x","Next":"Done"})", ""),
        in_rule(R"({"Variable":"$.a","StringEquals":"x"})", ""),
        in_rule(R"({"Variable":"a","StringEquals":"x","Next":"Done"})", "/Variable"),
        in_rule(R"({"Variable":1,"StringEquals":"x","Next":"Done"})", "/Variable"),
        in_rule(R"({"Variable":"$.a","StringEquals":1,"Next":"Done"})", "/StringEquals"),
        in_rule(R"({"Variable":"$.a","StringEqualsPath":"x","Next":"Done"})", "/StringEqualsPath"),
        in_rule(R"({"Variable":"$.a","NumericEquals":"1","Next":"Done"})", "/NumericEquals"),
        in_rule(R"({"Variable":"$.a","BooleanEquals":"true","Next":"Done"})", "/BooleanEquals"),
        in_rule(R"({"Variable":"$.a","TimestampEquals":"noon","Next":"Done"})", "/TimestampEquals"),
        in_rule(R"({"Variable":"$.a","IsNull":"true","Next":"Done"})", "/IsNull"),
        in_rule(R"({"Variable":"$.a","StringMatches":1,"Next":"Done"})", "/StringMatches"),
        in_rule(R"({"Variable":"$.a","IsNull":true,"IsString":true,"Next":"Done"})", "/IsString"),
        in_rule(R"({"And":[],"Next":"Done"})", "/And"), in_rule(R"({"Or":{},"Next":"Done"})", "/Or"),
        in_rule(R"({"Not":1,"Next":"Done"})", "/Not"),
        in_rule(R"({"Not":{"Variable":"$.a","IsNull":true,"Next":"Done"},"Next":"Done"})", "/Not/Next"),
        in_rule(R"({"And":[{"Variable":"$.a"}],"Next":"Done"})", "/And/0"),
        in_rule(R"({"Variable":"$.a","Not":{"Variable":"$.a","IsNull":true},"Next":"Done"})", "/Variable")));

Fault unknown_operator() {
  const std::string rule = R"({"Variable":"$.a","BooleanLessThan":true,"Next":"Done"})";
  return {
      "unknown operator",
      choice(rule),
      {"SCHEMA_VALIDATION_FAILED /States/S/Choices/0/BooleanLessThan", "SCHEMA_VALIDATION_FAILED /States/S/Choices/0"}};
}

INSTANTIATE_TEST_SUITE_P(UnknownOperator, DefinitionFault, testing::Values(unknown_operator()));

std::string map(const char* fields) {
  return with_state(std::string(R"("Type":"Map",)") + fields +
                    R"("ItemProcessor":{"StartAt":"I","States":{"I":{"Type":"Pass","End":true}}})");
}

Fault in_map(const char* fields, const char* place) {
  return fault(fields, map(fields), (std::string("/States/S") + place).c_str());
}

INSTANTIATE_TEST_SUITE_P(
    ParallelAndMap, DefinitionFault,
    testing::Values(
        in_state(R"("Type":"Parallel")", ""), in_state(R"("Type":"Parallel","Branches":[])", "/Branches"),
        in_state(R"("Type":"Parallel","Branches":{})", "/Branches"),
        in_state(R"("Type":"Parallel","Branches":[1])", "/Branches/0"),
        in_state(R"("Type":"Parallel","Branches":[{"StartAt":"B","States":{"B":{"Type":"Succeed"}},"X":1}])",
                 "/Branches/0/X"),
        in_state(R"("Type":"Map")", ""), in_map(R"("MaxConcurrency":-1,)", "/MaxConcurrency"),
        in_map(R"("MaxConcurrency":1,"MaxConcurrencyPath":"$.x",)", "/MaxConcurrencyPath"),
        in_map(R"("ToleratedFailurePercentage":100.5,)", "/ToleratedFailurePercentage"),
        in_map(R"("ToleratedFailureCount":1.5,)", "/ToleratedFailureCount"),
        in_map(R"("ToleratedFailureCountPath":"$..x",)", "/ToleratedFailureCountPath"),
        in_map(R"("ItemsPath":"items",)", "/ItemsPath"), in_map(R"("ItemSelector":{},"Parameters":{},)", "/Parameters"),
        in_map(R"("Iterator":{"StartAt":"J","States":{"J":{"Type":"Succeed"}}},)", "/Iterator"),
        in_map(R"("ItemSelector":[],)", "/ItemSelector")));

Fault unsupported(const char* definition_fields, const char* place) {
  return {definition_fields, with_state(definition_fields), {std::string("UNSUPPORTED_FIELD /States/S") + place}};
}

INSTANTIATE_TEST_SUITE_P(
    NotYetOrNotHere, DefinitionFault,
    testing::Values(
        unsupported(R"("Type":"Task","Resource":"handler:h","Compensate":{"Resource":"handler:u"})", "/Compensate"),
        unsupported(R"("Type":"Task","Resource":"signal:a","Inquire":{"Resource":"handler:u"})", "/Inquire"),
        unsupported(R"("Type":"Task","Resource":"arn:aws:x","Inquire":{"Resource":"handler:u"})", "/Inquire"),
        unsupported(R"("Type":"Task","Resource":"handler:a","Credentials":{})", "/Credentials"),
        unsupported(R"("Type":"Task","Resource":"signal:a","HeartbeatSeconds":5)", "/HeartbeatSeconds"),
        unsupported(
            R"("Type":"Map","ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},
          "StartAt":"I","States":{"I":{"Type":"Pass","End":true}}})",
            "/ItemProcessor/ProcessorConfig/Mode"),
        unsupported(
            R"("Type":"Map","ItemReader":{},"ItemProcessor":{"StartAt":"I","States":{"I":{"Type":"Pass","End":true}}})",
            "/ItemReader")));

Fault warning(const char* fields, const char* finding) { return {fields, with_state(fields), {finding}}; }

INSTANTIATE_TEST_SUITE_P(ProbablyMeantOtherwise, DefinitionFault,
                         testing::Values(warning(R"("Type":"Pass","Parameters":{"a":{"b":"$.x"}})",
                                                 "warning NO_DOLLAR /States/S/Parameters/a/b"),
                                         warning(R"json("Type":"Pass","Parameters":{"a":"States.UUID()"})json",
                                                 "warning NO_DOLLAR /States/S/Parameters/a"),
                                         warning(R"("Type":"Pass","Result":{"a.$":"$.x"})",
                                                 "warning PASS_RESULT_IS_STATIC /States/S/Result/a.$"),
                                         Fault{"Cause",
                                               R"({"StartAt":"A","States":{"A":{"Type":"Fail","Cause":"$.x"}}})",
                                               {"warning NO_PATH /States/A/Cause"}}));

TEST(Definition, LeavesPricesAndOtherTextsWithDollarsAlone) {
  EXPECT_THAT(findings(with_state(R"("Type":"Pass","Parameters":{"a":"$5 off","b":"$","c":"States. of mind"})")),
              IsEmpty());
}

}  // namespace
}  // namespace orchestrator::language
