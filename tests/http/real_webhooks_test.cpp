// The webhook inbox of the shipped binary, with its real engine and database.
#include <gmock/gmock.h>

#include <chrono>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "orchestrator/base/json.hpp"
#include "orchestrator/digest/digest.hpp"
#include "orchestrator/digest/encoding.hpp"
#include "tests/http/real_server.hpp"
#include "tests/support/http_client.hpp"

namespace orchestrator::testing_support {
namespace {

class RealWebhooks : public testing::Test {
 protected:
  // One server for all tests, which therefore name their own endpoints and keys.
  static void SetUpTestSuite() {
    server_ = std::make_unique<RealServer>();
    ASSERT_TRUE(server_->start()) << server_->log();
  }
  static void TearDownTestSuite() { server_.reset(); }

  static ClientResponse call(const std::string& method, const std::string& target, const Json& body = {}) {
    ClientHeaders headers{{"Authorization", std::string("Bearer ") + RealServer::kAdminKey}};
    if (!body.is_null()) headers.emplace_back("Content-Type", "application/json");
    HttpClient client(server_->port());
    return client.request(method, target, body.is_null() ? std::string{} : dump_json(body), headers);
  }
  static void make_endpoint(const std::string& name, const Json& start = {}) {
    const Json endpoint = {{"provider", "stripe"},
                           {"secrets", {"whsec_old", "whsec_new"}},
                           {"signal", {{"name", "paid-" + name}, {"key", "$.data.object.order"}}},
                           {"start", start}};
    const auto made = call("PUT", "/v1/webhook-endpoints/" + name, endpoint);
    ASSERT_EQ(made.status, 201) << made.body;
  }

  static std::string event(const std::string& id, const std::string& order) {
    return dump_json(Json{{"id", id}, {"type", "invoice.paid"}, {"data", {{"object", {{"order", order}}}}}});
  }
  static ClientResponse deliver(const std::string& endpoint, const std::string& body,
                                const std::string& secret = "whsec_new") {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const std::string time = std::to_string(std::chrono::duration_cast<std::chrono::seconds>(now).count());
    const std::string digest = digest::to_hex(digest::hmac(digest::Algorithm::sha256, secret, time + "." + body));
    HttpClient client(server_->port());
    return client.request("POST", "/hooks/default/" + endpoint, body,
                          {{"Stripe-Signature", "t=" + time + ",v1=" + digest}, {"Authorization", "Bearer x"}});
  }
  static Json deliveries(const std::string& query) {
    return call("GET", "/v1/webhook-deliveries?" + query).json().at("items");
  }

  /// What `look` answers once `is_right` is content with it, or what it is after ten seconds.
  template <typename Look, typename Right>
  static Json once(Look look, Right is_right) {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    Json seen;
    do {
      seen = look();
      if (is_right(seen)) break;
      std::this_thread::yield();
    } while (std::chrono::steady_clock::now() < give_up);
    return seen;
  }

