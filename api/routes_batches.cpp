// POST /v1/runs/batch and /v1/jobs/batch.
#include "api/body.hpp"
#include "api/context.hpp"
#include "api/idempotency.hpp"
#include "api/json_writer.hpp"
#include "api/object_reader.hpp"
#include "api/problem.hpp"
#include "api/router.hpp"
#include "api/routes.hpp"
#include "api/scopes.hpp"
#include "api/start_job_body.hpp"
#include "api/start_run_body.hpp"
#include "orchestrator/base/json.hpp"

namespace orchestrator::api {
namespace {

/// A batch as read: what can be started, and for every item either its place there or why it cannot.
struct Batch {
  std::vector<service::StartRun> starts;
  std::vector<Result<std::size_t>> items;
};

/// What a batch is of.
struct BatchKind {
  const char* member;  ///< of the body: the array
  service::StartRun (*read)(Json& value, std::string pointer, std::vector<FaultDetail>& faults);
  Status (*check)(const service::StartRun& start);
};

Status accept(const service::StartRun& /*run*/) { return {}; }

constexpr BatchKind kRuns{"runs", read_start_run, accept};
constexpr BatchKind kJobs{"jobs", read_start_job, check_job_input};

std::string location_of_batch(const Json& /*body*/) { return "/v1/runs"; }

Result<Batch> read_batch(const BatchKind& kind, Json& body, const Call& call, bool is_large) {
  std::vector<FaultDetail> faults;
  ObjectReader reader(body, "", faults);
  Json runs = reader.array(kind.member);
  if (!reader.has(kind.member) && runs.is_null()) reader.fault(kind.member, "missing", "is required");
  if (runs.is_array() && (runs.empty() || runs.size() > kMaxBatchItems)) {
    reader.fault(kind.member, "out_of_range", "must have 1 to " + std::to_string(kMaxBatchItems) + " items");
  }
  reader.finish();
  if (const Status status = body_status(std::move(faults)); !status) return status.error();

  const std::string traceparent = accepted_traceparent(call.request);
  Batch batch;
  batch.starts.reserve(runs.size());
  batch.items.reserve(runs.size());
  const std::string pointer = std::string("/") + kind.member + "/";
  for (std::size_t i = 0; i < runs.size(); ++i) {
    std::vector<FaultDetail> item_faults;
    service::StartRun start = kind.read(runs[i], pointer + std::to_string(i), item_faults);
    Status status = body_status(std::move(item_faults));
    // In a body that could be one item's, none is too large.
    if (status && is_large) status = kind.check(start);
    if (status && start.job) status = check_queue(call.queues, start.job->queue);
    if (!status) {
      batch.items.emplace_back(status.error());
      continue;
    }
    start.namespace_name = call.namespace_name;
    start.traceparent = traceparent;
    batch.items.emplace_back(batch.starts.size());
    batch.starts.push_back(std::move(start));
  }
  return batch;
}

void write_item(JsonWriter& writer, const Result<service::StartedRun>& started) {
  writer.begin_object();
  if (started) {
    writer.member("run_id", started->run_id);
    if (started->existing) writer.member("existing", true);
  } else {
    writer.name("error").raw(problem_text(started.error(), {}));
  }
  writer.end_object();
}

Response batch_response(const std::vector<Result<std::size_t>>& items,
                        const std::vector<Result<service::StartedRun>>& answers) {
  JsonWriter writer;
  writer.begin_object().name("items").begin_array();
  for (const auto& item : items) {
    if (item) {
      write_item(writer, answers.at(*item));
    } else {
      write_item(writer, item.error());
    }
  }
  writer.end_array().end_object();
  Response response = json_response(201, std::move(writer).take());
  response.headers.emplace_back("Location", "/v1/runs");
  return response;
}

void start_batch(const BatchKind& kind, Context& context, const CallPtr& call) {
  auto body = read_json(call->request);
  if (!body) return call->fail(body.error());
  const bool is_large = call->request.body.size() > kMaxJobInputBytes;
  call->request.body = {};  // up to 64 MiB that nobody needs again
  auto ref = idempotency_of(*call, *body);
  if (!ref) return call->fail(ref.error());
  auto batch = read_batch(kind, *body, *call, is_large);
  if (!batch) return call->fail(batch.error());

  // Shared: the action is a copyable function, and a batch is too large to copy.
  auto shared = std::make_shared<Batch>(std::move(*batch));
  act_once(context, call, std::move(*ref), location_of_batch,
           [&context, call, shared](std::optional<RunId> seed, Finish finish) {
             context.service.start_runs(
                 std::move(shared->starts), seed,
                 [call, shared, finish = std::move(finish)](Result<std::vector<Result<service::StartedRun>>> answers) {
                   if (!answers) return finish(problem_response(answers.error(), call->request.path));
                   finish(batch_response(shared->items, *answers));
                 });
           });
}

}  // namespace

void add_batch_routes(Router& router, Context& context) {
  router.add({.method = "POST",
              .pattern = "/v1/runs/batch",
              .handle = [&context](const CallPtr& call) { start_batch(kRuns, context, call); },
              .body_size = BodySize::batch});
  router.add({.method = "POST",
              .pattern = "/v1/jobs/batch",
              .handle = [&context](const CallPtr& call) { start_batch(kJobs, context, call); },
              .body_size = BodySize::batch});
}

}  // namespace orchestrator::api
