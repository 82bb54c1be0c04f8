#include <cstdint>
#include <string>
#include <utility>

#include "handlers/sample_groups.hpp"
#include "orchestrator/base/check.hpp"
#include "orchestrator/base/embedded_file.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/handler/typed.hpp"

namespace orchestrator::samples {

extern const EmbeddedFile kDefaults[];

namespace {

const Json& defaults() {
  static const Json table = [] {
    auto parsed = parse_json(kDefaults[0].text);
    ORC_CHECK(parsed.has_value(), "handlers/sample_defaults.json is JSON");
    return std::move(*parsed);
  }();
  return table;
}

/// Counts of the lists among the settings: `poll_seconds` gives `poll_count`, which a Choice can compare with.
void add_counts(Json& config) {
  constexpr std::string_view kSuffix = "_seconds";
  Json counts = Json::object();
  for (const auto& [name, value] : config.items()) {
    if (!value.is_array() || !name.ends_with(kSuffix)) continue;
    counts[name.substr(0, name.size() - kSuffix.size()) + "_count"] = value.size();
  }
  config.update(counts);
}

/// When a person is reminded of a task: `answer_deadline_seconds` gives `answer_half_seconds` and
/// `answer_ninety_seconds`, half and nine tenths of it.
void add_reminders(Json& config) {
  constexpr std::string_view kSuffix = "_deadline_seconds";
  Json reminders = Json::object();
  for (const auto& [name, value] : config.items()) {
    if (!name.ends_with(kSuffix)) continue;
    const std::string task = name.substr(0, name.size() - kSuffix.size());
    const auto seconds = value.get<std::int64_t>();
    reminders[task + "_half_seconds"] = seconds / 2;
    reminders[task + "_ninety_seconds"] = seconds - seconds / 10;
  }
  config.update(reminders);
}

/// Whether a setting is computed from another one: it comes back from a parent that has added it.
bool is_computed(const std::string& name) {
  return name.ends_with("_count") || name.ends_with("_half_seconds") || name.ends_with("_ninety_seconds");
}

/// The default of a setting, looked up in `flow` first and then in the other flows: a parent hands its settings down to
/// its children. Null when no flow has such a setting.
const Json* find_default(const std::string& flow, const std::string& name) {
  const Json& own = defaults().at(flow);
  if (const auto found = own.find(name); found != own.end()) return &*found;
  for (const auto& [other, settings] : defaults().items()) {
    if (const auto found = settings.find(name); found != settings.end()) return &*found;
  }
  return nullptr;
}

/// `own` put over the defaults of `flow`, or a sentence about what is wrong with it.
Result<Json> overrule(const std::string& flow, const Json& own) {
  Json config = defaults().at(flow);
  for (const auto& [name, value] : own.items()) {
    if (is_computed(name)) continue;
    const Json* default_value = find_default(flow, name);
    if (default_value == nullptr)
      return fail(ErrorCode::invalid_argument, "no flow has a setting 'config." + name + "'");
    const bool fits = default_value->is_number() ? value.is_number_integer() : default_value->type() == value.type();
    if (!fits) return fail(ErrorCode::invalid_argument, "'config." + name + "' has another type than its default");
    config[name] = value;
  }
  return config;
}

struct ConfigInput {
  std::string flow;
  Json own = Json::object();

  static ConfigInput read(InputReader& reader) {
    ConfigInput input{.flow = reader.text("flow")};
    if (!defaults().contains(input.flow)) reader.refuse("flow", "names no flow");
    const Json* run_input = reader.value("input");
    if (run_input == nullptr || !run_input->is_object()) return input;
    const auto own = run_input->find("config");
    if (own == run_input->end() || own->is_null()) return input;
    input.own = *own;
    if (!own->is_object()) reader.refuse("input/config", "must be an object");
    return input;
  }
};

/// `{flow, input}` -> the flow's settings: its defaults, overruled by `input.config`.
Outcome fill_in_config(const ConfigInput& input, TaskContext&) {
  auto config = overrule(input.flow, input.own);
  if (!config) return Outcome::failed(kInvalidInput, config.error().message, false);
  add_counts(*config);
  add_reminders(*config);
  return Outcome::completed(make_payload(std::move(*config)));
}

}  // namespace

HandlerEntries config_handlers() { return {plain("flow.config", typed_handler<ConfigInput>(fill_in_config), true)}; }

}  // namespace orchestrator::samples
