#include "orchestrator/core/job.hpp"

#include <gtest/gtest.h>

#include "core_driver.hpp"

namespace orchestrator::core {
namespace {

/// A job on a clock of its own.
struct JobDriver {
  explicit JobDriver(JobSpec spec, std::optional<Timestamp> run_at = std::nullopt)
      : definition(job_definition("ship", "parcels", spec)), run(header_of(run_at), definition) {
    now = run.header().created_at;
    note(planner.start(run, Inputs{.now = now, .seed = ++seed}));
  }

  static RunHeader header_of(std::optional<Timestamp> run_at) {
    RunHeader header = Driver::a_header({{"parcel", 7}});
    header.kind = RunKind::job;
    header.workflow = "ship";
    header.version = 0;
    header.queue = "parcels";
    header.run_at = run_at;
    return header;
  }

  void note(const Decision& decision) {
    remarkable = remarkable || is_remarkable(decision.events);
    note_failures(run, decision.events, worker, failures);
  }
  void decide(const Event& event) {
    auto decision = planner.decide(run, event, Inputs{.now = now, .seed = ++seed});
    ASSERT_TRUE(decision) << decision.error().message;
    note(*decision);
  }
  [[nodiscard]] ScheduleTask task() const {
    for (const Command& command : planner.owed(run)) {
      if (const auto* task = std::get_if<ScheduleTask>(&command)) return *task;
    }
    ADD_FAILURE() << "no task is open";
    return {};
  }
  void finish(Outcome outcome) {
    decide(TaskFinished{.task = task().task, .outcome = std::move(outcome), .worker = "w-1", .started_at = now});
  }
  /// Seconds until the next timer.
  [[nodiscard]] double delay() const {
    return std::chrono::duration<double>(run.next_timer().value_or(now) - now).count();
  }
  void wait() {
    now = run.next_timer().value_or(now);
    decide(TimersDue{});
  }

