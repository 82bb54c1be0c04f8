#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "language_scope.hpp"
#include "orchestrator/language/template.hpp"

namespace orchestrator::language {
namespace {

Path path(const std::string& text) { return *Path::parse(text); }

TEST(EvaluatePath, GivesTheValueOfADefinitePath) {
  const TestScope scope(R"({"a":{"b":[1,2]}})");

  EXPECT_EQ(outcome(evaluate_path(path("$.a.b[1]"), scope.view())), "2");
  EXPECT_EQ(outcome(evaluate_path(path("$.a.b[-1]"), scope.view())), "2");
  EXPECT_EQ(outcome(evaluate_path(path("$"), scope.view())), R"({"a":{"b":[1,2]}})");
}

TEST(EvaluatePath, GivesAnArrayForAnIndefinitePathEvenWhenNothingIsThere) {
  const TestScope scope(R"({"a":[1,2,3]})");

  EXPECT_EQ(outcome(evaluate_path(path("$.a[*]"), scope.view())), "[1,2,3]");
  EXPECT_EQ(outcome(evaluate_path(path("$.a[?(@ > 2)]"), scope.view())), "[3]");
  for (const char* text : {"$.none[*]", "$.none[0:2]", "$.none[?(@.x)]", "$..none", "$.none['a','b']"}) {
    EXPECT_EQ(outcome(evaluate_path(path(text), scope.view())), "[]") << text;
  }
}

TEST(EvaluatePath, SaysWhereADefinitePathStopped) {
  const TestScope scope(R"({"a":{"list":[1]},"text":"t"})");
  const auto failure = [&](const char* text) { return outcome(evaluate_path(path(text), scope.view())); };

  EXPECT_EQ(failure("$.x"), "States.Runtime: Invalid path '$.x' : No results for path: $['x']");
  EXPECT_EQ(failure("$.a.x"), "States.Runtime: Invalid path '$.a.x' : No results for path: $['a']['x']");
  EXPECT_EQ(failure("$.no.such"), "States.Runtime: Invalid path '$.no.such' : Missing property in path $['no']");
  EXPECT_EQ(failure("$.a.list[7]"),
            "States.Runtime: Invalid path '$.a.list[7]' : No results for path: $['a']['list'][7]");
  EXPECT_EQ(
      failure("$.text.x"),
      "States.Runtime: Invalid path '$.text.x' : Expected to find an object with property ['x'] in path $['text'] but "
      "found 'string'");
}

TEST(EvaluatePath, ReadsContextAndVariables) {
  TestScope scope;
  scope.with_context(R"({"State":{"Name":"S"}})").with_variable("v", R"({"x":1})");

  EXPECT_EQ(outcome(evaluate_path(path("$$.State.Name"), scope.view())), R"("S")");
  EXPECT_EQ(outcome(evaluate_path(path("$v.x"), scope.view())), "1");
  EXPECT_EQ(outcome(evaluate_path(path("$w"), scope.view())),
            "States.Runtime: Invalid path '$w' : The variable 'w' is not defined");
}

TEST(InputPath, IsTheWholeInputWhenAbsentAndEmptyWhenNull) {
  const TestScope scope(R"({"a":1})");

  EXPECT_EQ(outcome(apply_input_path(PathOrNull{}, scope.view())), R"({"a":1})");
  EXPECT_EQ(outcome(apply_input_path(PathOrNull{.is_null = true}, scope.view())), "{}");
  EXPECT_EQ(outcome(apply_input_path(PathOrNull{.path = path("$.a")}, scope.view())), "1");
  EXPECT_EQ(outcome(apply_input_path(PathOrNull{.path = path("$.b")}, scope.view())),
            "States.Runtime: Invalid path '$.b' : No results for path: $['b']");
}

TEST(ResultPath, ReplacesDiscardsOrPlacesTheResult) {
  const Json input = *parse_json(R"({"a":{"b":1},"list":[1,2]})");
  const auto placed = [&](const char* text) {
    return outcome(apply_result_path(ResultPath{.path = path(text)}, input, "r"));
  };

  EXPECT_EQ(outcome(apply_result_path(ResultPath{}, input, "r")), R"("r")");
  EXPECT_EQ(outcome(apply_result_path(ResultPath{.is_null = true}, input, "r")), dump_json(input));
  EXPECT_EQ(placed("$"), R"("r")");
  EXPECT_EQ(placed("$.a"), R"({"a":"r","list":[1,2]})");
  EXPECT_EQ(placed("$.a.c.d"), R"({"a":{"b":1,"c":{"d":"r"}},"list":[1,2]})");
  EXPECT_EQ(placed("$['new one']"), R"({"a":{"b":1},"list":[1,2],"new one":"r"})");
  EXPECT_EQ(placed("$.list[1]"), R"({"a":{"b":1},"list":[1,"r"]})");
}

TEST(ResultPath, FailsWhereItCannotBePlaced) {
  const auto failure = [](const char* text, const char* input) {
    return outcome(apply_result_path(ResultPath{.path = path(text)}, *parse_json(input), 1));
  };

  EXPECT_EQ(failure("$.a.b", R"({"a":"text"})"),
            "States.ResultPathMatchFailure: Unable to apply ReferencePath $.a.b to input {\"a\":\"text\"}");
  EXPECT_EQ(failure("$.x", R"("text")"),
            "States.ResultPathMatchFailure: Unable to apply ReferencePath $.x to input \"text\"");
  EXPECT_EQ(failure("$.list[2]", R"({"list":[1,2]})").substr(0, 29), "States.ResultPathMatchFailure");
  EXPECT_EQ(failure("$.new[0]", "{}").substr(0, 29), "States.ResultPathMatchFailure");
  EXPECT_EQ(failure("$.list.x", R"({"list":[1,2]})").substr(0, 29), "States.ResultPathMatchFailure");
}

std::string filled(const char* shape, const TestScope& scope) {
  std::vector<FaultDetail> faults;
  const TemplatePtr compiled = compile_template(*parse_json(shape), "/Parameters", faults);
  if (!compiled) return faults.front().pointer + ": " + faults.front().message;
  return outcome(fill(*compiled, scope.view()));
}

TEST(Template, FillsMembersThatEndInDotDollarAtEveryDepth) {
  TestScope scope(R"({"id":7,"tags":["x","y"]})");
  scope.with_context(R"({"Execution":{"Id":"e"}})").with_variable("v", "true");

  EXPECT_EQ(
      filled(R"json({"constant":"$.id","id.$":"$.id","deep":{"run.$":"$$.Execution.Id","list":[{"v.$":"$v"},"$.id",3]},
                      "text.$":"States.Format('{}!', $.id)","tags.$":"$.tags[*]"})json",
             scope),
      R"({"constant":"$.id","deep":{"list":[{"v":true},"$.id",3],"run":"e"},"id":7,"tags":["x","y"],"text":"7!"})");
}

