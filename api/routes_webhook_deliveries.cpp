// What providers sent, as it was received: /v1/webhook-deliveries, and once more for those who wait.
#include "api/body.hpp"
#include "api/context.hpp"
#include "api/idempotency.hpp"
#include "api/json_writer.hpp"
#include "api/limits.hpp"
#include "api/object_reader.hpp"
#include "api/problem.hpp"
#include "api/query_reader.hpp"
#include "api/router.hpp"
#include "api/routes.hpp"
#include "api/webhook_delivery_json.hpp"
#include "orchestrator/base/json.hpp"

namespace orchestrator::api {
namespace {

using store::DeliveryId;
using store::WebhookDeliveryView;
using webhooks::LiveEndpoint;
using webhooks::LiveEndpointPtr;

BodyAccess access_of(const Call& call) { return call.role >= Role::operator_ ? BodyAccess::shown : BodyAccess::hidden; }

/// An id that cannot exist is not-found, like one that does not.
Result<DeliveryId> delivery_parameter(const Call& call) {
  auto id = DeliveryId::parse(call.parameters.at(0));
  if (!id) return fail(ErrorCode::not_found, "no such webhook delivery");
  return id;
}

void list_deliveries(Context& context, const CallPtr& call) {
  QueryReader query(call->request.query);
  store::WebhookDeliveryFilter filter;
  filter.namespace_name = call->namespace_name;
  filter.endpoint = query.text("endpoint").value_or("");
  filter.provider = query.text("provider").value_or("");
  filter.verdict = query.text("verdict").value_or("");
  if (!filter.verdict.empty() && filter.verdict != "accepted" && filter.verdict != "poison" &&
      filter.verdict != "duplicate") {
    query.fault("verdict", "must be accepted, duplicate or poison");
  }
  filter.received_after = query.time("received_after");
  filter.received_before = query.time("received_before");
  filter.max_body_bytes = access_of(*call) == BodyAccess::shown ? kMaxListedBodyBytes : -1;
  filter.limit = query.limit();
  filter.cursor = query.cursor();
  if (const Status status = query.finish(); !status) return call->fail(status.error());
  context.service.webhooks().list_deliveries(std::move(filter), [call](const Result<store::WebhookDeliveryPage>& page) {
    if (!page) return call->fail(page.error());
    JsonWriter writer;
    writer.begin_object().name("items").begin_array();
    for (const auto& view : page->items) write_delivery(writer, view, access_of(*call));
    writer.end_array().member("next_cursor", page->next_cursor).end_object();
    call->respond(json_response(200, std::move(writer).take()));
  });
}

void read_delivery(Context& context, const CallPtr& call) {
  const auto id = delivery_parameter(*call);
  if (!id) return call->fail(id.error());
  context.service.webhooks().find_delivery(call->namespace_name, *id, [call](const Result<WebhookDeliveryView>& view) {
    if (!view) return call->fail(view.error());
    JsonWriter writer;
    write_delivery(writer, *view, access_of(*call));
    call->respond(json_response(200, std::move(writer).take()));
  });
}

Error cannot_replay(std::string why) {
  return Error(ErrorCode::precondition_failed, "wrong-state", "The delivery cannot be replayed: " + std::move(why));
}

Headers headers_of(const std::string& text) {
  Headers headers;
  const auto json = parse_json(text);
  if (!json || !json->is_object()) return headers;
  for (const auto& [name, value] : json->items()) {
    if (value.is_string()) headers.add(name, value.get<std::string>());
  }
  return headers;
}

/// What its endpoint, as it is now, makes of a delivery. A body that could not be read then may be read today, and the
/// key may stand elsewhere.
Result<service::ReplayWebhook> read_again(Context& context, const WebhookDeliveryView& view,
                                          const LiveEndpoint& endpoint) {
  const store::WebhookDeliveryRow& row = view.row;
  if (endpoint.provider->name != row.provider) return cannot_replay("its endpoint is another provider's now");
  const Headers headers = headers_of(row.headers);
  const webhooks::Arrival raw{.headers = headers, .body = row.body, .now = context.options.now()};
  auto reading = webhooks::read_events(*endpoint.provider, raw, endpoint.settings.options);
  if (!reading) return cannot_replay(reading.error().message);
  service::ReplayWebhook request{.namespace_name = row.namespace_name,
                                 .delivery_id = row.delivery_id,
                                 .signal_name = endpoint.settings.signal_name,
                                 .signals = {},
                                 .start = endpoint.settings.start};
  // A body from which a secret was taken may give another key than the one it came with.
  const bool is_one = reading->items.size() == 1 && row.verdict == store::WebhookVerdict::accepted;
  for (webhooks::Item& item : reading->items) {
    auto key = webhooks::key_in(json_of(item.document), endpoint);
    if (!key) continue;
    std::string id = is_one ? row.dedupe_key : item.dedupe_key;
    request.signals.push_back({std::move(id), *std::move(key), std::move(item.document)});
  }
  if (request.signals.empty()) return cannot_replay("it has no key at " + endpoint.settings.signal_key);
  return request;
}

std::string replayed_text(const service::ReplayedWebhook& replayed) {
  const service::SentSignal& first = replayed.signals.front();
  JsonWriter writer;
  writer.begin_object().member("signal_id", first.signal_id).member("fate", first.fate);
  writer.member("run_id", first.run_id).member("replay", replayed.number);
  writer.name("signals").begin_array();
  for (const service::SentSignal& signal : replayed.signals) {
    writer.begin_object().member("signal_id", signal.signal_id).member("fate", signal.fate);
    writer.member("run_id", signal.run_id).end_object();
  }
  writer.end_array().end_object();
  return std::move(writer).take();
}

/// What a replay goes through: the delivery, then its endpoint, then the signals.
struct Replay {
  CallPtr call;
  std::string reason;
  Finish finish;

