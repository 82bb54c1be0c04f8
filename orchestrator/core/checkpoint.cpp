#include <unordered_map>

#include "orchestrator/core/details.hpp"
#include "orchestrator/core/run_data.hpp"

namespace orchestrator::core {
namespace {

// Members that hold their default are left out: a checkpoint is read once and written every twenty events.

/// Index of the run's own input, which its row holds already.
constexpr std::int64_t kRunInput = -1;

/// Payloads are shared between members; a checkpoint holds each once and refers to it by index.
class Values {
 public:
  explicit Values(const Payload& run_input) : run_input_(run_input) {}

  void put(Json& object, const char* name, const Payload& value) {
    if (!value) return;
    if (value == run_input_) {
      object[name] = kRunInput;
      return;
    }
    const auto [found, is_new] = indexes_.emplace(value.get(), table_.size());
    if (is_new) table_.push_back(*value);
    object[name] = found->second;
  }
  Json take() { return std::move(table_); }

 private:
  const Payload& run_input_;
  std::unordered_map<const Json*, std::size_t> indexes_;
  Json table_ = Json::array();
};

template <typename T>
void put(Json& object, const char* name, const std::optional<T>& value) {
  if (value) object[name] = *value;
}
void put(Json& object, const char* name, const std::optional<Timestamp>& value) {
  if (value) object[name] = to_micros(*value);
}
void put(Json& object, const char* name, std::int64_t value) {
  if (value != 0) object[name] = value;
}
void put(Json& object, const char* name, bool value) {
  if (value) object[name] = true;
}

Json write_failure(const Failure& failure) {
  Json object = Json::object();
  put(object, "error", failure.error);
  put(object, "cause", failure.cause);
  put(object, "non_retryable", !failure.retryable);
  put(object, "delay_us", static_cast<std::int64_t>(failure.delay.count()));
  return object;
}

Json write_map(const MapProgress& map, Values& values) {
  Json object = Json::object();
  values.put(object, "items", map.items);
  object["started"] = map.started;
  object["settled"] = map.settled;
  object["failed"] = map.failed;
  object["max_concurrency"] = map.max_concurrency;
  put(object, "tolerated_count", map.tolerated_count);
  put(object, "tolerated_percentage", map.tolerated_percentage);
  Json& results = object["results"] = Json::array();
  for (const Payload& result : map.results) {
    Json holder = Json::object();
    values.put(holder, "v", result);
    results.push_back(result ? std::move(holder["v"]) : Json(nullptr));
  }
  return object;
}

Json write_step(const Step& step, Values& values) {
  Json object = Json::object();
  object["id"] = step.id;
  object["visit"] = step.visit;
  put(object, "attempt", std::int64_t{step.attempt});
  put(object, "inquiry", std::int64_t{step.inquiry});
  put(object, "inquiry_failures", std::int64_t{step.inquiry_failures});
  put(object, "losses", std::int64_t{step.losses});
  put(object, "retry_count", std::int64_t{step.retry_count});
  if (!step.retries.empty()) object["retries"] = step.retries;
  object["entered_at"] = to_micros(step.entered_at);
  object["since"] = to_micros(step.since);
  put(object, "due", step.due);
  values.put(object, "input", step.input);
  values.put(object, "task_input", step.task_input);
  values.put(object, "inquiry_input", step.inquiry_input);
  put(object, "timeout_seconds", step.timeout_seconds);
  put(object, "heartbeat_seconds", step.heartbeat_seconds);
  put(object, "lost", step.lost);
  put(object, "cut_off", step.cut_off);
  // A hand-out that was recorded is part of the history; one that was only marked in memory is not.
  if (step.start_recorded && step.in_hand) {
    object["started_at"] = to_micros(step.in_hand->since);
    object["worker"] = step.in_hand->worker;
  }
  if (step.failure) object["failure"] = write_failure(*step.failure);
  if (step.request) {
    Json& request = object["request"] = Json::object();
    request["names"] = step.request->names;
    put(request, "key", step.request->key);
    if (step.request->child) request["child"] = step.request->child->str();
  }
  if (step.map) object["map"] = write_map(*step.map, values);
  if (!step.inner.empty()) object["inner"] = step.inner;
  return object;
}

Json write_scope(const Scope& scope, Values& values) {
  Json object = Json::object();
  put(object, "id", std::int64_t{scope.id});
  if (scope.parent >= 0) object["parent"] = scope.parent;
  put(object, "index", std::int64_t{scope.index});
  values.put(object, "value", scope.value);
  object["last"] = scope.last;
  object["phase"] = std::string(to_string(scope.phase));
  if (scope.state) {
    object["state"] = scope.state->name;
    object["step"] = write_step(scope.step, values);
  }
  if (scope.resume_at) object["resume_at"] = scope.resume_at->name;
  put(object, "keeps_visit", scope.keeps_visit);
  for (const auto& [name, value] : scope.variables) values.put(object["variables"], name.c_str(), value);
  for (const Visited& visited : scope.visited) {
    Json entry = Json::object();
    entry["state"] = visited.state->name;
    entry["count"] = visited.count;
    values.put(entry, "input", visited.input);
    object["visited"].push_back(std::move(entry));
  }
  return object;
}

Unexpected damaged(const std::string& why) {
  return fail(ErrorCode::internal, "broken-checkpoint", "a checkpoint cannot be read: " + why);
}

/// Reads members of one object; the first fault is remembered, later reads give defaults.
class Reader {
 public:
  Reader(const Json& table, const Payload& run_input, std::string& fault)
      : table_(table), run_input_(run_input), fault_(fault) {}

