#include "orchestrator/base/json.hpp"
#include "orchestrator/language/parse_state.hpp"
#include "orchestrator/language/pointer.hpp"

namespace orchestrator::language {
namespace {

/// Concurrency and failure counts need no bound of their own: the number of items bounds them.
constexpr std::int64_t kMaxCount = 2'147'483'647;

constexpr std::string_view kBranchFields[] = {"StartAt", "States", "Comment", "QueryLanguage"};
constexpr std::string_view kProcessorFields[] = {"StartAt", "States", "Comment", "QueryLanguage", "ProcessorConfig"};

std::shared_ptr<const StateMachine> parse_inner(const Json& source, const std::string& pointer,
                                                std::span<const std::string_view> allowed, ParseContext& context) {
  if (!source.is_object()) {
    context.findings.error(kSchemaFault, pointer, "A block of states is an object with 'StartAt' and 'States'");
    return nullptr;
  }
  FieldReader fields(source, pointer, context);
  fields.allow_only(allowed);
  fields.text("Comment");
  const auto language = fields.text("QueryLanguage");
  if (language && *language == "JSONata") {
    fields.fault("QueryLanguage", "JSONata is not supported yet; use JSONPath", kUnsupportedQueryLanguage);
    return nullptr;
  }
  if (language && *language != "JSONPath") fields.fault("QueryLanguage", "'QueryLanguage' must be JSONPath or JSONata");
  return std::make_shared<const StateMachine>(parse_block(source, pointer, context));
}

void check_processor_config(const Json& processor, const std::string& pointer, ParseContext& context) {
  FieldReader outer(processor, pointer, context);
  const Json* config = outer.object("ProcessorConfig");
  if (config == nullptr) return;
  constexpr std::string_view kConfigFields[] = {"Mode", "ExecutionType"};
  FieldReader fields(*config, outer.pointer_to("ProcessorConfig"), context);
  fields.allow_only(kConfigFields);
  const std::string mode = fields.text("Mode").value_or("INLINE");
  if (mode == "DISTRIBUTED") {
    fields.fault("Mode", "A Map with Mode DISTRIBUTED is not supported yet; use INLINE", kUnsupportedField);
  } else if (mode != "INLINE") {
    fields.fault("Mode", "'Mode' must be INLINE or DISTRIBUTED");
  } else if (fields.has("ExecutionType")) {
    fields.fault("ExecutionType", "'ExecutionType' belongs to Mode DISTRIBUTED");
  }
}

void parse_processor(State& state, FieldReader& fields, ParseContext& context) {
  if (fields.at_most_one({"ItemProcessor", "Iterator"}) == 0) {
    context.findings.error(kSchemaFault, fields.pointer(), "A Map state needs 'ItemProcessor'");
    return;
  }
  const bool older = !fields.has("ItemProcessor");
  const std::string_view name = older ? "Iterator" : "ItemProcessor";
  const Json* processor = fields.object(name);
  if (processor == nullptr) return;
  if (!older) check_processor_config(*processor, fields.pointer_to(name), context);
  state.item_processor = older ? parse_inner(*processor, fields.pointer_to(name), kBranchFields, context)
                               : parse_inner(*processor, fields.pointer_to(name), kProcessorFields, context);
}

}  // namespace

void parse_parallel(State& state, FieldReader& fields, ParseContext& context) {
  if (!fields.has("Branches")) {
    context.findings.error(kSchemaFault, fields.pointer(), "A Parallel state needs 'Branches'");
    return;
  }
  const Json* branches = fields.array("Branches");
  if (branches == nullptr) return;
  if (branches->empty()) fields.fault("Branches", "'Branches' must have at least one branch");
  for (std::size_t i = 0; i < branches->size(); ++i) {
    auto branch = parse_inner((*branches)[i], below(fields.pointer_to("Branches"), i), kBranchFields, context);
    if (branch) state.branches.push_back(std::move(branch));
  }
}

void parse_map(State& state, FieldReader& fields, ParseContext& context) {
  for (const std::string_view name : {"ItemReader", "ItemBatcher", "ResultWriter", "Label"}) {
    if (fields.has(name)) {
      fields.fault(name, "'" + std::string(name) + "' belongs to a distributed Map, which is not supported yet",
                   kUnsupportedField);
    }
  }
  parse_processor(state, fields, context);
  state.items_path = fields.path("ItemsPath");
  fields.at_most_one({"ItemSelector", "Parameters"});
  state.item_selector = fields.has("ItemSelector") ? fields.shape("ItemSelector") : std::move(state.parameters);
  state.parameters = nullptr;

  state.max_concurrency = fields.integer("MaxConcurrency", 0, kMaxCount);
  state.max_concurrency_path = fields.single_path("MaxConcurrencyPath");
  fields.at_most_one({"MaxConcurrency", "MaxConcurrencyPath"});
  state.tolerated_failure_percentage = fields.number("ToleratedFailurePercentage", 0, 100);
  state.tolerated_failure_percentage_path = fields.single_path("ToleratedFailurePercentagePath");
  fields.at_most_one({"ToleratedFailurePercentage", "ToleratedFailurePercentagePath"});
  state.tolerated_failure_count = fields.integer("ToleratedFailureCount", 0, kMaxCount);
  state.tolerated_failure_count_path = fields.single_path("ToleratedFailureCountPath");
  fields.at_most_one({"ToleratedFailureCount", "ToleratedFailureCountPath"});
}

}  // namespace orchestrator::language
