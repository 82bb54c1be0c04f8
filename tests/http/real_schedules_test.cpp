// Schedules against the shipped binary, its engine and its PostgreSQL.
#include <gtest/gtest.h>

#include <sys/wait.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <set>
#include <thread>

#include "orchestrator/base/json.hpp"
#include "orchestrator/base/timestamp.hpp"
#include "tests/http/real_server.hpp"
#include "tests/support/http_client.hpp"

namespace orchestrator::testing_support {
namespace {

class RealSchedules : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    server_ = std::make_unique<RealServer>();
    ASSERT_TRUE(server_->start()) << server_->log();
    const auto deployed =
        call("POST", "/v1/workflows/quick/versions", R"({"StartAt":"A","States":{"A":{"Type":"Succeed"}}})");
    ASSERT_LE(deployed.status, 201) << deployed.body;
    const auto slow = call("POST", "/v1/workflows/slow/versions",
                           R"({"StartAt":"A","States":{"A":{"Type":"Wait","Seconds":3600,"End":true}}})");
    ASSERT_LE(slow.status, 201) << slow.body;
  }
  static void TearDownTestSuite() { server_.reset(); }

  static ClientResponse call(const std::string& method, const std::string& target, const std::string& body = {},
                             ClientHeaders headers = {}) {
    headers.emplace_back("Authorization", std::string("Bearer ") + RealServer::kAdminKey);
    if (!body.empty()) headers.emplace_back("Content-Type", "application/json");
    return HttpClient(server_->port()).request(method, target, body, headers);
  }
  static Json create(const Json& body) {
    const auto response = call("POST", "/v1/schedules", dump_json(body));
    EXPECT_EQ(response.status, 201) << response.body;
    return response.json();
  }
  /// Its slots, once there are that many; as they are after twenty seconds.
  static Json fires(const std::string& name, std::size_t count) {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    Json items;
    do {
      items = call("GET", "/v1/schedules/" + name + "/fires").json().at("items");
      if (items.size() >= count) break;
      std::this_thread::sleep_for(std::chrono::milliseconds{2});
    } while (std::chrono::steady_clock::now() < give_up);
    EXPECT_GE(items.size(), count);
    return items;
  }

  /// The shipped binary as a person uses it: what it prints and its exit code.
  static std::pair<std::string, int> orchestrator(const std::string& arguments, const std::string& verb = "schedule") {
    const std::string command = "ORCHESTRATOR_URL=http://127.0.0.1:" + std::to_string(server_->port()) +
                                " ORCHESTRATOR_API_KEY=" + RealServer::kAdminKey + " " + ORC_BINARY + " " + verb + " " +
                                arguments + " 2>&1";
    std::FILE* pipe = ::popen(command.c_str(), "r");
    std::string text;
    char part[4096];
    for (std::size_t read = 0; (read = std::fread(part, 1, sizeof part, pipe)) > 0;) text.append(part, read);
    const int status = ::pclose(pipe);
    return {text, WEXITSTATUS(status)};
  }

  static std::unique_ptr<RealServer> server_;
};

std::unique_ptr<RealServer> RealSchedules::server_;

TEST_F(RealSchedules, SlotsStartRunsOnTime) {
  const Json created =
      create({{"name", "each-second"}, {"cron", "* * * * * *"}, {"workflow", "quick"}, {"input", {{"n", 1}}}});
  EXPECT_TRUE(created.at("next_fire_at").is_string());

  const Json items = fires("each-second", 3);

  for (const Json& slot : items) {
    EXPECT_EQ(slot.at("outcome"), "started") << dump_json(slot);
    const Duration late = *parse_rfc3339(slot.at("decided_at").get<std::string>()) -
                          *parse_rfc3339(slot.at("fire_at").get<std::string>());
    EXPECT_GE(late, Duration{0});
    EXPECT_LT(late, std::chrono::seconds{1});
    const Json run = call("GET", "/v1/runs/" + slot.at("run_id").get<std::string>()).json();
    EXPECT_EQ(run.at("attributes").at("schedule"), "each-second");
    EXPECT_EQ(run.at("attributes").at("slot"), slot.at("slot"));
    EXPECT_EQ(run.at("input"), Json({{"n", 1}}));
  }
  const Json listed = call("GET", "/v1/runs?attribute.schedule=each-second").json();
  EXPECT_GE(listed.at("items").size(), 3U);
  EXPECT_EQ(call("DELETE", "/v1/schedules/each-second").status, 204);
}

TEST_F(RealSchedules, JobsAreStartedToo) {
  create({{"name", "echoes"}, {"every_seconds", 1}, {"handler", "echo"}, {"input", {{"n", 2}}}});

  const Json items = fires("echoes", 2);

  EXPECT_EQ(items.back().at("outcome"), "started") << dump_json(items);
  const Json run = call("GET", "/v1/runs/" + items.back().at("run_id").get<std::string>()).json();
  EXPECT_EQ(run.at("kind"), "job");
  EXPECT_EQ(run.at("attributes").at("schedule"), "echoes");
  EXPECT_EQ(call("DELETE", "/v1/schedules/echoes").status, 204);
}

