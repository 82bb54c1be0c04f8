// Signals at bad moments: between two waits, beside a cancellation, while their owner dies, and to many at once.
#include <gtest/gtest.h>

#include <set>

#include "orchestrator/runtime/group_state.hpp"
#include "tests/simulation/signal_callers.hpp"

namespace orchestrator::testing {
namespace {

using std::chrono::seconds;
using store::SignalFate;
using store::memory::Fault;

constexpr const char* kBell = R"({
  "StartAt": "Wait",
  "States": {"Wait": {"Type": "Task", "Resource": "signal:bell", "Parameters": {"key": "tower"}, "End": true}}
})";

/// Ten ticks, one after the other, with a step between two waits; fails when one comes out of turn.
constexpr const char* kTaker = R"json({
  "StartAt": "Begin",
  "States": {
    "Begin": {"Type": "Pass", "Parameters": {"key.$": "$.key", "n": 0}, "Next": "Take"},
    "Take": {"Type": "Task", "Resource": "signal:tick", "Parameters": {"key.$": "$.key"}, "ResultPath": "$.tick",
      "Next": "Right"},
    "Right": {"Type": "Choice", "Default": "Wrong",
      "Choices": [{"Variable": "$.tick.payload.n", "NumericEqualsPath": "$.n", "Next": "Work"}]},
    "Wrong": {"Type": "Fail", "Error": "OutOfTurn"},
    "Work": {"Type": "Task", "Resource": "handler:counted", "ResultPath": null, "Next": "Count"},
    "Count": {"Type": "Pass", "Parameters": {"key.$": "$.key", "n.$": "States.MathAdd($.n, 1)"
}
, "Next" : "More"
}
, "More" : {
  "Type" : "Choice",
  "Default" : "Done",
  "Choices" : [ {"Variable" : "$.n", "NumericLessThan" : 10, "Next" : "Take"} ]
},
           "Done" : {"Type" : "Succeed"}
}
})json";

/// Its step fails once; after that it waits for a signal.
constexpr const char* kStumbler = R"({
  "StartAt": "Pause",
  "States": {
    "Pause": {"Type": "Wait", "Seconds": 5, "Next": "Try"},
    "Try": {"Type": "Task", "Resource": "handler:stumbles", "ResultPath": null, "Next": "Hear"},
    "Hear": {"Type": "Task", "Resource": "signal:word", "Parameters": {"key": "nobody"}, "End": true}
  }
})";

class SimulatedSignals : public ::testing::Test {
 protected:
  void begin(std::uint64_t seed) {
    cluster = std::make_unique<SimulatedCluster>(seed);
    HandlerEntry stumbles;
    stumbles.name = "stumbles";
    stumbles.plain = [this](const Json&, TaskContext&) {
      return ++tries == 1 ? Outcome::failed("Stumbled", "once") : Outcome::completed(nullptr);
    };
    ASSERT_TRUE(cluster->handlers.add(std::move(stumbles)));
    cluster->start_node("a");
    cluster->start_node("b");
    cluster->world.advance(seconds{5});
    cluster->deploy("bell", kBell);
    cluster->deploy("taker", kTaker);
    cluster->deploy("stumbler", kStumbler);
  }

  void TearDown() override {
    if (!cluster) return;
    for (const auto& line : cluster->errors) ADD_FAILURE() << line;
  }

  RunId start(const std::string& workflow, const std::string& key) {
    const auto id = cluster->start_run(workflow, key, R"({"key": ")" + key + R"("})");
    EXPECT_TRUE(id.has_value()) << "nobody accepted the start of " << key;
    return id.value_or(RunId{});
  }

  /// The signal is there with its fate, sooner or later.
  store::SignalView settled(SignalId id) {
    cluster->world.advance_until(
        [&] {
          const auto fate = signal_view(*cluster, id).fate;
          return fate != SignalFate::buffered && fate != SignalFate::delivered;
        },
        seconds{60});
    return signal_view(*cluster, id);
  }

  std::vector<store::SignalRow> copies_of(SignalId broadcast) {
    std::vector<store::SignalRow> copies;
    for (const auto& [id, link] : cluster->tables().signal_links) {
      if (link.origin == broadcast) copies.push_back(signal_view(*cluster, id));
    }
    return copies;
  }

