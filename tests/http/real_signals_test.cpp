// Signals and the inbox of webhooks through the shipped binary: its engine, its database, its command line.
#include <gmock/gmock.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "orchestrator/base/json.hpp"
#include "tests/http/real_server.hpp"
#include "tests/support/http_client.hpp"

namespace orchestrator::testing_support {
namespace {

using testing::HasSubstr;

Json waiting_for(const std::string& resource) {
  return {
      {"StartAt", "Wait"},
      {"States",
       {{"Wait", {{"Type", "Task"}, {"Resource", resource}, {"Parameters", {{"key.$", "$.key"}}}, {"End", true}}}}}};
}

/// Takes `n` signals, one after the other, and fails when one comes out of turn.
Json taking_in_order(int n) {
  const Json take = {{"Type", "Task"},
                     {"Resource", "signal:storm"},
                     {"Parameters", {{"key.$", "$.key"}}},
                     {"ResultPath", "$.signal"},
                     {"Next", "Right"}};
  const Json right = {
      {"Type", "Choice"},
      {"Default", "Wrong"},
      {"Choices", {{{"Variable", "$.signal.payload"}, {"NumericEqualsPath", "$.n"}, {"Next", "Count"}}}}};
  const Json count = {
      {"Type", "Pass"}, {"Parameters", {{"key.$", "$.key"}, {"n.$", "States.MathAdd($.n, 1)"}}}, {"Next", "More"}};
  const Json more = {{"Type", "Choice"},
                     {"Default", "Done"},
                     {"Choices", {{{"Variable", "$.n"}, {"NumericLessThan", n}, {"Next", "Take"}}}}};
  return {{"StartAt", "Take"},
          {"States",
           {{"Take", take},
            {"Right", right},
            {"Wrong", {{"Type", "Fail"}, {"Error", "OutOfTurn"}}},
            {"Count", count},
            {"More", more},
            {"Done", {{"Type", "Succeed"}}}}}};
}

class RealSignals : public testing::Test {
 protected:
  // One server for all tests, which therefore name their own signals and keys.
  static void SetUpTestSuite() {
    server_ = std::make_unique<RealServer>();
    ASSERT_TRUE(server_->start()) << server_->log();
  }
  static void TearDownTestSuite() { server_.reset(); }

  static ClientResponse call(HttpClient& client, const std::string& method, const std::string& target,
                             const Json& body = {}) {
    ClientHeaders headers{{"Authorization", std::string("Bearer ") + RealServer::kAdminKey}};
    if (!body.is_null()) headers.emplace_back("Content-Type", "application/json");
    return client.request(method, target, body.is_null() ? std::string{} : dump_json(body), headers);
  }
  static ClientResponse call(const std::string& method, const std::string& target, const Json& body = {}) {
    HttpClient client(server_->port());
    return call(client, method, target, body);
  }
  static void deploy(const std::string& workflow, const Json& definition) {
    const auto deployed = call("POST", "/v1/workflows/" + workflow + "/versions", definition);
    ASSERT_EQ(deployed.status, 201) << deployed.body;
  }
  static std::string start(const std::string& workflow, const std::string& key) {
    const auto run = call("POST", "/v1/runs", {{"workflow", workflow}, {"input", {{"key", key}}}});
    return run.json().value("run_id", "");
  }

  /// What `look` answers once `is_right` is content with it, or what it is after twenty seconds.
  template <typename Look, typename Right>
  static Json once(Look look, Right is_right) {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    Json seen;
    do {
      seen = look();
      if (is_right(seen)) break;
      std::this_thread::sleep_for(std::chrono::milliseconds{2});
    } while (std::chrono::steady_clock::now() < give_up);
    return seen;
  }
  static Json signal_with_fate(const std::string& id, const std::string& fate) {
    return once([&] { return call("GET", "/v1/signals/" + id).json(); },
                [&](const Json& seen) { return seen.value("fate", "") == fate; });
  }
  static Json runs_in(const std::string& workflow, const std::string& state, std::size_t count) {
    return once(
        [&] { return call("GET", "/v1/runs?limit=500&workflow=" + workflow + "&state=" + state).json().at("items"); },
        [&](const Json& seen) { return seen.size() == count; });
  }

