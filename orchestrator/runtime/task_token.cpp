#include "orchestrator/runtime/task_token.hpp"

#include <algorithm>
#include <cstddef>

#include "orchestrator/digest/digest.hpp"
#include "orchestrator/digest/encoding.hpp"

namespace orchestrator::runtime {
namespace {

constexpr char kForm = 1;
constexpr std::size_t kSealBytes = 16;
/// Form, run, step, attempt, kind, hand-out: 38 bytes, with the seal 54, which base64 needs no padding for.
constexpr std::size_t kBodyBytes = 1 + 16 + 8 + 4 + 1 + 8;
constexpr std::size_t kTextBytes = (kBodyBytes + kSealBytes) / 3 * 4;

template <typename Integer>
void put(std::string& to, Integer value) {
  for (std::size_t i = 0; i < sizeof value; ++i)
    to.push_back(static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i) & 0xFF));
}

template <typename Integer>
Integer take(std::string_view& from) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(Integer); ++i)
    value |= static_cast<std::uint64_t>(static_cast<unsigned char>(from[i])) << (8 * i);
  from.remove_prefix(sizeof(Integer));
  return static_cast<Integer>(value);
}

std::string seal_of(std::string_view body, std::string_view secret) {
  // Its own purpose in the text: the same secret signs other things.
  std::string sealed = "task-token:";
  sealed += body;
  return digest::hmac(digest::Algorithm::sha256, secret, sealed).substr(0, kSealBytes);
}

}  // namespace

std::string sealed_token(const TaskToken& token, std::string_view secret) {
  std::string bytes;
  bytes.reserve(kBodyBytes + kSealBytes);
  bytes.push_back(kForm);
  bytes.append(reinterpret_cast<const char*>(token.run_id.bytes.data()), token.run_id.bytes.size());
  put(bytes, token.task.step);
  put(bytes, token.task.attempt);
  bytes.push_back(token.task.inquiry ? 1 : 0);
  put(bytes, token.hand_out);
  bytes += seal_of(bytes, secret);
  std::string text = digest::to_base64(bytes);
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  return text;
}

std::optional<TaskToken> opened_token(std::string_view text, std::string_view secret) {
  if (text.size() != kTextBytes || text.find_first_of("+/=") != std::string_view::npos) return std::nullopt;
  std::string plain(text);
  std::replace(plain.begin(), plain.end(), '-', '+');
  std::replace(plain.begin(), plain.end(), '_', '/');
  const auto bytes = digest::from_base64(plain);
  if (!bytes || bytes->size() != kBodyBytes + kSealBytes || bytes->front() != kForm) return std::nullopt;
  std::string_view rest(*bytes);
  const std::string_view body = rest.substr(0, kBodyBytes);
  if (!digest::equal_constant_time(seal_of(body, secret), rest.substr(kBodyBytes))) return std::nullopt;
  TaskToken token;
  rest.remove_prefix(1);
  std::copy_n(rest.begin(), token.run_id.bytes.size(), token.run_id.bytes.begin());
  rest.remove_prefix(token.run_id.bytes.size());
  token.task.step = take<core::StepId>(rest);
  token.task.attempt = take<std::int32_t>(rest);
  token.task.inquiry = take<std::uint8_t>(rest) == 1;
  token.hand_out = take<std::uint64_t>(rest);
  return token;
}

}  // namespace orchestrator::runtime