  std::unique_ptr<SimulatedCluster> cluster;
  int tries = 0;
};

service::SendSignal a_broadcast(const std::string& id) {
  service::SendSignal bell = a_signal("bell", "tower", id);
  bell.broadcast = true;
  return bell;
}

service::RedirectSignal a_redirect(SignalId id, store::SignalLinkKind kind) {
  service::RedirectSignal request;
  request.namespace_name = "default";
  request.signal_id = id;
  request.kind = kind;
  request.reason = "it went astray";
  request.actor = "somebody";
  return request;
}

service::RedirectSignal a_replay(SignalId id) { return a_redirect(id, store::SignalLinkKind::replay); }

TEST_F(SimulatedSignals, ABroadcastReachesEachWaitingRunOnceThoughANodeDies) {
  begin(41);
  const auto runs = cluster->start_together("a", "bell", 24);
  cluster->world.advance(seconds{3});

  const auto sent = send(*cluster, a_broadcast("evt"));
  cluster->crash("b");
  const auto again = send(*cluster, a_broadcast("evt"));

  ASSERT_TRUE(sent) << sent.error().message;
  EXPECT_EQ(sent->fate, "delivered");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->fate, "duplicate");
  EXPECT_TRUE(cluster->world.advance_until(
      [&] { return std::all_of(runs.begin(), runs.end(), [&](RunId id) { return is_over(*cluster, id); }); },
      std::chrono::minutes{2}));
  const auto copies = copies_of(sent->signal_id);
  std::set<RunId> reached;
  for (const auto& copy : copies) {
    EXPECT_EQ(copy.fate, SignalFate::consumed) << copy.reason;
    if (copy.run_id) reached.insert(*copy.run_id);
  }
  EXPECT_EQ(copies.size(), 24U);
  EXPECT_EQ(reached, std::set<RunId>(runs.begin(), runs.end()));
  const auto broadcast = signal_view(*cluster, sent->signal_id);
  EXPECT_EQ(broadcast.fate, SignalFate::consumed);
  EXPECT_EQ(broadcast.reason, "broadcast");
}

TEST_F(SimulatedSignals, ABroadcastIsWholeOrNotAtAllWhenCommitsFail) {
  begin(42);
  const auto runs = cluster->start_together("a", "bell", 24);
  cluster->world.advance(seconds{3});
  int commits = 0;
  cluster->faults = [&](std::string_view operation) {
    if (operation != "commit") return Fault::none;
    ++commits;
    return commits % 3 == 0 ? Fault::unknown_done : commits % 4 == 0 ? Fault::unavailable : Fault::none;
  };

  for (int i = 0; i < 3; ++i) EXPECT_TRUE(send(*cluster, a_broadcast("evt")));

  EXPECT_TRUE(cluster->world.advance_until(
      [&] { return std::all_of(runs.begin(), runs.end(), [&](RunId id) { return is_over(*cluster, id); }); },
      std::chrono::minutes{2}));
  EXPECT_EQ(cluster->tables().signal_links.size(), 24U) << "one copy each, of one broadcast";
}

TEST_F(SimulatedSignals, ABroadcastToNobodySaysSo) {
  begin(43);

  const auto sent = send(*cluster, a_broadcast("evt"));

  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->fate, "unmatched");
  EXPECT_TRUE(sent->final_fate);
  EXPECT_EQ(signal_view(*cluster, sent->signal_id).reason, "no-wait");
}

