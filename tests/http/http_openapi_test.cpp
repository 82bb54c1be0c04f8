// The OpenAPI document beside the routes, the problems and the history events that there are. Calls of its operations
// are in tests/docs.
#include <algorithm>
#include <map>
#include <set>

#include "api/problem.hpp"
#include "api/router.hpp"
#include "orchestrator/model/history_event.hpp"
#include "orchestrator/model/role.hpp"
#include "tests/http/api_server.hpp"

namespace orchestrator::api {
namespace {

using ::testing::IsEmpty;

class HttpOpenApi : public ApiServer {
 protected:
  Json document() { return call_as("GET", "/openapi.json", "", {}).json(); }
};

/// "GET /v1/runs/{}": to OpenAPI, too, two paths that differ in the names of their parameters are one.
std::string operation_name(std::string method, const std::string& pattern) {
  std::transform(method.begin(), method.end(), method.begin(),
                 [](char c) { return static_cast<char>(std::toupper(c)); });
  std::string name = method + " ";
  bool inside = false;
  for (const char c : pattern) {
    if (c == '}') inside = false;
    if (!inside) name += c;
    if (c == '{') inside = true;
  }
  return name;
}

/// Who may call an operation: a role, or "everybody".
std::string access_of(const Route& route) {
  return route.access == Access::open ? "everybody" : std::string(to_string(*route.role));
}

/// The operations of the document by their name.
std::map<std::string, Json> operations_of(const Json& document) {
  std::map<std::string, Json> operations;
  for (const auto& [path, item] : document.at("paths").items()) {
    for (const auto& [method, operation] : item.items()) {
      if (method == "parameters") continue;
      Json whole = operation;
      Json parameters = item.value("parameters", Json::array());
      for (const Json& parameter : operation.value("parameters", Json::array())) parameters.push_back(parameter);
      whole["parameters"] = parameters;
      whole["path"] = path;
      operations[operation_name(method, path)] = std::move(whole);
    }
  }
  return operations;
}

const Json& followed(const Json& document, const Json& value) {
  if (!value.contains("$ref")) return value;
  return document.at(Json::json_pointer(value.at("$ref").get<std::string>().substr(1)));
}

void collect_references(const Json& value, std::set<std::string>& found) {
  if (value.is_object() && value.contains("$ref")) found.insert(value.at("$ref").get<std::string>());
  for (const auto& [name, inner] : value.items()) {
    if (inner.is_structured()) collect_references(inner, found);
  }
}

std::set<std::string> texts_of(const Json& array) {
  std::set<std::string> texts;
  for (const Json& text : array) texts.insert(text.get<std::string>());
  return texts;
}

TEST_F(HttpOpenApi, HasEveryRouteAndNoOther) {
  std::set<std::string> routes;
  for (const Route* route : api_->router().routes()) {
    const bool is_call = route->access != Access::peer && !route->is_page;
    if (is_call) routes.insert(operation_name(route->method, route->pattern));
  }

  std::set<std::string> documented;
  for (const auto& [name, operation] : operations_of(document())) documented.insert(name);

  std::set<std::string> only_routes;
  std::set<std::string> only_documented;
  std::set_difference(routes.begin(), routes.end(), documented.begin(), documented.end(),
                      std::inserter(only_routes, only_routes.end()));
  std::set_difference(documented.begin(), documented.end(), routes.begin(), routes.end(),
                      std::inserter(only_documented, only_documented.end()));
  EXPECT_THAT(only_routes, IsEmpty()) << "add them to api/openapi.yaml, see api/README.md";
  EXPECT_THAT(only_documented, IsEmpty());
}

TEST_F(HttpOpenApi, SaysWhoMayCall) {
  const auto operations = operations_of(document());

  for (const Route* route : api_->router().routes()) {
    const auto found = operations.find(operation_name(route->method, route->pattern));
    if (found == operations.end()) continue;
    const bool is_open = found->second.contains("security") && found->second.at("security").empty();
    EXPECT_EQ(is_open ? "everybody" : string_member(found->second, "x-role"), access_of(*route)) << found->first;
  }
}

TEST_F(HttpOpenApi, DeclaresEveryPathParameter) {
  const Json all = document();

  for (const auto& [name, operation] : operations_of(all)) {
    std::set<std::string> in_path;
    const std::string path = operation.at("path");
    for (auto open = path.find('{'); open != std::string::npos; open = path.find('{', open + 1)) {
      in_path.insert(path.substr(open + 1, path.find('}', open) - open - 1));
    }
    std::set<std::string> declared;
    for (const Json& given : operation.at("parameters")) {
      const Json& parameter = followed(all, given);
      if (parameter.at("in") != "path") continue;
      declared.insert(parameter.at("name"));
      EXPECT_EQ(parameter.value("required", false), true) << name;
    }
    EXPECT_EQ(declared, in_path) << name;
  }
}

TEST_F(HttpOpenApi, NamesEveryOperationOnce) {
  std::set<std::string> ids;
  for (const auto& [name, operation] : operations_of(document())) {
    EXPECT_TRUE(ids.insert(operation.at("operationId")).second) << name;
    EXPECT_FALSE(string_member(operation, "summary").empty()) << name;
    EXPECT_EQ(operation.at("tags").size(), 1U) << name;
  }
}

TEST_F(HttpOpenApi, EveryReferenceLeadsSomewhereAndEveryPartIsUsed) {
  const Json all = document();
  std::set<std::string> references;
  collect_references(all, references);

  std::set<std::string> parts;
  for (const auto& [kind, named] : all.at("components").items()) {
    if (kind == "securitySchemes") continue;
    for (const auto& [name, part] : named.items()) parts.insert("#/components/" + kind + "/" + name);
  }

  EXPECT_EQ(references, parts);
}

TEST_F(HttpOpenApi, KnowsEveryProblem) {
  std::set<std::string> types;
  for (const auto slug : problem_slugs()) types.insert("/problems/" + std::string(slug));

  EXPECT_EQ(texts_of(document().at("/components/schemas/ProblemType/enum"_json_pointer)), types);
}

TEST_F(HttpOpenApi, KnowsEveryHistoryEvent) {
  std::set<std::string> types;
#define ORC_INSERT(name) types.insert(#name);
  ORC_EVENT_TYPES(ORC_INSERT)
#undef ORC_INSERT

  EXPECT_EQ(texts_of(document().at("/components/schemas/HistoryEventType/enum"_json_pointer)), types);
}

TEST_F(HttpOpenApi, IsNotSentAgainToWhoHasIt) {
  const auto first = call_as("GET", "/openapi.json", "", {});
  const std::string tag = first.header("etag");

  const auto again = call_as("GET", "/openapi.json", "", {{"If-None-Match", "\"other\", W/" + tag}});
  const auto other = call_as("GET", "/openapi.json", "", {{"If-None-Match", "\"other\""}});

  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.header("content-type"), "application/json");
  EXPECT_EQ(again.status, 304);
  EXPECT_EQ(again.header("etag"), tag);
  EXPECT_EQ(again.body, "");
  EXPECT_EQ(other.status, 200);
}

TEST_F(HttpOpenApi, IsOpenApi31) { EXPECT_EQ(document().at("openapi"), "3.1.0"); }

}  // namespace
}  // namespace orchestrator::api
