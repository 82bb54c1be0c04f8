#include "orchestrator/core/apply.hpp"
#include "orchestrator/core/context_object.hpp"
#include "orchestrator/core/deciding.hpp"
#include "orchestrator/core/details.hpp"
#include "orchestrator/core/payload_size.hpp"

namespace orchestrator::core {

language::Scope Deciding::view(const Scope& scope, const Json& input) {
  language::Scope view;
  view.input = &input;
  view.context = &context_object(run_, scope);
  view.functions = &functions_;
  const ScopeId id = scope.id;
  view.variable = [this, id](const std::string& name) -> const Json* {
    for (const Scope* at = run_.find(id); at; at = at->parent < 0 ? nullptr : run_.find(at->parent)) {
      const auto found = at->variables.find(name);
      if (found != at->variables.end()) return found->second.get();
    }
    return nullptr;
  };
  view.random = [this] { return random(); };
  return view;
}

Result<Payload> Deciding::effective_input(Scope& scope) {
  const language::PathOrNull& path = scope.state->input_path;
  if (!path.is_null && !path.path) return scope.step.input;
  if (path.path && path.path->is_root() && path.path->root() == language::Path::Root::input) return scope.step.input;
  auto value = language::apply_input_path(path, view(scope, json_of(scope.step.input)));
  if (!value) return std::move(value).error();
  return make_payload(*std::move(value));
}

Result<Payload> Deciding::filled(Scope& scope, const language::TemplatePtr& shape, const Payload& input) {
  if (!shape) return input;
  auto value = language::fill(*shape, view(scope, json_of(input)));
  if (!value) return std::move(value).error();
  Payload payload = make_payload(*std::move(value));
  if (Status fits = within_limit(scope, payload); !fits) return std::move(fits).error();
  return payload;
}

Result<Json> Deciding::path_value(Scope& scope, const language::Path& path, const Payload& input) {
  return language::evaluate_path(path, view(scope, json_of(input)));
}

Result<std::int64_t> Deciding::integer_at(Scope& scope, const language::Path& path, const Payload& input,
                                          const char* field) {
  auto value = path_value(scope, path, input);
  if (!value) return std::move(value).error();
  const std::string comparison = path.text() + " == " + shown(*value);
  if (!value->is_number_integer()) {
    return fail(ErrorCode::invalid_argument, "States.Runtime",
                "The " + std::string(field) + " parameter cannot be parsed as a long value: " + comparison);
  }
  const auto number = value->get<std::int64_t>();
  if (number < 0) {
    return fail(ErrorCode::invalid_argument, "States.Runtime",
                "The " + std::string(field) + " parameter references a negative value: " + comparison);
  }
  return number;
}

Failure Deciding::too_large(const Scope& scope) {
  const std::string& subject = scope.state->resource.text.empty() ? scope.state->name : scope.state->resource.text;
  return Failure{.error = "States.DataLimitExceeded",
                 .cause = "The state/task '" + subject +
                          "' returned a result with a size exceeding the maximum number of bytes service limit."};
}

Status Deciding::within_limit(const Scope& scope, const Payload& value) const {
  if (!value || fits_in(*value, limits_.max_payload_bytes)) return {};
  const Failure failure = too_large(scope);
  return fail(ErrorCode::invalid_argument, *failure.error, *failure.cause);
}

}  // namespace orchestrator::core
