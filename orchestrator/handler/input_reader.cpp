#include "orchestrator/handler/input_reader.hpp"

#include <limits>
#include <sstream>

#include "orchestrator/base/json.hpp"

namespace orchestrator {
namespace {

std::string range_text(NumberRange range) {
  std::ostringstream text;
  text << "from " << range.least << " to " << range.most;
  return text.str();
}

}  // namespace

InputReader::InputReader(const Json& input) : input_(input) {
  if (!input.is_object()) refuse("", "must be an object");
}

const Json* InputReader::find(const char* name) const {
  if (!input_.is_object()) return nullptr;
  const auto found = input_.find(name);
  return found == input_.end() ? nullptr : &*found;
}

const Json* InputReader::present(const char* name) const {
  const Json* found = find(name);
  return found == nullptr || found->is_null() ? nullptr : found;
}

const Json* InputReader::value(const char* name) {
  const Json* found = find(name);
  if (found == nullptr) refuse(name, "is missing");
  return found;
}

std::string InputReader::text(const char* name) {
  auto found = optional_text(name);
  if (!found) {
    if (present(name) == nullptr) refuse(name, "is missing");
    return {};
  }
  return *std::move(found);
}

std::optional<std::string> InputReader::optional_text(const char* name) {
  const Json* found = present(name);
  if (found == nullptr) return std::nullopt;
  if (!found->is_string()) {
    refuse(name, "must be a string");
    return std::nullopt;
  }
  return found->get<std::string>();
}

std::int64_t InputReader::integer(const char* name, NumberRange range) {
  const Json* found = present(name);
  if (found == nullptr) {
    refuse(name, "is missing");
    return 0;
  }
  return checked_integer(*found, name, range);
}

std::optional<std::int64_t> InputReader::optional_integer(const char* name, NumberRange range) {
  const Json* found = present(name);
  if (found == nullptr) return std::nullopt;
  return checked_integer(*found, name, range);
}

double InputReader::number(const char* name, NumberRange range) {
  const Json* found = present(name);
  if (found == nullptr) {
    refuse(name, "is missing");
    return 0;
  }
  return checked_number(*found, name, range);
}

std::optional<double> InputReader::optional_number(const char* name, NumberRange range) {
  const Json* found = present(name);
  if (found == nullptr) return std::nullopt;
  return checked_number(*found, name, range);
}

bool InputReader::boolean(const char* name, bool otherwise) {
  const Json* found = present(name);
  if (found == nullptr) return otherwise;
  if (!found->is_boolean()) {
    refuse(name, "must be true or false");
    return otherwise;
  }
  return found->get<bool>();
}

void InputReader::refuse(const std::string& name, std::string message) {
  FaultDetail fault{.pointer = name.empty() ? "" : "/" + name, .code = "invalid_input", .message = std::move(message)};
  faults_.push_back(std::move(fault));
}

std::string InputReader::describe_faults() const {
  std::string sentence;
  for (const FaultDetail& fault : faults_) {
    if (!sentence.empty()) sentence += "; ";
    sentence += (fault.pointer.empty() ? "the input" : fault.pointer) + " " + fault.message;
  }
  return sentence;
}

double InputReader::checked_number(const Json& value, const char* name, NumberRange range) {
  if (!value.is_number() || value.get<double>() < range.least || value.get<double>() > range.most) {
    refuse(name, "must be a number " + range_text(range));
    return range.least;
  }
  return value.get<double>();
}

std::int64_t InputReader::checked_integer(const Json& value, const char* name, NumberRange range) {
  // An unsigned number beyond the signed range would change its sign.
  const bool fits =
      value.is_number_integer() &&
      (!value.is_number_unsigned() ||
       value.get<std::uint64_t>() <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
  const auto number = fits ? value.get<std::int64_t>() : 0;
  if (!fits || static_cast<double>(number) < range.least || static_cast<double>(number) > range.most) {
    refuse(name, "must be a whole number " + range_text(range));
    return static_cast<std::int64_t>(range.least);
  }
  return number;
}

}  // namespace orchestrator
