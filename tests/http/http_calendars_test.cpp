// The bodies and answers of /v1/calendars, before calendars that are only kept.
#include <gtest/gtest.h>

#include "tests/http/api_server.hpp"

namespace orchestrator::api {
namespace {

using HttpCalendars = ApiServer;

TEST_F(HttpCalendars, ArePutReadListedAndDeleted) {
  const auto created =
      call("PUT", "/v1/calendars/de", R"({"dates":["2026-12-26","2026-12-25","2026-12-25"],"weekends":true})");
  const auto replaced = call("PUT", "/v1/calendars/de", R"({"name":"de","dates":["2026-12-25"]})");
  const auto read = call("GET", "/v1/calendars/de");
  const auto listed = call("GET", "/v1/calendars");
  const auto deleted = call("DELETE", "/v1/calendars/de");

  ASSERT_EQ(created.status, 201) << created.body;
  EXPECT_EQ(created.header("location"), "/v1/calendars/de");
  EXPECT_EQ(created.json().at("dates"), Json({"2026-12-25", "2026-12-26"}));
  EXPECT_EQ(created.json().at("weekends"), true);
  EXPECT_EQ(replaced.status, 200);
  EXPECT_EQ(read.json().at("dates"), Json::array({"2026-12-25"}));
  EXPECT_EQ(read.json().at("weekends"), false);
  ASSERT_EQ(listed.json().at("items").size(), 1U);
  EXPECT_EQ(listed.json().at("items")[0].at("name"), "de");
  EXPECT_EQ(deleted.status, 204);
  expect_problem(call("GET", "/v1/calendars/de"), 404, "not-found");
}

TEST_F(HttpCalendars, WhatMakesNoSenseIsRefused) {
  expect_problem(call("PUT", "/v1/calendars/de", R"({"dates":["2026-02-30"]})"), 422, "invalid-body");
  expect_problem(call("PUT", "/v1/calendars/de", R"({"days":[]})"), 422, "invalid-body");
  expect_problem(call("PUT", "/v1/calendars/de", R"({"name":"fr"})"), 422, "invalid-body");
  expect_problem(call("PUT", "/v1/calendars/a%20b", "{}"), 404, "not-found");
  expect_problem(call("GET", "/v1/calendars?q=x"), 400, "invalid-parameter");
  expect_problem(call("DELETE", "/v1/calendars/busy"), 409, "wrong-state");
}

TEST_F(HttpCalendars, AScheduleNamesOneOrHasDaysOfItsOwn) {
  const std::string schedule = R"({"name":"s","workflow":"w","cron":"@daily","calendar":)";
  const auto named = call("POST", "/v1/schedules", schedule + R"({"name":"de","on_holiday":"next_business_day"}})");
  const auto both = call("POST", "/v1/schedules", schedule + R"({"name":"de","dates":["2026-12-25"]}})");

  ASSERT_EQ(named.status, 201) << named.body;
  EXPECT_EQ(named.json().at("calendar"), Json({{"name", "de"}, {"on_holiday", "next_business_day"}}));
  expect_problem(both, 422, "invalid-body");
  EXPECT_EQ(both.json().at("errors")[0].at("pointer"), "/calendar/name");
}

}  // namespace
}  // namespace orchestrator::api
