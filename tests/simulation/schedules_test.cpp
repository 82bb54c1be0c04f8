// Schedules on two nodes, one thread and a virtual clock: what starts, what does not, and what is written about it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "orchestrator/base/json.hpp"
#include "orchestrator/digest/routing.hpp"
#include "tests/support/simulated_cluster.hpp"

namespace orchestrator::testing {
namespace {

using runtime::ScheduleAction;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using store::SlotOrigin;
using store::SlotOutcome;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Field;

constexpr const char* kQuick = R"({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}})";
constexpr const char* kSlow = R"({"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 25, "End": true}}})";
constexpr const char* kPicky = R"({"StartAt": "A", "InputSchema": {"type": "object", "required": ["who"]},
                                   "States": {"A": {"Type": "Succeed"}}})";

class Schedules : public ::testing::Test {
 protected:
  void begin(std::uint64_t seed = 1) {
    cluster = std::make_unique<SimulatedCluster>(seed);
    cluster->start_node("a");
    cluster->start_node("b");
    cluster->world.advance(seconds{5});
    cluster->deploy("quick", kQuick);
    cluster->deploy("slow", kSlow);
    cluster->deploy("picky", kPicky);
  }

  static schedule::Settings every(std::int64_t every_seconds, const std::string& workflow) {
    schedule::Settings settings;
    settings.every_seconds = every_seconds;
    settings.workflow = workflow;
    return settings;
  }

  /// Asks the nodes in turn until one answers.
  Result<runtime::ScheduleAnswer> ask(service::ScheduleChange change) {
    change.namespace_name = "default";
    change.name = "s";
    change.reserved = RunId{make_uuid7(cluster->world.database_now(), ShardId{0}, ++asked)};
    for (int tries = 0; tries < 20; ++tries) {
      for (const auto& node : cluster->node_names()) {
        // Shared: the answer may come after this call gave up.
        auto answer = std::make_shared<std::optional<Result<runtime::ScheduleAnswer>>>();
        cluster->call(node, [&](service::Service& service) {
          service.schedules().change(change,
                                     [answer](Result<runtime::ScheduleAnswer> got) { *answer = std::move(got); });
        });
        cluster->world.advance_until([&] { return answer->has_value(); }, seconds{20});
        if (*answer && ((*answer)->has_value() || !error_traits((*answer)->error().code).retryable)) return **answer;
      }
    }
    return fail(ErrorCode::unavailable, "nobody answered");
  }
  Result<runtime::ScheduleAnswer> ask(ScheduleAction action) {
    service::ScheduleChange change;
    change.action = action;
    return ask(std::move(change));
  }
  void create(schedule::Settings settings) {
    service::ScheduleChange change;
    change.settings = std::move(settings);
    const auto created = ask(std::move(change));
    ASSERT_TRUE(created.has_value()) << created.error().message;
    created_at = created->row.created_at;
  }
  Result<runtime::ScheduleAnswer> backfill(Timestamp from, Timestamp to) {
    service::ScheduleChange change;
    change.action = ScheduleAction::backfill;
    change.from = from;
    change.to = to;
    return ask(std::move(change));
  }

