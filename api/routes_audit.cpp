// Who did what: GET /v1/audit, as a list or as lines for an export.
#include "api/audit_json.hpp"
#include "api/context.hpp"
#include "api/json_writer.hpp"
#include "api/problem.hpp"
#include "api/query_reader.hpp"
#include "api/router.hpp"
#include "api/routes.hpp"
#include "orchestrator/service/service.hpp"

namespace orchestrator::api {
namespace {

enum class Shape : std::uint8_t { list, lines };

/// One row per line. Where the next page begins stands in a header, as there is no place for it in the lines.
Response lines_of(const store::AuditPage& page) {
  Response response;
  response.content_type = "application/jsonl";
  for (const store::AuditRow& row : page.items) response.body += audit_line(row);
  if (page.next_cursor) response.headers.emplace_back("Orchestrator-Next-Cursor", *page.next_cursor);
  return response;
}

Response list_of(const store::AuditPage& page) {
  JsonWriter writer;
  writer.begin_object().name("items").begin_array();
  for (const store::AuditRow& row : page.items) write_audit_row(writer, row);
  writer.end_array().member("next_cursor", page.next_cursor).end_object();
  return json_response(200, std::move(writer).take());
}

void list_audit(Context& context, const CallPtr& call) {
  QueryReader query(call->request.query);
  store::AuditFilter filter;
  filter.namespace_name = call->namespace_name;
  filter.actor = query.text("actor").value_or("");
  filter.action = query.text("action").value_or("");
  filter.target = query.text("target").value_or("");
  if (const auto chain = query.integer("chain", store::kClusterChain, 65'535)) {
    filter.chain = static_cast<std::int32_t>(*chain);
  }
  filter.after = query.time("after");
  filter.before = query.time("before");
  Shape shape = Shape::list;
  if (const auto format = query.text("format")) {
    if (*format == "jsonl") shape = Shape::lines;
    if (*format != "jsonl" && *format != "json") query.fault("format", "must be json or jsonl");
  }
  const std::string everything = query.text("all_namespaces").value_or("false");
  if (everything != "true" && everything != "false") query.fault("all_namespaces", "must be true or false");
  filter.limit = query.limit();
  filter.cursor = query.cursor();
  if (const Status status = query.finish(); !status) return call->fail(status.error());
  if (everything == "true") {
    if (!call->reaches_all_namespaces) {
      return call->fail(Error(ErrorCode::precondition_failed, "forbidden",
                              "Only a credential of all namespaces may read the audit of all of them"));
    }
    filter.namespace_name.clear();
  }
  context.service.list_audit(std::move(filter), [call, shape](const Result<store::AuditPage>& page) {
    if (!page) return call->fail(page.error());
    call->respond(shape == Shape::lines ? lines_of(*page) : list_of(*page));
  });
}

}  // namespace

void add_audit_routes(Router& router, Context& context) {
  router.add({.method = "GET",
              .pattern = "/v1/audit",
              .handle = [&context](const CallPtr& call) { list_audit(context, call); },
              .role = Role::admin});
}

}  // namespace orchestrator::api
