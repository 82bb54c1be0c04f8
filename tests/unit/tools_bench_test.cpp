#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "orchestrator/base/json.hpp"
#include "orchestrator/tools/bench_measure.hpp"
#include "orchestrator/tools/http_client.hpp"

namespace orchestrator::tools {
namespace {

using testing::HasSubstr;

constexpr const char* kMetrics =
    "# HELP orchestrator_runs_closed_total Runs that reached a final state.\n"
    "# TYPE orchestrator_runs_closed_total counter\n"
    "orchestrator_runs_closed_total{kind=\"workflow\",state=\"succeeded\"} 40\n"
    "orchestrator_runs_closed_total{kind=\"workflow\",state=\"failed\"} 2\n"
    "orchestrator_runs_closed_total_of_something_else 1000\n"
    "orchestrator_process_cpu_seconds 1.5\n"
    "orchestrator_steps_total{outcome=\"completed\"} 1.25e+06";

TEST(ServerMetrics, SumsTheSeriesOfOneMetric) {
  EXPECT_EQ(sum_of_metric(kMetrics, "orchestrator_runs_closed_total"), 42);
  EXPECT_EQ(sum_of_metric(kMetrics, "orchestrator_runs_closed_total", "state=\"failed\""), 2);
  EXPECT_EQ(sum_of_metric(kMetrics, "orchestrator_nothing"), std::nullopt);
}

TEST(ServerMetrics, AreReadIntoFigures) {
  const ServerReading reading = read_server_metrics(kMetrics);

  EXPECT_EQ(reading.runs_succeeded, 40);
  EXPECT_EQ(reading.steps, 1'250'000);
  EXPECT_EQ(reading.cpu_seconds, 1.5);
  EXPECT_EQ(reading.runs_started, 0);
}

TEST(Latencies, GiveExactPercentiles) {
  Latencies latencies;
  for (int index = 100; index >= 0; --index) latencies.add(std::chrono::milliseconds(index));
  BenchFigures figures;

  latencies.write_to(figures);

  EXPECT_DOUBLE_EQ(*figures.p50_ms, 50);
  EXPECT_DOUBLE_EQ(*figures.p95_ms, 95);
  EXPECT_DOUBLE_EQ(*figures.p99_ms, 99);
  EXPECT_DOUBLE_EQ(*figures.max_ms, 100);
}

TEST(BenchFigures, AreNullWhereThereIsNothing) {
  BenchFigures figures;
  figures.scenario = "pickup-latency";
  Latencies().write_to(figures);

  const Json json = figures_to_json(figures);

  EXPECT_EQ(json.at("scenario"), "pickup-latency");
  EXPECT_TRUE(json.at("p99_ms").is_null());
  EXPECT_TRUE(json.at("wal_bytes_per_op").is_null());
}

TEST(PostgresCpu, IsReadFromProc) {
  EXPECT_TRUE(read_postgres_cpu_seconds(getpid()));
  EXPECT_FALSE(read_postgres_cpu_seconds(999'999'999));
}

TEST(Bench, RefusesAnUnknownScenarioAndNamesTheOthers) {
  BenchOptions options;
  options.scenario = "no-such-scenario";

  const auto figures = run_bench(options);

  ASSERT_FALSE(figures);
  EXPECT_THAT(figures.error().message, HasSubstr("workflow-5-steps"));
}

TEST(Bench, SaysWhenThereIsNoServer) {
  BenchOptions options;
  options.scenario = "pickup-latency";
  options.server.port = "1";

  const auto figures = run_bench(options);

  ASSERT_FALSE(figures);
  EXPECT_EQ(figures.error().code, ErrorCode::unavailable);
}

TEST(ServerUrl, IsTakenApart) {
  const auto plain = parse_server_url("http://127.0.0.1:8080");
  const auto proxied = parse_server_url("http://[::1]/engine/");

  ASSERT_TRUE(plain && proxied);
  EXPECT_EQ(plain->host, "127.0.0.1");
  EXPECT_EQ(plain->port, "8080");
  EXPECT_EQ(proxied->host, "::1");
  EXPECT_EQ(proxied->port, "80");
  EXPECT_EQ(proxied->base_path, "/engine");
}

TEST(ServerUrl, RefusesWhatItCannotReach) {
  for (const char* url : {"", "127.0.0.1:8080", "https://host", "http://", "http://host:http", "http://host:123456"}) {
    EXPECT_FALSE(parse_server_url(url)) << url;
  }
}

TEST(UrlComponent, EncodesAllButUnreserved) {
  EXPECT_EQ(encode_component("a-b_c.~/ \xC3\xA9?&="), "a-b_c.~%2F%20%C3%A9%3F%26%3D");
}

}  // namespace
}  // namespace orchestrator::tools
