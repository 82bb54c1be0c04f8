#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "handlers/providers/exchange.hpp"
#include "handlers/providers/phonepe_token.hpp"
#include "handlers/sample_groups.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/handler/typed.hpp"

namespace orchestrator::samples {

namespace {

/// Amounts in paise. Source: docs/providers.md, "PhonePe".
constexpr NumberRange kAmountRange{100, 100'000'000'000.0};

/// An authorised connection to one account. Copies share the token.
class PhonePeAccount {
 public:
  explicit PhonePeAccount(const SampleSettings& settings)
      : settings_(settings), tokens_(std::make_shared<PhonePeTokens>(settings)) {}

  /// Sends a call with the account's token; a refused token is renewed once.
  Exchange send(const TaskContext& context, handlers::HttpCall call, Repeat repeat) const {
    if (settings_.phonepe.url.empty()) return {.failure = not_configured("ORCHESTRATOR_PHONEPE_URL")};
    if (settings_.phonepe.client_id.empty()) return {.failure = not_configured("ORCHESTRATOR_PHONEPE_CLIENT_ID")};
    if (settings_.phonepe.client_secret.empty())
      return {.failure = not_configured("ORCHESTRATOR_PHONEPE_CLIENT_SECRET")};
    call.url = settings_.phonepe.url + call.url;
    call.headers.emplace_back("Content-Type", "application/json");
    const std::size_t bare_headers = call.headers.size();
    Exchange answer;
    for (int tries = 0; tries < 2; ++tries) {
      PhonePeTokens::Answer token = tokens_->get(context);
      if (token.failure) return {.failure = std::move(token.failure)};
      call.headers.resize(bare_headers);
      call.headers.emplace_back("Authorization", "O-Bearer " + token.token);
      answer = exchange(settings_, context, call, repeat);
      if (answer.status != 401) break;
      tokens_->drop(token.token);
    }
    return answer;
  }

 private:
  SampleSettings settings_;
  // Shared by the account's handlers, which are values that are copied.
  std::shared_ptr<PhonePeTokens> tokens_;
};

struct PayInput {
  std::string merchant_order_id;
  std::int64_t amount_minor = 0;
  std::int64_t expire_after_seconds = 0;
  std::string redirect_url;

  static PayInput read(InputReader& reader) {
    return {.merchant_order_id = reader.text("merchant_order_id"),
            .amount_minor = reader.integer("amount_minor", kAmountRange),
            .expire_after_seconds = reader.integer("expire_after_seconds", {300, 3600}),
            .redirect_url = reader.text("redirect_url")};
  }
};

/// What a step tells about an order at PhonePe; members that it did not say are null.
Json order_facts(const Json& body) {
  return {{"state", string_member(body, "state")},
          {"provider_order_id", body.value("orderId", Json())},
          {"redirect_url", body.value("redirectUrl", Json())},
          {"amount_minor", body.value("amount", Json())}};
}

/// Opens a payment. Its id is used once and for ever, so a lost answer is an unknown outcome: phonepe.inquire first.
Outcome pay(const PhonePeAccount& account, const PayInput& input, TaskContext& context) {
  const Json body = {
      {"merchantOrderId", input.merchant_order_id},
      {"amount", input.amount_minor},
      {"expireAfter", input.expire_after_seconds},
      {"paymentFlow", {{"type", "PG_CHECKOUT"}, {"merchantUrls", {{"redirectUrl", input.redirect_url}}}}}};
  const handlers::HttpCall call{.method = "POST", .url = "/checkout/v2/pay", .body = dump_json(body)};
  Exchange answer = account.send(context, call, Repeat::effective);
  if (answer.failed()) return std::move(*answer.failure);
  const auto parsed = parse_json(answer.body);
  if (!parsed || !parsed->is_object())
    return Outcome::unknown("Provider.OutcomeUnknown", "PhonePe's answer is unreadable");
  return Outcome::completed(make_payload(order_facts(*parsed)));
}

struct OrderInput {
  std::string merchant_order_id;
  static OrderInput read(InputReader& reader) { return {.merchant_order_id = reader.text("merchant_order_id")}; }
};

Exchange read_order(const PhonePeAccount& account, const std::string& merchant_order_id, TaskContext& context) {
  const handlers::HttpCall call{.method = "GET", .url = "/checkout/v2/order/" + merchant_order_id + "/status"};
  return account.send(context, call, Repeat::harmless);
}

/// The order as PhonePe sees it now: `state` PENDING, COMPLETED, FAILED, or NOT_FOUND.
Outcome read_status(const PhonePeAccount& account, const OrderInput& input, TaskContext& context) {
  Exchange answer = read_order(account, input.merchant_order_id, context);
  if (answer.status == 404)
    return Outcome::completed(make_payload({{"state", "NOT_FOUND"}, {"amount_minor", nullptr}}));
  if (answer.failed()) return std::move(*answer.failure);
  const auto parsed = parse_json(answer.body);
  if (!parsed || string_member(*parsed, "state").empty()) return unreadable_answer("PhonePe");
  return Outcome::completed(make_payload(order_facts(*parsed)));
}

/// Did the pay call arrive? Answers an inquiry: `not_found` makes it safe to send again.
Outcome inquire_pay(const PhonePeAccount& account, const OrderInput& input, TaskContext& context) {
  Exchange answer = read_order(account, input.merchant_order_id, context);
  if (answer.status == 404) return Outcome::completed(make_payload({{"outcome", "not_found"}}));
  if (answer.failed()) return std::move(*answer.failure);
  const auto parsed = parse_json(answer.body);
  if (!parsed || string_member(*parsed, "state").empty()) return unreadable_answer("PhonePe");
  return Outcome::completed(make_payload({{"outcome", "succeeded"}, {"result", order_facts(*parsed)}}));
}

struct RefundInput {
  std::string merchant_order_id;
  std::string merchant_refund_id;
  std::int64_t amount_minor = 0;

  static RefundInput read(InputReader& reader) {
    return {.merchant_order_id = reader.text("merchant_order_id"),
            .merchant_refund_id = reader.text("merchant_refund_id"),
            .amount_minor = reader.integer("amount_minor", kAmountRange)};
  }
};

Outcome refund(const PhonePeAccount& account, const RefundInput& input, TaskContext& context) {
  const Json body = {{"merchantRefundId", input.merchant_refund_id},
                     {"originalMerchantOrderId", input.merchant_order_id},
                     {"amount", input.amount_minor}};
  const handlers::HttpCall call{.method = "POST", .url = "/payments/v2/refund", .body = dump_json(body)};
  Exchange answer = account.send(context, call, Repeat::effective);
  if (answer.failed()) return std::move(*answer.failure);
  const auto parsed = parse_json(answer.body);
  if (!parsed) return Outcome::unknown("Provider.OutcomeUnknown", "PhonePe's answer is unreadable");
  return Outcome::completed(make_payload({{"state", string_member(*parsed, "state")}}));
}

struct RefundStatusInput {
  std::string merchant_refund_id;
  static RefundStatusInput read(InputReader& reader) {
    return {.merchant_refund_id = reader.text("merchant_refund_id")};
  }
};

/// A refund as PhonePe sees it. As an answer to an inquiry and as a plain read at once: `{outcome, result: {state},
/// state}`.
Outcome refund_status(const PhonePeAccount& account, const RefundStatusInput& input, TaskContext& context) {
  const handlers::HttpCall call{.method = "GET", .url = "/payments/v2/refund/" + input.merchant_refund_id + "/status"};
  Exchange answer = account.send(context, call, Repeat::harmless);
  if (answer.status == 404) {
    return Outcome::completed(make_payload({{"outcome", "not_found"}, {"state", "NOT_FOUND"}}));
  }
  if (answer.failed()) return std::move(*answer.failure);
  const auto parsed = parse_json(answer.body);
  const std::string state = parsed ? string_member(*parsed, "state") : std::string();
  if (state.empty()) return unreadable_answer("PhonePe");
  return Outcome::completed(make_payload({{"outcome", "succeeded"}, {"result", {{"state", state}}}, {"state", state}}));
}

template <typename Input, typename Perform>
HandlerEntry phonepe_handler(std::string name, const PhonePeAccount& account, Perform perform) {
  return plain(std::move(name), typed_handler<Input>([account, perform](const Input& input, TaskContext& context) {
                 return perform(account, input, context);
               }));
}

}  // namespace

HandlerEntries phonepe_handlers(const SampleSettings& settings) {
  const PhonePeAccount account(settings);
  return {
      phonepe_handler<PayInput>("phonepe.pay", account, pay),
      phonepe_handler<OrderInput>("phonepe.inquire_pay", account, inquire_pay),
      phonepe_handler<OrderInput>("phonepe.status", account, read_status),
      phonepe_handler<RefundInput>("phonepe.refund", account, refund),
      phonepe_handler<RefundStatusInput>("phonepe.refund_status", account, refund_status),
  };
}

}  // namespace orchestrator::samples
