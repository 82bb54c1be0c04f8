#include <gmock/gmock.h>

#include <atomic>
#include <map>
#include <mutex>

#include "orchestrator/digest/digest.hpp"
#include "orchestrator/digest/encoding.hpp"
#include "tests/http/api_server.hpp"
#include "tests/support/vectors/payment_vectors.hpp"

namespace orchestrator::api {
namespace {

using testing_support::payment_vector;
using testing_support::webhook_vector;

std::string percent_encoded(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (plain) {
      out += c;
    } else {
      out += "%" + digest::to_hex(std::string_view(&c, 1));
    }
  }
  return out;
}

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

  static std::string hmac_endpoint(const std::string& key_path) {
    return R"({"name":"shop","provider":"generic_hmac","secrets":["s"],"signal":{"name":"n","key":")" + key_path +
           "\"}}";
  }
  void create_hmac(const std::string& key_path) { ASSERT_EQ(create(hmac_endpoint(key_path)).status, 201); }
  void put_hmac(const std::string& key_path) {
    ASSERT_EQ(call("PUT", "/v1/webhook-endpoints/shop", hmac_endpoint(key_path)).status, 200);
  }
  ClientResponse deliver_hmac(const std::string& body) {
    const std::string signature = digest::to_hex(digest::hmac(digest::Algorithm::sha256, "s", body));
    return call_as("POST", "/hooks/default/shop", body, {{"X-Signature", signature}, {"X-Trace", "t-1"}});
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
  ASSERT_EQ(service_.webhooks().arrivals().size(), 1U);
  const auto arrival = service_.webhooks().arrivals()[0];
  EXPECT_EQ(arrival.namespace_name, "default");
  EXPECT_EQ(arrival.provider, "payfast");
  EXPECT_EQ(arrival.dedupe_key, "10000100/2577735/COMPLETE");
  EXPECT_EQ(arrival.signal_name, "itn");
  ASSERT_EQ(arrival.signals.size(), 1U);
  EXPECT_EQ(arrival.signals[0].key, "topup-0001");
  EXPECT_EQ(arrival.signals[0].id, "10000100/2577735/COMPLETE");
  EXPECT_EQ(arrival.start->workflow, "topup");
  EXPECT_FALSE(arrival.poison);
  EXPECT_EQ(json_of(arrival.signals.at(0).payload).at("item_name"), "Wallet top-up ~ R150 (Zanele & Co)*");
  EXPECT_EQ(json_of(arrival.signals.at(0).payload).at("itn_parameters"), vector_.at("base"));
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

  EXPECT_TRUE(service_.webhooks().arrivals().empty());
  EXPECT_EQ(rejected_, 4);
}

TEST_F(HttpWebhooks, FieldsAfterTheSignatureAreNotBelieved) {
  create_payfast();

  EXPECT_EQ(deliver(signed_body("jt7NOE43FZPn") + "&amount_gross=9999.00").status, 200);

  EXPECT_EQ(json_of(service_.webhooks().arrivals().at(0).signals.at(0).payload).at("amount_gross"), "150.00");
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
  EXPECT_TRUE(service_.webhooks().arrivals().empty());
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
  EXPECT_TRUE(service_.webhooks().arrivals().empty());
}

TEST_F(HttpWebhooks, SignedButUnreadableIsKeptAsPoison) {
  create_payfast(R"([""])");
  const std::string body = "hello=1";

  // MD5 of `hello=1`: a good signature over fields that no notification has.
  const auto response = deliver(body + "&signature=f1fe70d623ca42b1fbbe5c7513a83058");

  expect_problem(response, 400, "malformed-webhook");
  ASSERT_EQ(service_.webhooks().arrivals().size(), 1U);
  EXPECT_TRUE(service_.webhooks().arrivals()[0].poison);
  EXPECT_TRUE(service_.webhooks().arrivals()[0].signals.empty());
  EXPECT_EQ(rejected_, 0);
}

TEST_F(HttpWebhooks, StoreThatIsAwayAsksForARepeat) {
  create_payfast();
  service_.webhooks().fail_next(Error(ErrorCode::unavailable, "the database does not answer"));

  const auto response = deliver(signed_body("jt7NOE43FZPn"));

  expect_problem(response, 503, "unavailable");
  EXPECT_EQ(response.header("retry-after"), "1");
}

