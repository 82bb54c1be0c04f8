#include "orchestrator/model/job_spec.hpp"

#include <gtest/gtest.h>

#include "orchestrator/base/json.hpp"

namespace orchestrator {
namespace {

JobSpecPtr full_spec() {
  JobSpec spec;
  spec.max_attempts = 7;
  spec.retry = {.kind = JobRetryKind::list, .delays_seconds = {0.5, 30}};
  spec.timeout_seconds = 90;
  spec.order_key = "an \"order\"\n of \u00e4";
  spec.concurrency_key = spec.order_key;
  spec.rate_key = spec.order_key;
  spec.order_number = 1'763'000'000'000'001;
  return std::make_shared<const JobSpec>(std::move(spec));
}

TEST(JobSpecText, SaysEverythingAndIsReadBack) {
  const auto text = job_spec_text(full_spec());

  ASSERT_TRUE(text);
  const auto parsed = parse_json(*text);
  ASSERT_TRUE(parsed) << *text;
  const auto read = decode_job_spec(make_payload(*parsed));
  ASSERT_TRUE(read);
  EXPECT_EQ(**read, *full_spec());
}

TEST(JobSpecText, NamesOnlyWhatIsNotDefault) {
  JobSpec spec;
  spec.concurrency_key = "k1";
  spec.rate_key = "k1";

  EXPECT_EQ(job_spec_text(std::make_shared<const JobSpec>(spec)), R"({"concurrency_key":"k1","rate_key":"k1"})");
}

TEST(JobSpecText, IsNothingWhenAllIsDefault) {
  EXPECT_EQ(job_spec_text(nullptr), std::nullopt);
  EXPECT_EQ(job_spec_text(std::make_shared<const JobSpec>()), std::nullopt);
  EXPECT_EQ(encode_job_spec(std::make_shared<const JobSpec>()), nullptr);
}

}  // namespace
}  // namespace orchestrator