  /// Oldest first.
  std::vector<store::ScheduleSlotRow> slots() {
    std::vector<store::ScheduleSlotRow> rows;
    for (const auto& [key, row] : cluster->tables().schedule_slots) rows.push_back(row);
    std::sort(rows.begin(), rows.end(), [](const auto& l, const auto& r) { return l.slot_at < r.slot_at; });
    return rows;
  }
  std::vector<SlotOutcome> outcomes() {
    std::vector<SlotOutcome> all;
    for (const auto& row : slots()) all.push_back(row.outcome);
    return all;
  }
  std::size_t count(SlotOutcome outcome) {
    const auto all = outcomes();
    return static_cast<std::size_t>(std::count(all.begin(), all.end(), outcome));
  }
  const store::ScheduleRow& row() { return cluster->tables().schedules.begin()->second; }
  /// How many runs each slot has: by the attribute that the engine gave them.
  std::map<std::string, int> runs_by_slot() {
    std::map<std::string, int> runs;
    const auto add = [&](const RunHeader& header) {
      if (header.attributes && header.attributes->contains("slot")) ++runs[(*header.attributes)["slot"]];
    };
    for (const auto& [id, run] : cluster->tables().open) add(run.header);
    for (const auto& [id, run] : cluster->tables().closed) add(run.header);
    return runs;
  }
  /// Each started slot has its run, and no run is without.
  void expect_one_run_per_started_slot() {
    const auto runs = runs_by_slot();
    std::size_t started = 0;
    for (const auto& slot : slots()) {
      if (slot.outcome != SlotOutcome::started) continue;
      ++started;
      EXPECT_EQ(runs.count(to_rfc3339(slot.slot_at)), 1U) << to_rfc3339(slot.slot_at);
      EXPECT_TRUE(slot.run_id && cluster->find_run(*slot.run_id)) << to_rfc3339(slot.slot_at);
    }
    EXPECT_EQ(runs.size(), started);
    EXPECT_THAT(runs, Each(::testing::Pair(::testing::_, 1)));
  }

  std::unique_ptr<SimulatedCluster> cluster;
  Timestamp created_at{};
  std::uint64_t asked = 0;
};

TEST_F(Schedules, EachSlotStartsARunNeverEarlyAndLateByLessThanASecond) {
  begin();
  create(every(10, "quick"));

  cluster->world.advance(minutes{5});

  const auto rows = slots();
  ASSERT_EQ(rows.size(), 30U);
  for (const auto& slot : rows) {
    EXPECT_EQ(slot.outcome, SlotOutcome::started);
    EXPECT_GE(slot.decided_at, slot.fire_at);
    EXPECT_LT(slot.decided_at - slot.fire_at, seconds{1});
    const auto run = cluster->find_run(*slot.run_id);
    ASSERT_TRUE(run.has_value());
    EXPECT_EQ(run->header.attributes->at("schedule"), "s");
  }
  EXPECT_EQ(row().progress.last_run_id, rows.back().run_id);
  expect_one_run_per_started_slot();
}

TEST_F(Schedules, OverlapSkipPassesOverWhatComesWhileARunIsOpen) {
  begin();
  create(every(10, "slow"));

  cluster->world.advance(seconds{65});

  using enum SlotOutcome;
  EXPECT_THAT(outcomes(), ElementsAre(started, skipped, skipped, started, skipped, skipped));
  EXPECT_EQ(slots()[1].reason, "overlap");
}

TEST_F(Schedules, OverlapQueueStartsOneAfterTheOther) {
  begin();
  auto settings = every(20, "slow");
  settings.overlap = schedule::Overlap::queue;
  create(settings);

  cluster->world.advance(minutes{5});

  // A run every 25 s, a slot every 20 s: three wait by then.
  EXPECT_GE(count(SlotOutcome::started), 11U);
  EXPECT_GE(count(SlotOutcome::queued), 2U);
  EXPECT_EQ(count(SlotOutcome::skipped), 0U);
  std::set<Timestamp> ends;
  for (const auto& [id, run] : cluster->tables().closed) ends.insert(run.closed_at);
  EXPECT_EQ(ends.size(), cluster->tables().closed.size());
  EXPECT_LE(cluster->tables().open.size(), 1U);
  expect_one_run_per_started_slot();
}

TEST_F(Schedules, OverlapCancelEndsTheRunBefore) {
  begin();
  auto settings = every(10, "slow");
  settings.overlap = schedule::Overlap::cancel;
  create(settings);

  cluster->world.advance(seconds{45});

  EXPECT_EQ(count(SlotOutcome::started), 4U);
  std::size_t cancelled = 0;
  for (const auto& [id, run] : cluster->tables().closed) cancelled += run.state == RunState::cancelled ? 1 : 0;
  EXPECT_EQ(cancelled, 3U);
  EXPECT_EQ(cluster->tables().open.size(), 1U);
}

