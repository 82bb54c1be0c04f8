// A worker for `handler:resize` and `handler:mail.send`. It works until SIGTERM.
//
//   ORCHESTRATOR_URL=http://127.0.0.1:8080 ORCHESTRATOR_API_KEY=... build/release/bin/cpp_example_worker
#include <iostream>

#include "orchestrator_client/stop_on_signal.hpp"
#include "orchestrator_client/worker.hpp"

using namespace orchestrator_client;

int main() {
  try {
    Worker worker(options_from_environment({.queue = "default", .concurrency = 8}));
    const StopOnSignal stop(worker);

    // Long work: says how far it is, and goes on from there when a worker died.
    worker.handle("resize", [](const Json& input, TaskContext& context) -> Json {
      const auto pages = input.at("pages").get<int>();
      const Json before = context.task().heartbeat_details;
      for (int page = before.is_object() ? before.value("done", 0) : 0; page < pages; ++page) {
        if (context.wait_for_cancel(Seconds{0.2})) context.throw_if_cancelled();
        context.heartbeat({{"done", page + 1}});
      }
      return {{"resized", pages}};
    });

    // A call outside: the idempotency key is the same for every attempt, and what cannot succeed is not tried again.
    worker.handle("mail.send", [](const Json& input, TaskContext& context) -> Json {
      const auto to = input.value("to", "");
      if (to.find('@') == std::string::npos) throw TaskFailure("Mail.NoAddress", to + " is no address", false);
      std::cout << "mail to " << to << " under the key " << context.task().idempotency_key << std::endl;
      return {{"sent", true}};
    });

    std::cout << "working as " << worker.worker_id() << std::endl;
    worker.run();
    return 0;
  } catch (const std::exception& e) {
    std::cerr << e.what() << std::endl;
    return 1;
  }
}
