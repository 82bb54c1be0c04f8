#include "orchestrator/core/deciding.hpp"

#include <cstring>

#include "orchestrator/core/apply.hpp"

namespace orchestrator::core {
namespace {

/// A step that ends and the next one that begins: most decisions have no more.
constexpr std::size_t kUsualEvents = 8;

}  // namespace

Deciding::Deciding(RunData& run, const language::Functions& functions, const Limits& limits, const Inputs& inputs)
    : run_(run),
      functions_(functions),
      limits_(limits),
      inputs_(inputs),
      // History never goes back in time, whatever the caller's clock says.
      now_(std::max(inputs.now, run.last_at)),
      random_state_(inputs.seed) {
  decision_.events.reserve(kUsualEvents);
  ++run_.decisions;
}

HistoryEvent Deciding::event_for(const Scope& scope, EventType type) const {
  HistoryEvent event;
  event.type = type;
  event.scope = scope.id;
  event.at = now_;
  event.previous = scope.last;
  return event;
}

void Deciding::emit(Scope& scope, EventType type, Payload value) {
  HistoryEvent event = event_for(scope, type);
  if (value != scope.value) event.value = std::move(value);
  emit(std::move(event));
}

void Deciding::emit(HistoryEvent event) {
  event.id = run_.last_id + 1;
  const Status applied = apply(run_, event);
  ORC_CHECK(applied, "the planner decided on an event that its own rules refuse");
  decision_.events.push_back(std::move(event));
}

Status Deciding::refused(const std::string& why, const char* slug) const {
  return fail(ErrorCode::precondition_failed, slug, why);
}

std::uint64_t Deciding::random() {
  // SplitMix64: one multiplication chain per number, any seed will do.
  random_state_ += 0x9E3779B97F4A7C15ULL;
  std::uint64_t mixed = random_state_;
  mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9ULL;
  mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBULL;
  return mixed ^ (mixed >> 31);
}

void Deciding::begin() {
  emit(run_.root(), EventType::ExecutionStarted);
  if (run_.header.run_at && *run_.header.run_at > now_) return;
  go_on(run_.root(), run_.root().machine->find(run_.root().machine->start_at));
  run_on();
}

void Deciding::refuse(RunState state, std::string error, std::string cause) {
  emit(run_.root(), EventType::ExecutionStarted);
  close_as(state == RunState::cancelled ? EventType::ExecutionAborted : EventType::ExecutionFailed, std::move(error),
           std::move(cause));
}

void Deciding::close_as(EventType type, std::optional<std::string> error, std::optional<std::string> cause) {
  HistoryEvent event = event_for(run_.root(), type);
  event.error = std::move(error);
  event.cause = std::move(cause);
  emit(std::move(event));
}

}  // namespace orchestrator::core
