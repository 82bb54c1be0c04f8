#include "api/api.hpp"

#include <algorithm>

#include "api/context.hpp"
#include "api/parsing_thread.hpp"
#include "api/problem.hpp"
#include "api/router.hpp"
#include "api/routes.hpp"
#include "api/scopes.hpp"
#include "api/second_person.hpp"
#include "api/webhooks/secret_source.hpp"
#include "orchestrator/service/access.hpp"
#include "orchestrator/service/service.hpp"

namespace orchestrator::api {
namespace {

ApiOptions with_defaults(ApiOptions options) {
  if (!options.secret_of) options.secret_of = webhooks::secret_from_environment;
  if (!options.now) {
    options.now = [] { return std::chrono::floor<Duration>(std::chrono::system_clock::now()); };
  }
  return options;
}

}  // namespace

struct Api::Body {
  Body(service::Service& service, ApiOptions options)
      : context(service, with_defaults(std::move(options))), second_person(context) {
    add_probe_routes(router, context);
    add_peer_routes(router, context);
    if (!context.options.serves_callers) return;
    add_run_routes(router, context);
    add_run_command_routes(router, context);
    add_dead_letter_routes(router, context);
    add_operation_routes(router, context);
    add_batch_routes(router, context);
    add_job_routes(router, context);
    add_task_routes(router, context);
    add_workflow_routes(router, context);
    add_decision_routes(router, context);
    add_audit_routes(router, context);
    add_api_key_routes(router, context);
    add_policy_routes(router, context);
    add_approval_routes(router, context, router);
    add_namespace_routes(router, context);
    add_queue_routes(router, context);
    add_calendar_routes(router, context);
    add_schedule_routes(router, context);
    add_schedule_preview_route(router, context);
    add_signal_routes(router, context);
    add_signal_redirect_routes(router, context);
    add_webhook_endpoint_routes(router, context);
    add_webhook_delivery_routes(router, context);
    add_hook_routes(router, context);
    add_event_routes(router, context);
    add_process_routes(router, context);
    add_openapi_route(router);
    add_page_routes(router, context);
  }

  /// The answer for a request that matches no route.
  [[nodiscard]] Response unmatched(const RouteMatch& match, const Request& request) const {
    if (match.allowed.empty()) {
      const char* why = context.options.serves_callers ? "" : ": this process serves no callers, it has no role api";
      const Error error(ErrorCode::not_found, "no-such-route", "There is nothing at " + request.path + why);
      return problem_response(error, request.path);
    }
    const Error error(ErrorCode::invalid_argument, "method-not-allowed", request.method + " is not offered here");
    Response response = problem_response(error, request.path);
    response.headers.emplace_back("Allow", match.allowed);
    return response;
  }

  /// Who asks. unauthenticated (401) or forbidden (403) when it is nobody, or not enough.
  Result<Identity> identify(const Route& route, const std::vector<std::string>& parameters,
                            const Headers& headers) const {
    auto identity = context.identify(headers);
    if (identity && !is_open_to(identity->scopes, route, parameters)) {
      return fail(ErrorCode::precondition_failed, "forbidden", "The key's scopes do not open this call");
    }
    if (identity && identity->role < *route.role) {
      return Error(ErrorCode::precondition_failed, "forbidden",
                   "This call needs the role " + std::string(to_string(*route.role)))
          .with("role", std::string(to_string(*route.role)));
    }
    return identity;
  }

  /// A call of the operator page shows its session: from here on it looks as if it had shown the key. forbidden (403)
  /// when another site's page made it.
  Status admit_session(Request& request, std::optional<Timestamp>& expires_at) const {
    const auto session = context.page_sessions.find(request, context.options.now());
    if (!session) return session.error();
    if (!*session) return {};
    request.headers.add("Authorization", "Bearer " + (*session)->key);
    expires_at = (*session)->expires_at;
    return {};
  }

  void begin(const CallPtr& call) {
    if (call->request.body.size() > kMaxInlineBodyBytes) {
      parsing_thread.run([call] { call->route->handle(call); });
    } else {
      call->route->handle(call);
    }
  }

  void report(std::string_view method, std::string_view route, int status, std::chrono::nanoseconds duration) const {
    if (context.options.on_request) {
      const RequestReport entry{.method = method, .route = route, .status = status, .duration = duration};
      context.options.on_request(entry);
    }
  }

