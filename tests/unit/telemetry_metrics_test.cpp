#include "orchestrator/telemetry/metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>
#include <string>

namespace orchestrator::telemetry {
namespace {

using testing::HasSubstr;

TEST(Metrics, RendersHelpTypeAndValue) {
  Metrics metrics;

  metrics.counter(kRunsClosedTotal, {"workflow", "succeeded"}).add(2);

  const std::string text = metrics.render();
  EXPECT_THAT(text, HasSubstr("# HELP orchestrator_runs_closed_total Runs that reached a final state."));
  EXPECT_THAT(text, HasSubstr("# TYPE orchestrator_runs_closed_total counter"));
  EXPECT_THAT(text, HasSubstr("orchestrator_runs_closed_total{kind=\"workflow\",state=\"succeeded\"} 2"));
}

TEST(Metrics, GivesTheSameSeriesForTheSameLabels) {
  Metrics metrics;

  metrics.counter(kStepsTotal, {"completed"}).add();
  metrics.counter(kStepsTotal, {"completed"}).add();

  EXPECT_EQ(metrics.counter(kStepsTotal, {"completed"}).value(), 2);
  EXPECT_EQ(metrics.counter(kStepsTotal, {"failed"}).value(), 0);
}

TEST(Metrics, RefreshesGaugesBeforeRendering) {
  Metrics metrics;
  const Gauge depth = metrics.gauge(kQueueDepth, {"default"});
  metrics.before_render([&] { depth.set(7); });

  EXPECT_THAT(metrics.render(), HasSubstr("orchestrator_queue_depth{queue=\"default\"} 7"));
}

TEST(Metrics, TellsAboutItsProcess) {
  Metrics metrics;

  const std::string text = metrics.render();

  EXPECT_THAT(text, HasSubstr("orchestrator_process_id "));
  EXPECT_THAT(text, HasSubstr("orchestrator_process_resident_bytes "));
}

TEST(Metrics, CountsTooManyLabelValuesTogether) {
  Metrics metrics;

  for (int index = 0; index < kMaxSeriesPerMetric + 5; ++index) {
    metrics.counter(kStepsTotal, {std::to_string(index)}).add();
  }

  EXPECT_EQ(metrics.counter(kStepsTotal, {"other"}).value(), 5);
}

TEST(MetricsDeathTest, StopsOnUndeclaredUse) {
  Metrics metrics;

  EXPECT_DEATH(metrics.counter(kStepsTotal), "each declared label");
  EXPECT_DEATH(metrics.gauge(kStepsTotal, {"completed"}), "declared as");
}

TEST(MetricDeclarations, AreNamedByTheHouseRules) {
  std::set<std::string_view> names;
  for (const MetricDeclaration& declaration : kMetricDeclarations) {
    EXPECT_TRUE(declaration.name.starts_with("orchestrator_")) << declaration.name;
    EXPECT_TRUE(names.insert(declaration.name).second) << declaration.name << " is declared twice";
    EXPECT_FALSE(declaration.help.empty()) << declaration.name;
    EXPECT_EQ(declaration.name.ends_with("_total"), declaration.kind == MetricKind::counter) << declaration.name;
    if (declaration.unit == "1") continue;
    EXPECT_TRUE(declaration.name.ends_with(declaration.unit)) << declaration.name;
  }
}

TEST(MetricDeclarations, AreTheOnesInTheDocument) {
  std::ifstream file(ORC_SOURCE_DIR "/docs/operations/metrics.md");
  const std::string document{std::istreambuf_iterator<char>(file), {}};

  std::size_t rows = 0;
  for (auto at = document.find("\n| `"); at != std::string::npos; at = document.find("\n| `", at + 1)) ++rows;

  EXPECT_EQ(rows, kMetricDeclarations.size());
  for (const MetricDeclaration& declaration : kMetricDeclarations) {
    const auto row = document.find("\n| `" + std::string(declaration.name) + "` |");
    ASSERT_NE(row, std::string::npos) << declaration.name << " is missing";
    const std::string line = document.substr(row + 1, document.find('\n', row + 1) - row - 1);
    EXPECT_THAT(line, HasSubstr(declaration.help));
    for (const auto label : declaration.labels) {
      if (!label.empty()) EXPECT_THAT(line, HasSubstr("`" + std::string(label) + "`"));
    }
  }
}

TEST(MetricDeclarations, AreTheOnlyOnesInTheAlertRules) {
  std::ifstream file(ORC_SOURCE_DIR "/dashboards/alerts.yml");
  const std::string rules{std::istreambuf_iterator<char>(file), {}};
  std::set<std::string> declared;
  for (const MetricDeclaration& declaration : kMetricDeclarations) {
    declared.emplace(declaration.name);
    if (declaration.kind == MetricKind::histogram) declared.insert(std::string(declaration.name) + "_bucket");
  }

  std::size_t named = 0;
  for (auto at = rules.find("orchestrator_"); at != std::string::npos; at = rules.find("orchestrator_", at + 1)) {
    const std::string name = rules.substr(at, rules.find_first_not_of("abcdefghijklmnopqrstuvwxyz_", at) - at);
    EXPECT_TRUE(declared.contains(name)) << name;
    ++named;
  }
  EXPECT_GT(named, 5U);
}

TEST(MetricHandle, OfNothingCountsNothing) {
  const Counter counter;

  counter.add(3);

  EXPECT_EQ(counter.value(), 0);
}

}  // namespace
}  // namespace orchestrator::telemetry
