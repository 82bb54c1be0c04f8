// The worker in C++: cpp_ledger_worker LEDGER QUEUE NAME.
#include <fcntl.h>
#include <unistd.h>

#include <iostream>
#include <random>
#include <thread>

#include "orchestrator_client/worker.hpp"

using namespace orchestrator_client;

namespace {

std::string new_effect() {
  static thread_local std::mt19937_64 random{std::random_device{}()};
  return std::to_string(random()) + "-" + std::to_string(random());
}

Json add(int ledger, const std::string& name, const Json& entry, const Task& task) {
  const std::string effect = new_effect();
  const auto write_line = [&](const char* kind) {
    const Json line{{"kind", kind},          {"effect", effect},        {"number", entry.at("number")},
                    {"run_id", task.run_id}, {"attempt", task.attempt}, {"key", task.idempotency_key},
                    {"worker", name}};
    const std::string text = line.dump() + "\n";
    // One call a line: appended whole, whoever else writes.
    if (::write(ledger, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
      throw std::runtime_error("the ledger takes no line");
  };

  write_line("begun");
  if (task.attempt <= entry.at("failures").get<int>()) throw TaskFailure("Ledger.Busy", "come back");
  std::this_thread::sleep_for(std::chrono::milliseconds(entry.at("work_ms").get<int>()));
  write_line("done");
  return {{"number", entry.at("number")}, {"effect", effect}};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const std::string name = argv[3];
  const int ledger = ::open(argv[1], O_WRONLY | O_APPEND | O_CLOEXEC);
  if (ledger < 0) return 1;
  try {
    Worker worker(options_from_environment({.queue = argv[2],
                                            .worker_id = name,
                                            .concurrency = 4,
                                            .lease = std::chrono::seconds{2},
                                            .wait = std::chrono::seconds{4}}));
    worker.handle("ledger.add", [&](const Json& entry, TaskContext& context) -> Json {
      return add(ledger, name, entry, context.task());
    });
    worker.run();
    return 0;
  } catch (const std::exception& e) {
    std::cerr << e.what() << std::endl;
    return 1;
  }
}