TEST_F(HttpWebhooks, UnknownEndpointIsNotFound) {
  expect_problem(call_as("POST", "/hooks/default/nope", "x", {}), 404, "not-found");
  expect_problem(call_as("POST", "/hooks/bad%20one/nope", "x", {}), 404, "not-found");
  expect_problem(call_as("GET", "/hooks/default/pf", "", {}), 404, "not-found");
  EXPECT_EQ(call_as("PUT", "/hooks/default/pf", "", {}).status, 405);
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
  const auto arrival = service_.webhooks().arrivals().at(0);
  EXPECT_EQ(arrival.signals.at(0).key, "MT7850590068188104");
  EXPECT_EQ(json_of(arrival.signals.at(0).payload).at("code"), "PAYMENT_SUCCESS");
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

TEST_F(HttpWebhooks, TakenNameIsAConflictAndPutReplaces) {
  create_payfast();

  const auto again =
      create(R"({"name":"pf","provider":"stripe","secrets":["whsec_x"],"signal":{"name":"n","key":"$.id"}})");
  const auto replaced = call("PUT", "/v1/webhook-endpoints/pf",
                             R"({"provider":"stripe","secrets":["whsec_x"],"signal":{"name":"n","key":"$.id"}})");
  const auto made =
      call("PUT", "/v1/webhook-endpoints/other",
           R"({"name":"other","provider":"stripe","secrets":["whsec_x"],"signal":{"name":"n","key":"$.id"}})");
  const auto misnamed =
      call("PUT", "/v1/webhook-endpoints/pf",
           R"({"name":"x","provider":"stripe","secrets":["whsec_x"],"signal":{"name":"n","key":"$.id"}})");

  EXPECT_EQ(again.status, 409) << again.body;
  EXPECT_EQ(replaced.status, 200) << replaced.body;
  EXPECT_EQ(replaced.json().at("provider"), "stripe");
  EXPECT_EQ(made.status, 201) << made.body;
  expect_problem(misnamed, 422, "invalid-body");
}

TEST_F(HttpWebhooks, ReplacedEndpointCountsAtOnce) {
  create_payfast();
  ASSERT_EQ(deliver(signed_body("jt7NOE43FZPn")).status, 200);

  ASSERT_EQ(call("PUT", "/v1/webhook-endpoints/pf",
                 R"({"provider":"payfast","secrets":["another"],"signal":{"name":"itn","key":"$.m_payment_id"},
                     "options":{"allowed_sources":null}})")
                .status,
            200);

  expect_problem(deliver(signed_body("jt7NOE43FZPn")), 401, "unauthenticated");
}

TEST_F(HttpWebhooks, DeletedEndpointIsGoneAtOnce) {
  create_payfast();
  ASSERT_EQ(deliver(signed_body("jt7NOE43FZPn")).status, 200);

  EXPECT_EQ(call("DELETE", "/v1/webhook-endpoints/pf").status, 204);

  expect_problem(deliver(signed_body("jt7NOE43FZPn")), 404, "not-found");
  expect_problem(call("DELETE", "/v1/webhook-endpoints/pf"), 404, "not-found");
  EXPECT_EQ(call("GET", "/v1/webhook-deliveries").json().at("items").size(), 1U) << "its deliveries stay";
}

TEST_F(HttpWebhooks, EndpointsAreListedInPages) {
  for (const char* name : {"a", "b", "c"}) {
    create(std::string(R"({"name":")") + name +
           R"(","provider":"stripe","secrets":["s"],"signal":{"name":"n","key":"$.id"}})");
  }

  const auto first = call("GET", "/v1/webhook-endpoints?limit=2").json();
  const auto second =
      call("GET", "/v1/webhook-endpoints?limit=2&cursor=" + percent_encoded(first.at("next_cursor"))).json();

  EXPECT_EQ(first.at("items").size(), 2U);
  ASSERT_EQ(second.at("items").size(), 1U);
  EXPECT_EQ(second.at("items").at(0).at("name"), "a");
  EXPECT_TRUE(second.at("next_cursor").is_null());
}

