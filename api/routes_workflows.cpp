// Definitions: POST and GET /v1/workflows/{name}/versions, GET /v1/workflows, /{name}, /versions/{v}, /graph.
#include <algorithm>
#include <charconv>

#include "api/body.hpp"
#include "api/context.hpp"
#include "api/graph.hpp"
#include "api/idempotency.hpp"
#include "api/json_writer.hpp"
#include "api/path_parameter.hpp"
#include "api/problem.hpp"
#include "api/router.hpp"
#include "api/routes.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/language/repeated_members.hpp"
#include "orchestrator/service/service.hpp"
#include "orchestrator/yaml/yaml.hpp"

namespace orchestrator::api {
namespace {

using Found = std::function<void(const store::DefinitionRow& row, const std::vector<std::int32_t>& versions)>;

Error no_such_workflow() { return Error(ErrorCode::not_found, "not-found", "There is no such workflow or version"); }

/// A start names an unknown workflow; a read just finds nothing there.
Error as_missing(const Error& error) { return error.code == ErrorCode::not_found ? no_such_workflow() : error; }

std::string location_of_version(const Json& body) {
  const std::string name = string_member(body, "workflow");
  if (name.empty() || !body.contains("version")) return {};
  return "/v1/workflows/" + name + "/versions/" + dump_json(body.at("version"));
}

Result<Json> read_definition(const Request& request) {
  const auto type = request.headers.value("Content-Type");
  if (is_yaml_type(type)) return yaml::parse(request.body);
  if (!is_json_type(type)) {
    return fail(ErrorCode::invalid_argument, "unsupported-media-type",
                "Send a definition as application/json or application/yaml");
  }
  auto definition = read_json(request);
  if (!definition) return definition;
  // Parsing keeps the last of repeated members silently, which in a definition loses a state.
  Error repeated(ErrorCode::invalid_argument, "invalid-definition", "the definition repeats members");
  for (std::string& pointer : language::find_repeated_members(request.body)) {
    repeated.faults.push_back({.pointer = std::move(pointer),
                               .code = "INVALID_JSON_DESCRIPTION",
                               .message = "This member is given more than once in the same object"});
  }
  if (!repeated.faults.empty()) return repeated;
  return definition;
}

std::string deployed_text(const service::Deployed& deployed) {
  JsonWriter writer;
  writer.begin_object();
  writer.member("workflow", deployed.workflow)
      .member("version", deployed.version)
      .member("checksum", deployed.checksum);
  writer.name("warnings").begin_array();
  for (const std::string& warning : deployed.warnings) writer.text(warning);
  writer.end_array().end_object();
  return std::move(writer).take();
}

void deploy(Context& context, const CallPtr& call) {
  auto name = name_parameter(*call, 0);
  if (!name) return call->fail(name.error());
  auto definition = read_definition(call->request);
  if (!definition) return call->fail(definition.error());
  auto ref = idempotency_of(*call, *definition);
  if (!ref) return call->fail(ref.error());

  service::Deploy request{.namespace_name = call->namespace_name,
                          .name = *name,
                          .definition = make_payload(std::move(*definition)),
                          .caller = call->caller()};
  act_once(context, call, std::move(*ref), location_of_version,
           [&context, call, request = std::move(request)](std::optional<RunId> /*reserved*/, Finish finish) {
             context.service.deploy(request, [call, finish = std::move(finish)](Result<service::Deployed> deployed) {
               if (!deployed) return finish(problem_response(deployed.error(), call->request.path));
               Response response = json_response(deployed->created ? 201 : 200, deployed_text(*deployed));
               if (deployed->created) {
                 response.headers.emplace_back("Location", "/v1/workflows/" + deployed->workflow + "/versions/" +
                                                               std::to_string(deployed->version));
               }
               finish(std::move(response));
             });
           });
}

void write_versions(JsonWriter& writer, const std::vector<std::int32_t>& versions) {
  writer.name("versions").begin_array();
  for (const std::int32_t version : versions) writer.number(version);
  writer.end_array();
}

void list_workflows(Context& context, const CallPtr& call) {
  context.service.list_workflows(call->namespace_name, [call](Result<std::vector<store::WorkflowSummary>> summaries) {
    if (!summaries) return call->fail(summaries.error());
    JsonWriter writer;
    writer.begin_object().name("items").begin_array();
    for (const auto& summary : *summaries) {
      writer.begin_object().member("workflow", summary.name);
      write_versions(writer, summary.versions);
      writer.end_object();
    }
    writer.end_array().name("next_cursor").null().end_object();
    call->respond(json_response(200, std::move(writer).take()));
  });
}

/// The version that the path names, or the newest where it names none.
void with_definition(Context& context, const CallPtr& call, Found found) {
  const auto name = name_parameter(*call, 0);
  if (!name) return call->fail(name.error());
  std::optional<std::int32_t> wanted;
  if (call->parameters.size() > 1) {
    const std::string& text = call->parameters[1];
    std::int32_t version = 0;
    const auto [stopped, error] = std::from_chars(text.data(), text.data() + text.size(), version);
    if (error != std::errc{} || stopped != text.data() + text.size() || version < 1)
      return call->fail(no_such_workflow());
    wanted = version;
  }
  if (wanted) {
    context.service.find_definition(call->namespace_name, *name, *wanted,
                                    [call, found](Result<store::DefinitionRow> row) {
                                      if (!row) return call->fail(as_missing(row.error()));
                                      found(*row, {row->version});
                                    });
    return;
  }
  context.service.list_workflows(call->namespace_name, [&context, call, name = *name,
                                                        found](Result<std::vector<store::WorkflowSummary>> summaries) {
    if (!summaries) return call->fail(summaries.error());
    const auto summary =
        std::find_if(summaries->begin(), summaries->end(), [&](const auto& entry) { return entry.name == name; });
    if (summary == summaries->end() || summary->versions.empty()) return call->fail(no_such_workflow());
    const std::int32_t newest = *std::max_element(summary->versions.begin(), summary->versions.end());
    context.service.find_definition(call->namespace_name, name, newest,
                                    [call, found, versions = summary->versions](Result<store::DefinitionRow> row) {
                                      if (!row) return call->fail(row.error());
                                      found(*row, versions);
                                    });
  });
}

void write_definition(JsonWriter& writer, const store::DefinitionRow& row) {
  writer.member("workflow", row.name).member("version", row.version).member("checksum", row.checksum);
  writer.member("created_at", row.created_at).name("definition").raw(row.source);
}

void read_workflow(Context& context, const CallPtr& call) {
  with_definition(context, call, [call](const store::DefinitionRow& row, const std::vector<std::int32_t>& versions) {
    JsonWriter writer;
    writer.begin_object();
    write_definition(writer, row);
    write_versions(writer, versions);
    writer.end_object();
    call->respond(json_response(200, std::move(writer).take()));
  });
}

void read_version(Context& context, const CallPtr& call) {
  with_definition(context, call, [call](const store::DefinitionRow& row, const std::vector<std::int32_t>&) {
    JsonWriter writer;
    writer.begin_object();
    write_definition(writer, row);
    writer.end_object();
    call->respond(json_response(200, std::move(writer).take()));
  });
}

void read_graph(Context& context, const CallPtr& call) {
  with_definition(context, call, [call](const store::DefinitionRow& row, const std::vector<std::int32_t>&) {
    const auto definition = parse_json(row.source);
    if (!definition) return call->fail(Error(ErrorCode::internal, "a stored definition is not JSON"));
    Json graph = graph_of(*definition);
    graph["workflow"] = row.name;
    graph["version"] = row.version;
    call->respond(json_response(200, dump_json(graph)));
  });
}

}  // namespace

void add_workflow_routes(Router& router, Context& context) {
  const auto bind = [&context](auto action) {
    return [&context, action](const CallPtr& call) { action(context, call); };
  };
  router.add({.method = "GET", .pattern = "/v1/workflows", .handle = bind(list_workflows)});
  router.add({.method = "GET", .pattern = "/v1/workflows/{name}", .handle = bind(read_workflow)});
  router.add({.method = "GET", .pattern = "/v1/workflows/{name}/graph", .handle = bind(read_graph)});
  router.add({.method = "POST", .pattern = "/v1/workflows/{name}/versions", .handle = bind(deploy)});
  router.add({.method = "GET", .pattern = "/v1/workflows/{name}/versions/{version}", .handle = bind(read_version)});
  router.add({.method = "GET", .pattern = "/v1/workflows/{name}/versions/{version}/graph", .handle = bind(read_graph)});
}

}  // namespace orchestrator::api
