#include <gtest/gtest.h>

#include <string>

#include "language_scope.hpp"
#include "orchestrator/digest/digest.hpp"
#include "orchestrator/language/intrinsic_call.hpp"

namespace orchestrator::language {
namespace {

constexpr const char* kInput = R"({
  "name": "Ann", "list": [1, 2, 3, 4, 5], "words": ["a", "b", "a"], "empty": "", "blank": "  ", "json": "{\"a\":[1,2]}",
  "object": {"Key": "value", "List": []}, "other": {"Key": 2, "New": true}, "null": null, "half": 1.5, "brace": "a{}b"})";

Result<Json> call(const std::string& text, const TestScope& scope = TestScope(kInput)) {
  const Result<IntrinsicCall> parsed = parse_intrinsic(text);
  if (!parsed) return parsed.error();
  return call_intrinsic(*parsed, scope.view());
}

struct Call {
  const char* text;
  const char* result;
};

void PrintTo(const Call& call, std::ostream* out) { *out << call.text; }

class IntrinsicResult : public testing::TestWithParam<Call> {};

TEST_P(IntrinsicResult, IsWhatTheServiceReturns) { EXPECT_EQ(outcome(call(GetParam().text)), GetParam().result); }

INSTANTIATE_TEST_SUITE_P(
    Texts, IntrinsicResult,
    testing::Values(Call{"States.Format('Hello {}', $.name)", R"("Hello Ann")"}, Call{"States.Format('x')", R"("x")"},
                    Call{"States.Format('{} {} {} {}', 1, 1.5, true, null)", R"("1 1.5 true null")"},
                    Call{"States.Format('{}', $.object)", R"("{Key=value, List=[]}")"},
                    Call{"States.Format('{}', $.words)", R"("[a, b, a]")"},
                    Call{R"(States.Format('it\'s \{\} \\ {}', 'ok'))", R"("it's {} \\ ok")"},
                    Call{"States.Format($.brace, 7)", R"("a7b")"},
                    Call{"States.Format('{}-{}', States.Format('<{}>', $.name), States.MathAdd(1, 2))", R"("<Ann>-3")"},
                    Call{"States.StringToJson($.json)", R"({"a":[1,2]})"}, Call{"States.StringToJson('')", "null"},
                    Call{"States.StringToJson($.blank)", "null"}, Call{"States.StringToJson('12')", "12"},
                    Call{"States.JsonToString($.object)", R"("{\"Key\":\"value\",\"List\":[]}")"},
                    Call{"States.JsonToString('a')", R"("\"a\"")"},
                    Call{"States.StringSplit('1,2.3', ',.')", R"(["1","2","3"])"},
                    Call{"States.StringSplit(',a,,b,', ',')", R"(["a","b"])"},
                    Call{"States.StringSplit('abc', '')", R"(["abc"])"}, Call{"States.StringSplit('', ',')", "[]"},
                    Call{"States.StringSplit('a☺b', '☺')", R"(["a","b"])"},
                    Call{"States.Base64Encode('Data to encode')", R"("RGF0YSB0byBlbmNvZGU=")"},
                    Call{"States.Base64Encode('')", R"("")"}, Call{"States.Base64Encode('☺')", R"("4pi6")"},
                    Call{"States.Base64Decode('RGF0YSB0byBlbmNvZGU=')", R"("Data to encode")"},
                    Call{"States.Base64Decode('YQ')", R"("a")"}, Call{"States.Base64Decode('/w==')", R"("�")"}));

INSTANTIATE_TEST_SUITE_P(
    Arrays, IntrinsicResult,
    testing::Values(Call{"States.Array()", "[]"},
                    Call{"States.Array($.name, 1, 'x', null, $.object)",
                         R"(["Ann",1,"x",null,{"Key":"value","List":[]}])"},
                    Call{"States.ArrayPartition($.list, 2)", "[[1,2],[3,4],[5]]"},
                    Call{"States.ArrayPartition($.list, 1.5)", "[[1,2],[3,4],[5]]"},
                    Call{"States.ArrayPartition(States.Array(), 4)", "[]"},
                    Call{"States.ArrayContains($.list, 5)", "true"}, Call{"States.ArrayContains($.list, 5.0)", "true"},
                    Call{"States.ArrayContains($.list, '5')", "false"},
                    Call{"States.ArrayContains(States.Array($.object), $.object)", "true"},
                    Call{"States.ArrayRange(1, 9, 2)", "[1,3,5,7,9]"}, Call{"States.ArrayRange(3, 1, -1)", "[3,2,1]"},
                    Call{"States.ArrayRange(1, 3, -1)", "[]"}, Call{"States.ArrayRange(0.5, 2.4, 1)", "[1,2]"},
                    Call{"States.ArrayGetItem($.list, 4)", "5"}, Call{"States.ArrayGetItem($.list, 0.5)", "2"},
                    Call{"States.ArrayLength($.list)", "5"}, Call{"States.ArrayLength($.list[?(@ > 2)])", "3"},
                    Call{"States.ArrayUnique($.words)", R"(["a","b"])"},
                    Call{"States.ArrayUnique(States.Array(1, '1', 1, null, null))", R"([1,"1",null])"},
                    Call{"States.JsonMerge($.object, $.other, false)", R"({"Key":2,"List":[],"New":true})"}));

INSTANTIATE_TEST_SUITE_P(
    NumbersAndTimes, IntrinsicResult,
    testing::Values(Call{"States.MathAdd(1.49, 1.5)", "3"}, Call{"States.MathAdd(-2.5, 0)", "-2"},
                    Call{"States.MathAdd($.half, -1)", "1"}, Call{"States.MathAdd(0.49999999999999994, 0)", "0"},
                    Call{"States.MathAdd(9007199254740993, 1)", "9007199254740994"},
                    Call{"States.MathRandom(5, 6)", "5"}, Call{"States.MathRandom(10, 13)", "11"},
                    Call{"States.UUID()", R"("00000000-0000-4001-8000-000000000002")"},
                    Call{"Orchestrator.TimeAdd('2026-01-31T23:59:30Z', 60)", R"("2026-02-01T00:00:30.000Z")"},
                    Call{"Orchestrator.TimeAdd('2026-01-31T12:00:00+02:00', -0.5)", R"("2026-01-31T09:59:59.500Z")"},
                    Call{"Orchestrator.SecondsBetween('2026-01-01T00:00:00Z', '2026-01-02T00:00:01Z')", "86401"},
                    Call{"Orchestrator.SecondsBetween('2026-01-01T00:00:01Z', '2026-01-01T00:00:00.5Z')", "-0.5"}));

class FailingIntrinsic : public testing::TestWithParam<const char*> {};

TEST_P(FailingIntrinsic, IsAnIntrinsicFailureThatNamesTheCall) {
  const Result<Json> result = call(GetParam());

  ASSERT_FALSE(result) << dump_json(*result);
  EXPECT_EQ(result.error().slug, "States.IntrinsicFailure");
  EXPECT_EQ(result.error().message.rfind("The function '" + std::string(GetParam()) + "' had the following error: ", 0),
            0U)
      << result.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    Intrinsics, FailingIntrinsic,
    testing::Values("States.Format('{}')", "States.Format('x', 1)", "States.Format('{x}', 1)", "States.Format('}')",
                    "States.Format(1)", "States.StringToJson('{')", "States.StringToJson(1)",
                    "States.StringToJson($.null)", "States.ArrayPartition($.list, 0)",
                    "States.ArrayPartition($.name, 1)", "States.ArrayPartition($.list, 'a')",
                    "States.ArrayContains($.name, 1)", "States.ArrayRange(1, 9, 0)", "States.ArrayRange(1, 1001, 1)",
                    "States.ArrayGetItem($.list, 5)", "States.ArrayGetItem($.list, -1)", "States.ArrayLength('a')",
                    "States.ArrayUnique($.object)", "States.Base64Encode(1)", "States.Base64Decode('*')",
                    "States.Base64Decode('a')", "States.Base64Decode('YQ=')", "States.Hash('a', 'CRC32')",
                    "States.JsonMerge($.object, 1, false)", "States.JsonMerge($.object, $.other, true)",
                    "States.JsonMerge($.object, $.other, 0)", "States.MathRandom(5, 5)", "States.MathRandom('a', 5)",
                    "States.MathAdd('1', 2)", "States.MathAdd(9223372036854775807, 1)", "States.MathAdd(1e300, 1)",
                    "States.StringSplit($.list, ',')", "States.StringSplit('a', 1)",
                    "Orchestrator.TimeAdd('yesterday', 1)", "Orchestrator.TimeAdd('2026-01-31T23:59:30Z', 'x')",
                    "Orchestrator.TimeAdd('2026-01-31T23:59:30Z', 1e15)",
                    "Orchestrator.TimeAdd('9999-12-31T23:59:59Z', 1)", "Orchestrator.SecondsBetween(1, 2)"));

class MalformedIntrinsic : public testing::TestWithParam<const char*> {};

TEST_P(MalformedIntrinsic, IsRefusedBeforeItRuns) {
  const Result<IntrinsicCall> parsed = parse_intrinsic(GetParam());

  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code, ErrorCode::invalid_argument);
}

INSTANTIATE_TEST_SUITE_P(Intrinsics, MalformedIntrinsic,
                         testing::Values("", "States.Format", "States.Format(", "States.Format('a'",
                                         "States.Format('a)", "States.Nope(1)", "Format('a')", "States.UUID(1)",
                                         "States.MathAdd(1)", "States.MathAdd(1, 2, 3)", "States.MathRandom(1)",
                                         "States.Format()", "States.Format(\"a\")", "States.MathAdd(1 2)",
                                         "States.MathAdd(1,)", "States.MathAdd(01, 1)", "States.Format('\\x')",
                                         "States.ArrayLength($.[)", "States.UUID() x", "States.ArrayLength([1])",
                                         "States.MathAdd(1, abc)"));

TEST(Intrinsics, NestTenCallsDeepAndNoDeeper) {
  const auto nested = [](int depth) {
    std::string text;
    for (int i = 0; i < depth; ++i) text += "States.Array(";
    return text + std::string(static_cast<std::size_t>(depth), ')');
  };

  EXPECT_TRUE(parse_intrinsic(nested(10)));
  EXPECT_FALSE(parse_intrinsic(nested(11)));
}

TEST(Intrinsics, ReadPathsWithCommasAndBracketsAsOneArgument) {
  const TestScope scope(R"json({"a,b)": 1, "items": [{"n": "x, y"}, {"n": "z"}]})json");

  EXPECT_EQ(outcome(call("States.Array($['a,b)'], $.items[?(@.n == 'x, y')].n)", scope)), R"([1,["x, y"]])");
}

