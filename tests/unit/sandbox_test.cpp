#include "orchestrator/tools/sandbox.hpp"

#include <gtest/gtest.h>

#include <atomic>

#include "handlers/sample_groups.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/digest/provider_signatures.hpp"
#include "orchestrator/tools/demo_client.hpp"
#include "orchestrator/tools/demo_story.hpp"

namespace orchestrator::tools {
namespace {

/// The shipped provider handlers against the sandbox's providers, over real sockets.
class SandboxWithHandlers : public testing::Test {
 protected:
  void SetUp() override {
    auto sandbox = Sandbox::start({.port = 0, .hook_url = "http://127.0.0.1:1/hooks/default"});
    ASSERT_TRUE(sandbox) << sandbox.error().message;
    sandbox_ = std::move(*sandbox);
    client_ = std::make_unique<DemoClient>(*parse_server_url(sandbox_->url()));
    samples::SampleSettings settings;
    settings.http_allow_private = true;
    settings.payfast = {.url = sandbox_->url(), .merchant_id = "10000100", .passphrase = "jt7NOE43FZPn"};
    settings.phonepe = {.url = sandbox_->url(), .client_id = "sandbox-client", .client_secret = "sandbox-secret"};
    settings.mail = {.url = sandbox_->url(), .api_key = "key", .sender = "shop@example.com"};
    settings.model = {.url = sandbox_->url()};
    settings.event_sink = {.url = sandbox_->url() + "/events", .secret = "whsec_c2VjcmV0"};
    for (auto group :
         {samples::payfast_handlers(settings), samples::phonepe_handlers(settings), samples::mail_handlers(settings),
          samples::model_handlers(settings), samples::event_sink_handlers(settings)}) {
      for (HandlerEntry& entry : group) ASSERT_TRUE(registry_.add(std::move(entry)));
    }
  }

  Outcome perform(const std::string& handler, const Json& input) {
    TaskContext context{.namespace_name = "default",
                        .idempotency_key = "k-1",
                        .now = std::chrono::floor<Duration>(std::chrono::system_clock::now()),
                        .cancel_requested = &never_cancelled_};
    return registry_.find(handler)->plain(input, context);
  }
  Json output(const std::string& handler, const Json& input) {
    const Outcome outcome = perform(handler, input);
    EXPECT_EQ(outcome.kind, Outcome::Kind::completed)
        << outcome.error.value_or("") << " " << outcome.cause.value_or("");
    return json_of(outcome.output);
  }
  void script(const Json& fault) { EXPECT_TRUE(client_->post("/control/script", fault)); }
  Json effects() { return client_->get("/control/effects").value_or(Json()); }

