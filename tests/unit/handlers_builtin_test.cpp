#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "handlers/public_address.hpp"
#include "handlers/register_handlers.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/handler/typed.hpp"

namespace orchestrator::handlers {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class BuiltinHandlersTest : public testing::Test {
 protected:
  BuiltinHandlersTest() {
    context_.cancel_requested = &cancel_;
    EXPECT_TRUE(register_handlers(registry_, HandlerSettings{}));
  }
  Outcome perform(std::string_view name, const Json& input) { return registry_.find(name)->plain(input, context_); }

  std::atomic<bool> cancel_ = false;
  TaskContext context_;
  HandlerRegistry registry_;
};

TEST_F(BuiltinHandlersTest, AreAllRegistered) {
  EXPECT_THAT(registry_.names(), ElementsAre("clock", "echo", "fail", "http.request", "noop", "sleep"));
}

TEST_F(BuiltinHandlersTest, ClockAnswersWhenItWasBegun) {
  const auto before = std::chrono::system_clock::now().time_since_epoch();

  const Outcome outcome = perform("clock", Json::object());

  const auto after = std::chrono::system_clock::now().time_since_epoch();
  ASSERT_EQ(outcome.kind, Outcome::Kind::completed);
  const std::chrono::microseconds at{json_of(outcome.output)["unix_us"].get<std::int64_t>()};
  EXPECT_GE(at, std::chrono::duration_cast<std::chrono::microseconds>(before));
  EXPECT_LE(at, after);
}

TEST_F(BuiltinHandlersTest, RefuseToBeRegisteredTwice) {
  const Status again = register_handlers(registry_, HandlerSettings{});

  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::already_exists);
}

TEST_F(BuiltinHandlersTest, NoopAnswersNull) { EXPECT_TRUE(json_of(perform("noop", {{"a", 1}}).output).is_null()); }

TEST_F(BuiltinHandlersTest, EchoAnswersItsInput) { EXPECT_EQ(*perform("echo", {{"a", 1}}).output, Json({{"a", 1}})); }

TEST_F(BuiltinHandlersTest, FailFailsTheFirstAttempts) {
  const Json input = {{"error", "Shop.Closed"}, {"cause", "sunday"}, {"times", 2}};

  context_.attempt = 2;
  const Outcome second = perform("fail", input);
  context_.attempt = 3;
  const Outcome third = perform("fail", input);

  EXPECT_EQ(second.error, "Shop.Closed");
  EXPECT_EQ(second.cause, "sunday");
  EXPECT_EQ(*third.output, Json({{"attempt", 3}}));
}

TEST_F(BuiltinHandlersTest, FailFailsAlwaysWithoutTimes) {
  context_.attempt = 1000;

  EXPECT_EQ(perform("fail", Json::object()).error, "States.TaskFailed");
}

TEST_F(BuiltinHandlersTest, SleepEndsWhenCancelled) {
  cancel_ = true;

  EXPECT_EQ(perform("sleep", {{"seconds", 3600}}).kind, Outcome::Kind::cancelled);
}

TEST_F(BuiltinHandlersTest, SleepEndsAtItsDeadline) {
  context_.deadline = std::chrono::steady_clock::now();

  EXPECT_EQ(perform("sleep", {{"seconds", 3600}}).error, "States.Timeout");
}

TEST_F(BuiltinHandlersTest, SleepRefusesOtherThanSeconds) {
  const Outcome outcome = perform("sleep", {{"seconds", "long"}});

  EXPECT_EQ(outcome.error, kInvalidInput);
  EXPECT_THAT(*outcome.cause, HasSubstr("/seconds must be a number from 0 to 3600"));
}

TEST(InputReader, RefusesIntegersThatDoNotFit) {
  const Json input = {{"huge", 18446744073709551615ULL}, {"half", 0.5}, {"good", 3}};
  InputReader reader(input);

  reader.integer("huge", {0, 1e19});
  reader.integer("half", {0, 10});
  const auto good = reader.integer("good", {0, 10});

  EXPECT_EQ(good, 3);
  EXPECT_EQ(reader.faults().size(), 2U);
}

TEST(PublicAddress, KnowsTheSpecialRanges) {
  const auto is_public = [](const char* text) { return is_public_address(boost::asio::ip::make_address(text)); };

  for (const char* text :
       {"8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"}) {
    EXPECT_TRUE(is_public(text)) << text;
  }
  for (const char* text :
       {"127.9.9.9", "10.1.2.3", "172.31.255.255", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "224.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fd00:ec2::254", "ff02::1", "::ffff:10.0.0.1",
        "64:ff9b::a00:1", "2002:7f00:1::", "2001:db8::1", "::127.0.0.1"}) {
    EXPECT_FALSE(is_public(text)) << text;
  }
}

}  // namespace
}  // namespace orchestrator::handlers