TEST_F(RealSchedules, OpenRunsAreNotOverlapped) {
  create({{"name", "busy"}, {"every_seconds", 1}, {"workflow", "slow"}});

  const Json items = fires("busy", 3);

  EXPECT_EQ(items.back().at("outcome"), "started");
  EXPECT_EQ(items.front().at("outcome"), "skipped");
  EXPECT_EQ(items.front().at("reason"), "overlap");
  EXPECT_EQ(call("DELETE", "/v1/schedules/busy").status, 204);
}

TEST_F(RealSchedules, APreviewShowsTheDaysOnWhichTheClockChanges) {
  create({{"name", "at-night"}, {"cron", "30 2 * * *"}, {"time_zone", "Europe/Berlin"}, {"workflow", "quick"}});

  const auto preview = call("GET", "/v1/schedules/at-night/preview?count=3&after=2026-03-28T00:00:00Z");

  ASSERT_EQ(preview.status, 200) << preview.body;
  const Json items = preview.json().at("items");
  ASSERT_EQ(items.size(), 3U);
  EXPECT_EQ(items[0].at("fire_at"), "2026-03-28T01:30:00.000Z");
  EXPECT_EQ(items[1].at("fire_at"), "2026-03-29T01:00:00.000Z");
  EXPECT_EQ(items[1].at("local"), "2026-03-29T03:00:00+02:00");
  EXPECT_EQ(items[2].at("fire_at"), "2026-03-30T00:30:00.000Z");
  EXPECT_EQ(call("GET", "/v1/schedules/at-night/preview").json().at("items").size(), 50U);
}

TEST_F(RealSchedules, ACalendarIsKeptBySchedulesThatNameIt) {
  const auto now = std::chrono::system_clock::now();
  Json around = Json::array();
  for (int day = -1; day <= 1; ++day)
    around.push_back(to_rfc3339(std::chrono::floor<Duration>(now + std::chrono::days{day})).substr(0, 10));
  const auto unknown = call("POST", "/v1/schedules",
                            R"({"name":"shop","every_seconds":1,"workflow":"quick","calendar":{"name":"closed"}})");
  ASSERT_EQ(call("PUT", "/v1/calendars/closed", dump_json(Json{{"dates", around}})).status, 201);
  create({{"name", "shop"}, {"every_seconds", 1}, {"workflow", "quick"}, {"calendar", {{"name", "closed"}}}});

  const Json closed = fires("shop", 2);
  const Json preview = call("GET", "/v1/schedules/shop/preview?count=5").json();
  const auto in_use = call("DELETE", "/v1/calendars/closed");
  const auto opened = call("PUT", "/v1/calendars/closed", R"({"dates":["2026-01-01"]})");
  Json last;
  for (std::size_t count = closed.size() + 1; last.is_null() || last.at("outcome") != "started"; ++count)
    last = fires("shop", count).at(0);

  EXPECT_EQ(unknown.status, 422) << unknown.body;
  for (const Json& slot : closed) {
    EXPECT_EQ(slot.at("outcome"), "skipped") << dump_json(slot);
    EXPECT_EQ(slot.at("reason"), "holiday");
  }
  ASSERT_EQ(preview.at("items").size(), 5U);
  EXPECT_EQ(preview.at("items")[0].at("fire_at").get<std::string>().substr(11), "00:00:00.000Z");
  ASSERT_EQ(preview.at("holidays").size(), 5U);
  EXPECT_EQ(preview.at("holidays")[0].at("reason"), "holiday");
  EXPECT_EQ(in_use.status, 409) << in_use.body;
  EXPECT_EQ(opened.status, 200) << opened.body;
  EXPECT_TRUE(last.at("run_id").is_string());
  EXPECT_EQ(call("DELETE", "/v1/schedules/shop").status, 204);
  EXPECT_EQ(call("DELETE", "/v1/calendars/closed").status, 204);
}

