#include "orchestrator/runtime/task_token.hpp"

#include <gtest/gtest.h>

namespace orchestrator::runtime {
namespace {

TaskToken a_token() {
  TaskToken token;
  token.run_id = RunId{make_uuid7(Timestamp{std::chrono::seconds{1'700'000'000}}, ShardId{17}, 0x1234'5678'9ABC'DEF0)};
  token.task = {.step = 1'000'000'007, .attempt = 3, .inquiry = true};
  token.hand_out = 0xFEDC'BA98'7654'3210;
  return token;
}

TEST(TaskToken, SaysWhatItWasMadeFrom) {
  const std::string text = sealed_token(a_token(), "secret");

  const auto opened = opened_token(text, "secret");

  ASSERT_TRUE(opened.has_value());
  EXPECT_EQ(*opened, a_token());
  EXPECT_EQ(shard_of(opened->run_id), ShardId{17});
}

TEST(TaskToken, IsFitForAPath) {
  for (std::uint64_t hand_out = 0; hand_out < 64; ++hand_out) {
    TaskToken token = a_token();
    token.hand_out = hand_out * 0x9E37'79B9'7F4A'7C15;

    const std::string text = sealed_token(token, "secret");

    EXPECT_EQ(text.size(), 72U);
    EXPECT_EQ(text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
              std::string::npos)
        << text;
    EXPECT_EQ(opened_token(text, "secret"), token);
  }
}

TEST(TaskToken, AnotherInstallationsSecretDoesNotOpenIt) {
  const std::string text = sealed_token(a_token(), "secret");

  EXPECT_FALSE(opened_token(text, "another").has_value());
}

TEST(TaskToken, AnyChangedCharacterIsRefused) {
  const std::string text = sealed_token(a_token(), "secret");

  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string forged = text;
    forged[i] = forged[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(opened_token(forged, "secret").has_value()) << "changed at " << i;
  }
}

TEST(TaskToken, AnythingElseIsRefused) {
  for (const char* text :
       {"", "token", "%00", "////////////////////////////////////////////////////////////////////////"})
    EXPECT_FALSE(opened_token(text, "secret").has_value()) << text;
  EXPECT_FALSE(opened_token(sealed_token(a_token(), "secret") + "A", "secret").has_value());
}

}  // namespace
}  // namespace orchestrator::runtime
