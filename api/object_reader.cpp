#include "api/object_reader.hpp"

#include <algorithm>

#include "orchestrator/base/json.hpp"
#include "orchestrator/base/names.hpp"

namespace orchestrator::api {
namespace {

std::string shown(double number) { return dump_json(Json(number)); }

}  // namespace

std::string deeper_pointer(std::string pointer, std::string_view token) {
  pointer += '/';
  for (const char c : token) {
    if (c == '~') {
      pointer += "~0";
    } else if (c == '/') {
      pointer += "~1";
    } else {
      pointer += c;
    }
  }
  return pointer;
}

ObjectReader::ObjectReader(Json& value, std::string pointer, std::vector<FaultDetail>& faults)
    : pointer_(std::move(pointer)), faults_(faults) {
  if (value.is_object()) {
    object_ = &value;
  } else {
    faults_.push_back({.pointer = pointer_, .code = "wrong_type", .message = "must be an object"});
  }
}

bool ObjectReader::has(std::string_view name) const {
  if (object_ == nullptr) return true;  // already noted; "missing" would only repeat it
  const auto found = object_->find(name);
  return found != object_->end() && !found->is_null();
}

Json* ObjectReader::find(const char* name) {
  asked_.emplace_back(name);
  if (object_ == nullptr) return nullptr;
  const auto found = object_->find(name);
  return found == object_->end() || found->is_null() ? nullptr : &*found;
}

std::optional<std::string> ObjectReader::text(const char* name, std::size_t max_bytes) {
  Json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) {
    fault(name, "wrong_type", "must be a string");
    return std::nullopt;
  }
  auto& content = value->get_ref<std::string&>();
  if (content.size() > max_bytes) {
    fault(name, "out_of_range", "must not be longer than " + std::to_string(max_bytes) + " bytes");
    return std::nullopt;
  }
  return std::move(content);
}

std::optional<std::string> ObjectReader::name(const char* name) {
  auto content = text(name, std::string::npos);
  if (content && !is_valid_name(*content)) {
    fault(name, "invalid", "must be 1 to 128 characters of A-Z a-z 0-9 . _ : -");
    return std::nullopt;
  }
  return content;
}

std::optional<std::string> ObjectReader::key(const char* name) {
  auto content = text(name, std::string::npos);
  if (content && !is_valid_key(*content)) {
    fault(name, "invalid", "must be 1 to 512 bytes without control characters");
    return std::nullopt;
  }
  return content;
}

std::optional<std::int64_t> ObjectReader::integer(const char* name, std::int64_t least, std::int64_t most) {
  const Json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number_integer()) {
    fault(name, "wrong_type", "must be an integer");
    return std::nullopt;
  }
  const bool too_big =
      value->is_number_unsigned() && value->get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX);
  const std::int64_t number = too_big ? INT64_MAX : value->get<std::int64_t>();
  if (too_big || number < least || number > most) {
    fault(name, "out_of_range", "must be " + std::to_string(least) + " to " + std::to_string(most));
    return std::nullopt;
  }
  return number;
}

std::optional<double> ObjectReader::decimal(const char* name, double least, double most) {
  const Json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number()) {
    fault(name, "wrong_type", "must be a number");
    return std::nullopt;
  }
  const double number = value->get<double>();
  if (!(number >= least && number <= most)) {
    fault(name, "out_of_range", "must be " + shown(least) + " to " + shown(most));
    return std::nullopt;
  }
  return number;
}

std::optional<bool> ObjectReader::boolean(const char* name) {
  const Json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) {
    fault(name, "wrong_type", "must be true or false");
    return std::nullopt;
  }
  return value->get<bool>();
}

std::optional<Timestamp> ObjectReader::time(const char* name) {
  const auto content = text(name, std::string::npos);
  if (!content) return std::nullopt;
  auto moment = parse_rfc3339(*content);
  if (!moment) {
    fault(name, "invalid", "must be an RFC 3339 time such as 2026-01-31T23:59:59Z");
    return std::nullopt;
  }
  return *moment;
}

std::optional<std::string> ObjectReader::choice(const char* name, std::initializer_list<std::string_view> choices) {
  auto content = text(name, std::string::npos);
  if (!content || std::find(choices.begin(), choices.end(), *content) != choices.end()) return content;
  std::string message = "must be one of";
  for (const auto& choice : choices) message.append(" ").append(choice);
  fault(name, "invalid", std::move(message));
  return std::nullopt;
}

Payload ObjectReader::any(const char* name) {
  asked_.emplace_back(name);
  if (object_ == nullptr) return nullptr;
  const auto found = object_->find(name);
  if (found == object_->end()) return nullptr;
  return make_payload(std::move(*found));
}

Json ObjectReader::object(const char* name) {
  Json* value = find(name);
  if (value == nullptr) return nullptr;
  if (!value->is_object()) {
    fault(name, "wrong_type", "must be an object");
    return nullptr;
  }
  return std::move(*value);
}

Json ObjectReader::array(const char* name) {
  Json* value = find(name);
  if (value == nullptr) return nullptr;
  if (!value->is_array()) {
    fault(name, "wrong_type", "must be an array");
    return nullptr;
  }
  return std::move(*value);
}

void ObjectReader::fault(std::string_view name, std::string code, std::string message) {
  const std::string subject = name.empty() ? "the value" : "`" + std::string{name} + "`";
  faults_.push_back({.pointer = name.empty() ? pointer_ : pointer_to(name),
                     .code = std::move(code),
                     .message = subject + " " + std::move(message)});
}

void ObjectReader::finish() {
  if (object_ == nullptr) return;
  for (const auto& [name, value] : object_->items()) {
    if (std::find(asked_.begin(), asked_.end(), name) == asked_.end())
      fault(name, "unknown_member", "is not known here");
  }
}

std::string ObjectReader::pointer_to(std::string_view name) const { return deeper_pointer(pointer_, name); }

Status body_status(std::vector<FaultDetail> faults) {
  if (faults.empty()) return {};
  Error error(ErrorCode::invalid_argument, "invalid-body",
              faults.size() == 1 ? faults.front().message : std::to_string(faults.size()) + " faults, see errors");
  error.faults = std::move(faults);
  return error;
}

}  // namespace orchestrator::api