TEST_F(RealSchedules, ALifeOfOneSchedule) {
  create({{"name", "life"}, {"cron", "0 0 1 1 *"}, {"workflow", "quick"}});
  EXPECT_EQ(call("POST", "/v1/schedules", R"({"name":"life","cron":"@daily","workflow":"quick"})").status, 409);

  const auto replaced = call("PUT", "/v1/schedules/life", R"({"every_seconds":86400,"workflow":"quick"})");
  EXPECT_EQ(replaced.status, 200) << replaced.body;
  EXPECT_EQ(replaced.json().at("every_seconds"), 86'400);
  const auto paused = call("POST", "/v1/schedules/life/pause");
  EXPECT_EQ(paused.json().at("paused"), true);
  EXPECT_EQ(paused.json().at("next_fire_at"), nullptr);
  EXPECT_EQ(call("POST", "/v1/schedules/life/resume").json().at("paused"), false);

  const ClientHeaders once{{"Idempotency-Key", "trigger-life"}};
  const auto triggered = call("POST", "/v1/schedules/life/trigger", {}, once);
  ASSERT_EQ(triggered.status, 201) << triggered.body;
  const auto again = call("POST", "/v1/schedules/life/trigger", {}, once);
  EXPECT_EQ(again.json(), triggered.json());
  EXPECT_EQ(again.header("idempotent-replayed"), "true");

  const Json body = {{"from", to_rfc3339(*parse_rfc3339(replaced.json().at("created_at").get<std::string>()) -
                                         std::chrono::hours{72})},
                     {"to", to_rfc3339(*parse_rfc3339(replaced.json().at("created_at").get<std::string>()))}};
  const auto filled = call("POST", "/v1/schedules/life/backfill", dump_json(body));
  EXPECT_EQ(filled.status, 202) << filled.body;
  EXPECT_GE(filled.json().at("slots"), 2);
  const Json items = fires("life", 3);
  EXPECT_EQ(call("GET", "/v1/schedules/life").json().at("last_run_id").is_string(), true);
  EXPECT_EQ(call("GET", "/v1/schedules?limit=1").json().at("items").size(), 1U);
  EXPECT_EQ(call("DELETE", "/v1/schedules/life").status, 204);
  EXPECT_EQ(call("GET", "/v1/schedules/life").status, 404);
}

TEST_F(RealSchedules, TheCommandLineDoesAllOfIt) {
  const auto done = [](const std::string& arguments, const std::string& says) {
    const auto [text, code] = orchestrator(arguments);
    EXPECT_EQ(code, 0) << arguments << "\n" << text;
    EXPECT_NE(text.find(says), std::string::npos) << arguments << "\n" << text;
  };

  done("create by-hand --cron '30 2 * * *' --time-zone Europe/Berlin --workflow quick --input '{\"a\":1}'", "by-hand");
  done("create by-hand --every-seconds 86400 --workflow quick --replace -o json", "\"every_seconds\":86400");
  done("list", "every 86400 s");
  done("show by-hand", "every_seconds");
  done("preview by-hand --count 2", "ON THE WALL");
  done("pause by-hand", "true");
  done("resume by-hand", "false");
  done("trigger by-hand", "run_id");
  done("backfill by-hand --from 2026-01-01T00:00:00Z --to 2026-01-04T00:00:00Z -o json", "\"slots\":3");
  done("fires by-hand", "trigger");
  done("delete by-hand", "deleted");
  EXPECT_EQ(orchestrator("put shut --date 2030-01-01 --weekends", "calendar").second, 0);
  done("create on-workdays --cron '0 9 * * *' --workflow quick --calendar shut", "on-workdays");
  done("preview on-workdays --count 10", "HOLIDAY");
  EXPECT_NE(orchestrator("list", "calendar").first.find("shut"), std::string::npos);
  EXPECT_NE(orchestrator("show shut", "calendar").first.find("2030-01-01"), std::string::npos);
  EXPECT_EQ(orchestrator("delete shut", "calendar").second, 1);
  done("delete on-workdays", "deleted");
  EXPECT_EQ(orchestrator("delete shut", "calendar").second, 0);
  EXPECT_EQ(orchestrator("show by-hand").second, 1);
  EXPECT_EQ(orchestrator("create x --cron '61 * * * *' --workflow quick").second, 1);
  EXPECT_EQ(orchestrator("explode").second, 2);
}

TEST_F(RealSchedules, WhatMakesNoSenseIsRefused) {
  const auto refused = [](const Json& body, int status) {
    const auto response = call("POST", "/v1/schedules", dump_json(body));
    EXPECT_EQ(response.status, status) << dump_json(body) << response.body;
  };
  refused({{"name", "x"}, {"workflow", "quick"}, {"cron", "0 0 30 2 *"}}, 422);
  refused({{"name", "x"}, {"workflow", "quick"}, {"cron", "61 * * * *"}}, 422);
  refused({{"name", "x"}, {"workflow", "quick"}, {"cron", "@daily"}, {"time_zone", "Mars/Base"}}, 422);
  refused({{"name", "x"}, {"workflow", "quick"}, {"cron", "@daily"}, {"every_seconds", 5}}, 422);
  refused({{"name", "x"}, {"workflow", "quick"}}, 422);
  refused({{"name", "x"}, {"workflow", "nobody-knows"}, {"cron", "@daily"}}, 404);
}

TEST_F(RealSchedules, SlotsGoOnAfterACrash) {
  create({{"name", "survivor"}, {"every_seconds", 1}, {"workflow", "quick"}});
  fires("survivor", 2);

  server_->kill();
  ASSERT_TRUE(server_->start()) << server_->log();
  const std::size_t before = fires("survivor", 2).size();
  const Json items = fires("survivor", before + 2);

  std::set<std::string> slots;
  for (const Json& slot : items) EXPECT_TRUE(slots.insert(slot.at("slot").get<std::string>()).second);
  // No slot is left out, however long the restart took.
  for (std::size_t i = 0; i + 1 < items.size(); ++i) {
    if (items[i].at("origin") == "range" || items[i + 1].at("origin") == "range") continue;
    EXPECT_EQ(*parse_rfc3339(items[i].at("slot").get<std::string>()) -
                  *parse_rfc3339(items[i + 1].at("slot").get<std::string>()),
              std::chrono::seconds{1});
  }
}

}  // namespace
}  // namespace orchestrator::testing_support
