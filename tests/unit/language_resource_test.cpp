#include <gtest/gtest.h>

#include <string>

#include "orchestrator/language/parse.hpp"

namespace orchestrator::language {
namespace {

using Kind = Resource::Kind;

TEST(ResourceText, NamesAHandlerWithQueueAndPriority) {
  const Result<Resource> plain = parse_resource("handler:http.request");
  const Result<Resource> full = parse_resource("handler:charge?queue=billing&priority=-100");

  ASSERT_TRUE(plain && full);
  EXPECT_EQ(plain->kind, Kind::handler);
  EXPECT_EQ(plain->name, "http.request");
  EXPECT_EQ(plain->queue, "");
  EXPECT_FALSE(plain->priority);
  EXPECT_EQ(full->name, "charge");
  EXPECT_EQ(full->queue, "billing");
  EXPECT_EQ(full->priority, -100);
  EXPECT_EQ(full->text, "handler:charge?queue=billing&priority=-100");
}

TEST(ResourceText, NamesSignalsAndDecisionsToWaitFor) {
  const Result<Resource> signals = parse_resource("signal:paid|refunded");
  const Result<Resource> mixed = parse_resource("decision:approve|signal:withdrawn");

  ASSERT_TRUE(signals && mixed);
  EXPECT_EQ(signals->kind, Kind::signal);
  ASSERT_EQ(signals->awaited.size(), 2U);
  EXPECT_EQ(signals->awaited[1].name, "refunded");
  EXPECT_FALSE(signals->awaited[1].is_decision);
  EXPECT_EQ(mixed->kind, Kind::signal);
  EXPECT_EQ(mixed->name, "approve");
  EXPECT_TRUE(mixed->awaited[0].is_decision);
  EXPECT_EQ(mixed->awaited[1].name, "withdrawn");
  EXPECT_FALSE(mixed->awaited[1].is_decision);
}

TEST(ResourceText, NamesAChildWorkflowWithItsOptions) {
  const Result<Resource> plain = parse_resource("workflow:refund");
  const Result<Resource> full =
      parse_resource("workflow:refund?wait=false&key_path=$.order%5B0%5D.id&on_conflict=return_existing");
  const Result<Resource> replace = parse_resource("workflow:loop?mode=replace");

  ASSERT_TRUE(plain && full && replace);
  EXPECT_TRUE(plain->wait);
  EXPECT_FALSE(plain->key_path);
  EXPECT_FALSE(full->wait);
  EXPECT_EQ(full->key_path->text(), "$.order[0].id");
  EXPECT_EQ(full->on_conflict, "return_existing");
  EXPECT_TRUE(replace->replace);
}

TEST(ResourceText, NamesAnOutgoingEvent) {
  EXPECT_EQ(parse_resource("event:com.example.order.paid")->kind, Kind::event);
}

TEST(ResourceText, TakesEveryOtherUriAsForeign) {
  for (const char* text : {"arn:aws:lambda:us-east-1:123456789012:function:Pay", "https://example.com/x", "urn:a:b"}) {
    EXPECT_EQ(parse_resource(text)->kind, Kind::foreign) << text;
  }
  EXPECT_TRUE(parse_resource("arn:aws:states:::sqs:sendMessage.waitForTaskToken")->waits_for_task_token);
  EXPECT_TRUE(parse_resource("arn:aws:states:::glue:startJobRun.sync")->runs_to_completion);
  EXPECT_TRUE(parse_resource("arn:aws:states:::states:startExecution.sync:2")->runs_to_completion);
}

class MalformedResource : public testing::TestWithParam<const char*> {};

TEST_P(MalformedResource, IsRefusedWithASentence) {
  const Result<Resource> resource = parse_resource(GetParam());

  ASSERT_FALSE(resource);
  EXPECT_EQ(resource.error().code, ErrorCode::invalid_argument);
  EXPECT_GT(resource.error().message.size(), 30U);
}

INSTANTIATE_TEST_SUITE_P(ResourceText, MalformedResource,
                         testing::Values("", "pay", "handler:", "handler:a b",
                                         "handler:a?queue=", "handler:a?queue=b c", "handler:a?priority=101",
                                         "handler:a?priority=x", "handler:a?nope=1", "handler:a?queue=b&queue=c",
                                         "handler:a?", "signal:", "signal:a|", "signal:a|a", "signal:a|b c",
                                         "decision:", "workflow:", "workflow:a?wait=maybe", "workflow:a?key_path=x",
                                         "workflow:a?key_path=$.x[*]", "workflow:a?key_path=$$.Execution.Id",
                                         "workflow:a?on_conflict=ignore", "workflow:a?mode=append",
                                         "workflow:a?mode=replace&wait=false", "workflow:a?key_path=$.x%2",
                                         "event:", "event:a b", "1arn:x", "arn:aws:lambda a", ":x"));

TEST(ResourceText, LimitsHowManyNamesOneStepWaitsFor) {
  std::string text = "signal:n0";
  for (int i = 1; i < 32; ++i) text += "|n" + std::to_string(i);

  EXPECT_TRUE(parse_resource(text));
  EXPECT_FALSE(parse_resource(text + "|n32"));
}

}  // namespace
}  // namespace orchestrator::language
