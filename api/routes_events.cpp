// Server-sent events: GET /v1/events for all runs of a namespace, GET /v1/runs/{id}/events for one.
#include <charconv>
#include <set>

#include "api/context.hpp"
#include "api/event_stream.hpp"
#include "api/path_parameter.hpp"
#include "api/problem.hpp"
#include "api/query_reader.hpp"
#include "api/router.hpp"
#include "api/routes.hpp"
#include "api/run_event_reader.hpp"
#include "orchestrator/base/names.hpp"
#include "orchestrator/service/run_events.hpp"
#include "orchestrator/service/service.hpp"

namespace orchestrator::api {
namespace {

/// Which events of a namespace a reader wants; empty: all.
struct EventFilter {
  std::set<EventType> types;
  std::set<std::string> workflows;
  std::set<RunState> states;

  [[nodiscard]] bool takes(const service::RunEvent& event) const {
    if (!types.empty() && !types.contains(event.type)) return false;
    if (!workflows.empty() && !workflows.contains(event.workflow)) return false;
    return states.empty() || (event.state && states.contains(*event.state));
  }
};

Result<EventFilter> read_filter(const Call& call) {
  QueryReader query(call.request.query);
  EventFilter filter;
  for (const std::string& text : query.list("type")) {
    const auto type = parse_event_type(text);
    if (type) {
      filter.types.insert(*type);
    } else {
      query.fault("type", "must be types of history events, such as ExecutionFailed");
    }
  }
  for (const std::string& name : query.list("workflow")) {
    if (!is_valid_name(name)) query.fault("workflow", "must be names of workflows");
    filter.workflows.insert(name);
  }
  for (const std::string& text : query.list("state")) {
    const auto state = parse_run_state(text);
    if (state) {
      filter.states.insert(*state);
    } else {
      query.fault("state", "must be ready, running, waiting, paused, succeeded, failed, cancelled or timed_out");
    }
  }
  if (const Status status = query.finish(); !status) return status.error();
  return filter;
}

Error too_many_streams() {
  return Error(ErrorCode::resource_exhausted, "rate-limited", "This node has as many event streams as it takes");
}

/// A stream that counts while it lives; null when there are too many.
std::shared_ptr<EventStream> open_stream(Context& context) {
  if (!context.event_streams.enter()) return nullptr;
  return std::make_shared<EventStream>([&context](std::uint64_t count) { context.event_streams.left_out(count); });
}

/// Answers with the stream, which ends with the server.
void respond(Context& context, const CallPtr& call, const std::shared_ptr<EventStream>& stream,
             std::function<void()> closed) {
  const std::weak_ptr<EventStream> weak = stream;
  const auto ticket = context.long_polls.add([weak] {
    if (const auto held = weak.lock()) held->end();
  });
  if (!ticket) stream->end();
  stream->when_closed([&context, ticket, closed = std::move(closed)] {
    if (ticket) context.long_polls.remove(*ticket);
    context.event_streams.leave();
    if (closed) closed();
  });
  Response response;
  response.content_type = "text/event-stream";
  response.headers.emplace_back("Cache-Control", "no-store");
  response.stream = stream;
  call->respond(std::move(response));
}

void stream_all(Context& context, const CallPtr& call) {
  auto filter = read_filter(*call);
  if (!filter) return call->fail(filter.error());
  const auto stream = open_stream(context);
  if (stream == nullptr) return call->fail(too_many_streams());

  service::EventInterest interest{.namespace_name = call->namespace_name,
                                  .run_id = std::nullopt,
                                  .is_job = false,
                                  .after = std::string(call->request.headers.value("Last-Event-ID"))};
  const std::weak_ptr<EventStream> weak = stream;
  const auto told = [weak, filter = *std::move(filter)](const service::EventNews& news) {
    const auto held = weak.lock();
    if (held == nullptr) return;
    if (news.is_gap) held->put_gap(news.place);
    for (const auto& event : news.events) {
      if (filter.takes(*event)) held->put(event->id, to_string(event->type), event->data);
    }
    held->set_place(news.place);
  };
  const auto ticket = context.service.run_events().follow(std::move(interest), told);
  if (!ticket) {
    context.event_streams.leave();
    return call->fail(ticket.error());
  }
  respond(context, call, stream, [&context, ticket = *ticket] { context.service.run_events().leave(ticket); });
}

/// `Last-Event-ID` of a run's stream is the seq of its last event. Nothing for another text.
std::optional<EventId> seq_of(std::string_view text) {
  EventId seq = 0;
  if (text.empty()) return seq;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seq);
  if (error != std::errc{} || end != text.data() + text.size() || seq < 0) return std::nullopt;
  return seq;
}

/// Answers with a run's stream and keeps it up to date. The first thing that is told makes the reader look once more,
/// at what happened since it looked first.
void follow_run(Context& context, const CallPtr& call, const RunId& run_id, bool is_job,
                const std::shared_ptr<EventStream>& stream, std::shared_ptr<RunEventReader> reader) {
  service::EventInterest interest{
      .namespace_name = call->namespace_name, .run_id = run_id, .is_job = is_job, .after = {}};
  const auto ticket = context.service.run_events().follow(
      std::move(interest), [reader = std::move(reader)](const service::EventNews& /*news*/) { reader->look(); });
  if (!ticket) {
    context.event_streams.leave();
    return call->fail(ticket.error());
  }
  respond(context, call, stream, [&context, ticket = *ticket] { context.service.run_events().leave(ticket); });
}

void stream_run(Context& context, const CallPtr& call) {
  const auto run_id = run_id_parameter(*call, 0);
  if (!run_id) return call->fail(run_id.error());
  QueryReader query(call->request.query);
  if (const Status status = query.finish(); !status) return call->fail(status.error());
  const auto after = seq_of(call->request.headers.value("Last-Event-ID"));
  if (!after) {
    return call->fail(
        Error(ErrorCode::invalid_argument, "invalid-parameter", "`Last-Event-ID` is not an id of this stream"));
  }
  context.service.read_run(
      call->namespace_name, *run_id, [&context, call, after = *after](const Result<service::RunReading>& reading) {
        if (!reading) return call->fail(reading.error());
        const auto stream = open_stream(context);
        if (stream == nullptr) return call->fail(too_many_streams());
        auto reader = std::make_shared<RunEventReader>(context.service, call->namespace_name, reading->view.header.id,
                                                       after, stream);
        stream->when_taken([weak = std::weak_ptr(reader)] {
          if (const auto held = weak.lock()) held->look_again();
        });
        const bool is_job = reading->view.header.kind == RunKind::job;
        reader->when_begun([&context, call, stream, reader = std::weak_ptr(reader), is_job,
                            run_id = reading->view.header.id](const Result<RunEventReader::Beginning>& beginning) {
          using enum RunEventReader::Beginning;
          if (beginning && *beginning == goes_on)
            return follow_run(context, call, run_id, is_job, stream, reader.lock());
          if (beginning && *beginning == all) return respond(context, call, stream, nullptr);
          context.event_streams.leave();
          if (!beginning) return call->fail(beginning.error());
          // Browsers stop coming back at this answer.
          Response nothing_more;
          nothing_more.status = 204;
          call->respond(std::move(nothing_more));
        });
        reader->look();
      });
}

}  // namespace

void add_event_routes(Router& router, Context& context) {
  const auto bind = [&context](auto action) {
    return [&context, action](const CallPtr& call) { action(context, call); };
  };
  router.add({.method = "GET", .pattern = "/v1/events", .handle = bind(stream_all)});
  router.add({.method = "GET", .pattern = "/v1/runs/{id}/events", .handle = bind(stream_run)});
}

}  // namespace orchestrator::api
