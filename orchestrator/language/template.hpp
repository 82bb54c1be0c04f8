#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "orchestrator/base/error.hpp"
#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/language/definition.hpp"
#include "orchestrator/language/intrinsic_call.hpp"
#include "orchestrator/language/path.hpp"

namespace orchestrator::language {

/// A compiled payload template: an object whose members ending in `.$` hold a path or an intrinsic call. Filled by
/// `fill` (evaluate.hpp). Immutable.
class Template {
 public:
  struct Member;
  /// A constant part (everything below it too), a path, a call, or an object or array with something to fill in.
  using Content = std::variant<Payload, Path, IntrinsicCall, std::vector<Member>, std::vector<Template>>;

  explicit Template(Content content);

  [[nodiscard]] const Content& content() const { return content_; }
  /// The value itself when nothing is filled in, else null.
  [[nodiscard]] const Payload* constant() const { return std::get_if<Payload>(&content_); }

  /// Calls `visit` with every path inside, those of intrinsic calls included.
  void for_each_path(const std::function<void(const Path&)>& visit) const;

 private:
  Content content_;
};

struct Template::Member {
  std::string name;   ///< in the filled object
  std::string field;  ///< as written: with `.$` when it is filled in; error texts show it
  Template value;
};

/// Compiles a payload template found at `pointer`. Adds what is wrong to `faults` and then answers null.
TemplatePtr compile_template(const Json& source, const std::string& pointer, std::vector<FaultDetail>& faults);

/// Compiles one value of a member ending in `.$`, or an ErrorPath: a path or an intrinsic call.
Result<TemplatePtr> compile_expression(std::string_view text);

}  // namespace orchestrator::language
