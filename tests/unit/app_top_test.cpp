// `orchestrator top`: what a scrape says, and the frame that is drawn of two of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "orchestrator/app/metrics_text.hpp"
#include "orchestrator/app/top_json.hpp"
#include "orchestrator/app/top_reading.hpp"
#include "orchestrator/app/top_view.hpp"

namespace orchestrator::app {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::Not;
using testing::ResultOf;

constexpr auto kEarlier =
    "# HELP x y\n"
    "orchestrator_process_start_time_seconds 100\n"
    "orchestrator_runs_started_total{kind=\"job\"} 10\n"
    "orchestrator_runs_started_total{kind=\"workflow\"} 5\n"
    "orchestrator_store_commit_seconds_bucket{le=\"0.001\"} 0\n"
    "orchestrator_store_commit_seconds_bucket{le=\"0.01\"} 0\n"
    "orchestrator_store_commit_seconds_bucket{le=\"+Inf\"} 0\n";
constexpr auto kLater =
    "orchestrator_process_start_time_seconds 100\n"
    "orchestrator_runs_started_total{kind=\"job\"} 30\n"
    "orchestrator_runs_started_total{kind=\"workflow\"} 9\n"
    "orchestrator_handler_slots 16\n"
    "orchestrator_handler_slots_busy 4\n"
    "orchestrator_build_info{version=\"1.2.3\"} 1\n"
    "orchestrator_store_commit_seconds_bucket{le=\"0.001\"} 50\n"
    "orchestrator_store_commit_seconds_bucket{le=\"0.01\"} 100\n"
    "orchestrator_store_commit_seconds_bucket{le=\"+Inf\"} 100\n";

Json a_queue(const char* name, int depth, double oldest, bool paused = false) {
  return {{"name", name},           {"depth", depth},
          {"in_flight", 1},         {"paused", paused},
          {"rate_per_second", 2.5}, {"oldest_ready_age_seconds", oldest},
          {"limits", Json({})},     {"workers", {{{"worker_id", "board-1"}, {"in_flight", 1}}}}};
}

Json a_dead_letter(const char* error) {
  return {{"failed_at", "2026-11-20T11:59:00Z"}, {"error", {{"error", error}, {"cause", "x"}}}};
}

TopReading a_reading(const char* metrics, std::chrono::seconds at) {
  TopReading reading;
  reading.at = parse_rfc3339("2026-11-20T12:00:00Z").value() + at;
  reading.taken = std::chrono::steady_clock::time_point{} + at;
  reading.url = "http://127.0.0.1:8080";
  reading.nodes.push_back({.node_id = "board-1", .url = "", .shards = 64, .metrics = MetricsText::parse(metrics)});
  return reading;
}

TopFrame a_frame(std::size_t columns, std::size_t rows) {
  TopFrame frame;
  frame.page.columns = columns;
  frame.rows = rows;
  frame.note = "q quits";
  return frame;
}

std::size_t line_of(const std::vector<std::string>& lines, const std::string& word) {
  const auto found = std::ranges::find_if(lines, [&](const auto& line) { return line.find(word) != line.npos; });
  return static_cast<std::size_t>(found - lines.begin());
}

TEST(MetricsText, ReadsLabelsWithWhateverIsInThem) {
  const auto metrics = MetricsText::parse(
      "a{x=\"1\",y=\"q\\\"},= \\\\\"} 2.5\n"
      "a{x=\"2\",y=\"\"} 4\n"
      "b 7 1395066363000\n"
      "broken{x= 3\n"
      "nothing\n");

  EXPECT_EQ(metrics.sum("a"), 6.5);
  EXPECT_EQ(metrics.sum("a", {{"x", "1"}}), 2.5);
  EXPECT_EQ(metrics.series("a").front().labels.at("y"), "q\"},= \\");
  EXPECT_EQ(metrics.max("a"), 4);
  EXPECT_EQ(metrics.max("b"), 7);
  EXPECT_FALSE(metrics.has("broken"));
  EXPECT_EQ(metrics.sum("absent"), 0);
}

TEST(MetricsText, FindsAQuantileBetweenTwoScrapes) {
  const auto earlier = MetricsText::parse(kEarlier);
  const auto later = MetricsText::parse(kLater);

  EXPECT_NEAR(quantile_between(earlier, later, "orchestrator_store_commit_seconds", 0.5), 0.001, 1e-9);
  EXPECT_NEAR(quantile_between(earlier, later, "orchestrator_store_commit_seconds", 0.75), 0.0055, 1e-9);
  EXPECT_LT(quantile_between(later, later, "orchestrator_store_commit_seconds", 0.5), 0);
  EXPECT_LT(quantile_between(earlier, later, "absent", 0.5), 0);
}

TEST(TopView, ShowsRatesBetweenTwoReadings) {
  const TopReading before = a_reading(kEarlier, std::chrono::seconds(0));
  const TopReading now = a_reading(kLater, std::chrono::seconds(2));

  const auto lines = draw_top(now, &before, a_frame(80, 24));

  EXPECT_THAT(lines, Contains(HasSubstr("12/s started")));
  EXPECT_THAT(lines, Contains(HasSubstr("p95 9.1ms")));
  EXPECT_THAT(lines, Contains(AllOf(HasSubstr("board-1"), HasSubstr("4/16"), HasSubstr("1.2.3"))));
}

TEST(TopView, KnowsNoRatesOfANodeThatStartedAnew) {
  TopReading before = a_reading("orchestrator_process_start_time_seconds 50\norchestrator_runs_started_total 900\n",
                                std::chrono::seconds(0));
  const TopReading now = a_reading(kLater, std::chrono::seconds(2));

  EXPECT_THAT(draw_top(now, &before, a_frame(80, 24)), Contains(HasSubstr("- started")));
  EXPECT_THAT(draw_top(now, nullptr, a_frame(80, 24)), Contains(HasSubstr("- started")));
}

TEST(TopView, NamesWhatNeedsAPersonAndTheVerbForIt) {
  TopReading now = a_reading(
      "orchestrator_dead_letters_oldest_age_seconds 245\n"
      "orchestrator_steps_without_handler{handler=\"fax.send\"} 3\n"
      "orchestrator_runs_stuck_at_rest 1\n",
      std::chrono::seconds(0));
  now.dead_letters = {a_dead_letter("Gateway"), a_dead_letter("Gateway"), a_dead_letter("Other")};
  now.decisions = Json::array({Json{{"since", "2026-11-20T11:00:00Z"}}});
  now.queues = Json::array({a_queue("mail", 5, 12, true)});
  now.queues[0]["paused_at"] = "2026-11-20T10:00:00Z";

  const auto lines = draw_top(now, nullptr, a_frame(80, 40));

  EXPECT_THAT(lines, Contains(HasSubstr("3 dead letters, the oldest for 4m05s: orchestrator dead-letter list")));
  EXPECT_THAT(lines, Contains(HasSubstr("2 x Gateway, last 1 min 00 s ago")));
  EXPECT_LT(line_of(lines, "2 x Gateway"), line_of(lines, "1 x Other"));
  EXPECT_THAT(lines, Contains(HasSubstr("1 decision waits, the oldest for 1h00m")));
  EXPECT_THAT(lines, Contains(HasSubstr("queue mail is paused for 2h00m: orchestrator queue resume mail")));
  EXPECT_THAT(lines, Contains(HasSubstr("3 tasks wait for handler fax.send")));
  EXPECT_THAT(lines, Contains(HasSubstr("1 run is stuck: orchestrator doctor")));
}

TEST(TopView, PutsTheQueueThatWaitsLongestOnTop) {
  TopReading now = a_reading(kLater, std::chrono::seconds(0));
  now.queues = {a_queue("deep-and-fast", 5'000, 0.2), a_queue("idle", 0, 0), a_queue("slow", 3, 700)};

  const auto lines = draw_top(now, nullptr, a_frame(80, 40));

  EXPECT_LT(line_of(lines, "slow"), line_of(lines, "deep-and-fast"));
  EXPECT_LT(line_of(lines, "deep-and-fast"), line_of(lines, "idle"));
  EXPECT_THAT(lines, Contains(HasSubstr("NEEDS A PERSON  nothing")));
}

TEST(TopView, FitsWhateverTheTerminalIs) {
  TopReading now = a_reading(kLater, std::chrono::seconds(2));
  const TopReading before = a_reading(kEarlier, std::chrono::seconds(0));
  now.queues = Json::array();
  for (int i = 0; i < 60; ++i)
    now.queues.push_back(a_queue(("queue-with-a-long-name-" + std::to_string(i)).c_str(), i, i));
  for (int i = 0; i < 30; ++i) now.dead_letters.push_back(a_dead_letter(("Some.Error." + std::to_string(i)).c_str()));

  for (const auto& [columns, rows] : {std::pair(80, 24), std::pair(40, 12), std::pair(20, 5), std::pair(200, 60)}) {
    TopFrame frame = a_frame(static_cast<std::size_t>(columns), static_cast<std::size_t>(rows));
    const auto lines = draw_top(now, &before, frame);

    EXPECT_LE(lines.size(), frame.rows);
    EXPECT_THAT(
        lines, Each(ResultOf([](const std::string& line) { return width_of(line); }, testing::Le(frame.page.columns))));
  }
  const auto lines = draw_top(now, &before, a_frame(80, 24));
  EXPECT_THAT(lines, Contains(HasSubstr("more")));
  EXPECT_THAT(lines, Contains(HasSubstr("NODE")));
}

TEST(TopView, KeepsItsFiguresWhileTheServerIsAway) {
  TopFrame frame = a_frame(80, 24);
  frame.note = "no answer for 5.0s";
  frame.alarming = true;
  frame.page.coloured = true;

  const auto lines = draw_top(a_reading(kLater, std::chrono::seconds(2)), nullptr, frame);

  EXPECT_THAT(lines.front(), HasSubstr("\x1b[1;31m12:00:02Z  no answer for 5.0s"));
  EXPECT_THAT(lines, Contains(HasSubstr("board-1")));
}

TEST(TopView, SaysSoWhenANodeCannotBeReached) {
  TopReading now = a_reading(kLater, std::chrono::seconds(0));
  now.nodes.push_back({.node_id = "far", .url = "http://10.0.0.9:8080", .shards = 0, .metrics = std::nullopt});
  now.missing_nodes = {"far"};

  const auto lines = draw_top(now, nullptr, a_frame(80, 40));

  EXPECT_THAT(lines, Contains(AllOf(HasSubstr("far"), HasSubstr("no metrics"))));
  EXPECT_THAT(lines, Contains(HasSubstr("node far does not answer its peers")));
  EXPECT_THAT(lines, Each(Not(HasSubstr("\x1b"))));
}

TEST(TopJson, SaysWhatTheFrameSays) {
  const TopReading before = a_reading(kEarlier, std::chrono::seconds{0});
  TopReading now = a_reading(kLater, std::chrono::seconds{2});
  now.queues = Json::array({a_queue("mail", 3, 12)});
  now.dead_letters = Json::array({a_dead_letter("Http.Status.503")});
  now.more_dead_letters = true;

  const Json json = top_json(now, &before);

  EXPECT_EQ(json.at("at"), "2026-11-20T12:00:02.000Z");
  EXPECT_EQ(json.at("rates").at("runs_started"), 12.0);
  EXPECT_EQ(json.at("queues")[0].at("name"), "mail");
  EXPECT_EQ(json.at("nodes")[0].at("slots_busy"), 4.0);
  EXPECT_EQ(json.at("dead_letters").at("items").size(), 1U);
  EXPECT_EQ(json.at("dead_letters").at("more"), true);
}

TEST(TopJson, WithoutAnEarlierLookThereAreNoRates) {
  const Json json = top_json(a_reading(kLater, std::chrono::seconds{2}), nullptr);

  EXPECT_TRUE(json.at("rates").at("runs_started").is_null());
  EXPECT_TRUE(json.at("p95_seconds").at("commit").is_null());
}

}  // namespace
}  // namespace orchestrator::app