TEST(Template, WithoutAnythingToFillIsItself) {
  std::vector<FaultDetail> faults;

  const TemplatePtr compiled = compile_template(*parse_json(R"({"a":[1,{"b":null}]})"), "", faults);

  ASSERT_NE(compiled, nullptr);
  EXPECT_NE(compiled->constant(), nullptr);
}

TEST(Template, MissingPathNamesItsFieldAndTheInput) {
  EXPECT_EQ(
      filled(R"({"deep":{"f.$":"$.x"}})", TestScope(R"({"a":1})")),
      "States.Runtime: The JSONPath '$.x' specified for the field 'f.$' could not be found in the input '{\"a\":1}'");
}

TEST(Template, QuotesHugeInputsOnlyInPart) {
  const std::string failure = filled(R"({"f.$":"$.x"})", TestScope("{\"a\":\"" + std::string(100'000, 'a') + "\"}"));

  EXPECT_LT(failure.size(), 20'000U);
}

TEST(Template, RefusesValuesThatAreNeitherPathNorCall) {
  const TestScope scope;

  for (const char* shape : {R"({"f.$":1})", R"({"f.$":null})", R"({"f.$":{"a":1}})", R"({"f.$":"text"})",
                            R"({"f.$":"$.["})", R"json({"f.$":"States.Nope()"})json", R"({"f.$":""})"}) {
    EXPECT_EQ(filled(shape, scope)
                  .rfind("/Parameters/f.$: The value for the field 'f.$' must be a valid JSONPath or a valid "
                         "intrinsic function call",
                         0),
              0U)
        << filled(shape, scope);
  }
}

TEST(Template, RefusesTwoFieldsForOneMember) {
  EXPECT_EQ(filled(R"({"a":1,"a.$":"$.x"})", TestScope()),
            "/Parameters/a.$: The fields 'a' and 'a.$' give the same member");
}

TEST(Template, ReportsEveryFaultWithItsPointer) {
  std::vector<FaultDetail> faults;

  compile_template(*parse_json(R"({"a.$":1,"b":[{"c/d.$":"x"}]})"), "/P", faults);

  ASSERT_EQ(faults.size(), 2U);
  EXPECT_EQ(faults[0].pointer, "/P/a.$");
  EXPECT_EQ(faults[1].pointer, "/P/b/0/c~1d.$");
}

}  // namespace
}  // namespace orchestrator::language