TEST_F(SimulatedSignals, ThoseThatComeBetweenTwoWaitsAreTakenInOrderOverATakeOver) {
  begin(44);
  std::vector<RunId> runs;
  // Half of them have a key of their own, so that they are on another shard than their signals.
  for (int i = 0; i < 12; ++i) {
    const std::string key = "k" + std::to_string(i);
    const auto id = cluster->start_run("taker", i % 2 == 0 ? key : "other-" + key, R"({"key": ")" + key + R"("})");
    ASSERT_TRUE(id.has_value());
    runs.push_back(*id);
  }

  for (int n = 0; n < 10; ++n) {
    for (int i = 0; i < 12; ++i) {
      service::SendSignal tick = a_signal("tick", "k" + std::to_string(i), "tick-" + std::to_string(n));
      tick.payload = make_payload(Json{{"n", n}});
      ASSERT_TRUE(send(*cluster, tick));
    }
    if (n == 3) cluster->crash("b");
    if (n == 6) cluster->start_node("b");
  }

  EXPECT_TRUE(cluster->world.advance_until(
      [&] { return std::all_of(runs.begin(), runs.end(), [&](RunId id) { return is_over(*cluster, id); }); },
      std::chrono::minutes{5}));
  for (const RunId id : runs) {
    const auto run = cluster->find_run(id);
    EXPECT_EQ(run->state, RunState::succeeded) << run->error.value_or("") << " " << run->waiting_on;
    EXPECT_EQ(cluster->check_journal(id), "");
  }
  for (const auto& [id, row] : cluster->tables().signals) EXPECT_EQ(row.fate, SignalFate::consumed) << row.id;
}

TEST_F(SimulatedSignals, ASignalBesideACancellationIsTakenOrStays) {
  begin(45);
  constexpr int kRuns = 200;
  cluster->deploy("patient", R"({"StartAt":"Wait","States":{"Wait":{"Type":"Task","Resource":"signal:go",
      "Parameters":{"key.$":"$.key"},"End":true}}})");
  std::vector<RunId> runs;
  for (int i = 0; i < kRuns; ++i) runs.push_back(start("patient", "k" + std::to_string(i)));
  SeededRandom random(45);
  const Duration begun = cluster->world.now();

  for (int i = 0; i < kRuns; ++i) {
    const auto soon = [&] { return begun + Duration{static_cast<std::int64_t>(random.next() % 50'000)}; };
    const std::string node = i % 2 == 0 ? "a" : "b";
    cluster->world.post_at(soon(), [this, node, i] {
      cluster->call(node, [i](service::Service& service) {
        service.send_signal(a_signal("go", "k" + std::to_string(i), "only"), [](const auto&) {});
      });
    });
    cluster->world.post_at(soon(), [this, node, id = runs[static_cast<std::size_t>(i)]] {
      cluster->call(node, [id](service::Service& service) {
        service::CancelRun cancel;
        cancel.namespace_name = "default";
        cancel.run_id = id;
        service.cancel_run(std::move(cancel), [](const auto&) {});
      });
    });
  }
  cluster->world.advance(seconds{20});

  int taken = 0;
  for (const auto& [id, row] : cluster->tables().signals) {
    const std::size_t number = std::stoul(row.key->substr(1));
    const auto& run = cluster->tables().closed.at(runs[number]);
    const bool is_taken = row.fate == SignalFate::consumed;
    taken += is_taken ? 1 : 0;
    EXPECT_TRUE(is_taken || row.fate == SignalFate::buffered) << store::to_string(row.fate);
    EXPECT_EQ(run.state, is_taken ? RunState::succeeded : RunState::cancelled) << *row.key;
  }
  EXPECT_EQ(cluster->tables().signals.size(), static_cast<std::size_t>(kRuns));
  EXPECT_GT(taken, 10);
  EXPECT_LT(taken, kRuns - 10);
}

TEST_F(SimulatedSignals, TwoSendersWhoStartARunBeginOne) {
  begin(46);
  constexpr int kKeys = 40;
  cluster->deploy("greeted", R"({"StartAt":"Hello","States":{"Hello":{"Type":"Task","Resource":"signal:hello",
      "Parameters":{"key.$":"$.key"},"End":true}}})");

  for (int i = 0; i < kKeys; ++i) {
    for (const char* node : {"a", "b"}) {
      cluster->call(node, [i, node](service::Service& service) {
        const std::string key = "k" + std::to_string(i);
        service::SendSignal hello = a_signal("hello", key, std::string("from-") + node);
        hello.start = service::SendSignal::Start{"greeted", make_payload(Json{{"key", key}})};
        service.send_signal(std::move(hello),
                            [](const Result<service::SentSignal>& sent) { EXPECT_TRUE(sent) << sent.error().message; });
      });
    }
  }
  cluster->world.advance(seconds{20});

  // The second one goes to the run of the first while that is open, and stays; or begins another one after its end.
  std::set<RunId> runs;
  std::set<std::string> keys;
  for (const auto& [id, row] : cluster->tables().signals) {
    keys.insert(*row.key);
    if (row.fate == SignalFate::buffered) continue;
    ASSERT_EQ(row.fate, SignalFate::consumed) << *row.key << " " << row.id;
    EXPECT_TRUE(runs.insert(*row.run_id).second) << "one run took two signals with one wait";
  }
  EXPECT_EQ(cluster->tables().signals.size(), 2U * kKeys);
  EXPECT_EQ(keys.size(), static_cast<std::size_t>(kKeys));
  EXPECT_GE(runs.size(), static_cast<std::size_t>(kKeys));
  EXPECT_EQ(cluster->tables().closed.size(), runs.size()) << "a run began without a signal of its own";
  EXPECT_TRUE(cluster->tables().open.empty());
}

