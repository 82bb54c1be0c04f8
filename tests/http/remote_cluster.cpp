#include "tests/http/remote_cluster.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include "orchestrator/base/json.hpp"

namespace orchestrator::testing_support {

RemoteCluster::RemoteCluster()
    : folder_(std::filesystem::temp_directory_path() /
              ("orc-remote-" + std::to_string(::getpid()) + "-" +
               testing::UnitTest::GetInstance()->current_test_info()->name())) {
  std::filesystem::create_directories(folder_);
}

RemoteCluster::~RemoteCluster() {
  nodes_.clear();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

bool RemoteCluster::start(const std::string& node) {
  auto& process = nodes_[node];
  if (process == nullptr) process = std::make_unique<ServerProcess>(folder_ / (node + ".log"));
  const std::string port = std::to_string(keeps_ports_ ? process->port() : 0);
  return process->start({"serve"},
                        {"ORCHESTRATOR_DATABASE_URL=" + database_.url(), "ORCHESTRATOR_LISTEN=127.0.0.1:" + port,
                         "ORCHESTRATOR_ADMIN_KEY=" + std::string(kAdminKey), "ORCHESTRATOR_NODE_ID=" + node,
                         "ORCHESTRATOR_DATA_DIR=" + (folder_ / node).string()});
}

ClientResponse RemoteCluster::post(const std::string& node, const std::string& target, const Json& body) const {
  const ClientHeaders headers{{"Authorization", std::string("Bearer ") + kAdminKey},
                              {"Content-Type", "application/json"}};
  HttpClient client(nodes_.at(node)->port());
  return client.request("POST", target, dump_json(body), headers);
}

ClientResponse RemoteCluster::get(const std::string& node, const std::string& target) const {
  HttpClient client(nodes_.at(node)->port());
  return client.request("GET", target, {}, {{"Authorization", std::string("Bearer ") + kAdminKey}});
}

void RemoteCluster::deploy(const std::string& node, const std::string& name, const std::string& definition) const {
  const auto answer = post(node, "/v1/workflows/" + name + "/versions", *parse_json(definition));
  ASSERT_LE(answer.status, 201) << answer.body;
}

std::string RemoteCluster::start_run(const std::string& node, const std::string& workflow, const Json& input) const {
  const auto answer = post(node, "/v1/runs", {{"workflow", workflow}, {"input", input}});
  EXPECT_EQ(answer.status, 201) << answer.body;
  return string_member(answer.json(), "run_id");
}

Json RemoteCluster::run(const std::string& node, const std::string& run_id) const {
  return get(node, "/v1/runs/" + run_id).json();
}

Json RemoteCluster::run_in(const std::string& node, const std::string& run_id, const std::string& state) const {
  Json seen;
  eventually([&] {
    seen = run(node, run_id);
    return string_member(seen, "state") == state;
  });
  EXPECT_EQ(string_member(seen, "state"), state) << dump_json(seen);
  return seen;
}

std::vector<std::string> RemoteCluster::history(const std::string& node, const std::string& run_id) const {
  std::vector<std::string> types;
  const Json page = get(node, "/v1/runs/" + run_id + "/history?limit=500").json();
  for (const Json& item : page.at("items")) types.push_back(string_member(item, "type"));
  return types;
}

Json RemoteCluster::claim(const std::string& node, Json terms) const {
  Json body = {{"worker_id", "w-1"}, {"max_tasks", 1}, {"wait_seconds", 0}, {"lease_seconds", 10}};
  body.update(terms);
  const auto answer = post(node, "/v1/queues/default/claim", body);
  EXPECT_EQ(answer.status, 200) << answer.body;
  return answer.json().value("tasks", Json::array());
}

Json RemoteCluster::claim_one(const std::string& node, Json terms) const {
  terms["wait_seconds"] = 5;
  const Json tasks = claim(node, std::move(terms));
  EXPECT_EQ(tasks.size(), 1U);
  return tasks.empty() ? Json() : tasks.front();
}

ClientResponse RemoteCluster::report(const std::string& node, const Json& task, const std::string& verb,
                                     const Json& body) const {
  return post(node, "/v1/tasks/" + string_member(task, "task_token") + "/" + verb, body);
}

std::size_t RemoteCluster::shards_of(const std::string& node) const {
  const Json nodes = get(node, "/v1/nodes").json();
  for (const Json& item : nodes.value("items", Json::array())) {
    if (string_member(item, "node_id") == node) return item.at("shards").size();
  }
  return 0;
}

std::string one_remote_step(const std::string& handler, const std::string& members) {
  return R"({"StartAt":"Work","States":{"Work":{"Type":"Task","Resource":"handler:)" + handler + R"(",)" + members +
         R"("End":true}}})";
}

}  // namespace orchestrator::testing_support