  void refuse(const Error& error) const { finish(problem_response(error, call->request.path)); }
};

void send(Context& context, const Replay& replay, const WebhookDeliveryView& view, const LiveEndpoint& endpoint) {
  auto request = read_again(context, view, endpoint);
  if (!request) return replay.refuse(request.error());
  request->reason = replay.reason;
  request->caller = replay.call->caller();
  const std::string delivery_id = view.row.delivery_id.str();
  context.service.webhooks().replay(*std::move(request),
                                    [&context, replay, delivery_id](const Result<service::ReplayedWebhook>& replayed) {
                                      if (!replayed) return replay.refuse(replayed.error());
                                      if (context.options.on_webhook_replayed) {
                                        const WebhookReplay report{.namespace_name = replay.call->namespace_name,
                                                                   .delivery_id = delivery_id,
                                                                   .actor = replay.call->actor,
                                                                   .reason = replay.reason,
                                                                   .number = replayed->number};
                                        context.options.on_webhook_replayed(report);
                                      }
                                      replay.finish(json_response(202, replayed_text(*replayed)));
                                    });
}

void begin_replay(Context& context, const Replay& replay, const DeliveryId& id) {
  context.service.webhooks().find_delivery(
      replay.call->namespace_name, id, [&context, replay](const Result<WebhookDeliveryView>& view) {
        if (!view) return replay.refuse(view.error());
        context.endpoints.find(replay.call->namespace_name, view->row.endpoint,
                               [&context, replay, view = *view](const Result<LiveEndpointPtr>& endpoint) {
                                 if (endpoint) return send(context, replay, view, **endpoint);
                                 const bool is_gone = endpoint.error().code == ErrorCode::not_found;
                                 replay.refuse(is_gone ? cannot_replay("its endpoint is gone") : endpoint.error());
                               });
      });
}

void replay_delivery(Context& context, const CallPtr& call) {
  const auto id = delivery_parameter(*call);
  if (!id) return call->fail(id.error());
  auto body = read_optional_json(call->request);
  if (!body) return call->fail(body.error());
  auto ref = idempotency_of(*call, *body);
  if (!ref) return call->fail(ref.error());
  std::string reason;
  if (!body->is_null()) {
    std::vector<FaultDetail> faults;
    ObjectReader reader(*body, "", faults);
    reason = reader.text("reason", kMaxReasonBytes).value_or("");
    reader.finish();
    if (const Status status = body_status(std::move(faults)); !status) return call->fail(status.error());
  }
  act_once(context, call, std::move(*ref), nullptr,
           [&context, call, id = *id, reason](std::optional<RunId> /*reserved*/, Finish finish) {
             const Replay replay{.call = call, .reason = reason, .finish = std::move(finish)};
             begin_replay(context, replay, id);
           });
}

}  // namespace

void add_webhook_delivery_routes(Router& router, Context& context) {
  const auto bind = [&context](auto action) {
    return [&context, action](const CallPtr& call) { action(context, call); };
  };
  router.add({.method = "GET", .pattern = "/v1/webhook-deliveries", .handle = bind(list_deliveries)});
  router.add({.method = "GET", .pattern = "/v1/webhook-deliveries/{id}", .handle = bind(read_delivery)});
  router.add({.method = "POST",
              .pattern = "/v1/webhook-deliveries/{id}/replay",
              .handle = bind(replay_delivery),
              .role = Role::operator_});
}

}  // namespace orchestrator::api