  Context context;
  Router router;
  SecondPerson second_person;
  ParsingThread parsing_thread;  // last: its work uses the others
};

std::vector<std::string_view> webhook_providers() {
  std::vector<std::string_view> names;
  for (const webhooks::Provider& provider : webhooks::all_providers()) names.push_back(provider.name);
  return names;
}

Api::Api(service::Service& service, ApiOptions options) : body_(std::make_unique<Body>(service, std::move(options))) {}

Api::~Api() = default;

Admission Api::admit(const Request& head) {
  const RouteMatch match = body_->router.match(head.method, head.path);
  const auto refuse = [&](Response refusal, std::string_view route) {
    body_->report(head.method, route, refusal.status, {});
    Admission admission;
    admission.refused = true;
    admission.refusal = std::move(refusal);
    return admission;
  };
  if (match.route == nullptr) return refuse(body_->unmatched(match, head), "none");
  const Route& route = *match.route;
  if (route.access == Access::credential) {
    Request seen{.method = head.method, .path = {}, .query = {}, .headers = head.headers, .body = {}, .peer = {}};
    std::optional<Timestamp> expires_at;
    if (const Status own = body_->admit_session(seen, expires_at); !own) {
      return refuse(problem_response(own.error(), head.path), route.pattern);
    }
    const auto identity = body_->identify(route, match.parameters, seen.headers);
    if (!identity) return refuse(problem_response(identity.error(), head.path), route.pattern);
  } else if (route.access == Access::peer && !body_->context.authenticator.is_peer(head.headers)) {
    return refuse(body_->unmatched({}, head), route.pattern);  // for everybody else there is no such path
  }
  const ApiOptions& options = body_->context.options;
  Admission admission;
  switch (route.body_size) {
    case BodySize::single: admission.body_limit = options.max_body_bytes; break;
    case BodySize::batch: admission.body_limit = options.max_batch_body_bytes; break;
    // Which provider it is, and so how much it may send, is known once its endpoint is.
    case BodySize::webhook: admission.body_limit = std::max(options.max_body_bytes, kMaxHookBodyBytes); break;
  }
  return admission;
}

void Api::handle(Request request, Answer answer) {
  RouteMatch match = body_->router.match(request.method, request.path);
  if (match.route == nullptr) {
    answer(body_->unmatched(match, request));
    return;
  }
  auto call = std::make_shared<Call>();
  call->request = std::move(request);
  call->route = match.route;
  call->parameters = std::move(match.parameters);
  call->answer = [this, answer = std::move(answer), method = call->request.method, route = match.route,
                  begun = std::chrono::steady_clock::now()](Response response) {
    body_->report(method, route->pattern, response.status, std::chrono::steady_clock::now() - begun);
    answer(std::move(response));
  };
  if (match.route->access == Access::peer && !body_->context.authenticator.is_peer(call->request.headers)) {
    call->respond(body_->unmatched({}, call->request));
    return;
  }
  if (match.route->access != Access::credential) return body_->begin(call);
  const Status own = body_->admit_session(call->request, call->session_expires_at);
  if (!own) return call->fail(own.error());
  auto identity = body_->identify(*match.route, call->parameters, call->request.headers);
  if (!identity) return call->fail(identity.error());
  call->namespace_name = std::move(identity->namespace_name);
  call->actor = std::move(identity->actor);
  call->role = identity->role;
  call->reaches_all_namespaces = identity->reaches_all_namespaces;
  call->namespaces = std::move(identity->namespaces);
  call->credential = std::move(identity->credential);
  call->queues = queues_of(identity->scopes);
  body_->context.service.check_namespace(call->namespace_name, [body = body_.get(), call](const Result<void>& exists) {
    if (!exists) return call->fail(exists.error());
    body->second_person.ask(call, [body, call] { body->begin(call); });
  });
}

Response Api::refuse(int status, const std::string& path) {
  Error error(ErrorCode::invalid_argument, "malformed-request", "The request is not valid HTTP/1.1");
  switch (status) {
    case 413:
      error = Error(ErrorCode::invalid_argument, "payload-too-large", "The body is longer than this call takes");
      break;
    case 417:
      error = Error(ErrorCode::invalid_argument, "expectation-failed", "Only `100-continue` can be expected");
      break;
    case 431:
      error = Error(ErrorCode::invalid_argument, "header-too-large", "The header has too many or too long fields");
      break;
    case 503: error = Error(ErrorCode::deadline_exceeded, "unavailable", "No answer within the time; try again"); break;
    default: break;
  }
  body_->report("-", "none", status, {});
  return problem_response(error, path);
}

void Api::drain() {
  body_->context.draining = true;
  body_->context.long_polls.answer_all();
}

const Router& Api::router() const { return body_->router; }

void Call::fail(const Error& error) const { respond(problem_response(error, request.path)); }

}  // namespace orchestrator::api