TEST_F(SimulatedSignals, ARunThatComesBackTakesWhatItWasSentBefore) {
  begin(47);
  const RunId run = start("stumbler", "s");
  service::SendSignal word = a_signal("word", "", "said-early");
  word.key.reset();
  word.run_id = run;
  const auto sent = send(*cluster, word);
  ASSERT_TRUE(sent) << sent.error().message;
  ASSERT_TRUE(cluster->world.advance_until([&] { return is_over(*cluster, run); }, seconds{30}));

  const auto retried =
      ask<service::RetriedRun>(*cluster, [&](service::Service& service, service::Reply<service::RetriedRun> reply) {
        service::RetryRun request;
        request.namespace_name = "default";
        request.run_id = run;
        service.retry_run(std::move(request), std::move(reply));
      });

  ASSERT_TRUE(retried) << retried.error().message;
  EXPECT_EQ(settled(sent->signal_id).fate, SignalFate::consumed);
  EXPECT_EQ(cluster->find_run(run)->state, RunState::succeeded);
}

TEST_F(SimulatedSignals, OnesSentToARunExpireWhetherItIsOpenOrNot) {
  begin(48);
  const RunId open = start("taker", "open");
  const RunId closed = start("stumbler", "closed");
  std::vector<SignalId> sent;
  for (const RunId run : {open, closed}) {
    service::SendSignal word = a_signal("other", "", "early");
    word.key.reset();
    word.run_id = run;
    word.ttl_seconds = 8;
    sent.push_back(send(*cluster, word)->signal_id);
  }

  cluster->world.advance(seconds{20});

  ASSERT_TRUE(is_over(*cluster, closed));
  for (const SignalId id : sent) {
    const auto view = signal_view(*cluster, id);
    EXPECT_EQ(view.fate, SignalFate::expired);
    EXPECT_TRUE(view.settled_at.has_value());
  }
}

TEST_F(SimulatedSignals, AnOperatorSendsOneOnAndEachNamesTheOther) {
  begin(49);
  const RunId run = start("taker", "right");
  service::SendSignal tick = a_signal("tick", "wrong", "t");
  tick.payload = make_payload(Json{{"n", 0}});
  const auto lost = send(*cluster, tick);
  service::RedirectSignal there = a_redirect(lost->signal_id, store::SignalLinkKind::retarget);
  there.key = "right";

  const auto made = redirect(*cluster, there);
  const auto again = redirect(*cluster, there);

  ASSERT_TRUE(made) << made.error().message;
  const auto taken = settled(made->signal_id);
  EXPECT_EQ(taken.fate, SignalFate::consumed);
  EXPECT_EQ(taken.run_id, run);
  ASSERT_TRUE(taken.link.has_value());
  EXPECT_EQ(taken.link->origin, lost->signal_id);
  EXPECT_EQ(taken.link->reason, "it went astray");
  const auto old = signal_view(*cluster, lost->signal_id);
  EXPECT_EQ(old.fate, SignalFate::rejected);
  EXPECT_EQ(old.reason, "retargeted");
  EXPECT_EQ(old.successor, made->signal_id);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().slug, "wrong-state");
}

