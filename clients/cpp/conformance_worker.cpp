// The worker that clients/conformance plays with. Handlers as in its README.
#include <cstdlib>
#include <iostream>
#include <thread>

#include "orchestrator_client/stop_on_signal.hpp"
#include "orchestrator_client/worker.hpp"

using namespace orchestrator_client;

namespace {

int number(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? 0 : std::atoi(text);
}

WorkerOptions options() {
  WorkerOptions options;
  if (const char* queue = std::getenv("CONFORMANCE_QUEUE")) options.queue = queue;
  options.concurrency = number("CONFORMANCE_CONCURRENCY");
  options.prefetch = number("CONFORMANCE_PREFETCH");
  options.lease = std::chrono::seconds{number("CONFORMANCE_LEASE_SECONDS")};
  options.wait = std::chrono::seconds{number("CONFORMANCE_WAIT_SECONDS")};
  return options_from_environment(std::move(options));
}

Json text_or_null(const std::optional<std::string>& text) { return text ? Json(*text) : Json(); }

void add_handlers(Worker& worker) {
  worker.handle("kit.echo", [](const Json& input, TaskContext&) { return input; });
  worker.handle("kit.context", [](const Json&, TaskContext& context) -> Json {
    const Task& task = context.task();
    return {{"attempt", task.attempt},
            {"idempotency_key", task.idempotency_key},
            {"run_id", task.run_id},
            {"traceparent", text_or_null(task.traceparent)}};
  });
  worker.handle("kit.work", [](const Json& input, TaskContext& context) -> Json {
    if (context.wait_for_cancel(Seconds{input.at("seconds").get<double>()})) context.throw_if_cancelled();
    return {{"stopped", false}};
  });
  worker.handle("kit.stubborn", [](const Json& input, TaskContext&) -> Json {
    std::this_thread::sleep_for(Seconds{input.at("seconds").get<double>()});
    return {{"stopped", false}};
  });
  worker.handle("kit.fail", [](const Json& input, TaskContext&) -> Json {
    std::optional<Seconds> retry_after;
    if (input.contains("retry_after_seconds")) retry_after = Seconds{input.at("retry_after_seconds").get<double>()};
    throw TaskFailure(input.at("error").get<std::string>(), input.at("cause").get<std::string>(),
                      input.value("retryable", true), retry_after);
  });
  worker.handle("kit.snooze", [](const Json& input, TaskContext&) -> Json {
    throw Snooze(Seconds{input.at("seconds").get<double>()});
  });
  worker.handle("kit.progress", [](const Json&, TaskContext& context) -> Json {
    const Json before = context.task().heartbeat_details;
    context.heartbeat({{"done", before.at("done").get<int>() + 1}});
    return {{"resumed", before}};
  });
}

}  // namespace

int main() {
  try {
    Worker worker(options());
    const StopOnSignal stop(worker);
    add_handlers(worker);
    worker.run();
    return 0;
  } catch (const std::exception& e) {
    std::cerr << e.what() << std::endl;
    return 1;
  }
}
