// What verbs print for people: widths, ages, runs, tables, progress.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "orchestrator/app/page.hpp"
#include "orchestrator/app/progress_bar.hpp"
#include "orchestrator/app/relative_time.hpp"
#include "orchestrator/app/run_tables.hpp"
#include "orchestrator/app/run_words.hpp"
#include "orchestrator/app/table.hpp"
#include "orchestrator/base/json.hpp"

namespace orchestrator::app {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

Timestamp moment(const char* text) { return parse_rfc3339(text).value(); }

Page a_page(std::size_t columns) {
  Page page;
  page.columns = columns;
  page.now = moment("2026-11-20T12:00:00Z");
  return page;
}

Json a_run() {
  return {{"run_id", "01998877-0000-7000-8000-000000000001"},
          {"kind", "workflow"},
          {"workflow", "checkout"},
          {"version", 3},
          {"state", "waiting"},
          {"created_at", "2026-11-20T11:55:00.000Z"},
          {"started_at", "2026-11-20T11:55:00.012Z"},
          {"attempts", 2}};
}

std::string shown(const Json& run, const Page& page) {
  std::ostringstream out;
  print_run(run, out, page);
  return out.str();
}

std::size_t longest_line(const std::string& text) {
  std::istringstream in(text);
  std::size_t longest = 0;
  for (std::string line; std::getline(in, line);) longest = std::max(longest, width_of(line));
  return longest;
}

TEST(PageText, WrapsAtSpacesAndCutsWhatHasNone) {
  EXPECT_THAT(wrapped("one two three", 8), ElementsAre("one two", "three"));
  EXPECT_THAT(wrapped("abcdefghij", 4), ElementsAre("abcd", "efgh", "ij"));
  EXPECT_THAT(wrapped("as it is", 0), ElementsAre("as it is"));
  EXPECT_THAT(wrapped("exactly8", 8), ElementsAre("exactly8"));
}

TEST(PageText, ShortensBetweenCharacters) {
  EXPECT_EQ(shortened("caf\xC3\xA9 noir", 7), "caf\xC3\xA9...");
  EXPECT_EQ(shortened("short", 5), "short");
}

TEST(PageText, ClipsWithoutCountingColours) {
  EXPECT_EQ(clipped("\x1b[1mabcdef\x1b[0m", 3), "\x1b[1mabc\x1b[0m");
  EXPECT_EQ(clipped("caf\xC3\xA9!", 4), "caf\xC3\xA9");
}

TEST(PageText, IsPaintedOnlyWhereThereAreColours) {
  Page page;
  EXPECT_EQ(page.paint("x", Tone::bad), "x");

  page.coloured = true;

  EXPECT_EQ(page.paint("x", Tone::bad), "\x1b[1;31mx\x1b[0m");
  EXPECT_EQ(page.paint("x", Tone::plain), "x");
}

TEST(RelativeTime, HasTwoUnitsAtMost) {
  EXPECT_EQ(in_words(milliseconds(12)), "12 ms");
  EXPECT_EQ(in_words(milliseconds(3'250)), "3.250 s");
  EXPECT_EQ(in_words(seconds(245)), "4 min 05 s");
  EXPECT_EQ(in_words(minutes(125)), "2 h 05 min");
  EXPECT_EQ(in_words(hours(76)), "3 d 04 h");
  EXPECT_EQ(in_words(seconds(-5)), "0 ms");
  EXPECT_EQ(in_short(milliseconds(3'250)), "3.2s");
  EXPECT_EQ(in_short(minutes(125)), "2h05m");
}

TEST(RelativeTime, SaysAgoAndIn) {
  const Timestamp now = moment("2026-11-20T12:00:00Z");

  EXPECT_EQ(relative_to(now, now - seconds(12)), "12 s ago");
  EXPECT_EQ(relative_to(now, now + minutes(125)), "in 2 h 05 min");
  EXPECT_EQ(relative_to(now, now + milliseconds(300)), "just now");
  EXPECT_EQ(relative_to(now, std::string("2026-11-20T11:59:00Z")), "1 min 00 s ago");
  EXPECT_EQ(relative_to(now, std::string("no time")), "no time");
}

TEST(WaitWords, AreSentences) {
  const Timestamp now = moment("2026-11-20T12:00:00Z");
  const Json since = "2026-11-20T11:56:00Z";

  EXPECT_EQ(wait_in_words({{"kind", "signal"},
                           {"state_name", "Pay"},
                           {"names", {"paid", "failed"}},
                           {"key", "42"},
                           {"since", since},
                           {"until", "2026-11-20T14:00:00.000Z"}},
                          now),
            "signal \"paid\" or \"failed\" with key 42, in Pay, for 4 min 00 s, until 2026-11-20T14:00:00.000Z (in 2 h "
            "00 min)");
  EXPECT_EQ(wait_in_words({{"kind", "worker"}, {"queue", "mail"}, {"handler", "mail.send"}}, now),
            "a free worker for mail.send in queue mail");
  EXPECT_EQ(wait_in_words({{"kind", "retry"}, {"state_name", "Charge"}, {"attempt", 3}}, now),
            "its next try (attempt 3), in Charge");
  EXPECT_EQ(wait_in_words({{"kind", "limit"}, {"queue", "mail"}, {"limit", "rate"}}, now),
            "the limit rate of queue mail");
  EXPECT_EQ(wait_in_words({{"kind", "queue_paused"}, {"queue", "mail"}, {"handler", "x"}}, now),
            "queue mail to be resumed");
  EXPECT_EQ(
      wait_in_words({{"kind", "decision"}, {"names", {"approve"}}, {"title", "Pay it?"}, {"roles", {"finance"}}}, now),
      "a person to decide \"approve\" (Pay it?) as finance");
  EXPECT_EQ(wait_in_words({{"kind", "something_new"}, {"state_name", "S"}}, now), "something_new, in S");
}

TEST(WaitWords, AreShorterInLists) {
  const Json run = {{"waiting_on",
                     {{{"kind", "timer"}, {"state_name", "Nap"}, {"until", "2026-11-20T14:00:00Z"}},
                      {{"kind", "step"}, {"handler", "mail.send"}, {"worker", "w-1"}, {"attempt", 2}}}}};

  EXPECT_EQ(waits_in_short(run, {}), "its time, in Nap; mail.send, which worker w-1 has in hand (attempt 2)");
  EXPECT_EQ(waits_in_short(Json::object(), {}), "-");
}

TEST(RunPage, SaysWhatWentWrongFirst) {
  Json run = a_run();
  run["state"] = "failed";
  run["dead_letter"] = "open";
  run["closed_at"] = "2026-11-20T11:56:00.000Z";
  run["error"] = {{"error", "Provider.Unavailable"}, {"cause", "the gateway said 503"}};

  const std::string text = shown(run, a_page(80));

  EXPECT_LT(text.find("Provider.Unavailable: the gateway said 503"), text.find("workflow"));
  EXPECT_THAT(text, HasSubstr("orchestrator dead-letter retry 01998877-0000-7000-8000-000000000001"));
  EXPECT_THAT(text, HasSubstr("(4 min 00 s ago), took 59.988 s"));
  EXPECT_LE(longest_line(text), 80U);
}

TEST(RunPage, StaysWithinItsWidthAndKeepsItsJsonReadable) {
  Json run = a_run();
  run["waiting_on"] = {{{"kind", "signal"}, {"names", {"paid"}}, {"key", std::string(90, 'k')}, {"state_name", "Pay"}}};
  run["input"] = {{"order", {{"id", "o-1"}, {"lines", {{{"sku", "a"}, {"count", 1}}, {{"sku", "b"}, {"count", 2}}}}}}};

  const std::string page = shown(run, a_page(60));
  const std::string pipe = shown(run, Page{});

  EXPECT_LE(longest_line(page), 60U);
  EXPECT_THAT(page, HasSubstr("waits for   signal \"paid\" with key"));
  EXPECT_THAT(page, HasSubstr("\n              \"order\": {"));
  EXPECT_THAT(pipe, HasSubstr(R"(input       {"order":{"id":"o-1",)"));
}

TEST(RunPage, CannotBeDrawnOn) {
  Json run = a_run();
  run["error"] = {{"error", "Bad"}, {"cause", "x\x1b[2Jy"}};

  EXPECT_THAT(shown(run, Page{}), Not(HasSubstr("\x1b")));
}

TEST(TableText, WrapsItsLastColumn) {
  Table table({"RUN", "WHY"});
  table.add({"r-1", "a sentence that is longer than the room that is left for it on this page"});
  std::ostringstream out;

  table.print(out, a_page(40));

  EXPECT_EQ(out.str(),
            "RUN  WHY\n"
            "r-1  a sentence that is longer than the\n"
            "     room that is left for it on this\n"
            "     page\n");
}

TEST(TableText, PutsItsLastColumnBelowWhereThereIsNoRoom) {
  Table table({"RUN", "WORKFLOW", "WHY"});
  table.add({"01998877-0000-7000-8000-000000000001", "checkout", "the gateway said 503"});
  table.add({"01998877-0000-7000-8000-000000000002", "checkout", "-"});
  std::ostringstream out;

  table.print(out, a_page(60));

  EXPECT_EQ(out.str(),
            "RUN                                   WORKFLOW\n"
            "01998877-0000-7000-8000-000000000001  checkout\n"
            "    the gateway said 503\n"
            "01998877-0000-7000-8000-000000000002  checkout\n");
}

TEST(TableText, NeverCutsItsFirstColumn) {
  Table table({"RUN", "KEY", "WHY"});
  const std::string run = "01998877-0000-7000-8000-000000000001";
  table.add({run, std::string(50, 'k'), "why"});
  std::ostringstream out;

  table.print(out, a_page(60));

  EXPECT_THAT(out.str(), HasSubstr(run));
  EXPECT_LE(longest_line(out.str()), 60U);
}

TEST(HistoryTable, SaysWhyItFailedFirstAndTheDayOnce) {
  const Json items = {{{"seq", 1}, {"at", "2026-11-20T11:55:00.000Z"}, {"type", "ExecutionStarted"}, {"input", 1}},
                      {{"seq", 2},
                       {"at", "2026-11-20T11:55:00.250Z"},
                       {"type", "TaskFailed"},
                       {"state_name", "Charge"},
                       {"attempt", 1},
                       {"cause", "said 503"},
                       {"error", "Gateway"}}};
  std::ostringstream page;
  std::ostringstream pipe;

  print_history(items, page, a_page(200));
  print_history(items, pipe, Page{});

  EXPECT_THAT(page.str(), HasSubstr("error=Gateway cause=said 503 attempt=1"));
  EXPECT_THAT(page.str(), HasSubstr("  11:55:00.250Z"));
  EXPECT_THAT(page.str(), HasSubstr("250 ms"));
  EXPECT_THAT(pipe.str(), HasSubstr("2026-11-20T11:55:00.250Z"));
}

TEST(LimitWords, AreShort) {
  EXPECT_EQ(limits_in_words(Json::object()), "-");
  EXPECT_EQ(limits_in_words({{"max_in_flight", 5}, {"rate", {{"count", 100}, {"per_seconds", 60}}}}),
            "5 in flight, 100 starts per 60 s");
}

TEST(ProgressText, SaysHowFarHowFastAndHowLongStill) {
  EXPECT_EQ(draw_progress("retried", 123, 2, 500, 50, 76),
            "retried [######---------------------] 125 of 500, 2 refused, 50/s, 7.5s left");
  EXPECT_EQ(draw_progress("retried", 0, 0, 10, 0, 40), "retried [----------------------] 0 of 10");
  EXPECT_LE(width_of(draw_progress("enqueued", 5, 0, 1'000'000, 1, 20)), 20U);
}

}  // namespace
}  // namespace orchestrator::app
