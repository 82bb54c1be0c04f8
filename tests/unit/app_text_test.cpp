#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "orchestrator/app/client.hpp"
#include "orchestrator/app/definition_file.hpp"
#include "orchestrator/app/input_text.hpp"
#include "orchestrator/app/node_identity.hpp"
#include "orchestrator/app/table.hpp"
#include "orchestrator/base/json.hpp"

namespace orchestrator::app {
namespace {

using testing::HasSubstr;

class FolderTest : public testing::Test {
 protected:
  FolderTest() { std::filesystem::create_directories(folder_); }
  ~FolderTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  std::string a_file(const std::string& name, const std::string& content) {
    std::ofstream(folder_ / name) << content;
    return (folder_ / name).string();
  }

  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() /
      ("app_test_" + std::to_string(getpid()) + testing::UnitTest::GetInstance()->current_test_info()->name());
};

TEST(DefinitionFile, NamesItsWorkflow) {
  EXPECT_EQ(workflow_name_of("workflows/order.asl.json"), "order");
  EXPECT_EQ(workflow_name_of("order-v2.asl.yaml"), "order-v2");
  EXPECT_EQ(workflow_name_of("/a/b/order.yml"), "order");
  EXPECT_EQ(workflow_name_of("order"), "order");
  EXPECT_TRUE(is_definition_name("a.asl.yml"));
  EXPECT_FALSE(is_definition_name("settings.json"));
}

TEST(Table, AlignsByCharactersAndCannotBeDrawnOn) {
  Table table({"NAME", "VALUE"});
  table.add({"caf\xC3\xA9", "x\x1b[2Jy"});
  table.add({"longer", "z"});
  std::ostringstream out;

  table.print(out);

  EXPECT_EQ(out.str(), "NAME    VALUE\ncaf\xC3\xA9    x [2Jy\nlonger  z\n");
}

TEST(Query, LeavesOutWhatIsNotGiven) {
  EXPECT_EQ(with_query("/v1/runs", {{"state", ""}, {"q", "a b"}, {"limit", "5"}}), "/v1/runs?q=a%20b&limit=5");
  EXPECT_EQ(with_query("/v1/runs", {{"state", ""}}), "/v1/runs");
}

TEST_F(FolderTest, JsonArgumentsAreTextsOrFiles) {
  const std::string yaml = a_file("input.yaml", "a: 1\n");

  EXPECT_EQ(read_json_argument("{\"a\": 1}").value(), Json({{"a", 1}}));
  EXPECT_EQ(read_json_argument("@" + yaml).value(), Json({{"a", 1}}));
  EXPECT_FALSE(read_json_argument("{a"));
  EXPECT_THAT(read_json_argument("@/nowhere").error().message, HasSubstr("/nowhere"));
  EXPECT_FALSE(read_text_file(folder_.string()));
}

TEST_F(FolderTest, NodeIdsStayAndAreNotShared) {
  config::Config config;
  config.data_dir = folder_.string();
  std::string first;
  {
    const NodeIdentity one = NodeIdentity::find(config);
    const NodeIdentity two = NodeIdentity::find(config);
    first = one.id().value;
    EXPECT_NE(two.id().value, first);
    EXPECT_THAT(two.id().value, HasSubstr("127.0.0.1:8080"));
  }

  EXPECT_EQ(NodeIdentity::find(config).id().value, first);
  config.node_id = "mine";
  EXPECT_EQ(NodeIdentity::find(config).id().value, "mine");
}

TEST(FreePort, IsFound) {
  EXPECT_GT(pick_free_port("127.0.0.1").value_or(0), 0);
  EXPECT_FALSE(pick_free_port("localhost"));
}

}  // namespace
}  // namespace orchestrator::app