  /// The shipped binary as a person uses it: what it prints and its exit code.
  static std::pair<std::string, int> orchestrator(const std::string& arguments) {
    const std::string command = "ORCHESTRATOR_URL=http://127.0.0.1:" + std::to_string(server_->port()) +
                                " ORCHESTRATOR_API_KEY=" + RealServer::kAdminKey + " " + ORC_BINARY + " " + arguments +
                                " 2>&1";
    std::FILE* pipe = ::popen(command.c_str(), "r");
    std::string text;
    char part[4096];
    for (std::size_t read = 0; (read = std::fread(part, 1, sizeof part, pipe)) > 0;) text.append(part, read);
    const int status = ::pclose(pipe);
    return {text, WEXITSTATUS(status)};
  }
  /// With `-o json`: what it printed.
  static Json json_of_cli(const std::string& arguments) {
    const auto [text, code] = orchestrator(arguments + " -o json");
    EXPECT_EQ(code, 0) << text;
    const auto value = parse_json(text);
    EXPECT_TRUE(value) << text;
    return value ? *value : Json();
  }

  static std::unique_ptr<RealServer> server_;
};

std::unique_ptr<RealServer> RealSignals::server_;

TEST_F(RealSignals, BroadcastWakesAllWhoWaitAndIsRememberedById) {
  deploy("bell", waiting_for("signal:bell"));
  for (int i = 0; i < 10; ++i) ASSERT_NE(start("bell", "tower"), "");
  ASSERT_EQ(runs_in("bell", "waiting", 10).size(), 10U);

  const auto sent = call("POST", "/v1/signals/bell?wait=10",
                         {{"key", "tower"}, {"payload", "ding"}, {"id", "one"}, {"broadcast", true}});
  const auto again = call("POST", "/v1/signals/bell", {{"key", "tower"}, {"id", "one"}, {"broadcast", true}});
  const auto nobody = call("POST", "/v1/signals/bell", {{"key", "elsewhere"}, {"broadcast", true}});

  ASSERT_EQ(sent.status, 200) << sent.body;
  EXPECT_EQ(sent.json().at("fate"), "consumed");
  EXPECT_EQ(again.json().at("fate"), "duplicate");
  EXPECT_EQ(again.json().at("signal_id"), sent.json().at("signal_id"));
  EXPECT_EQ(nobody.json().at("fate"), "unmatched");
  EXPECT_EQ(runs_in("bell", "succeeded", 10).size(), 10U);
  const std::string id = sent.json().at("signal_id");
  const Json copies = once([&] { return call("GET", "/v1/signals?fate=consumed&origin=" + id).json().at("items"); },
                           [](const Json& seen) { return seen.size() == 10; });
  ASSERT_EQ(copies.size(), 10U);
  EXPECT_EQ(copies.at(0).at("payload"), "ding");
  EXPECT_EQ(copies.at(0).at("origin_kind"), "broadcast");
  EXPECT_EQ(copies.at(0).at("state_name"), "Wait");
  EXPECT_EQ(call("GET", "/v1/signals/" + id).json().at("reason"), "broadcast");
}

TEST_F(RealSignals, AnOperatorFindsALostOneAndSendsItOnByCommand) {
  deploy("paid", waiting_for("signal:paid"));
  const std::string run_id = start("paid", "o-right");
  const Json sent = json_of_cli("signal send paid --key o-wrong --payload '{\"amount\":5}' --id evt-1");
  EXPECT_EQ(sent.at("fate"), "buffered");
  const std::string lost = sent.at("signal_id");

  const auto list = orchestrator("signal list --fate buffered --key o-wrong");
  const auto shown = orchestrator("signal show " + lost);
  const Json made = json_of_cli("signal retarget " + lost + " --key o-right --reason 'a typing error'");
  const auto twice = orchestrator("signal retarget " + lost + " --key o-right --reason again");

  EXPECT_THAT(list.first, testing::AllOf(HasSubstr(lost), HasSubstr("o-wrong"), HasSubstr("buffered")));
  EXPECT_THAT(shown.first, HasSubstr("evt-1"));
  const Json taken = signal_with_fate(made.at("signal_id"), "consumed");
  EXPECT_EQ(taken.at("fate"), "consumed");
  EXPECT_EQ(taken.at("run_id"), run_id);
  EXPECT_EQ(taken.at("origin_signal_id"), lost);
  EXPECT_EQ(taken.at("origin_kind"), "retarget");
  EXPECT_EQ(taken.at("origin_reason"), "a typing error");
  EXPECT_EQ(taken.at("payload"), Json({{"amount", 5}}));
  const Json old = call("GET", "/v1/signals/" + lost).json();
  EXPECT_EQ(old.at("fate"), "rejected");
  EXPECT_EQ(old.at("reason"), "retargeted");
  EXPECT_EQ(old.at("successor_signal_id"), made.at("signal_id"));
  EXPECT_EQ(twice.second, 1) << twice.first;
  EXPECT_THAT(twice.first, HasSubstr("sent on before"));
}

TEST_F(RealSignals, AReplayIsANewSignalAndWhatWasConsumedNeedsAnId) {
  deploy("heard", waiting_for("signal:heard"));
  start("heard", "h");
  const Json sent = json_of_cli("signal send heard --key h --wait 10");
  ASSERT_EQ(sent.at("fate"), "consumed");
  const std::string id = sent.at("signal_id");
  start("heard", "h");

  const auto refused = orchestrator("signal replay " + id + " --reason lost");
  const Json made = json_of_cli("signal replay " + id + " --reason lost --id once-more");
  const Json again = json_of_cli("signal replay " + id + " --reason lost --id once-more");
  const auto usage = orchestrator("signal send heard");

  EXPECT_EQ(refused.second, 1) << refused.first;
  EXPECT_EQ(signal_with_fate(made.at("signal_id"), "consumed").at("id"), "once-more");
  EXPECT_EQ(again.at("fate"), "duplicate");
  EXPECT_EQ(again.at("signal_id"), made.at("signal_id"));
  EXPECT_EQ(usage.second, 2) << usage.first;
  EXPECT_EQ(call("POST", "/v1/signals/00000000-0000-7000-8000-000000000000/replay", {{"reason", "r"}}).status, 404);
}

TEST_F(RealSignals, OneForAClosedRunIsKeptAndMayGoToAnother) {
  deploy("closing", waiting_for("signal:close"));
  const std::string closed = start("closing", "c-1");
  const std::string open = start("closing", "c-2");
  ASSERT_EQ(call("POST", "/v1/signals/close?wait=10", {{"key", "c-1"}}).json().at("fate"), "consumed");

  const auto late = call("POST", "/v1/runs/" + closed + "/signals/close", "late");
  ASSERT_EQ(late.status, 409) << late.body;
  const std::string id = late.json().at("signal_id");
  const auto there = call("POST", "/v1/signals/" + id + "/retarget", {{"run_id", closed}, {"reason", "r"}});
  const auto made = call("POST", "/v1/signals/" + id + "/retarget", {{"run_id", open}, {"reason", "r"}});

  EXPECT_EQ(there.status, 409) << there.body;
  EXPECT_EQ(there.json().at("type"), "/problems/run-closed");
  ASSERT_EQ(made.status, 202) << made.body;
  const Json taken = signal_with_fate(made.json().at("signal_id"), "consumed");
  EXPECT_EQ(taken.at("run_id"), open);
  EXPECT_EQ(taken.at("payload"), "late");
  EXPECT_EQ(call("GET", "/v1/signals/" + id).json().at("reason"), "run-closed") << "it keeps the fate that it had";
}

TEST_F(RealSignals, AStormBeforeItsRunsIsTakenInOrder) {
  constexpr int kKeys = 100;
  constexpr int kEach = 100;
  constexpr int kSenders = 8;
  deploy("storm", taking_in_order(kEach));
  std::vector<std::thread> senders;
  std::vector<int> refused(kSenders, 0);

  for (int sender = 0; sender < kSenders; ++sender) {
    senders.emplace_back([sender, &refused] {
      HttpClient client(server_->port());
      for (int n = 0; n < kEach; ++n) {
        for (int key = sender; key < kKeys; key += kSenders) {
          const Json signal = {{"key", "s-" + std::to_string(key)}, {"payload", n}, {"id", std::to_string(n)}};
          if (call(client, "POST", "/v1/signals/storm", signal).status != 202)
            ++refused[static_cast<std::size_t>(sender)];
        }
      }
    });
  }
  for (auto& sender : senders) sender.join();
  ASSERT_EQ(refused, std::vector<int>(kSenders, 0));
  Json runs = Json::array();
  for (int key = 0; key < kKeys; ++key) {
    runs.push_back({{"workflow", "storm"}, {"input", {{"key", "s-" + std::to_string(key)}, {"n", 0}}}});
  }
  ASSERT_EQ(call("POST", "/v1/runs/batch", {{"runs", runs}}).status, 201);

  EXPECT_EQ(runs_in("storm", "succeeded", kKeys).size(), static_cast<std::size_t>(kKeys));
  EXPECT_EQ(runs_in("storm", "failed", 0).size(), 0U);
  EXPECT_EQ(call("GET", "/v1/signals?name=storm&fate=buffered").json().at("items").size(), 0U);
}

TEST_F(RealSignals, EndpointsAndDeliveriesByCommand) {
  const auto made = orchestrator(
      "webhook endpoint create till --provider generic_hmac --secret whsec_one --signal rang --key '$.order' "
      "--options '{\"header\":\"X-Signature\"}'");
  ASSERT_EQ(made.second, 0) << made.first;
  const auto again = orchestrator("webhook endpoint create till --provider stripe --secret s --signal a --key '$.b'");
  const auto replaced = orchestrator(
      "webhook endpoint create till --replace --provider evolution --secret header:X-Key=very-secret --signal rang "
      "--key "
      "'$.data.key.remoteJid'");
  const auto list = orchestrator("webhook endpoint list");
  const Json shown = json_of_cli("webhook endpoint show till");
  HttpClient client(server_->port());
  const Json message = {{"event", "messages.upsert"},
                        {"instance", "shop"},
                        {"data", {{"key", {{"remoteJid", "27@s"}, {"id", "M1"}, {"fromMe", false}}}}}};
  const auto delivered = client.request("POST", "/hooks/default/till", dump_json(message),
                                        {{"X-Key", "very-secret"}, {"Content-Type", "application/json"}});
  ASSERT_EQ(delivered.status, 200) << delivered.body;

  const Json deliveries = json_of_cli("webhook delivery list --endpoint till --verdict accepted");
  ASSERT_EQ(deliveries.at("items").size(), 1U);
  const std::string id = deliveries.at("items").at(0).at("delivery_id");
  const auto table = orchestrator("webhook delivery list --provider evolution --received-after 2020-01-01T00:00:00Z");
  const auto one = orchestrator("webhook delivery show " + id);
  const Json replayed = json_of_cli("webhook delivery replay " + id + " --reason lost --idempotency-key r-1");
  const Json repeated = json_of_cli("webhook delivery replay " + id + " --reason lost --idempotency-key r-1");
  const auto removed = orchestrator("webhook endpoint delete till");
  const auto gone = orchestrator("webhook endpoint show till");

  EXPECT_EQ(again.second, 1) << again.first;
  EXPECT_EQ(replaced.second, 0) << replaced.first;
  EXPECT_THAT(list.first, testing::AllOf(HasSubstr("till"), HasSubstr("evolution"), HasSubstr("/hooks/default/till")));
  EXPECT_EQ(shown.at("provider"), "evolution");
  EXPECT_THAT(dump_json(shown), testing::Not(HasSubstr("very-secret")));
  EXPECT_THAT(table.first, testing::AllOf(HasSubstr(id), HasSubstr("accepted")));
  EXPECT_THAT(one.first, HasSubstr("M1"));
  EXPECT_EQ(replayed.at("replay"), 1);
  EXPECT_EQ(repeated, replayed);
  EXPECT_EQ(removed.second, 0) << removed.first;
  EXPECT_EQ(gone.second, 1) << gone.first;
}

}  // namespace
}  // namespace orchestrator::testing_support
