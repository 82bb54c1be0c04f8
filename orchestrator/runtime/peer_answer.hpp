#pragma once

#include <string>

#include "orchestrator/base/json.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/runtime/request_json.hpp"

namespace orchestrator::runtime {

/// What the other node said: its answer, or the error that it answered.
inline Result<Json> read_answer(const std::string& text) {
  auto envelope = parse_json(text);
  if (!envelope || !envelope->is_object()) return fail(ErrorCode::internal, "another node's answer is unreadable");
  if (const auto error = envelope->find("error"); error != envelope->end()) return error_from(*error);
  return envelope->value("answer", Json());
}

/// What another node's answer stands for. It may run another release: what it says is not taken on trust.
template <typename T>
Result<T> read_as(T (*decode)(const Json&), const Result<Json>& answer) {
  if (!answer) return answer.error();
  try {
    return decode(*answer);
  } catch (const Json::exception& e) {
    return fail(ErrorCode::internal, "another node's answer is unreadable: " + std::string(e.what()));
  }
}

/// Both at once, for a call that needs no second try.
template <typename T>
Result<T> read_peer_answer(T (*decode)(const Json&), const Result<std::string>& text) {
  return read_as(decode, text ? read_answer(*text) : Result<Json>(text.error()));
}

}  // namespace orchestrator::runtime