TEST_F(Schedules, OverlapParallelStartsWhateverIsOpen) {
  begin();
  auto settings = every(10, "slow");
  settings.overlap = schedule::Overlap::parallel;
  create(settings);

  cluster->world.advance(seconds{45});

  EXPECT_THAT(outcomes(), AllOf(Each(SlotOutcome::started), ::testing::SizeIs(4)));
  EXPECT_GE(cluster->tables().open.size(), 2U);
}

class MissedSlots : public Schedules {
 protected:
  /// Nobody is there for ten minutes.
  void miss(schedule::Missed missed, std::int64_t most = 100) {
    begin();
    auto settings = every(60, "quick");
    settings.missed = missed;
    settings.missed_max = most;
    create(settings);
    cluster->world.advance(seconds{90});
    cluster->crash("a");
    cluster->crash("b");
    cluster->world.advance(minutes{10});
    cluster->start_node("a");
    cluster->world.advance(seconds{55});
  }
};

TEST_F(MissedSlots, SkipStartsNone) {
  miss(schedule::Missed::skip);

  // One before, nine missed, one within the minute that a take-over may cost.
  EXPECT_EQ(count(SlotOutcome::missed), 9U);
  EXPECT_EQ(count(SlotOutcome::started), slots().size() - 9U);
  expect_one_run_per_started_slot();
}

TEST_F(MissedSlots, LatestStartsTheLastOne) {
  miss(schedule::Missed::latest);

  EXPECT_EQ(count(SlotOutcome::missed), 8U);
  const auto rows = slots();
  const auto late = std::find_if(rows.begin(), rows.end(), [](const auto& row) {
    return row.outcome == SlotOutcome::started && row.reason == "late";
  });
  ASSERT_NE(late, rows.end());
  EXPECT_EQ((late - 1)->outcome, SlotOutcome::missed);
  expect_one_run_per_started_slot();
}

TEST_F(MissedSlots, AllStartsAsManyOfTheLastAsItMay) {
  miss(schedule::Missed::all, 5);

  EXPECT_EQ(count(SlotOutcome::missed), 4U);
  EXPECT_EQ(count(SlotOutcome::started), slots().size() - 4U);
  expect_one_run_per_started_slot();
}

