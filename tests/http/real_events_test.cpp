// Event streams of the shipped binary: committed events of all nodes, each once, over restarts and from node to node.
#include <gtest/gtest.h>

#include <set>

#include "orchestrator/base/json.hpp"
#include "tests/http/remote_cluster.hpp"

namespace orchestrator::testing_support {
namespace {

constexpr const char* kGreet = R"({"StartAt":"Wait","States":{
  "Wait":{"Type":"Task","Resource":"signal:go","Parameters":{"key.$":"$.key"},"Next":"Say"},
  "Say":{"Type":"Task","Resource":"handler:echo","End":true}}})";

using Told = std::pair<std::string, std::int64_t>;  ///< run, seq

struct StreamedEvent {
  std::string id;
  std::string type;
  Json data;
};

/// A reader of one stream.
class Stream {
 public:
  Stream(unsigned short port, const std::string& target, const std::string& last_event_id = {}) : client_(port) {
    ClientHeaders headers{{"Authorization", std::string("Bearer ") + RemoteCluster::kAdminKey}};
    if (!last_event_id.empty()) headers.emplace_back("Last-Event-ID", last_event_id);
    client_.send(format_request("GET", target, "", headers));
    const std::string head = client_.read_until("\r\n\r\n");
    EXPECT_NE(head.find(" 200 "), std::string::npos) << head;
  }

  /// The next event; nothing when the stream has ended, or ten seconds are over.
  std::optional<StreamedEvent> next() {
    for (;;) {
      const std::string block = client_.read_until("\n\n");
      if (block.empty()) return std::nullopt;
      StreamedEvent event;
      std::size_t begin = 0;
      for (auto end = block.find('\n'); end != std::string::npos; end = block.find('\n', begin)) {
        const std::string line = block.substr(begin, end - begin);
        if (line.starts_with("id: ")) event.id = line.substr(4);
        if (line.starts_with("event: ")) event.type = line.substr(7);
        if (line.starts_with("data: ")) event.data = *parse_json(line.substr(6));
        begin = end + 1;
      }
      if (!event.id.empty()) last_id_ = event.id;
      if (!event.data.is_null()) return event;
    }
  }

  /// Reads on until the stream has said from where on it misses nothing.
  void await_place() {
    while (last_id_.empty()) {
      const std::string block = client_.read_until("\n\n");
      ASSERT_FALSE(block.empty());
      if (block.starts_with("id: ")) last_id_ = block.substr(4, block.find('\n') - 4);
    }
  }

  [[nodiscard]] const std::string& last_id() const { return last_id_; }
  bool ends() { return client_.is_closed_by_server(); }

 private:
  HttpClient client_;
  std::string last_id_;
};

class RealEvents : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(cluster.start("a")) << cluster.node("a").log();
    ASSERT_TRUE(cluster.start("b")) << cluster.node("b").log();
    ASSERT_TRUE(RemoteCluster::eventually([&] { return cluster.shards_of("a") > 0 && cluster.shards_of("b") > 0; }));
    cluster.deploy("a", "greet", kGreet);
  }

  void finish(const std::string& node, const std::string& run_id) {
    const auto sent = cluster.post(node, "/v1/runs/" + run_id + "/signals/go", Json::object());
    EXPECT_EQ(sent.status, 202) << sent.body;
  }

  std::string begin(const std::string& node) { return cluster.start_run(node, "greet", {{"key", "k"}}); }

  /// Reads a stream of all runs until each of these has succeeded; notes what was told.
  static void read_ends(Stream& stream, std::set<std::string> runs, std::vector<Told>& told) {
    while (!runs.empty()) {
      const auto event = stream.next();
      ASSERT_TRUE(event) << runs.size() << " runs have not been told to their end";
      ASSERT_NE(event->type, "lost") << dump_json(event->data);
      const std::string run_id = string_member(event->data.at("run"), "run_id");
      told.emplace_back(run_id, event->data.at("seq").get<std::int64_t>());
      if (event->type == "ExecutionSucceeded") runs.erase(run_id);
    }
  }

  /// Every event of these runs, by their histories.
  std::vector<Told> all_of(const std::vector<std::string>& runs) {
    std::vector<Told> all;
    for (const std::string& run_id : runs) {
      const auto size = static_cast<std::int64_t>(cluster.history("b", run_id).size());
      for (std::int64_t seq = 1; seq <= size; ++seq) all.emplace_back(run_id, seq);
    }
    return all;
  }

  RemoteCluster cluster;
};

