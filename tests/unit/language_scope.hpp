#pragma once

#include <map>
#include <string>

#include "orchestrator/base/json.hpp"
#include "orchestrator/language/evaluate.hpp"

namespace orchestrator::language {

/// What an expression under test sees; owns what Scope borrows. Random numbers count from 1.
class TestScope {
 public:
  explicit TestScope(const std::string& input = "{}") : input_(*parse_json(input)) {}

  TestScope& with_context(const std::string& text) {
    context_ = *parse_json(text);
    return *this;
  }
  TestScope& with_variable(const std::string& name, const std::string& text) {
    variables_[name] = *parse_json(text);
    return *this;
  }
  TestScope& with_hash(std::function<std::string(std::string_view, std::string_view)> hash) {
    functions_.hash = std::move(hash);
    return *this;
  }

  [[nodiscard]] Scope view() const {
    Scope scope;
    scope.input = &input_;
    scope.context = &context_;
    scope.variable = [this](const std::string& name) {
      const auto found = variables_.find(name);
      return found == variables_.end() ? nullptr : &found->second;
    };
    scope.functions = &functions_;
    scope.random = [this] { return ++random_; };
    return scope;
  }

 private:
  Json input_;
  Json context_ = Json::object();
  std::map<std::string, Json> variables_;
  Functions functions_;
  mutable std::uint64_t random_ = 0;
};

/// "SLUG: message" of a failure, or the compact JSON of a success.
inline std::string outcome(const Result<Json>& result) {
  return result ? dump_json(*result) : result.error().slug + ": " + result.error().message;
}

}  // namespace orchestrator::language
