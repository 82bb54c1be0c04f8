#include "orchestrator/language/json_schema.hpp"

#include <gtest/gtest.h>

#include "language_findings.hpp"
#include "orchestrator/base/json.hpp"

namespace orchestrator::language {
namespace {

/// "pointer code" of each fault.
std::vector<std::string> faults(const char* value, const char* schema) {
  std::vector<std::string> found;
  for (const FaultDetail& fault : check_against_schema(*parse_json(value), *parse_json(schema)))
    found.push_back(fault.pointer + " " + fault.code);
  return found;
}

using Faults = std::vector<std::string>;

TEST(JsonSchema, ReportsEveryFaultWithItsPlace) {
  const char* schema = R"({"type":"object","required":["name","age"],"additionalProperties":false,
    "properties":{"name":{"type":"string","minLength":2},"age":{"type":"integer","minimum":0},
                  "tags":{"type":"array","maxItems":2,"items":{"enum":["a","b"]}}}})";

  EXPECT_EQ(faults(R"({"name":"Ada","age":36,"tags":["a","b"]})", schema), Faults{});
  EXPECT_EQ(faults(R"({"name":"A","age":-1,"tags":["a","x","b"],"z":0})", schema),
            (Faults{"/age out_of_range", "/name out_of_range", "/tags out_of_range", "/tags/1 not_allowed",
                    "/z unknown_member"}));
  EXPECT_EQ(faults("{}", schema), (Faults{"/name missing", "/age missing"}));
  EXPECT_EQ(faults("[]", schema), Faults{" wrong_type"});
}

TEST(JsonSchema, KnowsTheSevenTypes) {
  EXPECT_EQ(faults("1.0", R"({"type":"integer"})"), Faults{});
  EXPECT_EQ(faults("1.5", R"({"type":"integer"})"), Faults{" wrong_type"});
  EXPECT_EQ(faults("null", R"({"type":["string","null"]})"), Faults{});
  EXPECT_EQ(faults("true", R"({"type":"number"})"), Faults{" wrong_type"});
}

TEST(JsonSchema, ComparesIntegersOfSixtyFourBitsExactly) {
  EXPECT_EQ(faults("9223372036854775807", R"({"maximum":9223372036854775806})"), Faults{" out_of_range"});
  EXPECT_EQ(faults("18446744073709551615", R"({"exclusiveMinimum":18446744073709551614})"), Faults{});
  EXPECT_EQ(faults("-1", R"({"exclusiveMaximum":-1})"), Faults{" out_of_range"});
}

TEST(JsonSchema, CountsCharactersAndFindsPatterns) {
  EXPECT_EQ(faults(R"("éé")", R"({"maxLength":2})"), Faults{});
  EXPECT_EQ(faults(R"("order-12")", R"({"pattern":"^order-[0-9]+$"})"), Faults{});
  EXPECT_EQ(faults(R"("x")", R"({"pattern":"[0-9]"})"), Faults{" not_allowed"});
}

TEST(JsonSchema, CombinesSchemas) {
  EXPECT_EQ(faults("3", R"({"anyOf":[{"const":1},{"minimum":2}]})"), Faults{});
  EXPECT_EQ(faults("0", R"({"anyOf":[{"const":1},{"minimum":2}]})"), Faults{" not_allowed"});
  EXPECT_EQ(faults("5", R"({"allOf":[{"minimum":9},{"not":{"const":5}}]})"), (Faults{" out_of_range", " not_allowed"}));
  EXPECT_EQ(faults("1", "false"), Faults{" not_allowed"});
}

TEST(JsonSchema, IgnoresWhatItDoesNotKnow) {
  EXPECT_EQ(faults("1", R"({"format":"email","minimum":"many","type":5,"pattern":"("})"), Faults{});
  EXPECT_EQ(faults("1", "true"), Faults{});
}

std::vector<std::string> findings_in(const std::string& schema) {
  return findings(R"({"StartAt":"A","OutputSchema":)" + schema + R"(,"States":{"A":{"Type":"Succeed"}}})");
}

TEST(JsonSchema, InADefinitionNamesRulesThatWouldBeLost) {
  for (const auto& [schema, place] : {
           std::pair{R"({"type":"text"})", "/type"},
           std::pair{R"({"type":[]})", "/type"},
           std::pair{R"({"enum":"a"})", "/enum"},
           std::pair{R"({"required":"a"})", "/required"},
           std::pair{R"({"required":[1]})", "/required"},
           std::pair{R"({"minimum":"many"})", "/minimum"},
           std::pair{R"({"maxLength":-1})", "/maxLength"},
           std::pair{R"({"pattern":"("})", "/pattern"},
           std::pair{R"({"items":[{}]})", "/items"},
           std::pair{R"({"properties":{"a":{"type":5}}})", "/properties/a/type"},
           std::pair{R"({"anyOf":[{},{"not":1}]})", "/anyOf/1/not"},
           std::pair{R"({"additionalProperties":{"minItems":1.5}})", "/additionalProperties/minItems"},
       }) {
    const std::vector<std::string> expected{std::string("SCHEMA_VALIDATION_FAILED /OutputSchema") + place};
    EXPECT_EQ(findings_in(schema), expected) << schema;
  }
}

TEST(JsonSchema, InADefinitionWarnsOfKeywordsThatAreNotChecked) {
  EXPECT_EQ(findings_in(R"({"properties":{"a":{"format":"email"}},"oneOf":[{}]})"),
            (std::vector<std::string>{"warning UNCHECKED_KEYWORD /OutputSchema/oneOf",
                                      "warning UNCHECKED_KEYWORD /OutputSchema/properties/a/format"}));
  EXPECT_TRUE(findings_in(R"({"$schema":"x","title":"t","default":1,"type":["object","null"],"pattern":"^[a-z]+$",
    "additionalProperties":false,"enum":[1],"minItems":0})")
                  .empty());
}

TEST(JsonSchema, StopsCountingFaultsAtItsLimit) {
  const Json many = Json::array_t(500, Json(1));

  EXPECT_EQ(check_against_schema(many, *parse_json(R"({"items":{"type":"string"}})")).size(), kMaxSchemaFaults);
}

}  // namespace
}  // namespace orchestrator::language
