#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "orchestrator/base/json.hpp"
#include "orchestrator/language/evaluate.hpp"
#include "orchestrator/language/path.hpp"

namespace orchestrator::language {
namespace {

Json json(const std::string& text) { return *parse_json(text); }

/// The nodes that RFC 9535 selects, or "invalid".
std::string nodes(const std::string& path, const std::string& document) {
  const Result<Json> selected = select_nodes(path, json(document));
  return selected ? dump_json((*selected)["nodes"]) : "invalid";
}

struct Selection {
  const char* path;
  const char* document;
  const char* nodes;
};

void PrintTo(const Selection& selection, std::ostream* out) { *out << selection.path << " on " << selection.document; }

class JsonPathSelection : public testing::TestWithParam<Selection> {};

TEST_P(JsonPathSelection, SelectsTheNodesOfRfc9535) {
  EXPECT_EQ(nodes(GetParam().path, GetParam().document), GetParam().nodes);
}

INSTANTIATE_TEST_SUITE_P(
    Names, JsonPathSelection,
    testing::Values(Selection{"$", "[1]", "[[1]]"}, Selection{"$.a", R"({"a":1})", "[1]"},
                    Selection{"$.a", R"({"b":1})", "[]"}, Selection{"$.a", "[1]", "[]"},
                    Selection{"$['a','b']", R"({"a":1,"b":2})", "[1,2]"},
                    Selection{"$[\"a b\"]", R"({"a b":1})", "[1]"}, Selection{"$['\\u263a']", R"({"☺":1})", "[1]"},
                    Selection{"$['\\uD834\\uDD1E']", R"({"𝄞":1})", "[1]"}, Selection{"$['\\'']", R"({"'":1})", "[1]"},
                    Selection{"$.☺", R"({"☺":1})", "[1]"}, Selection{"$ .a\n[ 'b' ]", R"({"a":{"b":1}})", "[1]"},
                    Selection{"$['']", R"({"":1})", "[1]"}));

INSTANTIATE_TEST_SUITE_P(
    IndicesAndSlices, JsonPathSelection,
    testing::Values(Selection{"$[0]", "[1,2]", "[1]"}, Selection{"$[-1]", "[1,2]", "[2]"},
                    Selection{"$[2]", "[1,2]", "[]"}, Selection{"$[-3]", "[1,2]", "[]"},
                    Selection{"$[0]", R"({"0":1})", "[]"}, Selection{"$[1:3]", "[0,1,2,3]", "[1,2]"},
                    Selection{"$[::2]", "[0,1,2,3]", "[0,2]"}, Selection{"$[::-1]", "[0,1,2]", "[2,1,0]"},
                    Selection{"$[-2:]", "[0,1,2]", "[1,2]"}, Selection{"$[5:1:-2]", "[0,1,2,3,4,5,6]", "[5,3]"},
                    Selection{"$[::0]", "[0,1]", "[]"}, Selection{"$[ 1 : 2 : 1 ]", "[0,1,2]", "[1]"},
                    Selection{"$[:9007199254740991]", "[0]", "[0]"}, Selection{"$[0,0]", "[7]", "[7,7]"}));

INSTANTIATE_TEST_SUITE_P(WildcardsAndDescendants, JsonPathSelection,
                         testing::Values(Selection{"$.*", R"({"a":1,"b":2})", "[1,2]"},
                                         Selection{"$[*]", "[1,2]", "[1,2]"}, Selection{"$.*", "1", "[]"},
                                         Selection{"$..a", R"([{"a":1},{"b":{"a":2}}])", "[1,2]"},
                                         Selection{"$..*", "[[1],2]", "[[1],2,1]"},
                                         Selection{"$..[0]", "[[1],2]", "[[1],1]"}));

INSTANTIATE_TEST_SUITE_P(
    Filters, JsonPathSelection,
    testing::Values(
        Selection{"$[?@.a]", R"([{"a":null},{"b":1}])", R"([{"a":null}])"},
        Selection{"$[?(@.a)]", R"([{"a":1},{}])", R"([{"a":1}])"}, Selection{"$[?!@.a]", R"([{"a":1},{}])", "[{}]"},
        Selection{"$[?@.a==1]", R"([{"a":1},{"a":1.0},{"a":"1"}])", R"([{"a":1},{"a":1.0}])"},
        Selection{"$[?@.a!=@.b]", R"([{"a":1},{}])", R"([{"a":1}])"}, Selection{"$[?@.x==@.y]", "[1]", "[1]"},
        Selection{"$[?@<'b']", R"(["a","b",1])", R"(["a"])"}, Selection{"$[?@>=2]", R"([1,2,3,"3"])", "[2,3]"},
        Selection{"$[?@<=true]", "[true,false]", "[true]"}, Selection{"$[?@==null]", "[null,0]", "[null]"},
        Selection{"$[?@==$[1]]", R"([{"a":[1]},{"a":[1.0]}])", R"([{"a":[1]},{"a":[1.0]}])"},
        Selection{"$[?@.a&&@.b||@.c]", R"([{"a":1},{"a":1,"b":1},{"c":1}])", R"([{"a":1,"b":1},{"c":1}])"},
        Selection{"$[?@.a && (@.b || @.c)]", R"([{"c":1},{"a":1,"c":1}])", R"([{"a":1,"c":1}])"},
        Selection{"$[?@[?@>1]]", "[[1],[2]]", "[[2]]"},
        Selection{"$[?@==9223372036854775807]", "[9223372036854775807,9223372036854775806]", "[9223372036854775807]"},
        Selection{"$[?@==18446744073709551615]", "[18446744073709551615,18446744073709551614]",
                  "[18446744073709551615]"}));

INSTANTIATE_TEST_SUITE_P(
    Functions, JsonPathSelection,
    testing::Values(Selection{"$[?length(@)==2]", R"(["☺☺","☺",[1,2],{"a":1},7])", R"(["☺☺",[1,2]])"},
                    Selection{"$[?count(@.*)>1]", "[[1,2],[1],3]", "[[1,2]]"},
                    Selection{"$[?value(@..c)=='x']", R"([{"c":"x"},{"c":"x","d":{"c":"x"}}])", R"([{"c":"x"}])"},
                    Selection{"$[?match(@,'a.*')]", R"(["abc","bab",1])", R"(["abc"])"},
                    Selection{"$[?search(@,'b')]", R"(["abc","c"])", R"(["abc"])"},
                    Selection{"$.v[?match(@,$.r)]", R"({"r":"b.?b","v":["bab","bbab"]})", R"(["bab"])"},
                    Selection{"$[?search(@,'(')]", R"(["("])", "[]"},
                    Selection{"$[?length(@.a)==length(@.b)]", "[{}]", "[{}]"}));

class MalformedJsonPath : public testing::TestWithParam<const char*> {};

TEST_P(MalformedJsonPath, IsRefused) { EXPECT_EQ(nodes(GetParam(), "[]"), "invalid"); }

INSTANTIATE_TEST_SUITE_P(JsonPath, MalformedJsonPath,
                         testing::Values("", " $", "$ ", "a", "@", "$.", "$..", "$.1", "$a", "$.a-b", "$$.a", "$[",
                                         "$[]", "$[a]", "$[01]", "$[-0]", "$[9007199254740992]", "$[1.0]", "$[1:2:3:4]",
                                         "$['a\nb']", "$[\"\\'\"]", "$['\\uD800']", "$['\\x']", "$['a',]", "$.. a",
                                         "$. a", "$.['a']", "$[?]", "$[?1]", "$[?'a']", "$[?true]", "$[?@.a=1]",
                                         "$[?@.a==01]", "$[?@.a==1.]", "$[?@.a==.1]", "$[?@.*==1]", "$[?@.a==True]",
                                         "$[?@.a==[1]]", "$[?!@.a==1]", "$[?length(@)]", "$[?length(@.*)==1]",
                                         "$[?count(1)==1]", "$[?count(@.a,@.b)==1]", "$[?value(@.a)]",
                                         "$[?count (@.*)==1]", "$[?match(@,'a')==true]", "$[?nosuch(@)]", "$[?(@.a]",
                                         "$[?@.a &&]", "$[?@.a in [1]]", "$[?@.a=~/x/]"));

TEST(JsonPath, RefusesNestingBeyondItsLimit) {
  EXPECT_EQ(nodes("$[?" + std::string(200, '(') + "@.a" + std::string(200, ')') + "]", "[]"), "invalid");
}

TEST(JsonPath, RefusesTextThatIsTooLong) { EXPECT_EQ(nodes("$." + std::string(20'000, 'a'), "{}"), "invalid"); }

TEST(JsonPath, GivesUpWhenASelectionVisitsTooManyNodes) {
  Json document = Json::array();
  for (int i = 0; i < 300; ++i) document.push_back(Json::array({1, 2, 3}));

  const Result<Json> selected = select_nodes("$[?count($..[?count($..*)>1])>1]", document);

  ASSERT_FALSE(selected);
  EXPECT_EQ(selected.error().code, ErrorCode::resource_exhausted);
}

TEST(StatePath, KnowsItsThreeRoots) {
  EXPECT_EQ(Path::parse("$.a")->root(), Path::Root::input);
  EXPECT_EQ(Path::parse("$$.Execution.Id")->root(), Path::Root::context);
  EXPECT_EQ(Path::parse("$total.sum")->root(), Path::Root::variable);
  EXPECT_EQ(Path::parse("$total.sum")->variable(), "total");
}

TEST(StatePath, IsRootOnlyWhenItIsTheWholeInput) {
  EXPECT_TRUE(Path::parse("$")->is_root());
  EXPECT_FALSE(Path::parse("$$")->is_root());
  EXPECT_FALSE(Path::parse("$x")->is_root());
  EXPECT_FALSE(Path::parse("$.a")->is_root());
}

TEST(StatePath, AcceptsBareNamesThatTheStandardQuotes) {
  const Json document = json(R"({"order-id":1,"0":2,"@type":3,"a":{"b":4}})");

  EXPECT_EQ(*Path::parse("$.order-id")->find(document), 1);
  EXPECT_EQ(*Path::parse("$.0")->find(document), 2);
  EXPECT_EQ(*Path::parse("$.@type")->find(document), 3);
  EXPECT_EQ(*Path::parse("$.a.['b']")->find(document), 4);
}

TEST(StatePath, IsDefiniteWhenItCanSelectOneNodeAtMost) {
  for (const char* text : {"$", "$.a.b", "$['a'][0]", "$.a[-1]", "$$.Map.Item.Value", "$x[1]"}) {
    EXPECT_TRUE(Path::parse(text)->is_definite()) << text;
  }
  for (const char* text : {"$.*", "$..a", "$[0:1]", "$['a','b']", "$[?@.a]"}) {
    EXPECT_FALSE(Path::parse(text)->is_definite()) << text;
  }
}

TEST(StatePath, IsAReferenceWithoutIndicesFromTheEnd) {
  EXPECT_TRUE(Path::parse("$.a[0].b")->is_reference());
  EXPECT_FALSE(Path::parse("$.a[-1]")->is_reference());
  EXPECT_FALSE(Path::parse("$.a[*]")->is_reference());
}

TEST(StatePath, SaysWhatIsWrongAndWhere) {
  const Result<Path> path = Path::parse("$.a[");

  ASSERT_FALSE(path);
  EXPECT_EQ(path.error().code, ErrorCode::invalid_argument);
  EXPECT_NE(path.error().message.find("'$.a['"), std::string::npos) << path.error().message;
  EXPECT_NE(path.error().message.find("character 5"), std::string::npos) << path.error().message;
}

// Whatever the text, the parser answers; and what it accepts, it can also evaluate.
TEST(JsonPath, SurvivesRandomTexts) {
  const std::string alphabet = "$@.*[]()?!&|<>='\"\\,:-0129abcdelnoptuv eE+~\n\x01\xC3\xA9";
  const Json document = json(R"({"a":[1,{"b":"x"},[2,3]],"b":{"a":null,"c":true}})");
  std::mt19937 random(20240229);
  std::uniform_int_distribution<std::size_t> letter(0, alphabet.size() - 1);
  std::uniform_int_distribution<int> length(0, 24);

  int accepted = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text = i % 2 == 0 ? "$" : "$[?@";
    for (int n = length(random); n > 0; --n) text += alphabet[letter(random)];
    for (const PathDialect dialect : {PathDialect::states, PathDialect::rfc9535}) {
      const Result<Path> path = Path::parse(text, dialect);
      if (!path) continue;
      ++accepted;
      EXPECT_TRUE(path->select(document)) << text;
    }
  }
  EXPECT_GT(accepted, 100);
}

// Mutations of real paths reach deeper than random letters do.
TEST(JsonPath, SurvivesMutatedPaths) {
  const std::vector<std::string> seeds = {"$.a[?(@.b == 'x' && @.c < 3)].d",
                                          "$..[?match(@.a, '[a-z]+')]['x','y'][-1:2:3]",
                                          "$[?count(@.*) >= length($.a['b'])]", "$$.Map.Item.Value[0]"};
  const Json document = json(R"({"a":[{"b":"x","c":1,"d":4}],"x":{"a":"abc"}})");
  std::mt19937 random(7);

  for (int i = 0; i < 20'000; ++i) {
    std::string text = seeds[random() % seeds.size()];
    for (unsigned n = random() % 4; n > 0; --n) {
      const std::size_t at = random() % text.size();
      if (random() % 2 == 0)
        text.erase(at, 1 + random() % 3);
      else
        text.insert(at, 1, static_cast<char>(32 + random() % 95));
      if (text.empty()) text = "$";
    }
    const Result<Path> path = Path::parse(text);
    if (path) EXPECT_TRUE(path->select(document)) << text;
  }
}

}  // namespace
}  // namespace orchestrator::language