TEST(Intrinsics, SeeContextAndVariables) {
  TestScope scope;
  scope.with_context(R"({"Execution":{"Id":"e1"}})").with_variable("count", "3");

  EXPECT_EQ(outcome(call("States.Format('{}/{}', $$.Execution.Id, $count)", scope)), R"("e1/3")");
}

TEST(Intrinsics, MissingPathIsARuntimeErrorThatCannotBeCaught) {
  const TestScope scope(R"({"a":1})");

  EXPECT_EQ(
      outcome(call("States.Format('{}', $.x)", scope)),
      "States.Runtime: The function 'States.Format('{}', $.x)' had the following error: The JsonPath argument for the "
      "field '$.x' could not be found in the input '{\"a\":1}'");
}

TEST(Intrinsics, HashIsLowerCaseHexadecimal) {
  TestScope scope;
  scope.with_hash([](std::string_view algorithm, std::string_view data) {
    EXPECT_EQ(algorithm, "SHA-1");
    return digest::hash(digest::Algorithm::sha1, data);
  });

  EXPECT_EQ(outcome(call("States.Hash('input data', 'SHA-1')", scope)),
            R"("aaff4a450a104cd177d28d18d74485e8cae074b7")");
}

TEST(Intrinsics, HashRefusesMoreThanTenThousandCharacters) {
  TestScope scope("\"" + std::string(10'001, 'a') + "\"");
  scope.with_hash([](std::string_view, std::string_view) { return std::string(); });

  EXPECT_FALSE(call("States.Hash($, 'MD5')", scope));
  EXPECT_FALSE(call("States.Base64Encode($)", scope));
}

TEST(Intrinsics, SeededRandomNumbersRepeatAndStayInRange) {
  const TestScope scope;

  EXPECT_EQ(outcome(call("States.MathRandom(1, 999, 42)", scope)),
            outcome(call("States.MathRandom(1, 999, 42)", scope)));
  for (int seed = 0; seed < 200; ++seed) {
    const Result<Json> number = call("States.MathRandom(-3, 3, " + std::to_string(seed) + ")", scope);
    ASSERT_TRUE(number);
    EXPECT_GE(number->get<int>(), -3);
    EXPECT_LT(number->get<int>(), 3);
  }
}

TEST(Intrinsics, WithoutRandomnessUuidFailsInsteadOfInventingIt) {
  const TestScope owner;
  Scope scope = owner.view();
  scope.random = nullptr;

  const Result<Json> result = call_intrinsic(*parse_intrinsic("States.UUID()"), scope);

  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().slug, "States.IntrinsicFailure");
}

}  // namespace
}  // namespace orchestrator::language