TEST_F(RealEvents, ARunIsToldAsItHappensByAnyNode) {
  for (const std::string node : {"a", "b"}) {
    const std::string run_id = begin("a");
    Stream stream(cluster.node_port(node), "/v1/runs/" + run_id + "/events");
    std::vector<std::string> types;
    while (types.empty() || types.back() != "SignalAwaited") {
      const auto event = stream.next();
      ASSERT_TRUE(event);
      types.push_back(event->type);
      EXPECT_EQ(event->id, std::to_string(types.size()));
    }

    finish("b", run_id);

    while (const auto event = stream.next()) types.push_back(event->type);
    EXPECT_EQ(types, cluster.history("a", run_id));
    EXPECT_EQ(types.back(), "ExecutionSucceeded");
  }
}

TEST_F(RealEvents, OneNodeTellsWhatAllOfThemCommit) {
  Stream stream(cluster.node_port("a"), "/v1/events");
  std::vector<std::string> runs;
  std::vector<Told> told;
  stream.await_place();
  for (int i = 0; i < 8; ++i) runs.push_back(begin(i % 2 == 0 ? "a" : "b"));
  for (const std::string& run_id : runs) finish("a", run_id);

  read_ends(stream, {runs.begin(), runs.end()}, told);

  std::sort(told.begin(), told.end());
  EXPECT_EQ(std::adjacent_find(told.begin(), told.end()), told.end());
}

TEST_F(RealEvents, WhoComesBackMissesNothingAndHearsNothingTwice) {
  cluster.keep_ports();
  std::vector<Told> told;
  std::vector<std::string> runs;
  std::string place;
  {
    Stream stream(cluster.node_port("a"), "/v1/events");
    stream.await_place();
    runs = {begin("a"), begin("b")};
    for (int i = 0; i < 3; ++i) {
      const auto event = stream.next();
      ASSERT_TRUE(event);
      told.emplace_back(string_member(event->data.at("run"), "run_id"), event->data.at("seq").get<std::int64_t>());
    }
    place = stream.last_id();
  }

  cluster.node("a").kill();
  for (const std::string& run_id : runs) finish("b", run_id);
  runs.push_back(begin("b"));
  finish("b", runs.back());
  ASSERT_TRUE(cluster.start("a")) << cluster.node("a").log();
  Stream stream(cluster.node_port("a"), "/v1/events", place);
  read_ends(stream, {runs.begin(), runs.end()}, told);
  Stream other(cluster.node_port("b"), "/v1/events", place);
  std::vector<Told> told_by_other(told.begin(), told.begin() + 3);
  read_ends(other, {runs.begin(), runs.end()}, told_by_other);

  std::vector<Told> expected = all_of(runs);
  for (auto* list : {&expected, &told, &told_by_other}) std::sort(list->begin(), list->end());
  EXPECT_EQ(told, expected);
  EXPECT_EQ(told_by_other, expected);
}

TEST_F(RealEvents, AServerThatEndsEndsItsStreams) {
  Stream stream(cluster.node_port("a"), "/v1/events");

  EXPECT_EQ(cluster.node("a").stop(), 0);

  EXPECT_TRUE(stream.ends());
}

TEST_F(RealEvents, AnIdThatIsTooOldBeginsWithAGap) {
  Stream stream(cluster.node_port("a"), "/v1/events", "3:3:");

  const auto event = stream.next();

  ASSERT_TRUE(event);
  EXPECT_EQ(event->type, "lost");
  EXPECT_EQ(event->data.at("reason"), "behind");
}

}  // namespace
}  // namespace orchestrator::testing_support
