// Signals, commands on runs, and batches.
#include "tests/http/api_server.hpp"

namespace orchestrator::api {
namespace {

class HttpSignals : public ApiServer {
 protected:
  void SetUp() override {
    ApiServer::SetUp();
    service_.add_workflow("order");
    run_path_ = call("POST", "/v1/runs", R"({"workflow":"order"})").header("location");
  }

  std::string run_path_;
};

using HttpRunCommands = HttpSignals;
using HttpBatches = HttpSignals;

TEST_F(HttpSignals, BodyIsThePayloadAndTheKeyIsTheId) {
  const auto response = call("POST", run_path_ + "/signals/paid", R"({"amount":5})", {{"Idempotency-Key", "evt-1"}});

  ASSERT_EQ(response.status, 202) << response.body;
  EXPECT_EQ(response.json().at("fate"), "buffered");
  const auto signals = service_.signals();
  ASSERT_EQ(signals.size(), 1U);
  EXPECT_EQ(signals[0].name, "paid");
  EXPECT_EQ(signals[0].id, "evt-1");
  EXPECT_EQ("/v1/runs/" + signals[0].run_id->str(), run_path_);
  EXPECT_EQ(json_of(signals[0].payload), Json({{"amount", 5}}));
}

TEST_F(HttpSignals, EmptyBodyIsANullPayload) {
  EXPECT_EQ(call("POST", run_path_ + "/signals/paid").status, 202);

  EXPECT_TRUE(json_of(service_.signals().at(0).payload).is_null());
}

TEST_F(HttpSignals, RepeatIsADuplicateWithTheFirstSignalId) {
  const auto first = call("POST", "/v1/signals/paid", R"({"key":"o-1","id":"evt-1"})");

  const auto second = call("POST", "/v1/signals/paid", R"({"key":"o-1","id":"evt-1","payload":7})");

  EXPECT_EQ(second.status, 202);
  EXPECT_EQ(second.json().at("fate"), "duplicate");
  EXPECT_EQ(second.json().at("signal_id"), first.json().at("signal_id"));
  EXPECT_EQ(second.header("idempotent-replayed"), "");
}

TEST_F(HttpSignals, EnvelopeIsHandedOn) {
  const auto response =
      call("POST", "/v1/signals/paid",
           R"({"key":"o-1","payload":[1],"ttl_seconds":60,"start":{"workflow":"order","input":{"a":1}}})");

  ASSERT_EQ(response.status, 202) << response.body;
  EXPECT_EQ(response.json().at("fate"), "started");
  const auto signal = service_.signals().at(0);
  EXPECT_EQ(signal.key, "o-1");
  EXPECT_EQ(signal.ttl_seconds, 60);
  EXPECT_EQ(signal.start->workflow, "order");
  EXPECT_EQ(json_of(signal.start->input), Json({{"a", 1}}));
}

TEST_F(HttpSignals, FaultsOfTheEnvelopeAreAllNamed) {
  const auto response = call("POST", "/v1/signals/paid", R"({"ttl_seconds":0,"start":{"input":1},"surprise":1})");

  expect_problem(response, 422, "invalid-body");
  EXPECT_EQ(response.json().at("errors").size(), 4U);
  EXPECT_EQ(call("POST", "/v1/signals/paid", R"({"key":"k","ttl_seconds":31536001})").status, 422);
}

TEST_F(HttpSignals, IdInBodyAndHeaderMustAgree) {
  const ClientHeaders header{{"Idempotency-Key", "a"}};

  expect_problem(call("POST", "/v1/signals/paid", R"({"key":"k","id":"b"})", header), 422, "invalid-body");
  EXPECT_EQ(call("POST", "/v1/signals/paid", R"({"key":"k","id":"a"})", header).status, 202);
}

TEST_F(HttpSignals, WaitAnswersTheFinalFate) {
  const auto response = call("POST", "/v1/signals/paid?wait=5", R"({"key":"k"})");

  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.json().at("fate"), "consumed");
  expect_problem(call("POST", "/v1/signals/paid?wait=-1", R"({"key":"k"})"), 400, "invalid-parameter");
}

TEST_F(HttpSignals, ClosedRunRefusesAndNamesTheKeptSignal) {
  service_.fail_next(
      Error(ErrorCode::precondition_failed, "run-closed", "The run has closed").with("signal_id", "s-1"));

  const auto response = call("POST", run_path_ + "/signals/paid");

  expect_problem(response, 409, "run-closed");
  EXPECT_EQ(response.json().at("signal_id"), "s-1");
}

TEST_F(HttpSignals, BroadcastIsHandedOnAndExcludesAStart) {
  const auto sent = call("POST", "/v1/signals/paid", R"({"key":"k","broadcast":true})");

  EXPECT_EQ(sent.status, 202) << sent.body;
  EXPECT_TRUE(service_.signals().at(0).broadcast);
  expect_problem(call("POST", "/v1/signals/paid", R"({"key":"k","broadcast":true,"start":{"workflow":"order"}})"), 422,
                 "invalid-body");
}

TEST_F(HttpSignals, FiltersOfTheListAreChecked) {
  const std::string id = SignalId{}.str();

  for (const std::string query : {"origin=" + id, std::string("received_after=2026-01-01T00:00:00Z"),
                                  std::string("received_before=2026-01-01T00:00:00Z")}) {
    EXPECT_EQ(call("GET", "/v1/signals?" + query).status, 200) << query;
  }
  for (const char* query : {"origin=x", "received_after=yesterday", "run_id=x", "fate=lost", "surprise=1"}) {
    expect_problem(call("GET", std::string("/v1/signals?") + query), 400, "invalid-parameter");
  }
}

TEST_F(HttpSignals, ReplayNeedsAReasonAndNamesItsOrigin) {
  const std::string origin = call("POST", "/v1/signals/paid", R"({"key":"k"})").json().at("signal_id");

  const auto made = call("POST", "/v1/signals/" + origin + "/replay", R"({"reason":"lost","id":"again-1"})");

  ASSERT_EQ(made.status, 202) << made.body;
  EXPECT_EQ(made.json().at("origin_signal_id"), origin);
  EXPECT_EQ(made.header("location"), "/v1/signals/" + made.json().at("signal_id").get<std::string>());
  const auto asked = service_.redirected().at(0);
  EXPECT_EQ(asked.kind, store::SignalLinkKind::replay);
  EXPECT_EQ(asked.id, "again-1");
  EXPECT_EQ(asked.reason, "lost");
  expect_problem(call("POST", "/v1/signals/" + origin + "/replay", "{}"), 422, "invalid-body");
  expect_problem(call("POST", "/v1/signals/" + origin + "/replay", R"({"reason":"\u0000"})"), 422, "invalid-body");
  expect_problem(call("POST", "/v1/signals/" + origin + "/replay", R"({"reason":"r","key":"k"})"), 422, "invalid-body");
  expect_problem(call("POST", "/v1/signals/nonsense/replay", R"({"reason":"r"})"), 404, "not-found");
}

TEST_F(HttpSignals, RetargetNamesWhereTo) {
  const std::string origin = call("POST", "/v1/signals/paid", R"({"key":"k"})").json().at("signal_id");
  const std::string run_id = run_path_.substr(run_path_.rfind('/') + 1);
  const std::string path = "/v1/signals/" + origin + "/retarget";

  ASSERT_EQ(call("POST", path, R"({"reason":"typing error","key":"o-1"})").status, 202);
  ASSERT_EQ(call("POST", path, R"({"reason":"r","name":"settled","run_id":")" + run_id + R"("})").status, 202);

  const auto asked = service_.redirected();
  EXPECT_EQ(asked.at(0).key, "o-1");
  EXPECT_EQ(asked.at(0).kind, store::SignalLinkKind::retarget);
  EXPECT_EQ(asked.at(1).name, "settled");
  EXPECT_EQ(asked.at(1).run_id->str(), run_id);
  for (const char* body : {R"({"reason":"r"})", R"({"key":"o-1"})", R"({"reason":"r","run_id":"x"})",
                           R"({"reason":"r","key":"o","id":"new"})"}) {
    expect_problem(call("POST", path, body), 422, "invalid-body");
  }
  expect_problem(call("POST", path, R"({"reason":"r","key":"o","run_id":")" + run_id + R"("})"), 422, "invalid-body");
}

TEST_F(HttpSignals, ARepeatedReplayUnderOneKeyIsMadeOnce) {
  const std::string origin = call("POST", "/v1/signals/paid", R"({"key":"k"})").json().at("signal_id");
  const ClientHeaders key{{"Idempotency-Key", "replay-1"}};

  const auto first = call("POST", "/v1/signals/" + origin + "/replay", R"({"reason":"lost"})", key);
  const auto second = call("POST", "/v1/signals/" + origin + "/replay", R"({"reason":"lost"})", key);

  EXPECT_EQ(second.body, first.body);
  EXPECT_EQ(second.header("idempotent-replayed"), "true");
  EXPECT_EQ(service_.redirected().size(), 1U);
}

TEST_F(HttpSignals, AreListedAndRead) {
  const auto sent = call("POST", "/v1/signals/paid", R"({"key":"k","payload":{"a":1},"id":"evt"})");

  const Json page = call("GET", "/v1/signals?name=paid&key=k&fate=buffered&limit=5").json();
  const Json one = call("GET", "/v1/signals/" + sent.json().at("signal_id").get<std::string>()).json();

  EXPECT_EQ(page.at("items").at(0), one);
  EXPECT_EQ(one.at("id"), "evt");
  EXPECT_EQ(one.at("fate"), "buffered");
  EXPECT_EQ(one.at("payload"), Json({{"a", 1}}));
  for (const char* name : {"reason", "run_id", "state_name", "settled_at"}) EXPECT_TRUE(one.at(name).is_null()) << name;
}

TEST_F(HttpSignals, BadFiltersAreInvalidParameters) {
  for (const char* query : {"fate=duplicate", "run_id=x", "limit=0", "state=ready"}) {
    expect_problem(call("GET", std::string("/v1/signals?") + query), 400, "invalid-parameter");
  }
  expect_problem(call("GET", "/v1/signals/nope"), 404, "not-found");
}

TEST_F(HttpRunCommands, CancelIsGracefulWithoutABody) {
  const auto response = call("POST", run_path_ + "/cancel");

  ASSERT_EQ(response.status, 202) << response.body;
  EXPECT_EQ(response.json().at("state"), "cancelled");
  EXPECT_TRUE(response.json().at("will").is_string());
  EXPECT_EQ(service_.cancels().at(0).mode, CancelMode::graceful);
  EXPECT_EQ(service_.cancels().at(0).actor, "admin-key");
}

TEST_F(HttpRunCommands, KillNeedsAReason) {
  expect_problem(call("POST", run_path_ + "/cancel", R"({"mode":"kill"})"), 422, "invalid-body");

  EXPECT_EQ(call("POST", run_path_ + "/cancel", R"({"mode":"kill","reason":"stuck"})").status, 202);
}

TEST_F(HttpRunCommands, UnknownModeIsInvalid) {
  expect_problem(call("POST", run_path_ + "/cancel", R"({"mode":"maybe"})"), 422, "invalid-body");
}

TEST_F(HttpRunCommands, ClosedRunCannotBeCancelled) {
  service_.fail_next(Error(ErrorCode::precondition_failed, "run-closed", "The run has closed"));

  expect_problem(call("POST", run_path_ + "/cancel"), 409, "run-closed");
}

TEST_F(HttpRunCommands, RetryHandsEverythingOn) {
  const auto response = call("POST", run_path_ + "/retry",
                             R"({"from_state":"Pay","input":null,"reason":"fixed","new_idempotency_key":true})");

  ASSERT_EQ(response.status, 202) << response.body;
  EXPECT_EQ(response.json().at("state"), "ready");
  const auto retry = service_.retries().at(0);
  EXPECT_EQ(retry.from_state, "Pay");
  ASSERT_NE(retry.input, nullptr);
  EXPECT_TRUE(retry.input->is_null());
  EXPECT_TRUE(retry.new_idempotency_key);
}

TEST_F(HttpRunCommands, RetryInTheWrongStateIsRefused) {
  service_.fail_next(Error(ErrorCode::precondition_failed, "wrong-state", "The run is open"));

  expect_problem(call("POST", run_path_ + "/retry", "{}"), 409, "wrong-state");
}

TEST_F(HttpBatches, ItemsAnswerRequestsInOrder) {
  const auto response = call(
      "POST", "/v1/runs/batch",
      R"({"runs":[{"workflow":"order"},{"workflow":"nope"},{"workflow":"order","priority":"high"},{"workflow":"order"}]})");

  ASSERT_EQ(response.status, 201) << response.body;
  const Json items = response.json().at("items");
  ASSERT_EQ(items.size(), 4U);
  EXPECT_TRUE(items[0].contains("run_id"));
  EXPECT_EQ(items[1].at("error").at("type"), "/problems/unknown-workflow");
  EXPECT_EQ(items[2].at("error").at("status"), 422);
  EXPECT_EQ(items[2].at("error").at("errors").at(0).at("pointer"), "/runs/2/priority");
  EXPECT_TRUE(items[3].contains("run_id"));
  EXPECT_NE(items[0].at("run_id"), items[3].at("run_id"));
}

TEST_F(HttpBatches, EmptyTooLongOrMissingIsInvalid) {
  std::string too_long = R"({"runs":[0)";
  for (int i = 0; i < 10'000; ++i) too_long += ",0";
  too_long += "]}";

  expect_problem(call("POST", "/v1/runs/batch", R"({"runs":[]})"), 422, "invalid-body");
  expect_problem(call("POST", "/v1/runs/batch", too_long), 422, "invalid-body");
  expect_problem(call("POST", "/v1/runs/batch", "{}"), 422, "invalid-body");
  expect_problem(call("POST", "/v1/runs/batch", R"({"runs":{}})"), 422, "invalid-body");
}

TEST_F(HttpBatches, RepeatedKeyRepeatsTheAnswer) {
  const ClientHeaders key{{"Idempotency-Key", "b"}};
  const auto first = call("POST", "/v1/runs/batch", R"({"runs":[{"workflow":"order"}]})", key);
  const std::size_t started = service_.started().size();

  const auto second = call("POST", "/v1/runs/batch", R"({"runs":[{"workflow":"order"}]})", key);

  EXPECT_EQ(second.header("idempotent-replayed"), "true");
  EXPECT_EQ(second.body, first.body);
  EXPECT_EQ(service_.started().size(), started);
}

}  // namespace
}  // namespace orchestrator::api
