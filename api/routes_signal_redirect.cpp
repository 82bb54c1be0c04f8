// Signals that an operator sends again, or elsewhere: POST /v1/signals/{id}/replay, /retarget.
#include "api/body.hpp"
#include "api/context.hpp"
#include "api/idempotency.hpp"
#include "api/json_writer.hpp"
#include "api/limits.hpp"
#include "api/object_reader.hpp"
#include "api/path_parameter.hpp"
#include "api/problem.hpp"
#include "api/router.hpp"
#include "api/routes.hpp"
#include "orchestrator/base/json.hpp"

namespace orchestrator::api {
namespace {

using service::RedirectSignal;

/// Why, in the words of whoever does it. A zero character would find no place in the table.
std::string read_reason(ObjectReader& reader) {
  auto reason = reader.required("reason", reader.text("reason", kMaxReasonBytes)).value_or("");
  if (reason.find('\0') != std::string::npos) reader.fault("reason", "invalid", "must not contain a zero character");
  return reason;
}

/// {reason, id?}
void read_replay(ObjectReader& reader, RedirectSignal& redirect) { redirect.id = reader.key("id").value_or(""); }

/// {reason, name?, key? | run_id?}
void read_retarget(ObjectReader& reader, RedirectSignal& redirect) {
  const bool names_receiver = reader.has("name") || reader.has("key") || reader.has("run_id");
  redirect.name = reader.name("name").value_or("");
  redirect.key = reader.key("key");
  if (const auto text = reader.text("run_id", kMaxReasonBytes)) {
    const auto run_id = RunId::parse(*text);
    if (run_id) {
      redirect.run_id = *run_id;
    } else {
      reader.fault("run_id", "invalid", "must be a run id");
    }
  }
  if (redirect.key && redirect.run_id) reader.fault("run_id", "invalid", "excludes `key`");
  if (!names_receiver) reader.fault("", "missing", "needs name, key or run_id");
}

std::string redirected_text(const RedirectSignal& asked, const service::SentSignal& sent) {
  JsonWriter writer;
  writer.begin_object().member("signal_id", sent.signal_id).member("fate", sent.fate).member("run_id", sent.run_id);
  writer.member("origin_signal_id", asked.signal_id).end_object();
  return std::move(writer).take();
}

void rehearse(Context& context, const CallPtr& call, const RedirectSignal& asked) {
  context.service.find_signal(
      asked.namespace_name, asked.signal_id, [call, asked](const Result<store::SignalView>& origin) {
        if (!origin) return call->fail(origin.error());
        const bool is_settled = origin->fate == store::SignalFate::consumed || origin->successor.has_value();
        if (is_settled && asked.id.empty()) {
          const std::string why = "the signal was consumed, or sent on before";
          return call->fail(Error(ErrorCode::precondition_failed, "wrong-state", why));
        }
        call->respond(json_response(202, "{}"));
      });
}

void redirect(Context& context, const CallPtr& call, store::SignalLinkKind kind) {
  const auto id = signal_id_parameter(*call, 0);
  if (!id) return call->fail(id.error());
  auto body = read_json(call->request);
  if (!body) return call->fail(body.error());
  auto ref = idempotency_of(*call, *body);
  if (!ref) return call->fail(ref.error());

  std::vector<FaultDetail> faults;
  ObjectReader reader(*body, "", faults);
  RedirectSignal asked{.namespace_name = call->namespace_name, .signal_id = *id, .kind = kind};
  asked.sender = call->role;
  asked.actor = call->actor;
  asked.reason = read_reason(reader);
  if (kind == store::SignalLinkKind::replay) {
    read_replay(reader, asked);
  } else {
    read_retarget(reader, asked);
  }
  reader.finish();
  if (const Status status = body_status(std::move(faults)); !status) return call->fail(status.error());

  if (call->is_rehearsal) return rehearse(context, call, asked);
  act_once(context, call, std::move(*ref), nullptr,
           [&context, call, asked](std::optional<RunId> /*reserved*/, const Finish& finish) {
             context.service.redirect_signal(asked, [call, asked, finish](const Result<service::SentSignal>& sent) {
               if (!sent) return finish(problem_response(sent.error(), call->request.path));
               Response response = json_response(202, redirected_text(asked, *sent));
               response.headers.emplace_back("Location", "/v1/signals/" + sent->signal_id.str());
               finish(std::move(response));
             });
           });
}

}  // namespace

void add_signal_redirect_routes(Router& router, Context& context) {
  const auto bind = [&context](store::SignalLinkKind kind) {
    return [&context, kind](const CallPtr& call) { redirect(context, call, kind); };
  };
  const Role sends = Role::operator_;
  router.add({.method = "POST",
              .pattern = "/v1/signals/{id}/replay",
              .handle = bind(store::SignalLinkKind::replay),
              .role = sends});
  router.add({.method = "POST",
              .pattern = "/v1/signals/{id}/retarget",
              .handle = bind(store::SignalLinkKind::retarget),
              .role = sends});
}

}  // namespace orchestrator::api
