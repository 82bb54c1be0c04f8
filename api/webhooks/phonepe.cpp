// PhonePe. v1: a base64 response, signed with a numbered salt. v2: a constant header that says nothing about the body.
#include <charconv>

#include "api/webhooks/reading.hpp"
#include "orchestrator/digest/digest.hpp"
#include "orchestrator/digest/encoding.hpp"
#include "orchestrator/digest/provider_signatures.hpp"

namespace orchestrator::api::webhooks {
namespace {

constexpr std::string_view kIndexMark = "###";

struct Indexed {
  std::string_view text;
  int index = 0;
};

/// "TEXT###INDEX" in its two parts.
std::optional<Indexed> split_index(std::string_view value) {
  const auto mark = value.rfind(kIndexMark);
  if (mark == std::string_view::npos || mark == 0) return std::nullopt;
  const auto digits = value.substr(mark + kIndexMark.size());
  Indexed indexed{.text = value.substr(0, mark)};
  const auto [stopped, error] = std::from_chars(digits.data(), digits.data() + digits.size(), indexed.index);
  if (error != std::errc{} || stopped != digits.data() + digits.size() || indexed.index < 1) return std::nullopt;
  return indexed;
}

Status check_salt(std::string_view secret) {
  if (split_index(secret)) return {};
  return fail(ErrorCode::invalid_argument, "must be SALT###INDEX");
}

/// The base64 text behind `response`, or nothing.
std::optional<std::string> response_of(const std::string& body) {
  const auto envelope = parse_json(body);
  if (!envelope || !envelope->is_object()) return std::nullopt;
  std::string response = string_member(*envelope, "response");
  if (response.empty()) return std::nullopt;
  return response;
}

std::optional<std::size_t> verify_v1(const Arrival& arrival, const std::vector<std::string>& secrets,
                                     const ProviderOptions& /*options*/) {
  const auto sent = split_index(arrival.headers.value("X-VERIFY"));
  const auto response = response_of(arrival.body);
  if (!sent || !response) return std::nullopt;
  const auto sent_digest = decode_lower_hex(sent->text);
  if (!sent_digest) return std::nullopt;
  for (std::size_t i = 0; i < secrets.size(); ++i) {
    const auto secret = split_index(secrets[i]);
    if (!secret || secret->index != sent->index) continue;
    const digest::PhonePeSalt salt{.key = std::string{secret->text}, .index = secret->index};
    const std::string expected = digest::phonepe_v1_callback_verify(*response, salt);
    const auto expected_digest = digest::from_hex(expected.substr(0, expected.find('#')));
    if (digest::equal_constant_time(*sent_digest, *expected_digest)) return i;
  }
  return std::nullopt;
}

Result<Reading> read_v1(const Arrival& arrival, const ProviderOptions& /*options*/) {
  const auto response = response_of(arrival.body);
  if (!response) return fail(ErrorCode::invalid_argument, "the callback has no response");
  const auto decoded = digest::from_base64(*response);
  if (!decoded) return fail(ErrorCode::invalid_argument, "the response is not base64");
  auto document = parse_json(*decoded);
  if (!document) return fail(ErrorCode::invalid_argument, "the decoded response is not JSON");
  const std::string code = text_at(*document, {"code"});
  const std::string transaction = text_at(*document, {"data", "merchantTransactionId"});
  if (code.empty() || transaction.empty()) {
    return fail(ErrorCode::invalid_argument, "the response has no code or merchantTransactionId");
  }
  return one_item(*std::move(document), dedupe_key({transaction, code}));
}

Status check_user_and_password(std::string_view secret) {
  const auto colon = secret.find(':');
  if (colon != std::string_view::npos && colon > 0 && colon + 1 < secret.size()) return {};
  return fail(ErrorCode::invalid_argument, "must be username:password");
}

std::optional<std::size_t> verify_v2(const Arrival& arrival, const std::vector<std::string>& secrets,
                                     const ProviderOptions& /*options*/) {
  const auto sent = decode_lower_hex(arrival.headers.value("Authorization"));
  if (!sent) return std::nullopt;
  for (std::size_t i = 0; i < secrets.size(); ++i) {
    const auto colon = secrets[i].find(':');
    if (colon == std::string::npos) continue;
    const std::string_view secret = secrets[i];
    const auto expected =
        digest::from_hex(digest::phonepe_v2_authorization(secret.substr(0, colon), secret.substr(colon + 1)));
    if (digest::equal_constant_time(*sent, *expected)) return i;
  }
  return std::nullopt;
}

Result<Reading> read_v2(const Arrival& arrival, const ProviderOptions& /*options*/) {
  auto document = read_object(arrival.body);
  if (!document) return document.error();
  const std::string event = text_at(*document, {"event"});
  const std::string refund = text_at(*document, {"payload", "merchantRefundId"});
  const std::string object = refund.empty() ? text_at(*document, {"payload", "merchantOrderId"}) : refund;
  const std::string state = text_at(*document, {"payload", "state"});
  if (event.empty() || object.empty() || state.empty()) {
    return fail(ErrorCode::invalid_argument, "the body has no event, order or refund id, or state");
  }
  return one_item(*std::move(document), dedupe_key({event, object, state}));
}

}  // namespace

Provider phonepe_v1() {
  return {.name = "phonepe_v1", .check_secret = check_salt, .verify = verify_v1, .read = read_v1, .sources = {}};
}

Provider phonepe_v2() {
  return {.name = "phonepe_v2",
          .check_secret = check_user_and_password,
          .verify = verify_v2,
          .read = read_v2,
          .sources = {}};
}

}  // namespace orchestrator::api::webhooks
