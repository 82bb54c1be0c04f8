// What a job's rows carry: its queue, what it was started with, and what went wrong.
#include "orchestrator/base/json.hpp"
#include "tests/store/store_harness.hpp"

namespace orchestrator::store {
namespace {

using StoreJobs = StoreConformance;
INSTANTIATE_TEST_SUITE_P(Stores, StoreJobs, testing::Values(BackendKind::memory, BackendKind::postgres), backend_name);

OpenRunRow an_open_job(const std::string& handler, const std::string& queue) {
  OpenRunRow job = an_open_run(3);
  job.header.kind = RunKind::job;
  job.header.workflow = handler;
  job.header.version = 0;
  job.header.queue = queue;
  job.progress.waiting_on = kWaitsForWorker;
  return job;
}

JobSpecPtr a_spec() {
  auto spec = std::make_shared<JobSpec>();
  spec->max_attempts = 3;
  spec->retry.kind = JobRetryKind::list;
  spec->retry.delays_seconds = {0.5, 60};
  spec->timeout_seconds = 30;
  spec->order_key = "customer-7";
  spec->order_number = 123'456'789'012'345;
  return spec;
}

TEST_P(StoreJobs, AJobIsLoadedAndReadAsItWasWritten) {
  const ShardLease lease = own(3);
  OpenRunRow job = an_open_job("mail.send", "mails");
  job.header.job = a_spec();
  OpenRunRow plain = an_open_job("noop", "default");
  Batch batch = a_batch({lease});
  batch.opened = {job, plain};
  ASSERT_TRUE(commit(batch));

  const auto loaded = load_run(job.header.id);
  const auto other = load_run(plain.header.id);
  const auto view = ask<RunView>([&](auto done) { store().find_run(job.header.id, std::move(done)); });

  ASSERT_TRUE(loaded && loaded->row.header.job);
  EXPECT_EQ(loaded->row.header.kind, RunKind::job);
  EXPECT_EQ(loaded->row.header.queue, "mails");
  EXPECT_EQ(*loaded->row.header.job, *job.header.job);
  EXPECT_FALSE(loaded->row.progress.job_state);
  ASSERT_TRUE(other);
  EXPECT_EQ(other->row.header.job, nullptr);
  ASSERT_TRUE(view) << view.error().message;
  const auto waiting_on = parse_json(view->waiting_on);
  ASSERT_TRUE(waiting_on);
  EXPECT_EQ(waiting_on->at(0).at("kind"), "worker");
  EXPECT_EQ(waiting_on->at(0).at("handler"), "mail.send");
  EXPECT_EQ(waiting_on->at(0).at("queue"), "mails");
}

TEST_P(StoreJobs, ItsStateIsUpdatedAndKeptWhenItCloses) {
  const ShardLease lease = own(3);
  OpenRunRow job = an_open_job("mail.send", "mails");
  Batch batch = a_batch({lease});
  batch.opened = {job};
  ASSERT_TRUE(commit(batch));
  job.progress.job_state = R"({"failures":[]})";
  batch = a_batch({lease});
  batch.updated = {{ShardId{3}, job.header.id, job.progress}};
  ASSERT_TRUE(commit(batch));
  EXPECT_EQ(load_run(job.header.id)->row.progress.job_state, job.progress.job_state);
  ClosedRunRow closed = a_closed_run(job);
  closed.job_state = R"({"failures":[1]})";
  batch = a_batch({lease});
  batch.closed = {closed};
  ASSERT_TRUE(commit(batch));

  const auto answer = load({.closed_runs = {job.header.id}});
  const auto view = ask<RunView>([&](auto done) { store().find_run(job.header.id, std::move(done)); });

  ASSERT_TRUE(answer && answer->closed_runs.at(0));
  EXPECT_EQ(answer->closed_runs.at(0)->row.job_state, closed.job_state);
  EXPECT_EQ(answer->closed_runs.at(0)->row.header.queue, "mails");
  ASSERT_TRUE(view);
  EXPECT_EQ(view->job_state, closed.job_state);
}

TEST_P(StoreJobs, AreListedByQueueAndHandler) {
  const ShardLease lease = own(3);
  const OpenRunRow open = an_open_job("mail.send", "mails");
  const OpenRunRow closed = an_open_job("mail.send", "bulk");
  OpenRunRow workflow = an_open_run(3);
  workflow.progress.waiting_on = R"([{"handler":"mail.send","kind":"worker","queue":"mails"}])";
  Batch batch = a_batch({lease});
  batch.opened = {open, workflow};
  batch.closed = {a_closed_run(closed)};
  ASSERT_TRUE(commit(batch));
  const auto count = [&](const std::string& queue, const std::string& handler) {
    RunFilter filter;
    filter.namespace_name = "default";
    filter.queue = queue;
    filter.handler = handler;
    const auto page = ask<RunPage>([&](auto done) { store().list_runs(filter, std::move(done)); });
    EXPECT_TRUE(page);
    return page ? page->items.size() : 0;
  };

  EXPECT_EQ(count("mails", ""), 2U);
  EXPECT_EQ(count("bulk", ""), 1U);
  EXPECT_EQ(count("", "mail.send"), 3U);
  EXPECT_EQ(count("mails", "mail.send"), 2U);
  EXPECT_EQ(count("mails", "mail.read"), 0U);
}

TEST_P(StoreJobs, AKeyIsFoundAmongClosedOnesSinceAMoment) {
  const ShardLease lease = own(3);
  OpenRunRow job = an_open_job("mail.send", "mails");
  job.header.key = "u-1";
  const ClosedRunRow closed = a_closed_run(job);
  Batch batch = a_batch({lease});
  batch.closed = {closed};
  ASSERT_TRUE(commit(batch));
  RunKeyQuery query{.shard = ShardId{3}, .namespace_name = "default", .workflow = "mail.send", .key = "u-1"};
  query.with_closed = true;
  RunKeyQuery since = query;
  since.closed_since = closed.closed_at;
  RunKeyQuery later = query;
  later.closed_since = closed.closed_at + Duration{1};

  const auto answer = load({.run_keys = {query, since, later}});

  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->run_keys.at(0).closed, job.header.id);
  EXPECT_EQ(answer->run_keys.at(0).state, closed.state);
  EXPECT_EQ(answer->run_keys.at(1).closed, job.header.id);
  EXPECT_FALSE(answer->run_keys.at(2).closed);
}

}  // namespace
}  // namespace orchestrator::store