TEST_F(HttpWebhooks, OptionsAreThoseOfTheProvider) {
  const auto with = [&](const char* provider, const char* secrets, const char* options) {
    return create(std::string(R"({"name":"x","provider":")") + provider + R"(","secrets":)" + secrets +
                  R"(,"signal":{"name":"n","key":"$.id"},"options":)" + options + "}");
  };

  expect_problem(with("stripe", R"(["s"])", R"({"webhook_id":"w"})"), 422, "invalid-body");
  expect_problem(with("paypal", "[]", "{}"), 422, "invalid-body");
  expect_problem(with("pubsub", "[]", R"({"audience":"a"})"), 422, "invalid-body");
  expect_problem(with("pubsub", R"(["s"])", R"({"audience":"a","service_account":"s"})"), 422, "invalid-body");
  expect_problem(with("pubsub", "[]", R"({"audience":"a","service_account":"s","key_set_url":"http://evil/"})"), 422,
                 "invalid-body");
  expect_problem(with("stripe", "[]", "{}"), 422, "invalid-body");
  expect_problem(with("evolution", R"(["plain"])", "{}"), 422, "invalid-body");
  expect_problem(with("stripe", R"(["***"])", "{}"), 422, "invalid-body");
  EXPECT_EQ(with("pubsub", "[]", R"({"audience":"a","service_account":"s"})").status, 201);
}

TEST_F(HttpWebhooks, WhatsAppRegistrationGetsItsChallengeBack) {
  secrets_["VERIFY"] = "tok-1";
  ASSERT_EQ(create(R"({"name":"wa","provider":"whatsapp","secrets":["app"],"signal":{"name":"n","key":"$.id"},
                       "options":{"verify_token":"env:VERIFY"}})")
                .status,
            201);
  const std::string path = "/hooks/default/wa?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=";

  const auto right = call_as("GET", path + "tok-1", "", {});
  const auto wrong = call_as("GET", path + "tok-2", "", {});

  EXPECT_EQ(right.status, 200);
  EXPECT_EQ(right.body, "1158201444");
  EXPECT_EQ(right.header("content-type"), "text/plain");
  expect_problem(wrong, 403, "forbidden");
  expect_problem(call_as("GET", "/hooks/default/wa", "", {}), 403, "forbidden");
  EXPECT_EQ(call("GET", "/v1/webhook-endpoints/wa").json().at("options").at("verify_token"), "env:VERIFY");
}

TEST_F(HttpWebhooks, ChallengeIsForWhatsAppOnly) {
  create_payfast();

  const auto response = call_as("GET", "/hooks/default/pf?hub.mode=subscribe", "", {});

  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(response.header("allow"), "POST");
}

TEST_F(HttpWebhooks, WhatsAppMaySendLongerBodiesThanOthers) {
  ASSERT_EQ(
      create(R"({"name":"wa","provider":"whatsapp","secrets":["app"],"signal":{"name":"n","key":"$.id"}})").status,
      201);
  create_payfast();
  const std::string two_mebibytes(2 * 1024 * 1024, ' ');

  EXPECT_EQ(call_as("POST", "/hooks/default/wa", two_mebibytes, {}).status, 401);
  expect_problem(call_as("POST", "/hooks/default/pf", two_mebibytes, {}), 413, "payload-too-large");
  EXPECT_EQ(call_as("POST", "/hooks/default/wa", std::string(3 * 1024 * 1024 + 1, ' '), {}).status, 413);
}

TEST_F(HttpWebhooks, EventWithoutTheKeyIsKeptAndConcernsNobody) {
  create_hmac("$.order_id");

  const auto response = deliver_hmac(R"({"id":"e-1"})");

  EXPECT_EQ(response.status, 200) << response.body;
  ASSERT_EQ(service_.webhooks().arrivals().size(), 1U);
  EXPECT_TRUE(service_.webhooks().arrivals()[0].signals.empty());
  const Json item = call("GET", "/v1/webhook-deliveries").json().at("items").at(0);
  EXPECT_EQ(item.at("verdict"), "accepted");
  EXPECT_EQ(item.at("fate"), "unmatched");
  EXPECT_TRUE(item.at("signal_id").is_null());
  EXPECT_TRUE(item.at("reason").is_string());
}

TEST_F(HttpWebhooks, DeliveriesShowWhatWasReceived) {
  create_hmac("$.id");
  ASSERT_EQ(deliver_hmac(R"({"id":"e-1"})").status, 200);
  ASSERT_EQ(deliver_hmac(R"({"id":"e-1"})").status, 200);
  ASSERT_EQ(deliver_hmac("no json").status, 400);

  const Json all = call("GET", "/v1/webhook-deliveries").json();
  const Json poison = call("GET", "/v1/webhook-deliveries?verdict=poison").json();
  const Json repeated =
      call("GET", "/v1/webhook-deliveries?verdict=duplicate&endpoint=shop&provider=generic_hmac").json();

  ASSERT_EQ(all.at("items").size(), 2U);
  ASSERT_EQ(poison.at("items").size(), 1U);
  EXPECT_TRUE(poison.at("items").at(0).at("signal_id").is_null());
  ASSERT_EQ(repeated.at("items").size(), 1U);
  const Json& item = repeated.at("items").at(0);
  EXPECT_EQ(item.at("duplicates"), 1);
  EXPECT_EQ(item.at("altered_duplicates"), 0);
  EXPECT_EQ(item.at("body_base64"), digest::to_base64(R"({"id":"e-1"})"));
  EXPECT_EQ(item.at("headers").at("X-Trace"), "t-1");
  EXPECT_EQ(call("GET", "/v1/webhook-deliveries/" + item.at("delivery_id").get<std::string>()).json(), item);
  EXPECT_EQ(call("GET", "/v1/webhook-deliveries?endpoint=other").json().at("items").size(), 0U);
  expect_problem(call("GET", "/v1/webhook-deliveries?verdict=forged"), 400, "invalid-parameter");
  expect_problem(call("GET", "/v1/webhook-deliveries/nope"), 404, "not-found");
}

TEST_F(HttpWebhooks, RawBodiesAreNotForViewers) {
  ApiOptions options;
  options.keys.push_back(
      {.name = "viewer", .key = "viewer-key-0123456789", .role = Role::viewer, .namespaces = {"default"}});
  start(std::move(options), ServerOptions{});
  create_hmac("$.id");
  ASSERT_EQ(deliver_hmac(R"({"id":"e-1"})").status, 200);
  const ClientHeaders viewer{{"Authorization", "Bearer viewer-key-0123456789"}};

  const Json item = call_as("GET", "/v1/webhook-deliveries", "", viewer).json().at("items").at(0);
  const std::string path = "/v1/webhook-deliveries/" + item.at("delivery_id").get<std::string>();

  EXPECT_TRUE(item.at("body_base64").is_null());
  EXPECT_TRUE(call_as("GET", path, "", viewer).json().at("body_base64").is_null());
  EXPECT_EQ(call_as("POST", path + "/replay", "", viewer).status, 403);
}

TEST_F(HttpWebhooks, ReplayReadsTheBodyAgainWithTheEndpointAsItIsNow) {
  create_hmac("$.nothing");
  ASSERT_EQ(deliver_hmac(R"({"id":"e-1","order":7})").status, 200);
  const Json item = call("GET", "/v1/webhook-deliveries").json().at("items").at(0);
  const std::string path = "/v1/webhook-deliveries/" + item.at("delivery_id").get<std::string>() + "/replay";

  const auto without_key = call("POST", path);
  put_hmac("$.order");
  const auto first = call("POST", path, R"({"reason":"the key was wrong"})");
  const auto second = call("POST", path);

  expect_problem(without_key, 409, "wrong-state");
  EXPECT_EQ(first.status, 202) << first.body;
  EXPECT_EQ(first.json().at("fate"), "buffered");
  EXPECT_EQ(first.json().at("replay"), 1);
  EXPECT_EQ(second.json().at("replay"), 2);
  ASSERT_EQ(service_.webhooks().replays().size(), 2U);
  const auto replay = service_.webhooks().replays()[0];
  EXPECT_EQ(replay.signals.at(0).key, "7");
  EXPECT_EQ(replay.signals.at(0).id, item.at("dedupe_key").get<std::string>());
  expect_problem(call("POST", path, R"({"why":"x"})"), 422, "invalid-body");
}

TEST_F(HttpWebhooks, ReplayOfWhatHasNoEndpointIsRefused) {
  create_hmac("$.id");
  ASSERT_EQ(deliver_hmac(R"({"id":"e-1"})").status, 200);
  const Json item = call("GET", "/v1/webhook-deliveries").json().at("items").at(0);
  ASSERT_EQ(call("DELETE", "/v1/webhook-endpoints/shop").status, 204);

  const std::string id = item.at("delivery_id");
  expect_problem(call("POST", "/v1/webhook-deliveries/" + id + "/replay"), 409, "wrong-state");
}

TEST_F(HttpWebhooks, EvolutionMayNameItsEventInTheAddress) {
  ASSERT_EQ(create(R"({"name":"evo","provider":"evolution","secrets":["header:X-Key=hook-secret"],
                       "signal":{"name":"n","key":"$.instance"}})")
                .status,
            201);
  create_payfast();
  const std::string body =
      R"({"event":"messages.upsert","instance":"i","data":{"key":{"id":"m"}},"apikey":"instance-key-1"})";

  const auto response = call_as("POST", "/hooks/default/evo/messages-upsert", body, {{"X-Key", "hook-secret"}});

  EXPECT_EQ(response.status, 200) << response.body;
  const auto arrival = service_.webhooks().arrivals().at(0);
  EXPECT_EQ(arrival.body.find("instance-key-1"), std::string::npos) << "the instance's key is not stored";
  EXPECT_EQ(json_of(arrival.headers).at("X-Key"), "***");
  expect_problem(call_as("POST", "/hooks/default/pf/x", "", {}), 404, "no-such-route");
}

