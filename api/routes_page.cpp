// The operator page: its files, and /v1/session, with which somebody signs in.
#include <algorithm>
#include <array>

#include "api/body.hpp"
#include "api/context.hpp"
#include "api/json_writer.hpp"
#include "api/object_reader.hpp"
#include "api/page_files.hpp"
#include "api/problem.hpp"
#include "api/router.hpp"
#include "api/routes.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/service/service.hpp"

namespace orchestrator::api {
namespace {

/// Addresses of the page's screens (dashboards/page/src/app.tsx): each is the same file, which finds out what to show.
constexpr std::array kScreens{
    "/runs",           "/runs/{id}", "/dead-letters", "/decisions",       "/queues",         "/schedules",
    "/schedules/{id}", "/signals",   "/webhooks",     "/workflows",       "/workflows/{id}", "/audit",
    "/approvals",      "/nodes",     "/operations",   "/operations/{id}",
};

/// Nothing from elsewhere, nothing inline, no frames.
constexpr const char* kContentSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src "
    "'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const PageFile* file_at(std::string_view path) {
  const PageFile* end = kPageFiles + kPageFiles_count;
  const PageFile* found = std::find_if(kPageFiles, end, [&](const PageFile& file) { return file.path == path; });
  return found == end ? nullptr : found;
}

/// Whether `coding` is one of `gzip, deflate;q=0.5` and not refused.
bool accepts(std::string_view accepted, std::string_view coding) {
  while (!accepted.empty()) {
    const auto comma = accepted.find(',');
    std::string_view item = accepted.substr(0, comma);
    item.remove_prefix(std::min(item.find_first_not_of(' '), item.size()));
    const auto semicolon = item.find_first_of("; ");
    if (item.substr(0, semicolon) == coding) {
      const auto weight = item.find("q=0");
      return weight == std::string_view::npos || item.find_first_of("123456789", weight) != std::string_view::npos;
    }
    accepted = comma == std::string_view::npos ? std::string_view{} : accepted.substr(comma + 1);
  }
  return false;
}

void send_file(const CallPtr& call, const PageFile& file) {
  Response response;
  // A file under assets has its content in its name; index.html names them.
  const bool is_lasting = file.path.starts_with("/assets/");
  response.headers = {{"Cache-Control", is_lasting ? "public, max-age=31536000, immutable" : "no-cache"},
                      {"ETag", std::string(file.etag)},
                      {"Vary", "Accept-Encoding"},
                      {"Content-Security-Policy", kContentSecurityPolicy},
                      {"X-Content-Type-Options", "nosniff"},
                      {"Referrer-Policy", "same-origin"}};
  if (call->request.headers.value("If-None-Match").find(file.etag) != std::string_view::npos) {
    response.status = 304;
    call->respond(std::move(response));
    return;
  }
  const std::string_view accepted = call->request.headers.value("Accept-Encoding");
  std::string_view body = file.plain;
  if (!file.brotli.empty() && accepts(accepted, "br")) {
    response.headers.emplace_back("Content-Encoding", "br");
    body = file.brotli;
  } else if (!file.gzip.empty() && accepts(accepted, "gzip")) {
    response.headers.emplace_back("Content-Encoding", "gzip");
    body = file.gzip;
  }
  response.content_type = file.content_type;
  response.body = body;
  call->respond(std::move(response));
}

void send_screen(const CallPtr& call) {
  const PageFile* file = file_at("/index.html");
  if (file == nullptr) return call->fail(Error(ErrorCode::not_found, "no-such-route", "This build has no page"));
  send_file(call, *file);
}

void send_asset(const CallPtr& call) {
  const PageFile* file = file_at(call->request.path);
  if (file == nullptr) {
    return call->fail(Error(ErrorCode::not_found, "no-such-route", "There is nothing at " + call->request.path));
  }
  send_file(call, *file);
}

std::string session_text(const Identity& identity, std::optional<Timestamp> expires_at) {
  JsonWriter writer;
  writer.begin_object().member("actor", identity.actor).member("role", to_string(identity.role));
  writer.member("namespace", identity.namespace_name).name("namespaces");
  if (identity.reaches_all_namespaces) {
    writer.null();
  } else {
    writer.begin_array();
    for (const std::string& name : identity.namespaces) writer.text(name);
    writer.end_array();
  }
  writer.member("expires_at", expires_at).end_object();
  return std::move(writer).take();
}

std::optional<PageSessions::Session> session_of(const Context& context, const Request& request) {
  auto session = context.page_sessions.find(request, context.options.now());
  return session ? *std::move(session) : std::nullopt;
}

Response unstored(Response response) {
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

/// {key}: the cookie is for the browser; a program shows the key itself with each call.
void sign_in(Context& context, const CallPtr& call) {
  auto body = read_json(call->request);
  if (!body) return call->fail(body.error());
  std::vector<FaultDetail> faults;
  ObjectReader reader(*body, "", faults);
  const std::string key = reader.required("key", reader.text("key", kMaxPageKeyBytes)).value_or("");
  reader.finish();
  if (const Status status = body_status(std::move(faults)); !status) return call->fail(status.error());
  Headers headers;
  headers.add("Authorization", "Bearer " + key);
  const auto identity = context.identify(headers);
  if (!identity) return call->fail(identity.error());
  const Timestamp now = context.options.now();
  Response response = json_response(200, session_text(*identity, now + kPageSessionLife));
  response.headers.emplace_back("Set-Cookie", context.page_sessions.open(key, call->request, now));
  call->respond(unstored(std::move(response)));
}

void show_session(Context& /*context*/, const CallPtr& call) {
  const Identity identity{.namespace_name = call->namespace_name,
                          .actor = call->actor,
                          .role = call->role,
                          .reaches_all_namespaces = call->reaches_all_namespaces,
                          .namespaces = call->namespaces};
  call->respond(unstored(json_response(200, session_text(identity, call->session_expires_at))));
}

void sign_out(Context& context, const CallPtr& call) {
  Response response;
  response.status = 204;
  response.headers.emplace_back("Set-Cookie", context.page_sessions.end(session_of(context, call->request)));
  call->respond(std::move(response));
}

}  // namespace

void add_page_routes(Router& router, Context& context) {
  const auto bind = [&context](auto action) {
    return [&context, action](const CallPtr& call) { action(context, call); };
  };
  const auto add_file = [&router](const char* pattern, void (*send)(const CallPtr&)) {
    router.add({.method = "GET", .pattern = pattern, .handle = send, .access = Access::open, .is_page = true});
  };
  router.add({.method = "GET", .pattern = "/", .handle = send_screen, .access = Access::open});
  for (const char* screen : kScreens) add_file(screen, send_screen);
  add_file("/assets/{file}", send_asset);
  add_file("/favicon.svg", send_asset);
  const char* session = "/v1/session";
  router.add({.method = "POST", .pattern = session, .handle = bind(sign_in), .access = Access::open});
  router.add({.method = "GET", .pattern = session, .handle = bind(show_session)});
  router.add({.method = "DELETE", .pattern = session, .handle = bind(sign_out), .access = Access::open});
}

}  // namespace orchestrator::api