  static std::unique_ptr<RealServer> server_;
};

std::unique_ptr<RealServer> RealWebhooks::server_;

TEST_F(RealWebhooks, WebhookThatComesBeforeItsRunIsTakenByIt) {
  make_endpoint("early");
  ASSERT_EQ(call("POST", "/v1/workflows/hook-wait/versions",
                 {{"StartAt", "Wait"},
                  {"States",
                   {{"Wait",
                     {{"Type", "Task"},
                      {"Resource", "signal:paid-early"},
                      {"Parameters", {{"key.$", "$.order"}}},
                      {"End", true}}}}}})
                .status,
            201);

  ASSERT_EQ(deliver("early", event("evt-early", "o-early")).status, 200);
  const auto run = call("POST", "/v1/runs?wait=10", {{"workflow", "hook-wait"}, {"input", {{"order", "o-early"}}}});

  ASSERT_EQ(run.status, 200) << run.body;
  EXPECT_EQ(run.json().at("output").at("payload").at("id"), "evt-early");
  const Json item = once([] { return deliveries("endpoint=early").at(0); },
                         [](const Json& seen) { return seen.at("fate") == "consumed"; });
  EXPECT_EQ(item.at("fate"), "consumed");
  EXPECT_EQ(item.at("verdict"), "accepted");
  EXPECT_EQ(item.at("headers").at("Authorization"), "***");
  EXPECT_EQ(item.at("body_base64"), digest::to_base64(event("evt-early", "o-early")));
}

TEST_F(RealWebhooks, RepeatsAreCountedAndDeliveredOnce) {
  make_endpoint("repeats");
  const std::string body = event("evt-repeats", "o-repeats");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(deliver("repeats", body, i == 0 ? "whsec_old" : "whsec_new").status, 200);
  EXPECT_EQ(deliver("repeats", event("evt-repeats", "o-other")).status, 200);

  const Json items = deliveries("endpoint=repeats");

  ASSERT_EQ(items.size(), 1U);
  EXPECT_EQ(items.at(0).at("duplicates"), 3);
  EXPECT_EQ(items.at(0).at("altered_duplicates"), 1);
  const Json signals = once([] { return call("GET", "/v1/signals?name=paid-repeats").json().at("items"); },
                            [](const Json& seen) { return !seen.empty(); });
  EXPECT_EQ(signals.size(), 1U);
}

TEST_F(RealWebhooks, ForgedOnesLeaveNothingButACount) {
  make_endpoint("forged");

  EXPECT_EQ(deliver("forged", event("evt-forged", "o"), "whsec_wrong").status, 401);

  EXPECT_TRUE(deliveries("endpoint=forged").empty());
  HttpClient client(server_->port());
  const std::string metrics = client.request("GET", "/metrics", "", {}).body;
  EXPECT_THAT(metrics,
              testing::Not(testing::HasSubstr("orchestrator_webhook_rejected_total{provider=\"stripe\"} 0\n")));
  EXPECT_THAT(metrics, testing::HasSubstr("orchestrator_webhook_rejected_total{provider=\"stripe\"} "));
}

TEST_F(RealWebhooks, ManyAtOnceAreAllKept) {
  make_endpoint("many");
  constexpr int kSenders = 16;
  constexpr int kEach = 50;
  std::vector<std::thread> senders;
  std::vector<int> refused(kSenders, 0);
  for (int sender = 0; sender < kSenders; ++sender) {
    senders.emplace_back([sender, &refused] {
      for (int i = 0; i < kEach; ++i) {
        // Every second event comes from two senders at once.
        const std::string id = std::to_string(i % 2 == 0 ? sender / 2 : sender) + "-" + std::to_string(i);
        if (deliver("many", event("evt-" + id, "o-" + id)).status != 200) ++refused[static_cast<std::size_t>(sender)];
      }
    });
  }
  for (auto& sender : senders) sender.join();

  EXPECT_EQ(refused, std::vector<int>(kSenders, 0));
  std::set<std::string> keys;
  int arrived = 0;
  std::string cursor;
  do {
    const Json page = call("GET", "/v1/webhook-deliveries?endpoint=many&limit=500" + cursor).json();
    for (const Json& item : page.at("items")) {
      keys.insert(item.at("dedupe_key").get<std::string>());
      arrived += 1 + item.at("duplicates").get<int>();
    }
    cursor = page.at("next_cursor").is_null() ? "" : "&cursor=" + page.at("next_cursor").get<std::string>();
  } while (!cursor.empty());
  EXPECT_EQ(arrived, kSenders * kEach);
  EXPECT_EQ(keys.size(), static_cast<std::size_t>(kSenders * kEach / 2 + kSenders / 2 * kEach / 2));
}

TEST_F(RealWebhooks, ReplayIsANewSignalWithANumberedId) {
  make_endpoint("again");
  ASSERT_EQ(deliver("again", event("evt-again", "o-again")).status, 200);
  const std::string delivery_id = deliveries("endpoint=again").at(0).at("delivery_id");

  const auto first = call("POST", "/v1/webhook-deliveries/" + delivery_id + "/replay", {{"reason", "lost by us"}});
  const auto second = call("POST", "/v1/webhook-deliveries/" + delivery_id + "/replay");

  ASSERT_EQ(first.status, 202) << first.body;
  EXPECT_EQ(first.json().at("fate"), "buffered");
  const Json signal = call("GET", "/v1/signals/" + first.json().at("signal_id").get<std::string>()).json();
  EXPECT_EQ(signal.at("id"), "evt-again#replay-1");
  EXPECT_EQ(signal.at("payload").at("id"), "evt-again");
  EXPECT_EQ(second.json().at("replay"), 2);
}

TEST_F(RealWebhooks, EndpointMayStartTheRun) {
  ASSERT_EQ(
      call("POST", "/v1/workflows/hook-start/versions",
           {{"StartAt", "Say"}, {"States", {{"Say", {{"Type", "Task"}, {"Resource", "handler:echo"}, {"End", true}}}}}})
          .status,
      201);
  make_endpoint("starts", {{"workflow", "hook-start"}});

  ASSERT_EQ(deliver("starts", event("evt-starts", "o-starts")).status, 200);

  const Json runs = once([] { return call("GET", "/v1/runs?workflow=hook-start&state=succeeded").json().at("items"); },
                         [](const Json& seen) { return !seen.empty(); });
  ASSERT_EQ(runs.size(), 1U);
  EXPECT_EQ(runs.at(0).at("key"), "o-starts");
}

TEST_F(RealWebhooks, WhatWasAnsweredSurvivesTheServer) {
  make_endpoint("crash");
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(deliver("crash", event("evt-crash-" + std::to_string(i), "o-crash-" + std::to_string(i))).status, 200);
  }

  server_->kill();
  ASSERT_TRUE(server_->start()) << server_->log();

  EXPECT_EQ(deliveries("endpoint=crash").size(), 20U);
  const Json signals = once([] { return call("GET", "/v1/signals?name=paid-crash").json().at("items"); },
                            [](const Json& seen) { return seen.size() == 20; });
  EXPECT_EQ(signals.size(), 20U);
}

}  // namespace
}  // namespace orchestrator::testing_support
