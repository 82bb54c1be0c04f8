#include "orchestrator/digest/seal.hpp"

#include <gtest/gtest.h>

namespace orchestrator::digest {
namespace {

TEST(Seal, OpensWithTheSameSecretAndPurpose) {
  const std::string sealed = seal("secret", "session", "the text");

  EXPECT_EQ(unseal("secret", "session", sealed), "the text");
  EXPECT_EQ(sealed.find("the text"), std::string::npos);
}

TEST(Seal, OpensNothingWithAnotherSecretOrPurpose) {
  const std::string sealed = seal("secret", "session", "the text");

  EXPECT_FALSE(unseal("Secret", "session", sealed));
  EXPECT_FALSE(unseal("secret", "other", sealed));
  EXPECT_FALSE(unseal("", "session", sealed));
}

TEST(Seal, EveryChangedBitIsNoticed) {
  const std::string sealed = seal("secret", "session", "text");

  for (std::size_t i = 0; i < sealed.size() * 8; ++i) {
    std::string changed = sealed;
    changed[i / 8] = static_cast<char>(changed[i / 8] ^ (1 << (i % 8)));
    EXPECT_FALSE(unseal("secret", "session", changed)) << "bit " << i;
  }
}

TEST(Seal, TooShortTextIsNotOpened) {
  const std::string sealed = seal("secret", "session", "");

  EXPECT_EQ(unseal("secret", "session", sealed), "");
  EXPECT_FALSE(unseal("secret", "session", std::string_view(sealed).substr(0, sealed.size() - 1)));
  EXPECT_FALSE(unseal("secret", "session", ""));
}

TEST(Seal, TheSameTextIsSealedDifferentlyEachTime) {
  EXPECT_NE(seal("secret", "session", "text"), seal("secret", "session", "text"));
}

}  // namespace
}  // namespace orchestrator::digest
