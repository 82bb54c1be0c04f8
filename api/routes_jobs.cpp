// Enqueueing one job: POST /v1/jobs. Batches are in routes_batches.cpp; a job is read like any run.
#include "api/body.hpp"
#include "api/context.hpp"
#include "api/idempotency.hpp"
#include "api/object_reader.hpp"
#include "api/problem.hpp"
#include "api/router.hpp"
#include "api/routes.hpp"
#include "api/run_json.hpp"
#include "api/scopes.hpp"
#include "api/start_job_body.hpp"
#include "orchestrator/base/json.hpp"

namespace orchestrator::api {
namespace {

std::string location_of_job(const Json& body) {
  const std::string run_id = string_member(body, "run_id");
  return run_id.empty() ? std::string{} : "/v1/runs/" + run_id;
}

Response enqueue_response(const service::StartedRun& started) {
  Response response = json_response(started.existing ? 200 : 201, enqueued_text(started));
  if (!started.existing) response.headers.emplace_back("Location", "/v1/runs/" + started.run_id.str());
  return response;
}

void enqueue(Context& context, const CallPtr& call) {
  auto body = read_json(call->request);
  if (!body) return call->fail(body.error());
  auto ref = idempotency_of(*call, *body);
  if (!ref) return call->fail(ref.error());

  std::vector<FaultDetail> faults;
  service::StartRun start = read_start_job(*body, "", faults);
  if (const Status status = body_status(std::move(faults)); !status) return call->fail(status.error());
  if (const Status status = check_job_input(start); !status) return call->fail(status.error());
  if (const Status status = check_queue(call->queues, start.job->queue); !status) return call->fail(status.error());
  start.namespace_name = call->namespace_name;
  start.traceparent = accepted_traceparent(call->request);

  act_once(context, call, std::move(*ref), location_of_job,
           [&context, call, start = std::move(start)](std::optional<RunId> reserved, Finish finish) {
             service::StartRun request = start;
             request.id = reserved;
             context.service.start_run(std::move(request),
                                       [call, finish = std::move(finish)](Result<service::StartedRun> started) {
                                         if (!started)
                                           return finish(problem_response(started.error(), call->request.path));
                                         finish(enqueue_response(*started));
                                       });
           });
}

}  // namespace

void add_job_routes(Router& router, Context& context) {
  router.add(
      {.method = "POST", .pattern = "/v1/jobs", .handle = [&context](const CallPtr& call) { enqueue(context, call); }});
}

}  // namespace orchestrator::api
