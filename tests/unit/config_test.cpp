#include "orchestrator/config/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

namespace orchestrator::config {
namespace {

using testing::HasSubstr;
using testing::Not;

class ConfigTest : public testing::Test {
 protected:
  ConfigTest() {
    sources_.environment = [this](const std::string& name) -> std::optional<std::string> {
      const auto found = environment_.find(name);
      if (found == environment_.end()) return std::nullopt;
      return found->second;
    };
  }
  ~ConfigTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  std::string a_file(const std::string& content) {
    std::filesystem::create_directories(folder_);
    const std::string path = folder_ / ("file" + std::to_string(++files_));
    std::ofstream(path) << content;
    return path;
  }
  std::string refusal() {
    const auto config = read_config(sources_);
    EXPECT_FALSE(config);
    return config ? "" : config.error().message;
  }

  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() /
      (std::string("config_test_") + testing::UnitTest::GetInstance()->current_test_info()->name());
  int files_ = 0;
  std::map<std::string, std::string> environment_;
  Sources sources_;
};

TEST_F(ConfigTest, ReadsALimitForEachQueue) {
  environment_["ORCHESTRATOR_QUEUE_LIMITS"] = "payments=4,mail=8";

  const auto config = read_config(sources_);

  ASSERT_TRUE(config);
  EXPECT_EQ(config->queue_limits, (std::map<std::string, std::int32_t>{{"mail", 8}, {"payments", 4}}));
}

TEST_F(ConfigTest, RefusesAQueueLimitThatIsNone) {
  for (const char* text : {"payments", "=4", "payments=0", "payments=x", "payments=4,,mail=8"}) {
    environment_["ORCHESTRATOR_QUEUE_LIMITS"] = text;

    EXPECT_THAT(refusal(), HasSubstr("ORCHESTRATOR_QUEUE_LIMITS")) << text;
  }
}

TEST_F(ConfigTest, ReadsKeysWithARoleEach) {
  environment_["ORCHESTRATOR_API_KEYS"] =
      "till:operator=till-key-0123456789,\nci:developer:shop+test=ci=key=0123456789ab";

  const auto config = read_config(sources_);

  ASSERT_TRUE(config) << config.error().message;
  ASSERT_EQ(config->api_keys.size(), 2U);
  EXPECT_EQ(config->api_keys[0].name, "till");
  EXPECT_EQ(config->api_keys[0].role, "operator");
  EXPECT_EQ(config->api_keys[0].namespaces, std::vector<std::string>{"default"});
  EXPECT_EQ(config->api_keys[1].namespaces, (std::vector<std::string>{"shop", "test"}));
  EXPECT_EQ(config->api_keys[1].key, "ci=key=0123456789ab");
}

TEST_F(ConfigTest, RefusesABrokenKeyByItsPlaceOnly) {
  for (const char* text : {"till-key-0123456789", "till=till-key-0123456789", "till:boss=till-key-0123456789",
                           ":viewer=till-key-0123456789", "till:viewer=short", "till:viewer:a b=till-key-0123456789",
                           "a:viewer=till-key-0123456789,a:viewer=till-key-012345678x",
                           "a:viewer=till-key-0123456789,b:viewer=till-key-0123456789"}) {
    environment_["ORCHESTRATOR_API_KEYS"] = text;

    EXPECT_THAT(refusal(), HasSubstr("ORCHESTRATOR_API_KEYS")) << text;
    EXPECT_THAT(refusal(), HasSubstr("entry")) << text;
    EXPECT_THAT(refusal(), Not(HasSubstr("till-key"))) << text;
  }
}

TEST_F(ConfigTest, HasDefaultsForEverythingButSecrets) {
  const auto config = read_config(sources_);

  ASSERT_TRUE(config);
  EXPECT_EQ(config->listen.str(), "127.0.0.1:8080");
  EXPECT_EQ(config->lease, std::chrono::seconds(10));
  EXPECT_EQ(config->drain, std::chrono::seconds(30));
  EXPECT_EQ(config->shards, 64);
  EXPECT_TRUE(config->roles.api && config->roles.worker && config->roles.scheduler);
  EXPECT_EQ(config->admin_key, "");
}

TEST_F(ConfigTest, PrefersFlagsToEnvironmentToFile) {
  sources_.file = a_file("lanes = 3\nhandler_threads = 8\nlisten = \":1\"\n");
  environment_["ORCHESTRATOR_LANES"] = "4";
  environment_["ORCHESTRATOR_LISTEN"] = ":2";
  sources_.flags["listen"] = "[::1]:0";

  const auto config = read_config(sources_);

  ASSERT_TRUE(config);
  EXPECT_EQ(config->handler_threads, 8);
  EXPECT_EQ(config->lanes, 4);
  EXPECT_EQ(config->listen.host, "::1");
  EXPECT_EQ(config->listen.port, 0);
}

TEST_F(ConfigTest, ReadsSecretsFromFiles) {
  environment_["ORCHESTRATOR_ADMIN_KEY_FILE"] = a_file("an-admin-key-of-some-length\n");

  EXPECT_EQ(read_config(sources_)->admin_key, "an-admin-key-of-some-length");

  environment_["ORCHESTRATOR_ADMIN_KEY"] = "another-admin-key-here";
  EXPECT_THAT(refusal(), HasSubstr("not both"));
}

TEST_F(ConfigTest, NamesTheVariableAndTheAllowedRange) {
  environment_["ORCHESTRATOR_LEASE_SECONDS"] = "soon";

  EXPECT_EQ(refusal(), "ORCHESTRATOR_LEASE_SECONDS must be a whole number from 2 to 3600, not \"soon\"");
}

TEST_F(ConfigTest, NamesTheFlag) {
  sources_.flags["handler_threads"] = "0";

  EXPECT_THAT(refusal(), HasSubstr("--handler-threads must be a whole number from 1 to 1024"));
}

TEST_F(ConfigTest, NeverRepeatsASecret) {
  environment_["ORCHESTRATOR_ADMIN_KEY"] = "short secret";

  EXPECT_THAT(refusal(), HasSubstr("16 to 200 printable"));
  EXPECT_THAT(refusal(), Not(HasSubstr("short secret")));
}

TEST_F(ConfigTest, RefusesUnknownNamesAndBadSyntaxInTheFile) {
  sources_.file = a_file("lease_second = 10\n");
  EXPECT_THAT(refusal(), HasSubstr("\"lease_second\", which does not exist"));

  sources_.file = a_file("lanes = 2\nlanes = \n");
  EXPECT_THAT(refusal(), HasSubstr("line 2"));

  sources_.file = a_file("lanes = 1979-05-27\n");
  EXPECT_THAT(refusal(), HasSubstr("\"lanes\" must be a string"));

  sources_.file = "/nowhere/at/all.toml";
  EXPECT_THAT(refusal(), HasSubstr("cannot open"));
}

TEST_F(ConfigTest, TakesEmptyVariablesAsUnset) {
  environment_["ORCHESTRATOR_NODE_ID"] = "";

  EXPECT_TRUE(read_config(sources_));
}

TEST_F(ConfigTest, ReadsRoles) {
  environment_["ORCHESTRATOR_ROLES"] = "api, worker";
  const auto config = read_config(sources_);
  ASSERT_TRUE(config);
  EXPECT_TRUE(config->roles.api && config->roles.worker);
  EXPECT_FALSE(config->roles.scheduler);

  environment_["ORCHESTRATOR_ROLES"] = "scheduler";
  const auto alone = read_config(sources_);
  ASSERT_TRUE(alone);
  EXPECT_FALSE(alone->roles.api || alone->roles.worker);
  EXPECT_TRUE(alone->roles.scheduler);
}

TEST_F(ConfigTest, RefusesRolesThatAreEmptyOrUnknown) {
  environment_["ORCHESTRATOR_ROLES"] = "api,boss";
  EXPECT_THAT(refusal(), HasSubstr("ORCHESTRATOR_ROLES has the unknown role \"boss\""));

  for (const char* text : {"api,", ",api", "api, ,worker", ","}) {
    environment_["ORCHESTRATOR_ROLES"] = text;
    EXPECT_THAT(refusal(), HasSubstr("ORCHESTRATOR_ROLES has an empty role")) << text;
  }

  for (const char* text : {"", " "}) {
    environment_["ORCHESTRATOR_ROLES"] = text;
    EXPECT_THAT(refusal(), HasSubstr("must name at least one of api, worker and scheduler")) << text;
  }

  environment_["ORCHESTRATOR_ROLES"] = "api";
  sources_.flags["roles"] = "";
  EXPECT_THAT(refusal(), HasSubstr("--roles must name at least one"));
}

TEST_F(ConfigTest, TakesEmptyFlagsAsNotGiven) {
  sources_.flags["node_id"] = "";

  EXPECT_TRUE(read_config(sources_));
}

TEST_F(ConfigTest, ReportsSourcesWithoutSecrets) {
  environment_["ORCHESTRATOR_DATABASE_URL"] = "postgresql://somebody:word@host/name";

  const auto reports = report_config(sources_);

  ASSERT_TRUE(reports);
  EXPECT_EQ(reports->front().variable, "ORCHESTRATOR_DATABASE_URL");
  EXPECT_EQ(reports->front().value, "set");
  EXPECT_EQ(reports->front().source, "environment");
}

TEST(Boolean, HasFourSpellingsEach) {
  for (const char* word : {"1", "true", "YES", "on"}) EXPECT_TRUE(parse_boolean(word).value()) << word;
  for (const char* word : {"0", "False", "no", "off"}) EXPECT_FALSE(parse_boolean(word).value()) << word;
  EXPECT_FALSE(parse_boolean("maybe"));
}

TEST(ListenAddress, RefusesWhatIsNoAddress) {
  for (const char* text : {"", "8080", "host", "host:", "host:70000", "::1:80", "host:-1"}) {
    EXPECT_FALSE(parse_listen_address(text)) << text;
  }
  EXPECT_EQ(parse_listen_address(":80")->host, "0.0.0.0");
}

}  // namespace
}  // namespace orchestrator::config
