#include "api/run_filter.hpp"

#include <algorithm>
#include <iterator>
#include <limits>

#include "api/limits.hpp"
#include "api/query_reader.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/base/names.hpp"

namespace orchestrator::api {
namespace {

constexpr std::string_view kWaitKinds[] = {"step",  "signal", "timer",        "retry",  "child",
                                           "limit", "worker", "queue_paused", "paused", "decision"};

/// "5" is the number, "\"5\"" and "abc" are texts.
std::string attribute_json(const std::string& value) {
  const auto parsed = parse_json(value);
  if (parsed && (parsed->is_number() || parsed->is_boolean() || parsed->is_string())) return dump_json(*parsed);
  return dump_json(Json(value));
}

void read_states(QueryReader& query, store::RunFilter& filter) {
  for (const std::string& text : query.list("state")) {
    const auto state = parse_run_state(text);
    if (state) {
      filter.states.push_back(*state);
    } else {
      query.fault("state", "must be ready, running, waiting, paused, succeeded, failed, cancelled or timed_out");
    }
  }
}

void read_waiting_on(QueryReader& query, store::RunFilter& filter) {
  const auto kind = query.text("waiting_on");
  if (!kind) return;
  if (std::find(std::begin(kWaitKinds), std::end(kWaitKinds), *kind) == std::end(kWaitKinds)) {
    query.fault("waiting_on", "must be a kind of waiting_on, such as signal or timer");
  }
  filter.waiting_on = *kind;
}

/// Only `open` ones can be asked for: a bulk action is not to touch what somebody has dealt with.
void read_dead_letter(QueryReader& query, store::RunFilter& filter) {
  const auto which = query.text("dead_letter");
  if (!which) return;
  if (*which != "open") query.fault("dead_letter", "must be open");
  filter.only_dead_letters = true;
}

std::string read_key(QueryReader& query, std::string_view name) {
  const auto key = query.text(name);
  if (key && !is_valid_key(*key)) query.fault(name, "must be 1 to 512 bytes without control characters");
  return key.value_or("");
}

}  // namespace

Result<store::RunFilter> read_run_filter(std::string_view text, const std::function<void(QueryReader&)>& more) {
  QueryReader query(text);
  store::RunFilter filter;
  read_states(query, filter);
  filter.workflow = read_key(query, "workflow");
  if (const auto version = query.integer("version", 1, std::numeric_limits<std::int32_t>::max())) {
    filter.version = static_cast<std::int32_t>(*version);
  }
  filter.key = read_key(query, "key");
  filter.error = read_key(query, "error");
  read_waiting_on(query, filter);
  read_dead_letter(query, filter);
  if (const auto parent = query.text("parent_run_id")) {
    const auto id = RunId::parse(*parent);
    if (id) {
      filter.parent_run_id = *id;
    } else {
      query.fault("parent_run_id", "must be a run id");
    }
  }
  for (auto& [name, value] : query.with_prefix("attribute.")) filter.attributes[name] = attribute_json(value);
  if (filter.attributes.size() > kMaxAttributes) query.fault("attribute", "is given more than 32 times");
  filter.started_after = query.time("started_after");
  filter.started_before = query.time("started_before");
  filter.text = read_key(query, "q");
  filter.limit = query.limit();
  filter.cursor = query.cursor();
  filter.queue = read_key(query, "queue");
  filter.handler = read_key(query, "handler");
  if (more) more(query);
  if (const Status status = query.finish(); !status) return status.error();
  return filter;
}

}  // namespace orchestrator::api
