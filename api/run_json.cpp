#include "api/run_json.hpp"

#include "orchestrator/model/run_state.hpp"

namespace orchestrator::api {
namespace {

void write_error(JsonWriter& writer, const store::RunView& view) {
  writer.name("error");
  if (!view.error) {
    writer.null();
    return;
  }
  writer.begin_object().member("error", view.error).member("cause", view.cause).end_object();
}

void write_attributes(JsonWriter& writer, const Payload& attributes) {
  writer.name("attributes");
  if (attributes) {
    writer.payload(attributes);
  } else {
    writer.raw("{}");
  }
}

void write_dead_letter(JsonWriter& writer, store::DeadLetter dead_letter) {
  writer.name("dead_letter");
  switch (dead_letter) {
    case store::DeadLetter::none: writer.null(); return;
    case store::DeadLetter::open: writer.text("open"); return;
    case store::DeadLetter::discarded: writer.text("discarded"); return;
  }
}

/// Who gave a dead letter up, when and why.
void write_discarded(JsonWriter& writer, const std::optional<std::string>& discarded) {
  writer.name("discarded");
  if (discarded) {
    writer.raw(*discarded);
  } else {
    writer.null();
  }
}

void write_key(JsonWriter& writer, const char* name, const std::string& key) {
  if (key.empty()) {
    writer.name(name).null();
  } else {
    writer.member(name, key);
  }
}

/// What only jobs have. `workflow` is the handler's name, too, so that lists of both kinds have one column.
void write_job(JsonWriter& writer, const RunHeader& header) {
  const JobSpec& spec = job_spec_of(header.job);
  writer.member("handler", header.workflow);
  writer.member("queue", header.queue);
  writer.member("max_attempts", spec.max_attempts);
  write_key(writer, "order_key", spec.order_key);
  write_key(writer, "concurrency_key", spec.concurrency_key);
  write_key(writer, "rate_key", spec.rate_key);
}

}  // namespace

void write_run(JsonWriter& writer, const store::RunView& view, RunShape shape, const std::optional<Timestamp>& as_of,
               const std::function<void()>& more) {
  const RunHeader& header = view.header;
  writer.begin_object();
  writer.member("run_id", header.id);
  writer.member("kind", to_string(header.kind));
  writer.member("workflow", header.workflow);
  writer.member("version", header.version);
  writer.member("key", header.key);
  writer.member("state", to_string(view.state));
  writer.name("waiting_on").raw(is_closed(view.state) || view.waiting_on.empty() ? "[]" : view.waiting_on);
  if (shape == RunShape::whole) {
    writer.member("input", header.input);
    writer.member("output", view.output);
  }
  write_error(writer, view);
  write_attributes(writer, header.attributes);
  writer.member("priority", header.priority);
  writer.member("attempts", view.attempts);
  writer.member("parent_run_id", header.parent_run_id);
  writer.member("predecessor_run_id", header.predecessor_run_id);
  writer.member("successor_run_id", view.successor_run_id);
  writer.name("traceparent");
  if (header.traceparent.empty()) {
    writer.null();
  } else {
    writer.text(header.traceparent);
  }
  writer.member("created_at", header.created_at);
  writer.member("run_at", header.run_at);
  writer.member("timeout_seconds", header.timeout_seconds);
  writer.member("started_at", view.started_at);
  writer.member("closed_at", view.closed_at);
  writer.member("wake_at", view.wake_at);
  write_dead_letter(writer, view.dead_letter);
  write_discarded(writer, view.discarded);
  if (header.kind == RunKind::job) write_job(writer, header);
  if (as_of) writer.member("as_of", *as_of);
  if (more) more();
  writer.end_object();
}

std::string run_text(const service::RunReading& reading) {
  JsonWriter writer;
  write_run(writer, reading.view, RunShape::whole, reading.as_of);
  return std::move(writer).take();
}

std::string started_text(const service::StartedRun& started) {
  JsonWriter writer;
  writer.begin_object();
  writer.member("run_id", started.run_id);
  writer.member("workflow", started.workflow);
  writer.member("version", started.version);
  writer.member("key", started.key);
  writer.member("state", to_string(started.state));
  if (started.existing) writer.member("existing", true);
  writer.end_object();
  return std::move(writer).take();
}

std::string enqueued_text(const service::StartedRun& started) {
  JsonWriter writer;
  writer.begin_object();
  writer.member("run_id", started.run_id);
  writer.member("state", to_string(started.state));
  if (started.existing) writer.member("existing", true);
  writer.end_object();
  return std::move(writer).take();
}

}  // namespace orchestrator::api
