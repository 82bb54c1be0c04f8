#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "orchestrator/base/names.hpp"
#include "orchestrator/language/limits.hpp"
#include "orchestrator/language/parse.hpp"

namespace orchestrator::language {
namespace {

/// Priorities of the HTTP contract.
constexpr int kLeastPriority = -100;
constexpr int kMostPriority = 100;

using Options = std::vector<std::pair<std::string, std::string>>;

Unexpected refuse(std::string_view text, const std::string& why) {
  return fail(ErrorCode::invalid_argument, "the Resource '" + std::string(text.substr(0, 200)) + "' " + why);
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    unsigned byte = 0;
    if (text.size() - i < 3) return std::nullopt;
    const char* const digits = text.data() + i + 1;
    const auto parsed = std::from_chars(digits, digits + 2, byte, 16);
    if (parsed.ec != std::errc() || parsed.ptr != digits + 2) return std::nullopt;
    decoded += static_cast<char>(byte);
    i += 2;
  }
  return decoded;
}

/// Splits `name?a=1&b=2`. Each option must be in `known` and come once.
Result<Options> take_options(std::string_view text, std::string_view& rest,
                             std::initializer_list<std::string_view> known) {
  Options options;
  const std::size_t mark = rest.find('?');
  if (mark == std::string_view::npos) return options;
  std::string_view query = rest.substr(mark + 1);
  rest = rest.substr(0, mark);
  while (true) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    const std::size_t equals = pair.find('=');
    const std::string name(pair.substr(0, equals));
    if (std::ranges::find(known, name) == known.end()) {
      std::string list;
      for (const std::string_view word : known) list += (list.empty() ? "" : ", ") + std::string(word);
      return refuse(text,
                    "has an unknown option '" + name + "'" + (list.empty() ? "; it takes none" : "; it takes " + list));
    }
    if (std::ranges::find(options, name, &Options::value_type::first) != options.end()) {
      return refuse(text, "gives the option '" + name + "' twice");
    }
    auto value = equals == std::string_view::npos ? std::nullopt : percent_decoded(pair.substr(equals + 1));
    if (!value || value->empty()) return refuse(text, "needs a value for the option '" + name + "'");
    options.emplace_back(name, *std::move(value));
    if (end == query.size()) return options;
    query.remove_prefix(end + 1);
  }
}

Status check_name(std::string_view text, std::string_view name) {
  if (is_valid_name(name)) return {};
  return refuse(text, "needs a name of 1 to 128 letters, digits and . _ : - in place of '" +
                          std::string(name.substr(0, 128)) + "'");
}

Result<Resource> parse_handler(Resource resource, std::string_view rest) {
  const Result<Options> options = take_options(resource.text, rest, {"queue", "priority"});
  if (!options) return options.error();
  if (Status good = check_name(resource.text, rest); !good) return good.error();
  resource.kind = Resource::Kind::handler;
  resource.name = std::string(rest);
  for (const auto& [option, value] : *options) {
    if (option == "queue") {
      if (Status good = check_name(resource.text, value); !good) return good.error();
      resource.queue = value;
      continue;
    }
    int priority = 0;
    const auto parsed = std::from_chars(value.data(), value.data() + value.size(), priority);
    if (parsed.ec != std::errc() || parsed.ptr != value.data() + value.size() || priority < kLeastPriority ||
        priority > kMostPriority) {
      return refuse(resource.text, "needs a priority from -100 to 100");
    }
    resource.priority = priority;
  }
  return resource;
}

/// `signal:A|B`, `decision:A|signal:B`. A name without its own prefix is of the same kind as the one before it.
Result<Resource> parse_awaited(Resource resource, bool decision, std::string_view rest) {
  resource.kind = Resource::Kind::signal;
  while (true) {
    const std::size_t end = std::min(rest.find('|'), rest.size());
    std::string_view name = rest.substr(0, end);
    if (name.starts_with("signal:")) {
      decision = false;
      name.remove_prefix(7);
    } else if (name.starts_with("decision:")) {
      decision = true;
      name.remove_prefix(9);
    }
    if (Status good = check_name(resource.text, name); !good) return good.error();
    const auto same = [name](const Resource::Awaited& other) { return other.name == name; };
    if (std::ranges::any_of(resource.awaited, same))
      return refuse(resource.text, "names '" + std::string(name) + "' twice");
    if (resource.awaited.size() == kMaxAwaitedNames) {
      return refuse(resource.text, "waits for more than " + std::to_string(kMaxAwaitedNames) + " names");
    }
    resource.awaited.push_back({.name = std::string(name), .is_decision = decision});
    if (end == rest.size()) break;
    rest.remove_prefix(end + 1);
  }
  resource.name = resource.awaited.front().name;
  return resource;
}