TEST_F(Schedules, APauseIsOneRowHoweverLongItWas) {
  begin();
  create(every(1, "quick"));
  cluster->world.advance(seconds{10});
  const auto paused = ask(ScheduleAction::pause);
  ASSERT_TRUE(paused.has_value());
  EXPECT_EQ(paused->row.progress.next_fire_at, std::nullopt);
  const std::size_t before = slots().size();

  cluster->world.advance(hours{2});
  const auto resumed = ask(ScheduleAction::resume);

  ASSERT_TRUE(resumed.has_value());
  EXPECT_TRUE(resumed->row.progress.next_fire_at.has_value());
  const auto rows = slots();
  ASSERT_GE(rows.size(), before + 1);
  const auto range =
      std::find_if(rows.begin(), rows.end(), [](const auto& row) { return row.origin == SlotOrigin::range; });
  ASSERT_NE(range, rows.end());
  EXPECT_EQ(range->outcome, SlotOutcome::skipped);
  EXPECT_EQ(range->reason, "paused");
  EXPECT_NEAR(static_cast<double>(range->slot_count.value_or(0)), 7'200, 5);
  cluster->world.advance(seconds{10});
  EXPECT_GE(slots().size(), before + 10);
  expect_one_run_per_started_slot();
}

TEST_F(Schedules, ATriggerStartsARunAlsoWhilePausedAndWhileAnotherIsOpen) {
  begin();
  create(every(3600, "slow"));
  ASSERT_TRUE(ask(ScheduleAction::pause).has_value());

  const auto first = ask(ScheduleAction::trigger);
  const auto second = ask(ScheduleAction::trigger);

  ASSERT_TRUE(first.has_value() && second.has_value());
  ASSERT_TRUE(first->run_id && second->run_id);
  EXPECT_NE(*first->run_id, *second->run_id);
  EXPECT_TRUE(cluster->find_run(*first->run_id).has_value());
  EXPECT_THAT(slots(), AllOf(::testing::SizeIs(2), Each(Field(&store::ScheduleSlotRow::origin, SlotOrigin::trigger))));
}

TEST_F(Schedules, ABackfillStartsWhatStartedNothingOnceAndInOrder) {
  begin();
  create(every(60, "slow"));
  cluster->world.advance(minutes{5});
  const std::size_t before = count(SlotOutcome::started);

  const Timestamp from = created_at - minutes{10};
  const auto first = backfill(from, created_at + minutes{5});
  cluster->world.advance(minutes{15});
  const auto second = backfill(from, created_at + minutes{5});

  ASSERT_TRUE(first.has_value()) << first.error().message;
  EXPECT_EQ(first->slots, 10);  // those before the schedule was created
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->slots, 0);
  std::size_t filled = 0;
  Timestamp last{};
  for (const auto& slot : slots()) {
    if (slot.reason != "backfill") continue;
    ++filled;
    EXPECT_EQ(slot.outcome, SlotOutcome::started);
    EXPECT_GT(slot.decided_at, last) << "one at a time";
    last = slot.decided_at;
  }
  EXPECT_EQ(filled, 10U);
  EXPECT_GT(count(SlotOutcome::started), before + 9);
  expect_one_run_per_started_slot();
}

TEST_F(Schedules, ABackfillOfTooManySlotsIsRefused) {
  begin();
  create(every(1, "quick"));
  cluster->world.advance(seconds{5});

  const auto refused = backfill(created_at - hours{24}, created_at);

  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(count(SlotOutcome::queued), 0U);
}

TEST_F(Schedules, ARemovedScheduleStartsNothingMore) {
  begin();
  auto settings = every(10, "slow");
  settings.overlap = schedule::Overlap::queue;
  create(settings);
  cluster->world.advance(seconds{35});
  ASSERT_GE(count(SlotOutcome::queued), 1U);

  const auto removed = ask(ScheduleAction::remove);
  const std::size_t started = count(SlotOutcome::started);
  cluster->world.advance(minutes{2});

  ASSERT_TRUE(removed.has_value());
  EXPECT_TRUE(cluster->tables().schedules.empty());
  EXPECT_EQ(count(SlotOutcome::queued), 0U);
  EXPECT_GE(count(SlotOutcome::cancelled), 1U);
  EXPECT_EQ(count(SlotOutcome::started), started);
  EXPECT_EQ(ask(ScheduleAction::pause).error().code, ErrorCode::not_found);
}

TEST_F(Schedules, AReplacedRuleCountsFromNowOn) {
  begin();
  create(every(3600, "quick"));
  service::ScheduleChange change;
  change.action = ScheduleAction::replace;
  change.settings = every(5, "quick");

  const auto replaced = ask(change);
  cluster->world.advance(seconds{31});

  ASSERT_TRUE(replaced.has_value());
  EXPECT_FALSE(replaced->created);
  EXPECT_EQ(replaced->row.created_at, created_at);
  EXPECT_EQ(count(SlotOutcome::started), 6U);
}

TEST_F(Schedules, AStartThatIsRefusedIsARowWithItsReason) {
  begin();
  create(every(10, "picky"));

  cluster->world.advance(seconds{25});

  EXPECT_THAT(outcomes(), ElementsAre(SlotOutcome::skipped, SlotOutcome::skipped));
  EXPECT_EQ(slots()[0].reason, "invalid-body");
}

