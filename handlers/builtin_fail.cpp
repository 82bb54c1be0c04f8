#include "handlers/builtin_fail.hpp"

#include "orchestrator/base/json.hpp"
#include "orchestrator/handler/typed.hpp"

namespace orchestrator::handlers {
namespace {

struct FailInput {
  std::string error;
  std::string cause;
  std::optional<std::int64_t> times;

  static FailInput read(InputReader& input) {
    FailInput result;
    result.error = input.optional_text("error").value_or("States.TaskFailed");
    result.cause = input.optional_text("cause").value_or("the step asked to fail");
    result.times = input.optional_integer("times", {0, 1'000'000});
    return result;
  }
};

Outcome fail_attempt(const FailInput& input, TaskContext& context) {
  if (input.times && context.attempt > *input.times) {
    return Outcome::completed(make_payload(Json{{"attempt", context.attempt}}));
  }
  return Outcome::failed(input.error, input.cause);
}

}  // namespace

HandlerEntry fail_handler() {
  HandlerEntry entry;
  entry.name = "fail";
  entry.plain = typed_handler<FailInput>(fail_attempt);
  entry.immediate = true;
  return entry;
}

}  // namespace orchestrator::handlers