/// Webhooks that are believed through keys which somebody else publishes.
class HttpTokenWebhooks : public ApiServer {
 protected:
  void SetUp() override {
    ApiOptions options;
    options.fetch_document = [this](std::string, std::function<void(Result<std::string>)> done) {
      const std::lock_guard lock(mutex_);
      waiting_.push_back(std::move(done));
    };
    options.now = [] { return Timestamp{std::chrono::seconds{1'763'613'000}}; };
    start(std::move(options), ServerOptions{});
    ASSERT_EQ(call("POST", "/v1/webhook-endpoints",
                   R"({"name":"gcs","provider":"pubsub","signal":{"name":"n","key":"$.message.messageId"},
                       "options":{"audience":"https://hooks.example/in/gcs",
                                  "service_account":"pusher@proj.iam.gserviceaccount.com"}})")
                  .status,
              201);
  }

  void publish_keys() {
    std::vector<std::function<void(Result<std::string>)>> waiting;
    {
      const std::lock_guard lock(mutex_);
      waiting.swap(waiting_);
    }
    ASSERT_EQ(waiting.size(), 1U) << "asked for when the endpoint was made";
    waiting[0](webhook_vector("jwks").dump());
  }

  ClientResponse push(const std::string& body) {
    const Json vector = webhook_vector("pubsub-push-jwt");
    const auto part = [&](const char* member) {
      std::string encoded = digest::to_base64(vector.at(member).get<std::string>());
      while (encoded.ends_with('=')) encoded.pop_back();
      for (char& c : encoded) c = c == '+' ? '-' : c == '/' ? '_' : c;
      return encoded;
    };
    const std::string token =
        part("jwt_header") + "." + part("jwt_payload") + "." + vector.at("jwt_signature").get<std::string>();
    return call_as("POST", "/hooks/default/gcs", body, {{"Authorization", "Bearer " + token}});
  }

  std::mutex mutex_;
  std::vector<std::function<void(Result<std::string>)>> waiting_;
};

TEST_F(HttpTokenWebhooks, PushIsToldToComeAgainUntilTheKeysAreThere) {
  const std::string body = R"({"message":{"messageId":"m-1"}})";

  const auto early = push(body);
  publish_keys();
  const auto late = push(body);

  expect_problem(early, 503, "unavailable");
  EXPECT_EQ(early.header("retry-after"), "1");
  EXPECT_EQ(late.status, 200) << late.body;
  EXPECT_EQ(service_.webhooks().arrivals().at(0).signals.at(0).key, "m-1");
}

TEST_F(HttpTokenWebhooks, PoisonIsParkedSoThatItDoesNotComeForEver) {
  publish_keys();

  const auto response = push("no json");

  EXPECT_EQ(response.status, 204);
  EXPECT_TRUE(service_.webhooks().arrivals().at(0).poison);
}

}  // namespace
}  // namespace orchestrator::api
