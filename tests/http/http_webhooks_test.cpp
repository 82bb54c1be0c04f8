#include <gmock/gmock.h>

#include <atomic>
#include <map>

#include "tests/http/api_server.hpp"
#include "tests/support/vectors/payment_vectors.hpp"

namespace orchestrator::api {
namespace {

using testing_support::payment_vector;

class HttpWebhooks : public ApiServer {
 protected:
  void SetUp() override {
    ApiOptions options;
    options.secret_of = [this](const std::string& name) -> std::optional<std::string> {
      const auto found = secrets_.find(name);
      return found == secrets_.end() ? std::nullopt : std::optional(found->second);
    };
    options.on_webhook_rejected = [this](const std::string& provider) { rejected_ += provider == "payfast" ? 1 : 100; };
    start(std::move(options), ServerOptions{});
    vector_ = payment_vector("payfast-itn");
  }

  ClientResponse create(const std::string& body) { return call("POST", "/v1/webhook-endpoints", body); }

  void create_payfast(const std::string& secrets = R"(["env:PAYFAST_PASSPHRASE"])",
                      const std::string& sources = "null") {
    const auto response = create(R"({"name":"pf","provider":"payfast","secrets":)" + secrets +
                                 R"(,"signal":{"name":"itn","key":"$.m_payment_id"},"start":{"workflow":"topup"},
                                    "options":{"allowed_sources":)" +
                                 sources + "}}");
    ASSERT_EQ(response.status, 201) << response.body;
  }

  [[nodiscard]] std::string signed_body(const std::string& passphrase) const {
    return vector_.at("base").get<std::string>() +
           "&signature=" + vector_.at("expect").at(passphrase).get<std::string>();
  }

  ClientResponse deliver(const std::string& body, const ClientHeaders& headers = {}) {
    return call_as("POST", "/hooks/default/pf", body, headers);
  }