  [[nodiscard]] const Json* find(const Json& object, const char* name) const {
    if (!object.is_object()) return nullptr;
    const auto found = object.find(name);
    return found == object.end() ? nullptr : &*found;
  }
  std::optional<std::int64_t> number(const Json& object, const char* name) {
    const Json* value = find(object, name);
    if (!value) return std::nullopt;
    if (value->is_number_integer()) return value->get<std::int64_t>();
    complain(name);
    return std::nullopt;
  }
  std::int32_t count(const Json& object, const char* name) {
    return static_cast<std::int32_t>(number(object, name).value_or(0));
  }
  std::optional<Timestamp> time(const Json& object, const char* name) {
    const auto micros = number(object, name);
    if (!micros) return std::nullopt;
    return from_micros(*micros);
  }
  std::optional<std::string> text(const Json& object, const char* name) {
    const Json* value = find(object, name);
    if (!value) return std::nullopt;
    if (value->is_string()) return value->get<std::string>();
    complain(name);
    return std::nullopt;
  }
  bool flag(const Json& object, const char* name) {
    const Json* value = find(object, name);
    return value && value->is_boolean() && value->get<bool>();
  }
  Payload value(const Json& object, const char* name) {
    const Json* index = find(object, name);
    return index ? value(*index) : nullptr;
  }
  Payload value(const Json& index) {
    if (index.is_null()) return nullptr;
    if (index == kRunInput && run_input_) return run_input_;
    if (!index.is_number_integer() || index.get<std::int64_t>() < 0 || index.get<std::size_t>() >= table_.size()) {
      complain("values");
      return nullptr;
    }
    const auto at = index.get<std::size_t>();
    if (payloads_.size() < table_.size()) payloads_.resize(table_.size());
    if (!payloads_[at]) payloads_[at] = make_payload(table_[at]);
    return payloads_[at];
  }
  std::vector<std::int64_t> numbers(const Json& object, const char* name) {
    std::vector<std::int64_t> all;
    if (const Json* list = find(object, name)) {
      for (const Json& item : *list) {
        if (item.is_number_integer())
          all.push_back(item.get<std::int64_t>());
        else
          complain(name);
      }
    }
    return all;
  }
  std::vector<std::string> texts(const Json& object, const char* name) {
    std::vector<std::string> all;
    const Json* list = find(object, name);
    if (!list) return all;
    for (const Json& item : *list) {
      if (item.is_string())
        all.push_back(item.get<std::string>());
      else
        complain(name);
    }
    return all;
  }
  void complain(const char* name) {
    if (fault_.empty()) fault_ = std::string("member '") + name + "'";
  }

