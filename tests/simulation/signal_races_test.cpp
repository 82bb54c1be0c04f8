// Signals against the time-out of the wait that they are for: whoever comes first, and never both.
#include <gtest/gtest.h>

#include "orchestrator/digest/routing.hpp"
#include "tests/simulation/signal_callers.hpp"

namespace orchestrator::testing {
namespace {

constexpr const char* kPatient = R"({
  "StartAt": "Wait",
  "States": {
    "Wait": {"Type": "Task", "Resource": "signal:go", "Parameters": {"key.$": "$.key"}, "TimeoutSeconds": 2, "Next": "Took",
      "Catch": [{"ErrorEquals": ["States.Timeout"], "Next": "Late"}]},
    "Took": {"Type": "Pass", "Result": "signal", "End": true},
    "Late": {"Type": "Pass", "Result": "timeout", "End": true}
  }
})";

struct Tally {
  int signals = 0;
  int timeouts = 0;
  int faults = 0;
};

std::string key_of(std::size_t number) { return "k" + std::to_string(number); }

/// Half of the runs have the signal's key, so that both meet on one shard; the others are anywhere.
std::vector<RunId> start_patient(SimulatedCluster& cluster, std::size_t count) {
  std::vector<service::StartRun> starts(count);
  for (std::size_t i = 0; i < count; ++i) {
    starts[i].namespace_name = "default";
    starts[i].workflow = "patient";
    starts[i].input = make_payload(Json{{"key", key_of(i)}});
    if (i % 2 == 0) starts[i].key = key_of(i);
  }
  using Answers = std::vector<Result<service::StartedRun>>;
  const auto answers = ask<Answers>(cluster, [&](service::Service& service, service::Reply<Answers> reply) {
    service.start_runs(starts, std::nullopt, std::move(reply));
  });
  std::vector<RunId> runs;
  for (const auto& one : *answers) runs.push_back(one->run_id);
  return runs;
}

/// Each run's signal comes within a few milliseconds of its deadline, before or after.
void signal_at_the_last_moment(SimulatedCluster& cluster, const std::vector<RunId>& runs, SeededRandom& random) {
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const auto& row = cluster.tables().open.at(runs[i]);
    const Duration until = *row.progress.wake_at - cluster.world.database_now();
    const Duration jitter{static_cast<std::int64_t>(random.next() % 12'000) - 9'000};
    cluster.world.post_at(cluster.world.now() + until + jitter, [&cluster, key = key_of(i)] {
      cluster.call("a", [key](service::Service& service) {
        service.send_signal(a_signal("go", key, "only"), [](const Result<service::SentSignal>&) {});
      });
    });
  }
}

/// I-8: the run took the signal, and the signal was consumed by it; or neither.
void count(SimulatedCluster& cluster, const std::vector<RunId>& runs, Tally& tally) {
  const auto& tables = cluster.tables();
  const auto shards = static_cast<std::int32_t>(tables.owners.size());
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const auto run = tables.closed.find(runs[i]);
    const ShardId shard = digest::shard_for_key("default", key_of(i), shards);
    const auto sender = tables.senders.find({shard, "default", "key:" + key_of(i), "go", "only"});
    if (run == tables.closed.end() || sender == tables.senders.end()) {
      ++tally.faults;
      continue;
    }
    const store::SignalRow& signal = tables.signals.at(sender->second);
    const bool took = json_of(run->second.output) == "signal";
    const bool is_late = json_of(run->second.output) == "timeout";
    const bool is_consumed = signal.fate == store::SignalFate::consumed && signal.run_id == runs[i];
    const bool is_buffered = signal.fate == store::SignalFate::buffered;
    if ((took && is_consumed) || (is_late && is_buffered)) {
      ++(took ? tally.signals : tally.timeouts);
    } else {
      ++tally.faults;
      ADD_FAILURE() << key_of(i) << " ended as " << dump_json(json_of(run->second.output)) << ", its signal is "
                    << store::to_string(signal.fate);
    }
  }
}

TEST(SignalRaces, EachOfTwoHundredThousandHasOneWinner) {
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  constexpr int kRaces = 10'000;  // each costs many times as much
#else
  constexpr int kRaces = 200'000;
#endif
#else
  constexpr int kRaces = 200'000;
#endif
  constexpr int kRacesPerWorld = 1'000;
  Tally tally;

  for (int world = 0; world < kRaces / kRacesPerWorld && tally.faults == 0; ++world) {
    SimulatedCluster cluster(static_cast<std::uint64_t>(world) + 1);
    SeededRandom random(static_cast<std::uint64_t>(world) + 7'000);
    cluster.start_node("a");
    cluster.world.advance(std::chrono::seconds{5});
    cluster.deploy("patient", kPatient);
    const auto runs = start_patient(cluster, kRacesPerWorld);
    cluster.world.advance(std::chrono::seconds{1});
    signal_at_the_last_moment(cluster, runs, random);
    cluster.world.advance(std::chrono::seconds{8});
    count(cluster, runs, tally);
  }

  EXPECT_EQ(tally.faults, 0);
  EXPECT_EQ(tally.signals + tally.timeouts, kRaces);
  // It was a race: neither side always wins.
  EXPECT_GT(tally.signals, kRaces / 20);
  EXPECT_GT(tally.timeouts, kRaces / 20);
  RecordProperty("signals", tally.signals);
  RecordProperty("timeouts", tally.timeouts);
}

}  // namespace
}  // namespace orchestrator::testing
