#include "api/retry_body.hpp"

#include "api/body.hpp"
#include "api/json_writer.hpp"
#include "api/limits.hpp"
#include "api/object_reader.hpp"
#include "api/path_parameter.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/model/run_state.hpp"

namespace orchestrator::api {

Result<service::RetryRun> read_retry(const Call& call) {
  const auto run_id = run_id_parameter(call, 0);
  if (!run_id) return run_id.error();
  auto body = read_optional_json(call.request);
  if (!body) return body.error();
  if (body->is_null()) *body = Json::object();

  std::vector<FaultDetail> faults;
  ObjectReader reader(*body, "", faults);
  service::RetryRun retry{
      .namespace_name = call.namespace_name, .run_id = *run_id, .actor = call.actor, .role = call.role};
  retry.from_state = reader.text("from_state", kMaxStateNameBytes);
  retry.input = reader.any("input");
  retry.reason = reader.text("reason", kMaxReasonBytes).value_or("");
  retry.rehearse = call.is_rehearsal;
  retry.new_idempotency_key = reader.boolean("new_idempotency_key").value_or(false);
  reader.finish();
  if (Status status = body_status(std::move(faults)); !status) return std::move(status).error();
  return retry;
}

std::string retry_receipt(const service::RetriedRun& done) {
  JsonWriter writer;
  writer.begin_object().member("run_id", done.run_id).member("state", to_string(done.state)).end_object();
  return std::move(writer).take();
}

}  // namespace orchestrator::api
