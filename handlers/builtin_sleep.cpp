#include "handlers/builtin_sleep.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include "orchestrator/base/json.hpp"
#include "orchestrator/handler/typed.hpp"

namespace orchestrator::handlers {
namespace {

using Clock = std::chrono::steady_clock;

/// How soon a sleeper sees that it should stop.
constexpr std::chrono::milliseconds kSlice{20};

struct SleepInput {
  double seconds = 0;

  static SleepInput read(InputReader& input) { return {.seconds = input.number("seconds", {0, kMaxSleepSeconds})}; }
};

Outcome sleep(const SleepInput& input, TaskContext& context) {
  const auto wanted = std::chrono::ceil<Clock::duration>(std::chrono::duration<double>(input.seconds));
  const auto until = Clock::now() + wanted;
  for (auto now = Clock::now(); now < until; now = Clock::now()) {
    if (context.cancel_requested->load()) {
      Outcome outcome;
      outcome.kind = Outcome::Kind::cancelled;
      return outcome;
    }
    if (context.deadline && now >= *context.deadline) return Outcome::failed("States.Timeout", "the sleep is too long");
    std::this_thread::sleep_for(std::min<Clock::duration>(kSlice, until - now));
  }
  return Outcome::completed(make_payload(Json{{"slept_seconds", input.seconds}}));
}

}  // namespace

HandlerEntry sleep_handler() {
  HandlerEntry entry;
  entry.name = "sleep";
  entry.plain = typed_handler<SleepInput>(sleep);
  return entry;
}

}  // namespace orchestrator::handlers
