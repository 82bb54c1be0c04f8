// Credentials: GET and POST /v1/api-keys, DELETE /v1/api-keys/{id}.
#include <algorithm>

#include "api/body.hpp"
#include "api/context.hpp"
#include "api/json_writer.hpp"
#include "api/limits.hpp"
#include "api/object_reader.hpp"
#include "api/problem.hpp"
#include "api/query_reader.hpp"
#include "api/router.hpp"
#include "api/routes.hpp"
#include "api/scopes.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/base/names.hpp"
#include "orchestrator/service/access.hpp"
#include "orchestrator/service/service.hpp"

namespace orchestrator::api {
namespace {

void write_texts(JsonWriter& writer, const char* name, const std::vector<std::string>& texts) {
  writer.name(name).begin_array();
  for (const std::string& text : texts) writer.text(text);
  writer.end_array();
}

void write_key(JsonWriter& writer, const store::ApiKeyRow& row, const std::optional<std::string>& key) {
  writer.begin_object().member("key_id", row.key_id).member("name", row.name);
  if (key) writer.member("key", *key);
  writer.member("prefix", row.prefix).member("role", to_string(row.role));
  write_texts(writer, "namespaces", row.namespaces);
  write_texts(writer, "scopes", row.scopes);
  writer.member("created_at", row.created_at).member("created_by", row.created_by);
  writer.member("expires_at", row.expires_at).member("revoked_at", row.revoked_at).end_object();
}

/// Whether the credential of this call holds every namespace that a key has. What it does not hold is not shown to it.
bool reaches(const Call& call, const std::vector<std::string>& namespaces) {
  return call.reaches_all_namespaces || std::ranges::all_of(namespaces, [&](const std::string& name) {
           return std::ranges::find(call.namespaces, name) != call.namespaces.end();
         });
}

std::vector<std::string> read_texts(ObjectReader& reader, const char* name, std::size_t most) {
  std::vector<std::string> texts;
  const Json array = reader.array(name);
  if (!array.is_array()) return texts;
  if (array.size() > most) reader.fault(name, "out_of_range", "must have at most " + std::to_string(most) + " items");
  for (const Json& item : array) {
    if (item.is_string()) {
      texts.push_back(item.get<std::string>());
    } else {
      reader.fault(name, "wrong_type", "must be an array of strings");
    }
  }
  return texts;
}

service::NewApiKey read_new_key(ObjectReader& reader, const Call& call) {
  service::NewApiKey request;
  request.namespace_name = call.namespace_name;
  request.caller = call.caller();
  request.name = reader.required("name", reader.name("name")).value_or("");
  const auto role = reader.required("role", reader.choice("role", {"viewer", "operator", "developer", "admin"}));
  if (role) request.role = *parse_role(*role);
  request.namespaces = {call.namespace_name};
  if (reader.has("namespaces")) request.namespaces = read_texts(reader, "namespaces", kMaxKeyNamespaces);
  const bool is_all = request.namespaces.size() == 1 && request.namespaces.front() == store::kEveryNamespace;
  if (request.namespaces.empty()) reader.fault("namespaces", "too-short", "must name at least one");
  if (!is_all && !std::ranges::all_of(request.namespaces, [](const auto& name) { return is_valid_name(name); })) {
    reader.fault("namespaces", "invalid", "must be names, or \"*\" alone for all");
  }
  request.scopes = read_texts(reader, "scopes", kMaxKeyScopes);
  if (!std::ranges::all_of(request.scopes, is_valid_scope)) {
    reader.fault("scopes", "invalid", "must be verb:NAME or queue:NAME");
  }
  request.expires_at = reader.time("expires_at");
  return request;
}

/// No Idempotency-Key: the answer to keep and repeat would hold the secret.
void create_key(Context& context, const CallPtr& call) {
  auto body = read_json(call->request);
  if (!body) return call->fail(body.error());
  std::vector<FaultDetail> faults;
  ObjectReader reader(*body, "", faults);
  service::NewApiKey request = read_new_key(reader, *call);
  if (request.expires_at && *request.expires_at <= context.options.now()) {
    reader.fault("expires_at", "out_of_range", "must be in the future");
  }
  reader.finish();
  if (const Status status = body_status(std::move(faults)); !status) return call->fail(status.error());
  if (!reaches(*call, request.namespaces)) {
    return call->fail(Error(ErrorCode::precondition_failed, "forbidden",
                            "A key reaches no namespace that its maker's credential does not hold"));
  }
  context.service.access().create_key(std::move(request), [call](const Result<service::MadeApiKey>& made) {
    if (!made) return call->fail(made.error());
    JsonWriter writer;
    write_key(writer, made->row, made->key);
    Response response = json_response(201, std::move(writer).take());
    response.headers.emplace_back("Location", "/v1/api-keys/" + made->row.key_id.str());
    response.headers.emplace_back("Cache-Control", "no-store");
    call->respond(std::move(response));
  });
}

/// Newest first, revoked and expired ones too; the cursor is the last one's id.
void list_keys(Context& context, const CallPtr& call) {
  QueryReader query(call->request.query);
  const auto limit = static_cast<std::size_t>(query.limit());
  const std::string cursor = query.cursor();
  const auto before = store::KeyId::parse(cursor);
  if (!cursor.empty() && !before) query.fault("cursor", "is not a cursor of this list");
  if (const Status status = query.finish(); !status) return call->fail(status.error());
  context.service.access().list_keys([call, limit, before = cursor.empty() ? std::nullopt : std::optional(*before)](
                                         Result<std::vector<store::ApiKeyRow>> rows) {
    if (!rows) return call->fail(rows.error());
    std::ranges::sort(*rows, [](const auto& a, const auto& b) { return b.key_id < a.key_id; });
    std::erase_if(*rows, [&](const store::ApiKeyRow& row) {
      return !reaches(*call, row.namespaces) || (before && !(row.key_id < *before));
    });
    JsonWriter writer;
    writer.begin_object().name("items").begin_array();
    for (std::size_t i = 0; i < std::min(limit, rows->size()); ++i) write_key(writer, (*rows)[i], std::nullopt);
    std::optional<std::string> next;
    if (rows->size() > limit) next = (*rows)[limit - 1].key_id.str();
    writer.end_array().member("next_cursor", next).end_object();
    call->respond(json_response(200, std::move(writer).take()));
  });
}

void revoke(Context& context, const CallPtr& call, const store::ApiKeyRow& row) {
  service::RevokeApiKey request{
      .namespace_name = call->namespace_name, .key_id = row.key_id, .name = row.name, .caller = call->caller()};
  context.service.access().revoke_key(std::move(request), [call](const Result<store::ApiKeyRow>& revoked) {
    if (!revoked) return call->fail(revoked.error());
    Response nothing;
    nothing.status = 204;
    call->respond(std::move(nothing));
  });
}

void revoke_key(Context& context, const CallPtr& call) {
  const Error unknown(ErrorCode::not_found, "no such API key");
  const auto id = store::KeyId::parse(call->parameters.at(0));
  if (!id) return call->fail(unknown);
  context.service.access().list_keys(
      [&context, call, unknown, id = *id](const Result<std::vector<store::ApiKeyRow>>& rows) {
        if (!rows) return call->fail(rows.error());
        const auto found = std::ranges::find(*rows, id, &store::ApiKeyRow::key_id);
        if (found == rows->end() || !reaches(*call, found->namespaces)) return call->fail(unknown);
        revoke(context, call, *found);
      });
}

}  // namespace

void add_api_key_routes(Router& router, Context& context) {
  const auto bind = [&context](auto action) {
    return [&context, action](const CallPtr& call) { action(context, call); };
  };
  const Role rules = Role::admin;
  router.add({.method = "GET", .pattern = "/v1/api-keys", .handle = bind(list_keys), .role = rules});
  router.add({.method = "POST", .pattern = "/v1/api-keys", .handle = bind(create_key), .role = rules});
  router.add({.method = "DELETE", .pattern = "/v1/api-keys/{id}", .handle = bind(revoke_key), .role = rules});
}

}  // namespace orchestrator::api