TEST_F(Schedules, ASecondScheduleOfThatNameIsRefusedAndARepeatIsNot) {
  begin();
  create(every(10, "quick"));
  service::ScheduleChange again;
  again.settings = every(20, "quick");

  EXPECT_EQ(ask(again).error().code, ErrorCode::already_exists);
  --asked;  // the id of that request
  again.settings.workflow = "nobody";
  EXPECT_EQ(ask(again).error().slug, "unknown-workflow");
}

TEST_F(Schedules, AHandlerIsStartedAsAJob) {
  begin();
  auto settings = every(10, "nobody.here");
  settings.job = make_payload(to_json(JobStart{.queue = "slow"}));
  create(settings);

  cluster->world.advance(seconds{25});

  using enum SlotOutcome;
  EXPECT_THAT(outcomes(), ElementsAre(started, skipped));
  const auto run = cluster->find_run(*slots()[0].run_id);
  ASSERT_TRUE(run.has_value());
  EXPECT_EQ(run->header.kind, RunKind::job);
  EXPECT_EQ(run->header.workflow, "nobody.here");
  EXPECT_EQ(run->header.queue, "slow");
}

TEST_F(Schedules, FireWhileAnyNodeHasTheRoleScheduler) {
  cluster = std::make_unique<SimulatedCluster>(5);
  cluster->node_options.roles = "api,worker";
  cluster->start_node("a");
  cluster->world.advance(seconds{5});
  cluster->deploy("quick", kQuick);
  create(every(10, "quick"));

  cluster->world.advance(seconds{45});
  EXPECT_TRUE(slots().empty());
  EXPECT_TRUE(ask(ScheduleAction::trigger).has_value());

  cluster->node_options.roles = "scheduler";
  cluster->node_options.takes_shards = false;
  cluster->start_node("s");
  cluster->world.advance(seconds{30});
  EXPECT_GE(count(SlotOutcome::started), 5U);
}

/// Crashes, faults of the store, steps of the database's clock, take-overs.
TEST_F(Schedules, EachSlotHasOneOutcomeAndOneRunWhateverHappens) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    begin(seed);
    SeededRandom random(seed * 977);
    auto settings = every(7, random.next() % 2 == 0 ? "quick" : "slow");
    settings.overlap = static_cast<schedule::Overlap>(seed % 4);
    settings.missed = schedule::Missed::all;
    settings.missed_max = 1'000;
    if (seed % 3 == 0) settings.jitter_seconds = 5;
    create(settings);
    const bool with_faults = seed % 2 == 0;
    bool calm = false;
    cluster->faults = [&](std::string_view operation) {
      if (calm || !with_faults || operation == "heartbeat" || random.next() % 40 != 0)
        return store::memory::Fault::none;
      return random.next() % 2 == 0 ? store::memory::Fault::unknown_done : store::memory::Fault::unknown_undone;
    };

    for (int blow = 0; blow < 6; ++blow) {
      cluster->world.advance(seconds{20 + static_cast<std::int64_t>(random.next() % 20)});
      const std::string victim = random.next() % 2 == 0 ? "a" : "b";
      switch (random.next() % 4) {
        case 0: cluster->world.step_database_clock(seconds{30}); break;
        case 1: cluster->world.step_database_clock(seconds{-20}); break;
        default:
          if (cluster->is_up(victim)) cluster->crash(victim);
          cluster->world.advance(seconds{3});
          cluster->start_node(victim);
      }
    }
    calm = true;
    const Timestamp end = cluster->world.database_now();
    cluster->world.advance(minutes{2});

    SCOPED_TRACE("seed " + std::to_string(seed));
    expect_one_run_per_started_slot();
    std::set<Timestamp> seen;
    for (const auto& slot : slots()) seen.insert(slot.slot_at);
    for (Timestamp at = std::chrono::floor<seconds>(created_at) + seconds{7}; at < end; at += seconds{7}) {
      EXPECT_TRUE(seen.contains(at)) << "no row for " << to_rfc3339(at);
    }
    for (const auto& line : cluster->errors) ADD_FAILURE() << line;
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace orchestrator::testing
