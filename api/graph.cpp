#include "api/graph.hpp"

#include "api/object_reader.hpp"
#include "orchestrator/base/json.hpp"

namespace orchestrator::api {
namespace {

class GraphBuilder {
 public:
  /// One block of states: the whole definition, a branch, an item processor.
  void add_block(const Json& block, const std::string& pointer, const Json& parent, const Json& branch) {
    if (!block.is_object() || !block.contains("States") || !block.at("States").is_object()) return;
    const std::string states = pointer + "/States";
    const std::string start_at = string_member(block, "StartAt");
    for (const auto& [name, state] : block.at("States").items()) {
      if (!state.is_object()) continue;
      const std::string id = deeper_pointer(states, name);
      add_node(name, state, id, parent, branch, name == start_at);
      add_edges(state, id, states);
      add_inner_blocks(state, id);
    }
  }

  Json take(const Json& definition) && {
    const std::string start_at = string_member(definition, "StartAt");
    Json graph;
    graph["start"] = start_at.empty() ? Json(nullptr) : Json(deeper_pointer("/States", start_at));
    graph["nodes"] = std::move(nodes_);
    graph["edges"] = std::move(edges_);
    return graph;
  }

 private:
  void add_node(const std::string& name, const Json& state, const std::string& id, const Json& parent,
                const Json& branch, bool is_start) {
    const std::string type = string_member(state, "Type");
    Json node;
    node["id"] = id;
    node["name"] = name;
    node["type"] = type;
    node["resource"] = state.value("Resource", Json(nullptr));
    node["comment"] = state.value("Comment", Json(nullptr));
    node["parent"] = parent;
    node["branch"] = branch;
    node["start"] = is_start;
    node["end"] = state.value("End", Json(false)) == true || type == "Succeed" || type == "Fail";
    nodes_.push_back(std::move(node));
  }

  void add_edge(const std::string& from, const std::string& states, const Json& to, const char* kind, Json label) {
    if (!to.is_string()) return;
    Json edge;
    edge["from"] = from;
    edge["to"] = deeper_pointer(states, to.get_ref<const std::string&>());
    edge["kind"] = kind;
    edge["label"] = std::move(label);
    edges_.push_back(std::move(edge));
  }

  void add_edges(const Json& state, const std::string& id, const std::string& states) {
    add_edge(id, states, state.value("Next", Json(nullptr)), "next", nullptr);
    if (state.contains("Choices") && state.at("Choices").is_array()) {
      for (const Json& rule : state.at("Choices")) {
        if (!rule.is_object()) continue;
        Json condition = rule;
        for (const char* not_condition : {"Next", "Assign", "Output", "Comment"}) condition.erase(not_condition);
        add_edge(id, states, rule.value("Next", Json(nullptr)), "choice", std::move(condition));
      }
    }
    add_edge(id, states, state.value("Default", Json(nullptr)), "default", nullptr);
    if (state.contains("Catch") && state.at("Catch").is_array()) {
      for (const Json& catcher : state.at("Catch")) {
        if (!catcher.is_object()) continue;
        add_edge(id, states, catcher.value("Next", Json(nullptr)), "catch",
                 catcher.value("ErrorEquals", Json(nullptr)));
      }
    }
  }

  void add_inner_blocks(const Json& state, const std::string& id) {
    if (state.contains("Branches") && state.at("Branches").is_array()) {
      const Json& branches = state.at("Branches");
      for (std::size_t i = 0; i < branches.size(); ++i)
        add_block(branches[i], id + "/Branches/" + std::to_string(i), id, i);
    }
    for (const char* processor : {"ItemProcessor", "Iterator"}) {
      if (state.contains(processor)) add_block(state.at(processor), id + "/" + processor, id, 0);
    }
  }

  Json nodes_ = Json::array();
  Json edges_ = Json::array();
};

}  // namespace

Json graph_of(const Json& definition) {
  GraphBuilder builder;
  builder.add_block(definition, "", nullptr, nullptr);
  return std::move(builder).take(definition);
}

}  // namespace orchestrator::api