 private:
  const Json& table_;
  const Payload& run_input_;
  std::string& fault_;
  std::vector<Payload> payloads_;
};

Failure read_failure(const Json& object, Reader& read) {
  Failure failure;
  failure.error = read.text(object, "error");
  failure.cause = read.text(object, "cause");
  failure.retryable = !read.flag(object, "non_retryable");
  failure.delay = Duration{read.number(object, "delay_us").value_or(0)};
  return failure;
}

std::unique_ptr<MapProgress> read_map(const Json& object, Reader& read) {
  auto map = std::make_unique<MapProgress>();
  map->items = read.value(object, "items");
  map->started = read.number(object, "started").value_or(0);
  map->settled = read.number(object, "settled").value_or(0);
  map->failed = read.number(object, "failed").value_or(0);
  map->max_concurrency = read.number(object, "max_concurrency").value_or(1);
  map->tolerated_count = read.number(object, "tolerated_count");
  const Json* percentage = read.find(object, "tolerated_percentage");
  if (percentage && percentage->is_number()) map->tolerated_percentage = percentage->get<double>();
  if (const Json* results = read.find(object, "results")) {
    for (const Json& index : *results) map->results.push_back(read.value(index));
  }
  if (!map->items || !map->items->is_array() || map->items->size() != map->results.size()) read.complain("map");
  return map;
}

Step read_step(const Json& object, Reader& read) {
  Step step;
  step.id = read.number(object, "id").value_or(0);
  step.visit = read.count(object, "visit");
  step.attempt = read.count(object, "attempt");
  step.inquiry = read.count(object, "inquiry");
  step.inquiry_failures = read.count(object, "inquiry_failures");
  step.losses = read.count(object, "losses");
  step.retry_count = read.count(object, "retry_count");
  for (const std::int64_t used : read.numbers(object, "retries"))
    step.retries.push_back(static_cast<std::int32_t>(used));
  step.entered_at = read.time(object, "entered_at").value_or(Timestamp{});
  step.since = read.time(object, "since").value_or(Timestamp{});
  step.due = read.time(object, "due");
  step.input = read.value(object, "input");
  step.task_input = read.value(object, "task_input");
  step.inquiry_input = read.value(object, "inquiry_input");
  step.timeout_seconds = read.number(object, "timeout_seconds");
  step.heartbeat_seconds = read.number(object, "heartbeat_seconds");
  step.lost = read.flag(object, "lost");
  step.cut_off = read.flag(object, "cut_off");
  if (const auto started_at = read.time(object, "started_at")) {
    step.start_recorded = true;
    step.in_hand = InHand{.since = *started_at, .worker = read.text(object, "worker").value_or(std::string())};
  }
  if (const Json* failure = read.find(object, "failure")) step.failure = read_failure(*failure, read);
  if (const Json* request = read.find(object, "request")) {
    step.request = std::make_unique<Request>();
    if (const Json* names = read.find(*request, "names")) {
      for (const Json& name : *names) {
        if (name.is_string())
          step.request->names.push_back(name.get<std::string>());
        else
          read.complain("names");
      }
    }
    step.request->key = read.text(*request, "key");
    if (const auto child = read.text(*request, "child")) {
      if (const auto id = RunId::parse(*child))
        step.request->child = *id;
      else
        read.complain("child");
    }
  }
  if (const Json* map = read.find(object, "map")) step.map = read_map(*map, read);
  for (const std::int64_t id : read.numbers(object, "inner")) step.inner.push_back(static_cast<ScopeId>(id));
  return step;
}

/// The machine that a scope runs: found through its parent, which was read before it.
const language::StateMachine* machine_of(const RunData& run, const Scope& scope) {
  if (scope.parent < 0) return &run.definition->root;
  const Scope* parent = run.find(scope.parent);
  if (!parent || !parent->state) return nullptr;
  if (parent->state->type == language::StateType::map) return parent->state->item_processor.get();
  const auto index = static_cast<std::size_t>(scope.index);
  return index < parent->state->branches.size() ? parent->state->branches[index].get() : nullptr;
}

const language::State* state_at(const Scope& scope, const Json& object, const char* name, Reader& read) {
  const auto text = read.text(object, name);
  if (!text) return nullptr;
  const language::State* state = scope.machine->find(*text);
  if (!state) read.complain(name);
  return state;
}

std::string path_of(const RunData& run, const Scope& scope) {
  if (scope.parent < 0) return {};
  return inner_path(*run.find(scope.parent)) + "[" + std::to_string(scope.index) + "]/";
}

Status read_scope(RunData& run, const Json& object, Reader& read) {
  const auto id = static_cast<ScopeId>(read.number(object, "id").value_or(0));
  Scope& scope = run.scopes[id];
  scope.id = id;
  scope.parent = static_cast<ScopeId>(read.number(object, "parent").value_or(-1));
  scope.index = read.count(object, "index");
  scope.machine = machine_of(run, scope);
  if (!scope.machine || scope.parent >= id)
    return damaged("scope " + std::to_string(id) + " has no place in the definition");
  scope.path = path_of(run, scope);
  scope.value = read.value(object, "value");
  scope.last = read.number(object, "last").value_or(0);
  const auto phase = parse_phase(read.text(object, "phase").value_or(std::string()));
  if (!phase) return damaged("unknown phase");
  scope.state = state_at(scope, object, "state", read);
  scope.resume_at = state_at(scope, object, "resume_at", read);
  scope.keeps_visit = read.flag(object, "keeps_visit");
  if (const Json* step = read.find(object, "step")) scope.step = read_step(*step, read);
  if (const Json* variables = read.find(object, "variables")) {
    for (const auto& [name, index] : variables->items()) scope.variables[name] = read.value(index);
  }
  if (const Json* visited = read.find(object, "visited")) {
    for (const Json& entry : *visited) {
      const language::State* state = state_at(scope, entry, "state", read);
      scope.visited.push_back(
          Visited{.state = state, .count = read.count(entry, "count"), .input = read.value(entry, "input")});
    }
  }
  const bool waits_outside = *phase == Phase::awaiting || *phase == Phase::child;
  if (waits_outside && !scope.step.request) return damaged("a wait without its request");
  if (scope.id != 0 && scope.step.id != 0) run.inner_steps[scope.step.id] = scope.id;
  run.adopt_phase(scope, *phase);
  return {};
}

}  // namespace

Json Run::checkpoint() const {
  const RunData& run = *body_;
  Values values(run.header.input);
  Json object = Json::object();
  object["last_id"] = run.last_id;
  object["last_at"] = to_micros(run.last_at);
  put(object, "begun", run.begun);
  put(object, "started_at", run.started_at);
  put(object, "first_attempt_at", run.first_attempt_at);
  put(object, "deadline", run.deadline);
  if (run.closed) object["closed"] = std::string(to_string(*run.closed));
  put(object, "closed_at", run.closed_at);
  values.put(object, "output", run.output);
  put(object, "error", run.error);
  put(object, "cause", run.cause);
  if (run.cancelling) object["cancelling"] = std::string(to_string(*run.cancelling));
  put(object, "cancel_reason", run.cancel_reason);
  if (run.paused) {
    object["paused"] = {
        {"since", to_micros(run.paused->since)}, {"reason", run.paused->reason}, {"actor", run.paused->actor}};
  }
  put(object, "redrives", std::int64_t{run.redrives});
  if (run.edited_priority) object["edited_priority"] = *run.edited_priority;
  put(object, "edited_run_at", run.edited_run_at);
  values.put(object, "edited_attributes", run.edited_attributes);
  put(object, "edited_timeout_seconds", run.edited_timeout_seconds);
  if (!run.step_edits.is_null()) object["step_edits"] = run.step_edits;
  put(object, "clock_from", run.clock_from);
  if (!run.operations.empty()) object["operations"] = run.operations;
  object["next_scope"] = run.next_scope;
  Json& scopes = object["scopes"] = Json::array();
  for (const auto& [id, scope] : run.scopes) scopes.push_back(write_scope(scope, values));
  object["values"] = values.take();
  return object;
}

Result<Run> Run::restore(RunHeader header, language::DefinitionPtr definition, const Json& checkpoint) {
  if (!checkpoint.is_object()) return damaged("not an object");
  const auto table = checkpoint.find("values");
  const auto scopes = checkpoint.find("scopes");
  if (table == checkpoint.end() || !table->is_array()) return damaged("no values");
  if (scopes == checkpoint.end() || !scopes->is_array() || scopes->empty()) return damaged("no scopes");

  Run restored(std::move(header), std::move(definition));
  RunData& run = *restored.body_;
  std::string fault;
  Reader read(*table, run.header.input, fault);
  run.last_id = read.number(checkpoint, "last_id").value_or(0);
  run.last_at = read.time(checkpoint, "last_at").value_or(Timestamp{});
  run.begun = read.flag(checkpoint, "begun");
  run.started_at = read.time(checkpoint, "started_at");
  run.first_attempt_at = read.time(checkpoint, "first_attempt_at");
  run.deadline = read.time(checkpoint, "deadline");
  if (const auto closed = read.text(checkpoint, "closed")) {
    run.closed = parse_run_state(*closed);
    if (!run.closed) return damaged("unknown state");
  }
  run.closed_at = read.time(checkpoint, "closed_at");
  run.output = read.value(checkpoint, "output");
  run.error = read.text(checkpoint, "error");
  run.cause = read.text(checkpoint, "cause");
  if (const auto mode = read.text(checkpoint, "cancelling")) run.cancelling = parse_cancel_mode(*mode);
  run.cancel_reason = read.text(checkpoint, "cancel_reason");
  if (const Json* paused = read.find(checkpoint, "paused")) {
    run.paused = Pause{.since = read.time(*paused, "since").value_or(Timestamp{}),
                       .reason = read.text(*paused, "reason").value_or(std::string()),
                       .actor = read.text(*paused, "actor").value_or(std::string())};
  }
  run.redrives = read.count(checkpoint, "redrives");
  if (const auto priority = read.number(checkpoint, "edited_priority")) {
    run.edited_priority = static_cast<std::int32_t>(*priority);
    run.header.priority = *run.edited_priority;
  }
  if (const auto run_at = read.time(checkpoint, "edited_run_at")) run.header.run_at = run.edited_run_at = run_at;
  if (const Payload attributes = read.value(checkpoint, "edited_attributes"))
    run.header.attributes = run.edited_attributes = attributes;
  if (const auto seconds = read.number(checkpoint, "edited_timeout_seconds"))
    run.header.timeout_seconds = run.edited_timeout_seconds = seconds;
  if (const Json* edits = read.find(checkpoint, "step_edits")) run.step_edits = *edits;
  run.clock_from = read.time(checkpoint, "clock_from");
  // Checkpoints of the previous release do not tell; a run that was retried under it counts from its start.
  if (!run.clock_from) run.clock_from = run.started_at;
  run.operations = read.texts(checkpoint, "operations");
  run.next_scope = read.count(checkpoint, "next_scope");
  for (const Json& scope : *scopes) {
    if (Status done = read_scope(run, scope, read); !done) return std::move(done).error();
  }
  if (!fault.empty()) return damaged(fault);
  for (const auto& [id, scope] : run.scopes) {
    for (const ScopeId inner : scope.step.inner) {
      if (!run.find(inner)) return damaged("an inner scope is missing");
    }
    if (id != 0 && !run.find(scope.parent)) return damaged("an outer scope is missing");
  }
  return restored;
}

}  // namespace orchestrator::core