Result<Resource> parse_workflow(Resource resource, std::string_view rest) {
  const Result<Options> options = take_options(resource.text, rest, {"wait", "key_path", "on_conflict", "mode"});
  if (!options) return options.error();
  if (Status good = check_name(resource.text, rest); !good) return good.error();
  resource.kind = Resource::Kind::workflow;
  resource.name = std::string(rest);
  bool says_wait = false;
  for (const auto& [option, value] : *options) {
    if (option == "wait") {
      if (value != "true" && value != "false") return refuse(resource.text, "needs wait=true or wait=false");
      resource.wait = value == "true";
      says_wait = true;
    } else if (option == "key_path") {
      Result<Path> path = Path::parse(value);
      if (!path) return refuse(resource.text, "has a malformed key_path: " + path.error().message);
      if (!path->is_definite() || path->root() != Path::Root::input) {
        return refuse(resource.text, "needs a key_path to one value of the child's input, such as $.order_id");
      }
      resource.key_path = *std::move(path);
    } else if (option == "on_conflict") {
      if (value != "reject" && value != "return_existing" && value != "cancel_existing") {
        return refuse(resource.text, "needs on_conflict=reject, return_existing or cancel_existing");
      }
      resource.on_conflict = value;
    } else {
      if (value != "replace") return refuse(resource.text, "has an unknown mode; the only one is mode=replace");
      resource.replace = true;
    }
  }
  if (resource.replace && (says_wait || resource.key_path || !resource.on_conflict.empty())) {
    return refuse(resource.text, "cannot combine mode=replace with other options: the successor keeps the run's key");
  }
  return resource;
}

Result<Resource> parse_event(Resource resource, std::string_view rest) {
  if (Status good = check_name(resource.text, rest); !good) return good.error();
  resource.kind = Resource::Kind::event;
  resource.name = std::string(rest);
  return resource;
}

/// RFC 3986: a scheme, a colon, and something without blanks behind it.
bool looks_like_uri(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size()) return false;
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (!is_letter(text[0])) return false;
  const bool scheme = std::ranges::all_of(text.substr(0, colon), [&](char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '+' || c == '.' || c == '-';
  });
  return scheme &&
         std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7F; });
}

}  // namespace

Result<Resource> parse_resource(std::string_view text) {
  if (text.size() > kMaxExpressionBytes) return refuse(text, "is too long");
  Resource resource;
  resource.text = std::string(text);
  const std::size_t colon = std::min(text.find(':'), text.size());
  const std::string_view scheme = text.substr(0, colon);
  const std::string_view rest = colon < text.size() ? text.substr(colon + 1) : std::string_view();
  if (colon < text.size()) {
    if (scheme == "handler") return parse_handler(std::move(resource), rest);
    if (scheme == "signal") return parse_awaited(std::move(resource), false, rest);
    if (scheme == "decision") return parse_awaited(std::move(resource), true, rest);
    if (scheme == "workflow") return parse_workflow(std::move(resource), rest);
    if (scheme == "event") return parse_event(std::move(resource), rest);
  }
  if (!looks_like_uri(text)) {
    return refuse(text, "is not a URI; use handler:NAME, signal:NAME, decision:NAME, workflow:NAME, or an ARN");
  }
  resource.kind = Resource::Kind::foreign;
  resource.waits_for_task_token = text.ends_with(".waitForTaskToken");
  resource.runs_to_completion = text.ends_with(".sync") || text.ends_with(".sync:2");
  return resource;
}

}  // namespace orchestrator::language