  Planner planner{{}, {}};
  language::DefinitionPtr definition;
  Run run;
  Timestamp now;
  std::uint64_t seed = 0;
  bool remarkable = false;
  std::string worker;
  std::vector<FailedAttempt> failures;
};

JobSpec without_jitter(JobRetryKind kind) {
  JobSpec spec;
  spec.retry.kind = kind;
  spec.retry.full_jitter = false;
  return spec;
}

TEST(Job, AsksForItsOneTaskAndEndsWithItsOutput) {
  JobDriver job{JobSpec{}};

  const ScheduleTask task = job.task();
  EXPECT_EQ(task.handler, "ship");
  EXPECT_EQ(task.queue, "parcels");
  EXPECT_EQ(task.state_name, kJobStateName);
  EXPECT_EQ(json_of(task.input), Json({{"parcel", 7}}));
  job.finish(Outcome::completed(make_payload({{"shipped", true}})));

  EXPECT_EQ(job.run.state(), RunState::succeeded);
  EXPECT_EQ(json_of(job.run.output()), Json({{"shipped", true}}));
  EXPECT_FALSE(job.remarkable);
  EXPECT_TRUE(job.failures.empty());
}

TEST(Job, BacksOffExponentiallyUpToTheLongestDelay) {
  JobSpec spec = without_jitter(JobRetryKind::exponential);
  spec.max_attempts = 5;
  spec.retry.initial_seconds = 0.5;
  spec.retry.factor = 3;
  spec.retry.max_seconds = 4;
  JobDriver job{spec};

  std::vector<double> delays;
  while (job.run.state() != RunState::failed) {
    job.finish(Outcome::failed("Boom", "again"));
    if (job.run.state() == RunState::failed) break;
    delays.push_back(job.delay());
    job.wait();
  }

  EXPECT_EQ(delays, (std::vector<double>{0.5, 1.5, 4, 4}));
  EXPECT_EQ(job.run.attempts(), 5);
  ASSERT_EQ(job.failures.size(), 5U);
  EXPECT_EQ(job.failures.front().attempt, 1);
  EXPECT_EQ(job.failures.front().worker, "w-1");
  EXPECT_TRUE(job.failures.front().retry_at);
  EXPECT_EQ(job.failures.back().attempt, 5);
  EXPECT_FALSE(job.failures.back().retry_at);
}

TEST(Job, FollowsAListWhoseLastDelayRepeats) {
  JobSpec spec = without_jitter(JobRetryKind::list);
  spec.max_attempts = 4;
  spec.retry.delays_seconds = {0.25, 60};
  JobDriver job{spec};

  std::vector<double> delays;
  for (int i = 0; i < 3; ++i) {
    job.finish(Outcome::failed("Boom", ""));
    delays.push_back(job.delay());
    job.wait();
  }

  EXPECT_EQ(delays, (std::vector<double>{0.25, 60, 60}));
}

TEST(Job, FullJitterStaysBelowThePolicysDelay) {
  JobSpec spec;
  spec.max_attempts = 1'000;
  spec.retry.kind = JobRetryKind::fixed;
  spec.retry.initial_seconds = 10;
  JobDriver job{spec};

  double least = 10;
  double most = 0;
  for (int i = 0; i < 200; ++i) {
    job.finish(Outcome::failed("Boom", ""));
    least = std::min(least, job.delay());
    most = std::max(most, job.delay());
    job.wait();
  }

  EXPECT_LT(least, 1);
  EXPECT_GT(most, 9);
  EXPECT_LE(most, 10);
}

TEST(Job, FailsAtOnceWhenNoRetryIsLeftOrWanted) {
  JobSpec once;
  once.max_attempts = 1;
  JobDriver single{once};
  JobDriver permanent{JobSpec{}};
  Outcome never = Outcome::failed("Invalid", "no such parcel");
  never.retryable = false;

  single.finish(Outcome::failed("Boom", ""));
  permanent.finish(never);

  EXPECT_EQ(single.run.state(), RunState::failed);
  EXPECT_EQ(permanent.run.state(), RunState::failed);
  EXPECT_EQ(permanent.run.error(), "Invalid");
}

TEST(Job, ASnoozeCostsNoAttempt) {
  JobDriver job{JobSpec{}};

  job.finish(Outcome::snoozed(std::chrono::seconds{30}));
  EXPECT_EQ(job.run.state(), RunState::waiting);
  EXPECT_EQ(job.delay(), 30);
  job.wait();

  EXPECT_EQ(job.task().task.attempt, 1);
  EXPECT_TRUE(job.failures.empty());
  EXPECT_TRUE(job.remarkable);
}

TEST(Job, ALostWorkerIsToldAsAFailureAndTheNextAttemptGoesOut) {
  JobDriver job{JobSpec{}};
  job.decide(TaskStarted{job.task().task, "w-9"});

  job.decide(TaskLost{job.task().task});

  ASSERT_EQ(job.failures.size(), 1U);
  EXPECT_EQ(job.failures[0].attempt, 1);
  EXPECT_EQ(job.failures[0].error, "Orchestrator.WorkerLost");
  EXPECT_EQ(job.failures[0].worker, "w-9");
  EXPECT_EQ(job.task().task.attempt, 2);
}

TEST(Job, FirstWorkIsWhenAWorkerBeginsIt) {
  JobDriver job{JobSpec{}};
  EXPECT_EQ(job.run.first_work_at(), std::nullopt);
  job.now += std::chrono::minutes{3};
  const Timestamp begun = job.now;

  job.decide(TaskStarted{job.task().task, "w-1"});
  job.now += std::chrono::seconds{1};
  job.decide(TaskLost{job.task().task});
  job.now += std::chrono::seconds{1};
  job.finish(Outcome::completed(make_payload(1)));

  EXPECT_EQ(job.run.first_work_at(), begun);
  auto restored = Run::restore(job.run.header(), job.definition, job.run.checkpoint());
  ASSERT_TRUE(restored);
  EXPECT_EQ(restored->first_work_at(), begun);
}

TEST(Job, FirstWorkIsKnownFromTheHandOutOn) {
  JobDriver job{JobSpec{}};

  job.run.mark_in_hand(job.task().task, job.now + std::chrono::seconds{5}, "w-1");

  EXPECT_EQ(job.run.first_work_at(), job.now + std::chrono::seconds{5});
}

TEST(Job, KeepsTheOutputOfWorkThatACancellationLetFinish) {
  JobDriver job{JobSpec{}};
  job.decide(TaskStarted{job.task().task, "w-1"});
  job.decide(CancelAsked{.mode = CancelMode::graceful, .reason = "not needed", .actor = "ann"});

  job.finish(Outcome::completed(make_payload({{"shipped", true}})));

  EXPECT_EQ(job.run.state(), RunState::cancelled);
  ASSERT_NE(job.run.output(), nullptr);
  EXPECT_EQ(json_of(job.run.output()), Json({{"shipped", true}}));
}

TEST(Job, KilledHasNoOutput) {
  JobDriver job{JobSpec{}};
  job.decide(TaskStarted{job.task().task, "w-1"});

  job.decide(CancelAsked{.mode = CancelMode::kill, .reason = "not needed", .actor = "ann"});

  EXPECT_EQ(job.run.state(), RunState::cancelled);
  EXPECT_EQ(job.run.output(), nullptr);
}

TEST(Job, BeginsAgainAsItBegan) {
  const Timestamp at = JobDriver::header_of(std::nullopt).created_at + std::chrono::hours{1};
  JobDriver waiting{JobSpec{}, at};
  JobDriver begun{JobSpec{}, at};
  begun.wait();

  core::Run waiting_again(waiting.run.header(), waiting.definition);
  begin_again(waiting.planner, waiting_again, std::nullopt);
  core::Run begun_again(begun.run.header(), begun.definition);
  begin_again(begun.planner, begun_again, begun.run.started_at());

  EXPECT_EQ(waiting_again.next_timer(), at);
  EXPECT_EQ(waiting_again.state(), RunState::waiting);
  EXPECT_TRUE(begun_again.is_open(begun.task().task));
  EXPECT_EQ(begun_again.started_at(), begun.run.started_at());
}

TEST(Job, ARecordKeepsTheLastTenFailuresAndTheRun) {
  JobRecord record;
  for (int i = 1; i <= 12; ++i) {
    FailedAttempt failure;
    failure.attempt = i;
    failure.at = from_micros(i);
    failure.error = "Boom";
    failure.cause = std::string("a\0b", 3);
    if (i < 12) failure.retry_at = from_micros(i + 5);
    keep_failure(record.failures, failure);
  }
  record.run = make_payload({{"x", 1}});

  const auto read = decode_job_record(encode_job_record(record));

  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->failures.size(), kKeptFailures);
  EXPECT_EQ(read->failures.front().attempt, 3);
  EXPECT_EQ(read->failures.back().cause, record.failures.back().cause);
  EXPECT_EQ(read->failures.front().retry_at, from_micros(8));
  EXPECT_FALSE(read->failures.back().retry_at);
  EXPECT_EQ(json_of(read->run), Json({{"x", 1}}));
  EXPECT_FALSE(decode_job_record("[]"));
}

TEST(Job, ASpecIsWrittenWithoutItsDefaultsAndReadBack) {
  auto spec = std::make_shared<JobSpec>();
  EXPECT_EQ(encode_job_spec(spec), nullptr);
  EXPECT_EQ(encode_job_spec(nullptr), nullptr);
  spec->max_attempts = 3;
  spec->retry.kind = JobRetryKind::list;
  spec->retry.full_jitter = false;
  spec->retry.delays_seconds = {0.5, 2};
  spec->timeout_seconds = 30;
  spec->order_key = "o";
  spec->concurrency_key = "o";
  spec->rate_key = "o";
  spec->order_number = 12;

  const auto read = decode_job_spec(encode_job_spec(spec));
  JobStart start{.queue = "q", .spec = spec, .unique_within_seconds = 9, .delay = Duration{5}};
  const auto again = job_start_from(to_json(start));

  ASSERT_TRUE(read);
  EXPECT_EQ(**read, *spec);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->queue, "q");
  EXPECT_EQ(*again->spec, *spec);
  EXPECT_EQ(again->unique_within_seconds, 9);
  EXPECT_EQ(again->delay, Duration{5});
}

}  // namespace
}  // namespace orchestrator::core