  std::map<std::string, std::string> secrets_{{"PAYFAST_PASSPHRASE", "jt7NOE43FZPn"}};
  std::atomic<int> rejected_{0};
  Json vector_;
};

TEST_F(HttpWebhooks, SignedNotificationIsStoredAndAnsweredWithAnEmptyOk) {
  create_payfast();

  const auto response = deliver(signed_body("jt7NOE43FZPn"), {{"Authorization", "secret"}, {"X-Trace", "1"}});

  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "");
  ASSERT_EQ(service_.webhooks().size(), 1U);
  const auto arrival = service_.webhooks()[0];
  EXPECT_EQ(arrival.namespace_name, "default");
  EXPECT_EQ(arrival.provider, "payfast");
  EXPECT_EQ(arrival.dedupe_key, "10000100/2577735/COMPLETE");
  EXPECT_EQ(arrival.signal_name, "itn");
  EXPECT_EQ(arrival.signal_key, "topup-0001");
  EXPECT_EQ(arrival.start->workflow, "topup");
  EXPECT_FALSE(arrival.poison);
  EXPECT_EQ(json_of(arrival.payload).at("item_name"), "Wallet top-up ~ R150 (Zanele & Co)*");
  EXPECT_EQ(json_of(arrival.payload).at("itn_parameters"), vector_.at("base"));
  EXPECT_EQ(arrival.body, signed_body("jt7NOE43FZPn"));
  EXPECT_EQ(json_of(arrival.headers).at("Authorization"), "***");
  EXPECT_EQ(json_of(arrival.headers).at("X-Trace"), "1");
}

TEST_F(HttpWebhooks, ReplayedWebhookIsTheSameOk) {
  create_payfast();

  EXPECT_EQ(deliver(signed_body("jt7NOE43FZPn")).status, 200);
  EXPECT_EQ(deliver(signed_body("jt7NOE43FZPn")).status, 200);
}

TEST_F(HttpWebhooks, ForgedWebhookIsRefusedCountedAndNotStored) {
  create_payfast();
  std::string changed = signed_body("jt7NOE43FZPn");
  changed.replace(changed.find("150.00"), 6, "950.00");

  for (const std::string& body :
       {changed, vector_.at("base").get<std::string>(), std::string{}, signed_body("no_passphrase")}) {
    expect_problem(deliver(body), 401, "unauthenticated");
  }

  EXPECT_TRUE(service_.webhooks().empty());
  EXPECT_EQ(rejected_, 4);
}

TEST_F(HttpWebhooks, FieldsAfterTheSignatureAreNotBelieved) {
  create_payfast();

  EXPECT_EQ(deliver(signed_body("jt7NOE43FZPn") + "&amount_gross=9999.00").status, 200);

  EXPECT_EQ(json_of(service_.webhooks().at(0).payload).at("amount_gross"), "150.00");
}

TEST_F(HttpWebhooks, EachActiveSecretIsAccepted) {
  create_payfast(R"(["", "jt7NOE43FZPn"])");

  EXPECT_EQ(deliver(signed_body("jt7NOE43FZPn")).status, 200);
  EXPECT_EQ(deliver(signed_body("no_passphrase")).status, 200);
}

TEST_F(HttpWebhooks, WrongSourceIsForbidden) {
  create_payfast(R"(["env:PAYFAST_PASSPHRASE"])", R"(["197.97.145.144/28"])");

  expect_problem(deliver(signed_body("jt7NOE43FZPn")), 403, "forbidden");
  expect_problem(deliver(signed_body("jt7NOE43FZPn"), {{"X-Forwarded-For", "197.97.145.145"}}), 403, "forbidden");
  EXPECT_TRUE(service_.webhooks().empty());
  EXPECT_EQ(rejected_, 2);
}

TEST_F(HttpWebhooks, ForwardedSourceCountsBehindATrustedProxy) {
  ApiOptions options;
  options.trusted_proxies = {"127.0.0.0/8"};
  start(std::move(options), ServerOptions{});
  create_payfast(R"(["jt7NOE43FZPn"])", R"(["197.97.145.144/28"])");

  EXPECT_EQ(deliver(signed_body("jt7NOE43FZPn"), {{"X-Forwarded-For", "10.0.0.1, 197.97.145.145"}}).status, 200);
  EXPECT_EQ(deliver(signed_body("jt7NOE43FZPn"), {{"X-Forwarded-For", "197.97.145.145, 10.0.0.1"}}).status, 403);
}

TEST_F(HttpWebhooks, MissingSecretNamesTheVariableAndStoresNothing) {
  create_payfast();
  secrets_.clear();

  const auto response = deliver(signed_body("jt7NOE43FZPn"));

  expect_problem(response, 503, "missing-secret");
  EXPECT_EQ(response.json().at("variable"), "PAYFAST_PASSPHRASE");
  EXPECT_TRUE(service_.webhooks().empty());
}

TEST_F(HttpWebhooks, SignedButUnreadableIsKeptAsPoison) {
  create_payfast(R"([""])");
  const std::string body = "hello=1";

  // MD5 of `hello=1`: a good signature over fields that no notification has.
  const auto response = deliver(body + "&signature=f1fe70d623ca42b1fbbe5c7513a83058");

  expect_problem(response, 400, "malformed-webhook");
  ASSERT_EQ(service_.webhooks().size(), 1U);
  EXPECT_TRUE(service_.webhooks()[0].poison);
  EXPECT_EQ(service_.webhooks()[0].signal_key, "");
  EXPECT_EQ(rejected_, 0);
}

TEST_F(HttpWebhooks, StoreThatIsAwayAsksForARepeat) {
  create_payfast();
  service_.fail_next(Error(ErrorCode::unavailable, "the database does not answer"));

  const auto response = deliver(signed_body("jt7NOE43FZPn"));

  expect_problem(response, 503, "unavailable");
  EXPECT_EQ(response.header("retry-after"), "1");
}

TEST_F(HttpWebhooks, UnknownEndpointIsNotFound) {
  expect_problem(call_as("POST", "/hooks/default/nope", "x", {}), 404, "not-found");
  expect_problem(call_as("POST", "/hooks/bad%20one/nope", "x", {}), 404, "not-found");
  EXPECT_EQ(call_as("GET", "/hooks/default/pf", "", {}).status, 405);
}

TEST_F(HttpWebhooks, PhonePeCallbackBecomesItsDecodedResponse) {
  const Json vector = payment_vector("phonepe-v1-callback");
  const auto created =
      create(R"({"name":"pf","provider":"phonepe_v1","signal":{"name":"paid","key":"$.data.merchantTransactionId"},
                                  "secrets":[")" +
             vector.at("salt").get<std::string>() + "###1\"]}");
  ASSERT_EQ(created.status, 201) << created.body;

  const auto response =
      deliver(vector.at("body").get<std::string>(), {{"X-VERIFY", vector.at("x_verify").get<std::string>()}});

  EXPECT_EQ(response.status, 200);
  const auto arrival = service_.webhooks().at(0);
  EXPECT_EQ(arrival.signal_key, "MT7850590068188104");
  EXPECT_EQ(json_of(arrival.payload).at("code"), "PAYMENT_SUCCESS");
}

TEST_F(HttpWebhooks, EndpointNeverShowsLiteralSecrets) {
  const auto created = create(R"({"name":"h","provider":"generic_hmac","secrets":["literal-secret","env:HOOK_SECRET"],
                                  "signal":{"name":"n","key":"$.id"}})");

  ASSERT_EQ(created.status, 201) << created.body;
  EXPECT_EQ(created.header("location"), "/v1/webhook-endpoints/h");
  EXPECT_EQ(created.json().at("secrets"), Json({"***", "env:HOOK_SECRET"}));
  EXPECT_EQ(created.json().at("url"), "/hooks/default/h");
  const auto listed = call("GET", "/v1/webhook-endpoints");
  EXPECT_EQ(listed.json().at("items").at(0), created.json());
  EXPECT_EQ(call("GET", "/v1/webhook-endpoints/h").json(), created.json());
}

TEST_F(HttpWebhooks, FaultsOfAnEndpointAreAllNamed) {
  const auto response = create(R"({"name":"a b","provider":"unheard","secrets":["env:1X", 5],
                                   "signal":{"name":"n","key":"$..id"},"options":{"allowed_sources":["300.1.1.1"],"colour":1}})");

  expect_problem(response, 422, "invalid-body");
  std::vector<std::string> pointers;
  const Json problem = response.json();
  for (const Json& fault : problem.at("errors")) pointers.push_back(fault.at("pointer"));
  const std::vector<std::string> expected{
      "/name", "/provider", "/secrets/0", "/secrets/1", "/signal/key", "/options/allowed_sources/0", "/options/colour"};
  EXPECT_THAT(pointers, ::testing::UnorderedElementsAreArray(expected));
}

TEST_F(HttpWebhooks, ProviderWithoutVerifierIsNotImplemented) {
  expect_problem(create(R"({"name":"s","provider":"stripe","secrets":["x"],"signal":{"name":"n","key":"$.id"}})"), 501,
                 "not-implemented");
}

}  // namespace
}  // namespace orchestrator::api
