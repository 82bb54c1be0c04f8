#include "orchestrator/app/top_reading.hpp"

#include <utility>

namespace orchestrator::app {
namespace {

/// Between two looks at dead letters and decisions.
constexpr std::chrono::seconds kListInterval{5};
/// A server that is slower than this is reported as one that does not answer.
constexpr std::chrono::seconds kPatience{3};
/// Another node's metrics are looked at beside the rest; it may be cut off from here.
constexpr std::chrono::seconds kNodePatience{1};

Result<ApiAnswer> get_from(const ClientOptions& options, const std::string& target, std::chrono::seconds patience) {
  tools::ClientRequest request;
  request.target = target;
  request.timeout = patience;
  return call_api(options, std::move(request));
}

std::size_t count_of(const Json& object, const char* member) {
  const auto found = object.find(member);
  return found != object.end() && found->is_array() ? found->size() : 0;
}

}  // namespace

Result<Json> TopReader::get(const std::string& target) const {
  auto answer = get_from(options_, target, kPatience);
  if (!answer) return answer.error();
  if (answer->good() && answer->value.is_object()) return std::move(answer->value);
  const std::string detail = string_member(answer->value, "detail", string_member(answer->value, "title"));
  return fail(ErrorCode::unavailable, target + " was refused with status " + std::to_string(answer->status) +
                                          (detail.empty() ? "" : ": ") + detail);
}

Status TopReader::read_lists() {
  const auto now = std::chrono::steady_clock::now();
  if (lists_read_ && now - *lists_read_ < kListInterval) return {};
  const std::string limit = "?limit=" + std::to_string(kTopListLimit);
  auto dead_letters = get("/v1/dead-letters" + limit);
  if (!dead_letters) return dead_letters.error();
  auto decisions = get("/v1/decisions" + limit);
  if (!decisions) return decisions.error();
  lists_.dead_letters = dead_letters->value("items", Json::array());
  lists_.more_dead_letters = !string_member(*dead_letters, "next_cursor").empty();
  lists_.decisions = decisions->value("items", Json::array());
  lists_.more_decisions = !string_member(*decisions, "next_cursor").empty();
  lists_read_ = now;
  return {};
}

/// From the node itself; a node that cannot be reached from here has none.
void TopReader::read_metrics(TopNode& node) const {
  ClientOptions there = options_;
  // Metrics need no credential, and a node's address comes from a list: no reason to send ours to it.
  there.api_key.clear();
  there.namespace_name.clear();
  if (!node.url.empty()) there.url = node.url;
  const auto answer = get_from(there, "/metrics", kNodePatience);
  if (answer && answer->good()) node.metrics = MetricsText::parse(answer->text);
}

Result<TopReading> TopReader::read() {
  auto queues = get("/v1/queues");
  if (!queues) return queues.error();
  auto nodes = get("/v1/nodes");
  if (!nodes) return nodes.error();
  if (const Status read = read_lists(); !read) return read.error();

  TopReading reading = lists_;
  reading.at = std::chrono::floor<Duration>(std::chrono::system_clock::now());
  reading.url = options_.url;
  reading.namespace_name = options_.namespace_name;
  reading.queues = queues->value("items", Json::array());
  for (const Json& node : queues->value("missing_nodes", Json::array())) {
    if (node.is_string()) reading.missing_nodes.push_back(node.get<std::string>());
  }
  const Json items = nodes->value("items", Json::array());
  for (const Json& item : items) {
    TopNode node;
    node.node_id = string_member(item, "node_id");
    // Alone, it is the one that was asked: its own address may mean something else from here.
    if (items.size() > 1) node.url = string_member(item, "url");
    node.shards = count_of(item, "shards");
    read_metrics(node);
    reading.nodes.push_back(std::move(node));
  }
  reading.taken = std::chrono::steady_clock::now();
  return reading;
}

}  // namespace orchestrator::app
