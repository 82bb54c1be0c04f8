// The bodies and answers of /v1/schedules, before an engine that keeps what it is asked.
#include <gmock/gmock.h>

#include "orchestrator/model/job_spec.hpp"
#include "tests/http/api_server.hpp"

namespace orchestrator::api {
namespace {

using runtime::ScheduleAction;

class HttpSchedules : public ApiServer {
 protected:
  ClientResponse create(const std::string& body) { return call("POST", "/v1/schedules", body); }

  /// Asks with these members beside a name and a workflow, and expects one fault at that place.
  void expect_fault(const std::string& members, const std::string& pointer) {
    const auto response = create(R"({"name":"s","workflow":"w",)" + members + "}");
    expect_problem(response, 422, "invalid-body");
    const Json errors = response.json().value("errors", Json::array());
    ASSERT_EQ(errors.size(), 1U) << members << response.body;
    EXPECT_EQ(errors[0].at("pointer"), pointer) << response.body;
  }
};

TEST_F(HttpSchedules, EveryMemberReachesTheEngine) {
  const auto response = create(R"({"name":"nightly","workflow":"w","version":2,"cron":"0 2 * * *",
    "time_zone":"Europe/Berlin","gap":"skip","fold":"both","overlap":"queue","missed":"all","missed_max":7,
    "calendar":{"dates":["2026-12-26","2026-12-25"],"weekends":true,"on_holiday":"next_business_day"},
    "jitter_seconds":3,"input":{"a":1},"priority":5,"attributes":{"team":"x"},"timeout_seconds":60})");

  ASSERT_EQ(response.status, 201) << response.body;
  EXPECT_EQ(response.header("location"), "/v1/schedules/nightly");
  const Json body = response.json();
  EXPECT_EQ(body.at("calendar").at("dates"), Json({"2026-12-25", "2026-12-26"}));
  EXPECT_EQ(body.at("next_fire_at"), nullptr);
  EXPECT_EQ(body.at("paused"), false);
  ASSERT_EQ(service_.schedules().changes().size(), 1U);
  const auto change = service_.schedules().changes()[0];
  EXPECT_EQ(change.action, ScheduleAction::create);
  EXPECT_EQ(change.namespace_name, "default");
  EXPECT_EQ(change.name, "nightly");
  EXPECT_EQ(change.settings.cron, "0 2 * * *");
  EXPECT_EQ(change.settings.version, 2);
  EXPECT_EQ(change.settings.gap, schedule::Gap::skip);
  EXPECT_EQ(change.settings.fold, schedule::Fold::both);
  EXPECT_EQ(change.settings.overlap, schedule::Overlap::queue);
  EXPECT_EQ(change.settings.missed, schedule::Missed::all);
  EXPECT_EQ(change.settings.missed_max, 7);
  EXPECT_EQ(change.settings.jitter_seconds, 3);
  EXPECT_EQ(*change.settings.input, Json({{"a", 1}}));
  EXPECT_EQ(change.settings.timeout_seconds, 60);
}

TEST_F(HttpSchedules, AHandlerStartsJobs) {
  const auto response = create(R"({"name":"mails","handler":"mail.send","queue":"slow","max_attempts":3,
    "retry":{"kind":"fixed","initial_seconds":5},"every_seconds":60,"input":{"a":1}})");

  ASSERT_EQ(response.status, 201) << response.body;
  const Json body = response.json();
  EXPECT_EQ(body.at("workflow"), nullptr);
  EXPECT_EQ(body.at("handler"), "mail.send");
  EXPECT_EQ(body.at("queue"), "slow");
  EXPECT_EQ(body.at("max_attempts"), 3);
  const auto start = job_start_from(*service_.schedules().changes()[0].settings.job);
  ASSERT_TRUE(start.has_value());
  EXPECT_EQ(start->queue, "slow");
  EXPECT_EQ(start->spec->retry.kind, JobRetryKind::fixed);
  const auto refuse = [this](const std::string& members) {
    expect_problem(create(R"({"name":"s","handler":"h","every_seconds":60,)" + members + "}"), 422, "invalid-body");
  };
  refuse(R"("workflow":"w")");
  refuse(R"("version":1)");
  refuse(R"("order_key":"k")");
  refuse(R"("retry":{"kind":"never"})");
  refuse(R"("max_attempts":0)");
}

