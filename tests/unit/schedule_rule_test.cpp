// When slots are: days on which the clock changes, ends of months and years, holidays, and a naive walker beside all.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>

#include "orchestrator/schedule/settings.hpp"

namespace orchestrator::schedule {
namespace {

Timestamp at(const char* text) {
  const auto moment = parse_rfc3339(text);
  EXPECT_TRUE(moment.has_value()) << text;
  return moment ? *moment : Timestamp{};
}

Settings cron_in(const char* zone, const char* cron, Gap gap = Gap::next, Fold fold = Fold::first) {
  Settings settings;
  settings.cron = cron;
  settings.time_zone = zone;
  settings.gap = gap;
  settings.fold = fold;
  return settings;
}

Timetable table(const Settings& settings, Timestamp anchor = at("2026-01-01T00:00:00Z")) {
  auto timetable = timetable_of(settings, anchor, "a schedule");
  EXPECT_TRUE(timetable.has_value()) << timetable.error().message;
  return *std::move(timetable);
}

/// The slots of [from, to) as times on the wall, without the year.
std::vector<std::string> local_slots(const Settings& settings, const char* from, const char* to) {
  const Timetable timetable = table(settings);
  std::vector<std::string> slots;
  for (const Slot& slot : timetable.between(at(from), at(to), 1'000)) {
    slots.push_back(timetable.local_text(slot.at).substr(5));
  }
  return slots;
}

using Slots = std::vector<std::string>;

// Europe/Berlin: 29 March 2026 02:00 becomes 03:00; 25 October 2026 03:00 becomes 02:00.
constexpr const char* kSpring[] = {"2026-03-28T20:00:00Z", "2026-03-30T03:00:00Z"};
constexpr const char* kAutumn[] = {"2026-10-24T20:00:00Z", "2026-10-26T03:00:00Z"};

TEST(ScheduleGap, ATimeThatDoesNotExistComesAtTheFirstInstantAfter) {
  EXPECT_EQ(local_slots(cron_in("Europe/Berlin", "30 2 * * *"), kSpring[0], kSpring[1]),
            (Slots{"03-29T03:00:00+02:00", "03-30T02:30:00+02:00"}));
}

TEST(ScheduleGap, SeveralTimesThatDoNotExistComeOnce) {
  EXPECT_EQ(local_slots(cron_in("Europe/Berlin", "0,15,30,45 2 * * *"), kSpring[0], "2026-03-29T20:00:00Z"),
            (Slots{"03-29T03:00:00+02:00"}));
}

TEST(ScheduleGap, ATimeThatExistsAtThatInstantComesOnceToo) {
  EXPECT_EQ(local_slots(cron_in("Europe/Berlin", "0 2,3 * * *"), kSpring[0], "2026-03-29T20:00:00Z"),
            (Slots{"03-29T03:00:00+02:00"}));
}

TEST(ScheduleGap, SkipLeavesItOut) {
  EXPECT_EQ(local_slots(cron_in("Europe/Berlin", "30 2 * * *", Gap::skip), kSpring[0], kSpring[1]),
            (Slots{"03-30T02:30:00+02:00"}));
}

TEST(ScheduleGap, ARhythmDropsWhatDoesNotExist) {
  EXPECT_EQ(local_slots(cron_in("Europe/Berlin", "30 * * * *"), "2026-03-29T00:00:00Z", "2026-03-29T03:00:00Z"),
            (Slots{"03-29T01:30:00+01:00", "03-29T03:30:00+02:00", "03-29T04:30:00+02:00"}));
}

TEST(ScheduleGap, IsFoundFromTheSecondBeforeIt) {
  const Timetable timetable = table(cron_in("Europe/Berlin", "30 2 29 3 *"));

  EXPECT_EQ(timetable.next_after(at("2026-03-29T00:59:59Z"))->at, at("2026-03-29T01:00:00Z"));
  EXPECT_EQ(timetable.next_after(at("2026-03-29T01:00:00Z"))->at, at("2027-03-29T00:30:00Z"));
}

TEST(ScheduleFold, ATimeThatComesTwiceFollowsThePolicy) {
  const auto slots = [](Fold fold) {
    return local_slots(cron_in("Europe/Berlin", "30 2 * * *", Gap::next, fold), kAutumn[0], "2026-10-25T20:00:00Z");
  };

  EXPECT_EQ(slots(Fold::first), (Slots{"10-25T02:30:00+02:00"}));
  EXPECT_EQ(slots(Fold::second), (Slots{"10-25T02:30:00+01:00"}));
  EXPECT_EQ(slots(Fold::both), (Slots{"10-25T02:30:00+02:00", "10-25T02:30:00+01:00"}));
}

TEST(ScheduleFold, ARhythmCountsBothPasses) {
  EXPECT_EQ(local_slots(cron_in("Europe/Berlin", "0 */2 * * *"), "2026-10-24T22:00:00Z", "2026-10-25T04:00:00Z"),
            (Slots{"10-25T00:00:00+02:00", "10-25T02:00:00+02:00", "10-25T02:00:00+01:00", "10-25T04:00:00+01:00"}));
}

TEST(ScheduleFold, HoldsForTheEndsOfTheFold) {
  const auto slots = [](Fold fold) {
    return local_slots(cron_in("Europe/Berlin", "0 2,3 * * *", Gap::next, fold), kAutumn[0], "2026-10-25T20:00:00Z");
  };

  EXPECT_EQ(slots(Fold::first), (Slots{"10-25T02:00:00+02:00", "10-25T03:00:00+01:00"}));
  EXPECT_EQ(slots(Fold::second), (Slots{"10-25T02:00:00+01:00", "10-25T03:00:00+01:00"}));
}

TEST(ScheduleZone, NewYorkChangesOnItsOwnDays) {
  EXPECT_EQ(local_slots(cron_in("America/New_York", "30 2 * * *"), "2026-03-08T00:00:00Z", "2026-03-09T12:00:00Z"),
            (Slots{"03-08T03:00:00-04:00", "03-09T02:30:00-04:00"}));
  EXPECT_EQ(local_slots(cron_in("America/New_York", "30 1 * * *", Gap::next, Fold::both), "2026-11-01T00:00:00Z",
                        "2026-11-01T20:00:00Z"),
            (Slots{"11-01T01:30:00-04:00", "11-01T01:30:00-05:00"}));
}

TEST(ScheduleZone, LordHoweMovesItsClockByHalfAnHour) {
  // 4 October 2026 02:00 becomes 02:30; 5 April 2026 02:00 becomes 01:30.
  EXPECT_EQ(local_slots(cron_in("Australia/Lord_Howe", "15 2 * * *"), "2026-10-03T10:00:00Z", "2026-10-04T10:00:00Z"),
            (Slots{"10-04T02:30:00+11:00"}));
  EXPECT_EQ(local_slots(cron_in("Australia/Lord_Howe", "45 1 * * *", Gap::next, Fold::both), "2026-04-04T10:00:00Z",
                        "2026-04-05T10:00:00Z"),
            (Slots{"04-05T01:45:00+11:00", "04-05T01:45:00+10:30"}));
  EXPECT_EQ(local_slots(cron_in("Australia/Lord_Howe", "0,40 * * * *"), "2026-04-04T14:30:00Z", "2026-04-04T16:00:00Z"),
            (Slots{"04-05T01:40:00+11:00", "04-05T01:40:00+10:30", "04-05T02:00:00+10:30"}));
}

TEST(ScheduleZone, ADayThatAZoneLeftOutComesAtItsEnd) {
  // Samoa had no 30 December 2011.
  EXPECT_EQ(local_slots(cron_in("Pacific/Apia", "0 12 30 12 *"), "2011-12-01T00:00:00Z", "2012-01-15T00:00:00Z"),
            (Slots{"12-31T00:00:00+14:00"}));
}

TEST(ScheduleCalendarOfYears, LeapDaysAndYearEnds) {
  const Timetable leap = table(cron_in("UTC", "0 0 29 2 *"));
  const Timetable new_year = table(cron_in("Asia/Tokyo", "59 59 23 31 12 *"));
  const Timetable rare = table(cron_in("UTC", "0 0 29 2 *"));

  EXPECT_EQ(leap.next_after(at("2026-01-01T00:00:00Z"))->at, at("2028-02-29T00:00:00Z"));
  EXPECT_EQ(new_year.next_after(at("2026-01-01T00:00:00Z"))->at, at("2026-12-31T14:59:59Z"));
  EXPECT_EQ(rare.next_after(at("2096-03-01T00:00:00Z"))->at, at("2104-02-29T00:00:00Z"));
}

struct Impossible {
  const char* member;
  Settings settings;
};

Settings with(auto change) {
  Settings settings;
  change(settings);
  return settings;
}

TEST(ScheduleSettings, WhatNeverFiresOrMakesNoSenseIsRefusedWithItsMember) {
  const std::array cases{
      Impossible{"/cron", cron_in("UTC", "0 0 30 2 *")},
      Impossible{"/cron", cron_in("UTC", "0 0 31 4,6,9,11 *")},
      Impossible{"/cron", cron_in("UTC", "0 25 * * *")},
      Impossible{"/time_zone", cron_in("Mars/Olympus", "0 0 * * *")},
      Impossible{"/time_zone", cron_in("", "0 0 * * *")},
      Impossible{"/time_zone", cron_in("../etc/passwd", "0 0 * * *")},
      Impossible{"", Settings{}},
      Impossible{"", with([](Settings& s) {
                   s.cron = "@daily";
                   s.every_seconds = 5;
                 })},
      Impossible{"/jitter_seconds", with([](Settings& s) {
                   s.every_seconds = 5;
                   s.jitter_seconds = 5;
                 })},
      Impossible{"/calendar/on_holiday", with([](Settings& s) {
                   s.every_seconds = 5;
                   s.calendar = Calendar{.on_holiday = OnHoliday::next_business_day};
                 })},
  };

  for (const auto& [member, settings] : cases) {
    const auto timetable = timetable_of(settings, at("2026-01-01T00:00:00Z"), "x");

    ASSERT_FALSE(timetable.has_value()) << member << " " << settings.cron.value_or("-");
    ASSERT_EQ(timetable.error().faults.size(), 1U) << timetable.error().message;
    EXPECT_EQ(timetable.error().faults[0].pointer, member) << timetable.error().message;
  }
}

TEST(ScheduleSettings, SurviveTheirText) {
  Settings settings = cron_in("Europe/Berlin", "0 0 * * *", Gap::skip, Fold::both);
  settings.calendar = Calendar{"de", {*parse_date("2026-12-25")}, true, OnHoliday::next_business_day};
  settings.jitter_seconds = 7;
  settings.overlap = Overlap::cancel;
  settings.missed = Missed::all;
  settings.missed_max = 3;
  settings.workflow = "w";
  settings.timeout_seconds = 60;

  const auto read = settings_of(settings_text(settings));

  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(settings_text(*read), settings_text(settings));
  EXPECT_EQ(read->calendar, settings.calendar);
  EXPECT_EQ(read->fold, Fold::both);
}

TEST(ScheduleInterval, CountsFromItsAnchorInBothDirections) {
  Settings settings;
  settings.every_seconds = 90;
  const Timetable timetable = table(settings, at("2026-01-01T00:00:10.500Z"));

  EXPECT_EQ(timetable.next_after(at("2026-01-01T00:00:10.500Z"))->at, at("2026-01-01T00:01:40Z"));
  EXPECT_EQ(timetable.next_after(at("2026-01-01T00:01:40Z"))->at, at("2026-01-01T00:03:10Z"));
  EXPECT_EQ(timetable.next_after(at("2025-12-31T23:57:00Z"))->at, at("2025-12-31T23:57:10Z"));
}

TEST(ScheduleMoments, EndWithTheLast) {
  Settings settings;
  settings.at = {at("2026-05-01T10:00:00Z"), at("2026-06-01T10:00:00Z")};
  const Timetable timetable = table(settings);

  EXPECT_EQ(timetable.next_after(at("2026-05-01T09:59:59Z"))->at, settings.at[0]);
  EXPECT_EQ(timetable.next_after(settings.at[0])->at, settings.at[1]);
  EXPECT_EQ(timetable.next_after(settings.at[1]), std::nullopt);
}

TEST(ScheduleHolidays, AreSkippedOrMoved) {
  Settings settings = cron_in("Europe/Berlin", "0 9 * * *");
  settings.calendar = Calendar{{}, {*parse_date("2026-12-25"), *parse_date("2026-12-26")}, true, OnHoliday::skip};
  Settings moved = cron_in("Europe/Berlin", "0 9 25 * *");
  moved.calendar = settings.calendar;
  moved.calendar->on_holiday = OnHoliday::next_business_day;

  // The 24th is a Thursday; the 27th a Sunday.
  EXPECT_EQ(local_slots(settings, "2026-12-24T00:00:00Z", "2026-12-29T00:00:00Z"),
            (Slots{"12-24T09:00:00+01:00", "12-28T09:00:00+01:00"}));
  EXPECT_EQ(local_slots(moved, "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"), (Slots{"12-28T09:00:00+01:00"}));
}

TEST(ScheduleHolidays, AreStillSlotsOfThePlan) {
  Settings settings = cron_in("Europe/Berlin", "0 9 * * *");
  settings.calendar = Calendar{{}, {*parse_date("2026-12-25")}, true, OnHoliday::skip};
  const Timetable timetable = table(settings);

  std::string plan;
  for (auto slot = timetable.next_planned_after(at("2026-12-24T00:00:00Z")); slot->at < at("2026-12-29T00:00:00Z");
       slot = timetable.next_planned_after(slot->at)) {
    plan += timetable.local_text(slot->at).substr(8, 2) + (slot->is_holiday ? "h " : " ");
  }
  const auto holidays = timetable.holidays_between(at("2026-12-24T00:00:00Z"), at("2026-12-26T08:00:00Z"), 10);

  EXPECT_EQ(plan, "24 25h 26h 27h 28 ");
  EXPECT_EQ(holidays.size(), 2U);
  EXPECT_EQ(timetable.holidays_between(at("2026-12-24T00:00:00Z"), at("2027-12-24T00:00:00Z"), 3).size(), 3U);
}

TEST(ScheduleHolidays, ThatMoveTheirSlotsLeaveNothingOut) {
  Settings settings = cron_in("UTC", "0 9 * * SUN");
  settings.calendar = Calendar{{}, {}, true, OnHoliday::next_business_day};
  const Timetable timetable = table(settings);

  EXPECT_FALSE(timetable.next_planned_after(at("2026-01-01T00:00:00Z"))->is_holiday);
  EXPECT_TRUE(timetable.holidays_between(at("2026-01-01T00:00:00Z"), at("2026-03-01T00:00:00Z"), 10).empty());
}

TEST(ScheduleHolidays, MayLeaveAScheduleNothing) {
  Settings settings = cron_in("UTC", "0 9 * * SUN");
  settings.calendar = Calendar{{}, {}, true, OnHoliday::skip};
  const Timetable timetable = table(settings);

  EXPECT_EQ(timetable.next_after(at("2026-01-01T00:00:00Z")), std::nullopt);
  EXPECT_TRUE(timetable.next_planned_after(at("2026-01-01T00:00:00Z"))->is_holiday);
}

TEST(ScheduleHolidays, DaysSurviveTheirText) {
  const Calendar calendar{"de", {*parse_date("2026-12-25"), *parse_date("2026-12-26")}, true, OnHoliday::skip};
  Calendar read{"other", {*parse_date("2026-01-01")}, false, OnHoliday::next_business_day};

  ASSERT_TRUE(take_days(read, days_text(calendar)));

  EXPECT_EQ(read, (Calendar{"other", calendar.dates, true, OnHoliday::next_business_day}));
  EXPECT_FALSE(take_days(read, "[]"));
}

TEST(ScheduleHolidays, MoveOverTheEndOfAMonth) {
  Settings settings = cron_in("UTC", "0 9 L 1 *");
  settings.calendar = Calendar{{}, {}, true, OnHoliday::next_business_day};

  // 31 January 2026 is a Saturday.
  EXPECT_EQ(local_slots(settings, "2026-01-01T00:00:00Z", "2026-03-01T00:00:00Z"), (Slots{"02-02T09:00:00+00:00"}));
}

TEST(ScheduleHolidays, ApplyToIntervals) {
  Settings settings;
  settings.every_seconds = 21'600;
  settings.calendar = Calendar{{}, {*parse_date("2026-01-02")}, false, OnHoliday::skip};

  EXPECT_EQ(local_slots(settings, "2026-01-01T12:00:00Z", "2026-01-03T12:00:00Z"),
            (Slots{"01-01T12:00:00+00:00", "01-01T18:00:00+00:00", "01-03T00:00:00+00:00", "01-03T06:00:00+00:00"}));
}

TEST(ScheduleJitter, IsTheSameEveryTimeAndKeepsTheOrder) {
  Settings settings = cron_in("UTC", "* * * * *");
  settings.jitter_seconds = 600;
  const Timetable timetable = table(settings);
  const auto slots = timetable.between(at("2026-01-01T00:00:00Z"), at("2026-01-01T03:00:00Z"), 1'000);

  ASSERT_EQ(slots.size(), 180U);
  std::set<Duration> moved;
  for (std::size_t i = 0; i + 1 < slots.size(); ++i) {
    EXPECT_GE(slots[i].fire_at, slots[i].at);
    EXPECT_LT(slots[i].fire_at, slots[i + 1].at);
    moved.insert(slots[i].fire_at - slots[i].at);
  }
  EXPECT_GT(moved.size(), 100U);
  EXPECT_EQ(table(settings).between(at("2026-01-01T00:00:00Z"), at("2026-01-01T03:00:00Z"), 1'000), slots);
}

TEST(ScheduleMissed, TheLastSlotsOfALongTimeAreFoundWithoutWalkingIt) {
  Settings settings;
  settings.every_seconds = 1;
  const Timetable timetable = table(settings);

  const LastSlots last = timetable.due_between(at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"), 10);

  ASSERT_EQ(last.slots.size(), 10U);
  EXPECT_EQ(last.slots.back().at, at("2027-01-01T00:00:00Z"));
  EXPECT_EQ(last.slots.front().at, at("2026-12-31T23:59:51Z"));
  EXPECT_EQ(last.first_left, at("2026-01-01T00:00:01Z"));
  EXPECT_EQ(timetable.count_between(at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"), 1'000), std::nullopt);
  EXPECT_EQ(timetable.count_between(at("2026-01-01T00:00:00Z"), at("2026-01-01T00:10:00Z"), 1'000), 600);
}

TEST(ScheduleMissed, FewSlotsOfALongTimeAreAllFound) {
  const Timetable timetable = table(cron_in("UTC", "0 0 1 * *"));

  const LastSlots last = timetable.due_between(at("2026-01-15T00:00:00Z"), at("2026-04-15T00:00:00Z"), 10);

  ASSERT_EQ(last.slots.size(), 3U);
  EXPECT_EQ(last.first_left, std::nullopt);
}

// ---- a naive walker ----------------------------------------------------------------------------------------------

/// What a field of a random expression allows, in words of its own.
struct RandomField {
  std::string text;
  std::vector<int> values;
};

RandomField random_field(std::mt19937& random, int least, int most, bool may_be_star) {
  const auto pick = [&](int from, int to) { return std::uniform_int_distribution<int>(from, to)(random); };
  RandomField field;
  switch (pick(may_be_star ? 0 : 1, 3)) {
    case 0:
      field.text = "*";
      for (int v = least; v <= most; ++v) field.values.push_back(v);
      break;
    case 1: {
      const int v = pick(least, most);
      field.text = std::to_string(v);
      field.values = {v};
      break;
    }
    case 2: {
      const int from = pick(least, most);
      const int to = pick(from, most);
      field.text = std::to_string(from) + "-" + std::to_string(to);
      for (int v = from; v <= to; ++v) field.values.push_back(v);
      break;
    }
    default: {
      const int step = pick(2, std::max(2, (most - least) / 2));
      field.text = "*/" + std::to_string(step);
      for (int v = least; v <= most; v += step) field.values.push_back(v);
      break;
    }
  }
  return field;
}

bool among(const std::vector<int>& values, int value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

/// Every minute of the time is looked at: its wall clock, and what the policy says about it.
std::vector<Timestamp> walk(const std::array<RandomField, 5>& fields, const Zone& zone, Fold fold, Timestamp from,
                            Timestamp to) {
  using namespace std::chrono;
  const bool fixed = fields[1].text.find('*') == std::string::npos;
  const auto fits = [&](local_seconds local) {
    const auto day = floor<days>(local);
    const year_month_day date{day};
    const int minute_of_day = static_cast<int>(floor<minutes>(local - day).count());
    const bool dom = among(fields[2].values, static_cast<int>(static_cast<unsigned>(date.day())));
    const bool dow = among(fields[4].values, static_cast<int>(weekday{day}.c_encoding()));
    const bool dom_star = fields[2].text == "*";
    const bool dow_star = fields[4].text == "*";
    const bool on_day = dom_star ? dow : dow_star ? dom : dom || dow;
    return among(fields[0].values, minute_of_day % 60) && among(fields[1].values, minute_of_day / 60) &&
           among(fields[3].values, static_cast<int>(static_cast<unsigned>(date.month()))) && on_day;
  };
  const auto local_at = [&](sys_seconds moment) {
    return local_seconds{moment.time_since_epoch() + zone.offset_at(moment)};
  };
  std::vector<Timestamp> slots;
  for (auto moment = ceil<seconds>(from); moment < to; moment += minutes{1}) {
    const auto local = local_at(moment);
    const seconds jump = (local - local_at(moment - minutes{1})) - minutes{1};
    bool fires = fits(local);
    if (fixed) {
      // Left out just now: the minutes between the last one and this one.
      for (seconds left = jump; left > seconds{0} && !fires; left -= minutes{1}) fires = fits(local - left);
      const bool near_a_change = zone.offset_at(moment - hours{3}) != zone.offset_at(moment + hours{3});
      if (fires && near_a_change && jump <= seconds{0}) {
        const auto same_local = [&](minutes away) {
          const auto other = local_at(moment + away);
          return other == local;
        };
        bool came = false;
        bool comes = false;
        for (int away = 1; away <= 180; ++away) {
          came = came || same_local(minutes{-away});
          comes = comes || same_local(minutes{away});
        }
        if (came && fold == Fold::first) fires = false;
        if (comes && fold == Fold::second) fires = false;
      }
    }
    if (fires) slots.push_back(moment);
  }
  return slots;
}

TEST(ScheduleRule, AgreesWithAWalkerThatLooksAtEveryMinute) {
  std::mt19937 random(20'260'329);
  const std::array zones{"Europe/Berlin",    "America/New_York", "Australia/Lord_Howe",
                         "America/St_Johns", "Asia/Kolkata",     "UTC"};
  const std::array starts{"2026-03-06T00:00:00Z", "2026-03-27T00:00:00Z", "2026-04-03T00:00:00Z",
                          "2026-10-02T00:00:00Z", "2026-10-23T00:00:00Z", "2026-10-30T00:00:00Z"};
  const auto fold_of = [](int i) { return static_cast<Fold>(i % 3); };

  for (int i = 0; i < 300; ++i) {
    const std::array fields{random_field(random, 0, 59, true), random_field(random, 0, 23, true),
                            random_field(random, 1, 31, true), random_field(random, 1, 12, i % 3 == 0),
                            random_field(random, 0, 6, true)};
    std::array all_year = fields;
    if (i % 3 != 0) {
      all_year[3].text = "*";
      all_year[3].values.clear();
      for (int month = 1; month <= 12; ++month) all_year[3].values.push_back(month);
    }
    const std::string cron = all_year[0].text + " " + all_year[1].text + " " + all_year[2].text + " " +
                             all_year[3].text + " " + all_year[4].text;
    const char* zone = zones[static_cast<std::size_t>(i) % zones.size()];
    const Timestamp from = at(starts[static_cast<std::size_t>(i / 6) % starts.size()]);
    const Timestamp to = from + std::chrono::hours{96};
    const auto timetable = timetable_of(cron_in(zone, cron.c_str(), Gap::next, fold_of(i)), from, "x");
    if (!timetable) continue;  // 31 in a short month only

    const auto expected = walk(all_year, *Zone::find(zone), fold_of(i), from, to);

    std::vector<Timestamp> slots;
    for (const Slot& slot : timetable->between(from, to, 10'000)) slots.push_back(slot.at);
    ASSERT_EQ(slots, expected) << cron << " in " << zone << ", fold " << to_string(fold_of(i));
  }
}

}  // namespace
}  // namespace orchestrator::schedule
