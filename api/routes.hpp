#pragma once

namespace orchestrator::api {

class Router;
struct Context;

// Each adds the routes of one noun; `context` outlives the router.
void add_run_routes(Router& router, Context& context);
void add_run_command_routes(Router& router, Context& context);
void add_dead_letter_routes(Router& router, Context& context);
void add_operation_routes(Router& router, Context& context);
void add_batch_routes(Router& router, Context& context);
void add_job_routes(Router& router, Context& context);
/// POST /v1/queues/{name}/claim and /v1/tasks/{token}/...: remote workers.
void add_task_routes(Router& router, Context& context);
void add_workflow_routes(Router& router, Context& context);
void add_api_key_routes(Router& router, Context& context);
/// GET and PUT /v1/policies: which actions need a second person.
void add_policy_routes(Router& router, Context& context);
/// /v1/approvals. What is approved is carried out through `performers`, which outlives the calls.
void add_approval_routes(Router& router, Context& context, const Router& performers);
void add_audit_routes(Router& router, Context& context);
void add_decision_routes(Router& router, Context& context);
void add_namespace_routes(Router& router, Context& context);
void add_queue_routes(Router& router, Context& context);
void add_calendar_routes(Router& router, Context& context);
void add_schedule_routes(Router& router, Context& context);
void add_schedule_preview_route(Router& router, Context& context);
void add_signal_routes(Router& router, Context& context);
/// POST /v1/signals/{id}/replay, /retarget.
void add_signal_redirect_routes(Router& router, Context& context);
void add_webhook_endpoint_routes(Router& router, Context& context);
void add_webhook_delivery_routes(Router& router, Context& context);
/// /hooks/{namespace}/{endpoint}: what providers call.
void add_hook_routes(Router& router, Context& context);
/// POST /internal/v1/peer/{operation}: calls between nodes.
void add_peer_routes(Router& router, Context& context);
/// GET /livez, /readyz, /metrics: in every process.
void add_probe_routes(Router& router, Context& context);
/// GET /v1/events, /v1/runs/{id}/events: server-sent events.
void add_event_routes(Router& router, Context& context);
void add_process_routes(Router& router, Context& context);
/// GET /openapi.json
void add_openapi_route(Router& router);
/// GET /, the page's screens and files, and /v1/session.
void add_page_routes(Router& router, Context& context);

}  // namespace orchestrator::api