  const std::atomic<bool> never_cancelled_ = false;
  std::unique_ptr<Sandbox> sandbox_;
  std::unique_ptr<DemoClient> client_;
  HandlerRegistry registry_;
};

const Json kPay = {{"merchant_order_id", "o-1"},
                   {"amount_minor", 49900},
                   {"expire_after_seconds", 1200},
                   {"redirect_url", "https://app.example/pay"}};
const Json kOrder = {{"merchant_order_id", "o-1"}};
const Json kMail = {{"to", "u@example.com"}, {"subject", "s"}, {"text", "t"}};

Json outgoing(const std::string& id, const std::string& aggregate) {
  return {{"event_id", id}, {"aggregate_type", "order"}, {"aggregate_id", aggregate}};
}

std::vector<std::string> outcomes(const Json& delivered) {
  std::vector<std::string> words;
  for (const Json& result : delivered["results"]) words.push_back(result["outcome"]);
  return words;
}

TEST_F(SandboxWithHandlers, EventDeliveredTwiceCountsOnce) {
  const Json input = {{"events", {outgoing("e-1", "o-1")}}, {"lease_seconds", 30}};

  output("outbox.deliver", input);
  const Json again = output("outbox.deliver", input);

  EXPECT_EQ(outcomes(again), std::vector<std::string>({"published"}));
  EXPECT_EQ(effects(), Json({{"event/e-1", 1}}));
}

TEST_F(SandboxWithHandlers, RefusedEventHoldsUpItsOwnAggregateOnly) {
  script({{"operation", "events.receive"}, {"fault", "refuse"}, {"key", "e-1"}});

  const Json delivered = output(
      "outbox.deliver",
      {{"events", {outgoing("e-1", "o-1"), outgoing("e-2", "o-1"), outgoing("e-3", "o-2")}}, {"lease_seconds", 30}});

  EXPECT_EQ(outcomes(delivered), std::vector<std::string>({"failed", "not_tried", "published"}));
}

TEST_F(SandboxWithHandlers, AbsentReceiverIsAskedOncePerBatch) {
  script({{"operation", "events.receive"}, {"fault", "server_error"}});

  const Json delivered =
      output("outbox.deliver", {{"events", {outgoing("e-1", "o-1"), outgoing("e-2", "o-2")}}, {"lease_seconds", 30}});

  EXPECT_EQ(outcomes(delivered), std::vector<std::string>({"failed", "not_tried"}));
  EXPECT_EQ(effects(), Json::object());
}

TEST_F(SandboxWithHandlers, PhonePePaymentIsPendingUntilItSettles) {
  const Json order = output("phonepe.pay", kPay);
  EXPECT_EQ(order["state"], "PENDING");
  EXPECT_EQ(output("phonepe.status", kOrder)["state"], "PENDING");

  ASSERT_TRUE(client_->post("/control/phonepe/settle", {{"merchant_order_id", "o-1"}, {"webhook", "none"}}));

  const Json status = output("phonepe.status", kOrder);
  EXPECT_EQ(status["state"], "COMPLETED");
  EXPECT_EQ(status["amount_minor"], 49900);
  EXPECT_EQ(effects(), Json({{"phonepe.pay/o-1", 1}, {"phonepe.payment/o-1", 1}}));
}

TEST_F(SandboxWithHandlers, LostPayAnswerIsUnknownAndTheInquiryFindsTheOrder) {
  script({{"operation", "phonepe.pay"}, {"fault", "drop_after_effect"}});

  const Outcome outcome = perform("phonepe.pay", kPay);

  EXPECT_EQ(outcome.kind, Outcome::Kind::unknown);
  EXPECT_EQ(output("phonepe.inquire_pay", kOrder)["outcome"], "succeeded");
  EXPECT_EQ(effects()["phonepe.pay/o-1"], 1);
}

TEST_F(SandboxWithHandlers, LostPayRequestIsNotFoundByTheInquiry) {
  script({{"operation", "phonepe.pay"}, {"fault", "drop"}});

  EXPECT_EQ(perform("phonepe.pay", kPay).kind, Outcome::Kind::unknown);
  EXPECT_EQ(output("phonepe.inquire_pay", kOrder)["outcome"], "not_found");
}

TEST_F(SandboxWithHandlers, OrderIdIsUsedOnce) {
  output("phonepe.pay", kPay);

  const Outcome again = perform("phonepe.pay", kPay);

  EXPECT_EQ(again.error, "Provider.Refused");
  EXPECT_FALSE(again.retryable);
}

TEST_F(SandboxWithHandlers, TooManyRequestsWaitsAsLongAsTheProviderAsks) {
  script({{"operation", "phonepe.pay"}, {"fault", "too_many_requests"}, {"retry_after_seconds", 7}});

  const Outcome outcome = perform("phonepe.pay", kPay);

  EXPECT_EQ(outcome.error, "Provider.Unavailable");
  EXPECT_EQ(outcome.delay, std::chrono::seconds(7));
}

TEST_F(SandboxWithHandlers, RefundCompletesAtTheSecondLook) {
  output("phonepe.pay", kPay);
  ASSERT_TRUE(client_->post("/control/phonepe/settle", {{"merchant_order_id", "o-1"}, {"webhook", "none"}}));
  const Json refund = {{"merchant_order_id", "o-1"}, {"merchant_refund_id", "r-1"}, {"amount_minor", 49900}};

  EXPECT_EQ(output("phonepe.refund", refund)["state"], "PENDING");
  EXPECT_EQ(output("phonepe.refund_status", refund)["state"], "PENDING");
  EXPECT_EQ(output("phonepe.refund_status", refund)["state"], "COMPLETED");
}

TEST_F(SandboxWithHandlers, MailWithTheSameKeyIsSentOnce) {
  script({{"operation", "mail.send"}, {"fault", "drop_after_effect"}});

  EXPECT_EQ(perform("mail.send", kMail).error, "Provider.Unavailable");
  output("mail.send", kMail);

  EXPECT_EQ(effects(), Json({{"mail/k-1", 1}}));
}

TEST_F(SandboxWithHandlers, MailWithTheSameKeyAndAnotherTextIsRefused) {
  output("mail.send", kMail);
  Json other = kMail;
  other["text"] = "rendered again";

  EXPECT_EQ(perform("mail.send", other).error, "Provider.Refused");
}

TEST_F(SandboxWithHandlers, ModelAnswersTheSamePromptTheSame) {
  const Json input = {{"business_context", {{"business", {{"name", "Tea"}}}}}};

  const Json first = output("model.reduce", input);

  EXPECT_EQ(first, output("model.reduce", input));
  EXPECT_EQ(first["degraded"], false);
  EXPECT_FALSE(first["manifest"]["summary"].get<std::string>().empty());
}

TEST_F(SandboxWithHandlers, ModelThatDeclinesIsAnAnswerNotAnOutage) {
  script({{"operation", "model.reduce"}, {"fault", "refuse"}});

  const Outcome outcome = perform("model.reduce", {{"business_context", Json::object()}});

  EXPECT_EQ(outcome.error, "Model.Refused");
  EXPECT_FALSE(outcome.retryable);
}

/// The payer posts the form of `pay-1` and pays: PayFast's answer.
Result<Json> pay_by_form(DemoClient& client) {
  digest::FormFields form = {{"merchant_id", "10000100"},
                             {"merchant_key", "46f0cd694581a"},
                             {"notify_url", "http://127.0.0.1:1/x"},
                             {"m_payment_id", "pay-1"},
                             {"amount", "150.00"},
                             {"item_name", "Wallet"},
                             {"custom_str1", "default"}};
  form.emplace_back("signature", digest::payfast_form_signature(form, "jt7NOE43FZPn"));
  const auto posted = client.post_form("/eng/process", digest::format_form(form));
  if (!posted) return posted.error();
  return client.post("/control/payfast/pay", {{"m_payment_id", "pay-1"}});
}

TEST_F(SandboxWithHandlers, TwoLivesNeverGiveOneNumberTwice) {
  const auto paid = pay_by_form(*client_);
  ASSERT_TRUE(paid);

  sandbox_.reset();
  auto next_life = Sandbox::start({.port = 0, .hook_url = "http://127.0.0.1:1/hooks/default"});
  ASSERT_TRUE(next_life) << next_life.error().message;
  DemoClient next_client(*parse_server_url((*next_life)->url()));
  const auto paid_again = pay_by_form(next_client);

  ASSERT_TRUE(paid_again);
  EXPECT_NE(string_member(*paid, "pf_payment_id"), "");
  EXPECT_NE(string_member(*paid, "pf_payment_id"), string_member(*paid_again, "pf_payment_id"));
}

TEST_F(SandboxWithHandlers, PayFastConfirmsItsOwnNotificationOnly) {
  const auto paid = pay_by_form(*client_);
  ASSERT_TRUE(paid);

  const Json found =
      output("payfast.find_payment",
             {{"m_payment_id", "pay-1"}, {"from", "2026-01-01T00:00:00Z"}, {"to", "2026-01-02T00:00:00Z"}});
  Json fields = {{"m_payment_id", "pay-1"},
                 {"pf_payment_id", (*paid)["pf_payment_id"]},
                 {"payment_status", "COMPLETE"},
                 {"item_name", "Wallet"},
                 {"item_description", ""},
                 {"amount_gross", "150.00"},
                 {"amount_fee", "-5.75"},
                 {"amount_net", "144.25"},
                 {"custom_str1", "default"},
                 {"name_first", ""},
                 {"name_last", ""},
                 {"email_address", ""},
                 {"merchant_id", "10000100"}};
  for (const char* name : {"custom_str2", "custom_str3", "custom_str4", "custom_str5", "custom_int1", "custom_int2",
                           "custom_int3", "custom_int4", "custom_int5"}) {
    fields[name] = "";
  }

  EXPECT_EQ(found["found"], true);
  EXPECT_EQ(found["paid"]["amount_gross"], "150.00");
  EXPECT_EQ(output("payfast.validate", {{"fields", fields}})["verdict"], "VALID");
  fields["amount_gross"] = "151.00";
  EXPECT_EQ(output("payfast.validate", {{"fields", fields}})["verdict"], "INVALID");
}

TEST_F(SandboxWithHandlers, FormWithAWrongSignatureIsRefused) {
  const auto answer = client_->post_form("/eng/process", "m_payment_id=pay-1&amount=1.00&signature=00");

  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::invalid_argument);
}

TEST_F(SandboxWithHandlers, UnknownFaultIsRefused) {
  EXPECT_FALSE(client_->post("/control/script", {{"operation", "mail.send"}, {"fault", "gremlin"}}));
}

TEST(SampleProvider, WithoutItsAddressNamesTheVariable) {
  const std::atomic<bool> never_cancelled = false;
  TaskContext context{.idempotency_key = "k", .cancel_requested = &never_cancelled};
  const HandlerEntry mail = samples::mail_handlers({}).front();

  const Outcome outcome = mail.plain(kMail, context);

  EXPECT_EQ(outcome.error, "Provider.NotConfigured");
  EXPECT_NE(outcome.cause->find("ORCHESTRATOR_MAIL_URL"), std::string::npos);
}

TEST(DemoStory, TellsWhatHappenedWithItsTimes) {
  const Json run = {{"workflow", "wallet-topup"}, {"key", "pay-1"}, {"run_id", "r-1"}};
  const Json items = {{{"at", "2026-01-01T00:00:00.000Z"}, {"type", "ExecutionStarted"}},
                      {{"at", "2026-01-01T00:00:01.500Z"},
                       {"type", "TaskScheduled"},
                       {"state_name", "Credit"},
                       {"handler", "wallet.credit"},
                       {"attempt", 2}}};

  const std::string story = tell_story(run, items);

  EXPECT_NE(story.find("wallet-topup pay-1 (r-1)"), std::string::npos);
  EXPECT_NE(story.find("1.500 s  Credit: wallet.credit, attempt 2"), std::string::npos);
}

}  // namespace
}  // namespace orchestrator::tools
