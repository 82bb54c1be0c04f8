// Cron expressions: what they mean, and what is refused.
#include <gtest/gtest.h>

#include "orchestrator/schedule/cron.hpp"

namespace orchestrator::schedule {
namespace {

using std::chrono::year_month_day;

year_month_day date(int year, unsigned month, unsigned day) {
  return {std::chrono::year{year}, std::chrono::month{month}, std::chrono::day{day}};
}

struct Refusal {
  const char* expression;
  const char* says;
};

class CronRefuses : public ::testing::TestWithParam<Refusal> {};

TEST_P(CronRefuses, WithASentenceThatNamesTheField) {
  const auto cron = Cron::parse(GetParam().expression);

  ASSERT_FALSE(cron.has_value()) << GetParam().expression;
  EXPECT_EQ(cron.error().code, ErrorCode::invalid_argument);
  EXPECT_NE(cron.error().message.find(GetParam().says), std::string::npos) << cron.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    Expressions, CronRefuses,
    ::testing::Values(Refusal{"", "5 fields"}, Refusal{"* * * *", "not 4"}, Refusal{"* * * * * * *", "not 7"},
                      Refusal{"60 * * * *", "minute 60"}, Refusal{"* 24 * * *", "hour 24"},
                      Refusal{"* * 0 * *", "day of month 0"}, Refusal{"* * 32 * *", "day of month 32"},
                      Refusal{"* * * 13 *", "month 13"}, Refusal{"* * * * 8", "day of week 8"},
                      Refusal{"60 * * * * *", "second 60"}, Refusal{"5-1 * * * *", "ends before it begins"},
                      Refusal{"*/0 * * * *", "step 0"}, Refusal{"*/-1 * * * *", "step -1"},
                      Refusal{"a * * * *", "\"a\" is not a number"}, Refusal{"1,,2 * * * *", "\"\" is not a number"},
                      Refusal{"1.5 * * * *", "is not a number"}, Refusal{"* * L-31 * *", "L-1 to L-30"},
                      Refusal{"* * LW * *", "neither L nor"}, Refusal{"* * 15W * *", "is not a number"},
                      Refusal{"* * * * L", "5L is the last Friday"}, Refusal{"* * * * MON#6", "not #1 to #5"},
                      Refusal{"* * * JANUARY *", "is not a number"}, Refusal{"@reboot", "no macro"},
                      Refusal{"@every 5m", "no macro"}, Refusal{"99999999999 * * * *", "is not a number"}));

TEST(Cron, ReadsNamesInAnyCase) {
  const auto cron = Cron::parse("0 0 * jan,Feb-MAR mon-fri");

  ASSERT_TRUE(cron.has_value());
  EXPECT_TRUE(cron->fits_day(date(2026, 1, 5)));   // a Monday
  EXPECT_FALSE(cron->fits_day(date(2026, 1, 4)));  // a Sunday
  EXPECT_TRUE(cron->fits_day(date(2026, 3, 6)));   // a Friday
  EXPECT_FALSE(cron->fits_day(date(2026, 4, 6)));  // April
}

TEST(Cron, TakesSevenAndARangeToSundayForSunday) {
  for (const char* expression : {"0 0 * * 7", "0 0 * * 0", "0 0 * * SUN", "0 0 * * 6-7", "0 0 * * SAT-SUN"}) {
    const auto cron = Cron::parse(expression);

    ASSERT_TRUE(cron.has_value()) << expression;
    EXPECT_TRUE(cron->fits_day(date(2026, 1, 4))) << expression;
    EXPECT_FALSE(cron->fits_day(date(2026, 1, 5))) << expression;
  }
}

TEST(Cron, StepsOfTheWeekStopBeforeTheSecondSunday) {
  const auto cron = Cron::parse("0 0 * * 1/2");

  ASSERT_TRUE(cron.has_value());
  EXPECT_TRUE(cron->fits_day(date(2026, 1, 5)));   // Monday
  EXPECT_TRUE(cron->fits_day(date(2026, 1, 9)));   // Friday
  EXPECT_FALSE(cron->fits_day(date(2026, 1, 4)));  // Sunday
}

TEST(Cron, EitherOfTwoRestrictedDayFieldsIsEnough) {
  const auto cron = Cron::parse("0 0 13 * FRI");

  ASSERT_TRUE(cron.has_value());
  EXPECT_TRUE(cron->fits_day(date(2026, 1, 13)));  // a Tuesday
  EXPECT_TRUE(cron->fits_day(date(2026, 1, 16)));  // a Friday
  EXPECT_FALSE(cron->fits_day(date(2026, 1, 14)));
}

TEST(Cron, AStarOrQuestionMarkLeavesTheOtherDayFieldAlone) {
  for (const char* expression : {"0 0 13 * *", "0 0 13 * ?", "0 0 13 * */1"}) {
    const auto cron = Cron::parse(expression);

    ASSERT_TRUE(cron.has_value()) << expression;
    EXPECT_TRUE(cron->fits_day(date(2026, 1, 13)));
    EXPECT_FALSE(cron->fits_day(date(2026, 1, 16)));
  }
}

TEST(Cron, KnowsTheEndOfTheMonth) {
  const auto last = Cron::parse("0 0 L * *");
  const auto third_last = Cron::parse("0 0 L-2,15 * *");

  ASSERT_TRUE(last.has_value() && third_last.has_value());
  EXPECT_TRUE(last->fits_day(date(2026, 2, 28)));
  EXPECT_FALSE(last->fits_day(date(2028, 2, 28)));
  EXPECT_TRUE(last->fits_day(date(2028, 2, 29)));
  EXPECT_TRUE(third_last->fits_day(date(2026, 4, 28)));
  EXPECT_TRUE(third_last->fits_day(date(2026, 4, 15)));
  EXPECT_FALSE(third_last->fits_day(date(2026, 4, 30)));
}

TEST(Cron, KnowsTheKthAndTheLastWeekdayOfTheMonth) {
  const auto second_monday = Cron::parse("0 0 * * MON#2");
  const auto last_friday = Cron::parse("0 0 * * 5L");
  const auto fifth = Cron::parse("0 0 * * 4#5,0#1");

  ASSERT_TRUE(second_monday.has_value() && last_friday.has_value() && fifth.has_value());
  EXPECT_TRUE(second_monday->fits_day(date(2026, 1, 12)));
  EXPECT_FALSE(second_monday->fits_day(date(2026, 1, 5)));
  EXPECT_TRUE(last_friday->fits_day(date(2026, 1, 30)));
  EXPECT_FALSE(last_friday->fits_day(date(2026, 1, 23)));
  EXPECT_TRUE(fifth->fits_day(date(2026, 1, 29)));
  EXPECT_TRUE(fifth->fits_day(date(2026, 2, 1)));
  EXPECT_FALSE(fifth->fits_day(date(2026, 2, 26)));  // the fourth, and last, Thursday
}

TEST(Cron, FindsTheNextSecondOfADay) {
  const auto cron = Cron::parse("15,45 30 9,17 * * *");

  ASSERT_TRUE(cron.has_value());
  EXPECT_EQ(cron->next_in_day(0), 9 * 3600 + 30 * 60 + 15);
  EXPECT_EQ(cron->next_in_day(9 * 3600 + 30 * 60 + 15), 9 * 3600 + 30 * 60 + 15);
  EXPECT_EQ(cron->next_in_day(9 * 3600 + 30 * 60 + 16), 9 * 3600 + 30 * 60 + 45);
  EXPECT_EQ(cron->next_in_day(9 * 3600 + 30 * 60 + 46), 17 * 3600 + 30 * 60 + 15);
  EXPECT_EQ(cron->next_in_day(17 * 3600 + 30 * 60 + 46), std::nullopt);
}

TEST(Cron, TellsTimesOnTheWallFromARhythm) {
  EXPECT_TRUE(Cron::parse("30 2 * * *")->has_fixed_hours());
  EXPECT_TRUE(Cron::parse("0 9-17 * * *")->has_fixed_hours());
  EXPECT_FALSE(Cron::parse("30 * * * *")->has_fixed_hours());
  EXPECT_FALSE(Cron::parse("30 */2 * * *")->has_fixed_hours());
  EXPECT_FALSE(Cron::parse("30 1/3 * * *")->has_fixed_hours());
  EXPECT_FALSE(Cron::parse("@hourly")->has_fixed_hours());
  EXPECT_TRUE(Cron::parse("@daily")->has_fixed_hours());
}

}  // namespace
}  // namespace orchestrator::schedule