/// Up to so many ids a mailbox knows by heart; beyond, each is looked up.
TEST_F(SimulatedSignals, EveryIdOfAKeyCountsOnceHoweverManyThereAre) {
  begin(52);
  std::vector<SignalId> first;
  const auto send_all = [&](std::size_t count, auto check) {
    for (std::size_t i = 0; i < count; ++i) {
      const auto sent = send(*cluster, a_signal("bell", "tower", "id-" + std::to_string(i)));
      ASSERT_TRUE(sent) << sent.error().message;
      check(i, *sent);
    }
  };
  const auto is_known = [&](std::size_t i, const service::SentSignal& sent) {
    EXPECT_EQ(sent.fate, i < first.size() ? "duplicate" : "buffered") << i;
    if (i < first.size()) EXPECT_EQ(sent.signal_id, first[i]);
    if (i == first.size()) first.push_back(sent.signal_id);
  };

  for (const std::size_t count :
       {std::size_t{3}, store::kMaxSenderIds, store::kMaxSenderIds + 1, 2 * store::kMaxSenderIds}) {
    send_all(count, is_known);
    send_all(count, is_known);
  }
  cluster->crash("a");
  cluster->crash("b");
  cluster->start_node("a");
  cluster->world.advance(seconds{20});
  send_all(2 * store::kMaxSenderIds, is_known);
}

TEST_F(SimulatedSignals, AReplayOfWhatWasConsumedNeedsAnIdAndCountsOnce) {
  begin(50);
  const auto runs = cluster->start_together("a", "bell", 2);
  cluster->world.advance(seconds{3});
  const auto sent = send(*cluster, a_signal("bell", "tower", "first"));
  ASSERT_EQ(settled(sent->signal_id).fate, SignalFate::consumed);

  const auto refused = redirect(*cluster, a_replay(sent->signal_id));
  service::RedirectSignal named = a_replay(sent->signal_id);
  named.id = "second";
  const auto made = redirect(*cluster, named);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(settled(made->signal_id).fate, SignalFate::consumed);
  const auto again = redirect(*cluster, named);

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().slug, "wrong-state");
  ASSERT_TRUE(again);
  EXPECT_EQ(again->fate, "duplicate");
  EXPECT_EQ(again->signal_id, made->signal_id);
  EXPECT_TRUE(is_over(*cluster, runs[0]) && is_over(*cluster, runs[1]));
}

TEST_F(SimulatedSignals, ReplaysOfOneSignalAtOnceMakeOneSignal) {
  begin(51);
  const auto sent = send(*cluster, a_signal("bell", "tower", "early"));
  int made = 0;
  int refused = 0;

  for (int i = 0; i < 10; ++i) {
    cluster->call(i % 2 == 0 ? "a" : "b", [&](service::Service& service) {
      service.redirect_signal(a_replay(sent->signal_id),
                              [&](const Result<service::SentSignal>& answer) { ++(answer ? made : refused); });
    });
  }
  cluster->world.advance(seconds{10});

  EXPECT_EQ(made, 1);
  EXPECT_EQ(refused, 9);
  EXPECT_EQ(cluster->tables().signals.size(), 2U);
}

TEST_F(SimulatedSignals, TooManyForOneKeyAreRefusedAndRoomComesBack) {
  begin(52);
  int kept = 0;
  int refused = 0;
  const auto count = [&](const Result<service::SentSignal>& sent) {
    if (!sent) EXPECT_EQ(sent.error().slug, "mailbox-full");
    ++(sent ? kept : refused);
  };
  const int most = static_cast<int>(runtime::kMaxPendingSignals);

  for (int i = 0; i < most + 5; ++i) {
    cluster->call("a", [&](service::Service& service) {
      service.send_signal(a_signal("bell", "tower", "s" + std::to_string(i)), count);
    });
  }
  cluster->world.advance_until([&] { return kept + refused == most + 5; }, std::chrono::minutes{5});
  EXPECT_EQ(kept, most);
  EXPECT_EQ(refused, 5);
  cluster->start_together("a", "bell", 1);
  cluster->world.advance(seconds{3});
  const auto again = send(*cluster, a_signal("bell", "tower", "late"));

  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->fate, "buffered");
}

}  // namespace
}  // namespace orchestrator::testing