TEST_F(HttpSchedules, WhatHasTheWrongFormIsRefusedAtItsPlace) {
  expect_fault(R"("cron":"@daily","colour":"red")", "/colour");
  expect_fault(R"("cron":5)", "/cron");
  expect_fault(R"("every_seconds":0)", "/every_seconds");
  expect_fault(R"("every_seconds":-5)", "/every_seconds");
  expect_fault(R"("every_seconds":1.5)", "/every_seconds");
  expect_fault(R"("at":[])", "/at");
  expect_fault(R"("at":"2026-01-01T00:00:00Z")", "/at");
  expect_fault(R"("at":["2026-01-01T00:00:00Z","tomorrow"])", "/at/1");
  expect_fault(R"("cron":"@daily","overlap":"maybe")", "/overlap");
  expect_fault(R"("cron":"@daily","missed_max":0)", "/missed_max");
  expect_fault(R"("cron":"@daily","jitter_seconds":-1)", "/jitter_seconds");
  expect_fault(R"("cron":"@daily","calendar":{"dates":["2026-02-30"]})", "/calendar/dates/0");
  expect_fault(R"("cron":"@daily","calendar":{"days":[]})", "/calendar/days");
  expect_fault(R"("cron":"@daily","attributes":{"a":[]})", "/attributes/a");
  expect_problem(create(R"({"cron":"@daily"})"), 422, "invalid-body");
  expect_problem(create(R"({"name":"a b","workflow":"w","cron":"@daily"})"), 422, "invalid-body");
  expect_problem(create("{"), 400, "malformed-json");
  EXPECT_TRUE(service_.schedules().changes().empty());
}

TEST_F(HttpSchedules, ARuleIsPreviewedWithoutMakingASchedule) {
  const auto response = call("POST", "/v1/schedules/preview?count=3",
                             R"({"name":"draft","workflow":"w","cron":"30 2 * * *","time_zone":"Europe/Berlin"})");

  ASSERT_EQ(response.status, 200) << response.body;
  const Json items = response.json().at("items");
  ASSERT_EQ(items.size(), 3U);
  EXPECT_EQ(items[0].at("local").get<std::string>().substr(11, 5), "02:30");
  EXPECT_LT(items[0].at("fire_at"), items[1].at("fire_at"));
  EXPECT_TRUE(service_.schedules().changes().empty());
}

TEST_F(HttpSchedules, APreviewRefusesWhatMakesNoRule) {
  const auto preview = [&](const std::string& members) {
    return call("POST", "/v1/schedules/preview", R"({"name":"draft","workflow":"w",)" + members + "}");
  };

  expect_problem(preview(R"("cron":"61 * * * *")"), 422, "invalid-body");
  expect_problem(preview(R"("cron":"@daily","time_zone":"Europe/Nowhere")"), 422, "invalid-body");
  expect_problem(preview(R"("cron":"@daily","calendar":{"name":"holidays"})"), 422, "invalid-body");
  expect_problem(preview(R"("colour":"red","cron":"@daily")"), 422, "invalid-body");
  expect_problem(call("POST", "/v1/schedules/preview?count=101", R"({"name":"d","workflow":"w","cron":"@daily"})"), 400,
                 "invalid-parameter");
}

TEST_F(HttpSchedules, AReplaceMayRepeatTheNameOfItsPathAndNoOther) {
  EXPECT_EQ(call("PUT", "/v1/schedules/s", R"({"name":"s","workflow":"w","cron":"@daily"})").status, 201);
  EXPECT_EQ(call("PUT", "/v1/schedules/s", R"({"workflow":"w","cron":"@daily"})").status, 201);
  expect_problem(call("PUT", "/v1/schedules/s", R"({"name":"t","workflow":"w","cron":"@daily"})"), 422, "invalid-body");
}

TEST_F(HttpSchedules, ActionsAnswerInTheirOwnShape) {
  EXPECT_EQ(call("POST", "/v1/schedules/s/pause").status, 200);
  EXPECT_EQ(call("POST", "/v1/schedules/s/resume", "{}").status, 200);
  const auto triggered = call("POST", "/v1/schedules/s/trigger");
  EXPECT_EQ(triggered.status, 201);
  EXPECT_TRUE(triggered.json().at("run_id").is_string());
  const auto filled =
      call("POST", "/v1/schedules/s/backfill", R"({"from":"2026-01-01T00:00:00Z","to":"2026-01-02T00:00:00Z"})");
  EXPECT_EQ(filled.status, 202);
  EXPECT_EQ(filled.json(), Json({{"slots", 0}}));
  const auto removed = call("DELETE", "/v1/schedules/s");
  EXPECT_EQ(removed.status, 204);
  EXPECT_EQ(removed.body, "");
}

TEST_F(HttpSchedules, ActionsRefuseWhatTheyDoNotKnow) {
  expect_problem(call("POST", "/v1/schedules/s/pause", R"({"why":"x"})"), 422, "invalid-body");
  expect_problem(call("POST", "/v1/schedules/s/backfill", R"({"from":"2026-01-01T00:00:00Z"})"), 422, "invalid-body");
  expect_problem(
      call("POST", "/v1/schedules/s/backfill", R"({"from":"2026-01-02T00:00:00Z","to":"2026-01-02T00:00:00Z"})"), 422,
      "invalid-body");
  expect_problem(call("GET", "/v1/schedules/s/preview?count=0"), 400, "invalid-parameter");
  expect_problem(call("GET", "/v1/schedules/s/preview?after=now"), 400, "invalid-parameter");
  expect_problem(call("GET", "/v1/schedules/s/fires?limit=501"), 400, "invalid-parameter");
  expect_problem(call("GET", "/v1/schedules?workflow=x"), 400, "invalid-parameter");
  expect_problem(call("GET", "/v1/schedules/s"), 404, "not-found");
}

}  // namespace
}  // namespace orchestrator::api
