#include <gtest/gtest.h>

#include <string>

#include "orchestrator/language/iregexp.hpp"

namespace orchestrator::language {
namespace {

struct Match {
  const char* pattern;
  const char* text;
  bool whole;
  bool part;
};

void PrintTo(const Match& match, std::ostream* out) { *out << match.pattern << " on " << match.text; }

class IRegexpMatch : public testing::TestWithParam<Match> {};

TEST_P(IRegexpMatch, FollowsRfc9485) {
  const auto pattern = IRegexp::compile(GetParam().pattern);

  ASSERT_NE(pattern, nullptr);
  EXPECT_EQ(pattern->matches(GetParam().text), GetParam().whole);
  EXPECT_EQ(pattern->is_found_in(GetParam().text), GetParam().part);
}

INSTANTIATE_TEST_SUITE_P(
    All, IRegexpMatch,
    testing::Values(
        Match{"abc", "abc", true, true}, Match{"b", "abc", false, true}, Match{"", "", true, true},
        Match{"", "a", false, true}, Match{"a|b", "b", true, true}, Match{"a|", "", true, true},
        Match{"a*b", "aaab", true, true}, Match{"a+", "", false, false}, Match{"ab?c", "ac", true, true},
        Match{"a{2}", "aa", true, true}, Match{"a{2}", "aaa", false, true}, Match{"a{2,}", "aaaa", true, true},
        Match{"a{1,2}", "aaa", false, true}, Match{"a{0}", "", true, true}, Match{"(ab)*c", "ababc", true, true},
        Match{".", "☺", true, true}, Match{".", "\n", false, false}, Match{"[a-c]x", "bx", true, true},
        Match{"[^a-c]", "d", true, true}, Match{"[^a-c]", "b", false, false}, Match{"[-a]+", "-a", true, true},
        Match{"[a-]+", "-a", true, true}, Match{"a[.b]c", "a.c", true, true}, Match{"a\\.c", "abc", false, false},
        Match{"[\\]x]", "]", true, true}, Match{"^ab", "abc", false, true}, Match{"bc$", "abc", false, true},
        Match{"^b", "ab", false, false}, Match{"\\p{Lu}", "Ж", true, true}, Match{"\\p{Lu}", "ж", false, false},
        Match{"\\P{Lu}", "ж", true, true}, Match{"\\p{L}+", "aЖ中", true, true},
        Match{"[\\p{Nd}x]+", "7x٣", true, true}, Match{"\\p{Lt}", "ǅ", true, true}, Match{"\\p{Sc}", "€", true, true}));

TEST(IRegexp, RefusesWhatIsNotOne) {
  for (const char* pattern : {"(", ")", "[", "[]", "a{", "a{2", "a{2,1}", "*a", "+", "\\d", "\\", "[b-a]", "\\p{Xx}",
                              "]", "}", "a**", "[[:alpha:]]"}) {
    EXPECT_EQ(IRegexp::compile(pattern), nullptr) << pattern;
  }
}

TEST(IRegexp, RefusesRepeatsThatGrowBeyondTheLimit) { EXPECT_EQ(IRegexp::compile("((a{1000}){1000}){1000}"), nullptr); }

TEST(IRegexp, TakesLinearTimeForPatternsThatMakeBacktrackersHang) {
  const auto pattern = IRegexp::compile("(a*)*(a|a)*(a?){50}b");

  ASSERT_NE(pattern, nullptr);
  EXPECT_FALSE(pattern->matches(std::string(2'000, 'a')));
}

}  // namespace
}  // namespace orchestrator::language
