// The operator page's files, and the session with which somebody is signed in on it.
#include <atomic>

#include "api/page_session.hpp"
#include "tests/http/api_server.hpp"

namespace orchestrator::api {
namespace {

class HttpPage : public ApiServer {
 protected:
  void SetUp() override {
    ApiOptions options;
    options.now = [this] { return from_micros(now_micros_); };
    options.peer_secret = "shared by the nodes";
    options.keys.push_back(
        {.name = "vera", .key = kViewerKey, .role = Role::viewer, .namespaces = {"default", "shop"}});
    start(std::move(options), ServerOptions{});
  }

  /// The cookie of a new session, as the browser sends it back.
  std::string sign_in(const std::string& key) {
    const auto response = call_as("POST", "/v1/session", R"({"key":")" + key + R"("})", {});
    EXPECT_EQ(response.status, 200) << response.body;
    const std::string set = response.header("set-cookie");
    return set.substr(0, set.find(';'));
  }

  static constexpr const char* kViewerKey = "viewer-key-0123456789";
  std::atomic<std::int64_t> now_micros_{1'800'000'000'000'000};
};

TEST_F(HttpPage, EveryScreenIsTheSameFile) {
  const auto front = call_as("GET", "/", "", {});

  ASSERT_EQ(front.status, 200);
  EXPECT_EQ(front.header("content-type"), "text/html; charset=utf-8");
  EXPECT_NE(front.header("content-security-policy").find("script-src 'self'"), std::string::npos);
  EXPECT_EQ(front.header("content-security-policy").find("unsafe"), std::string::npos);
  EXPECT_EQ(front.header("cache-control"), "no-cache");
  for (const char* path : {"/runs", "/runs/0199", "/dead-letters", "/workflows/order", "/nodes"}) {
    EXPECT_EQ(call_as("GET", path, "", {}).body, front.body) << path;
  }
}

TEST_F(HttpPage, UnknownFilesAreNotFound) {
  expect_problem(call_as("GET", "/assets/none.js", "", {}), 404, "no-such-route");
  expect_problem(call_as("GET", "/elsewhere", "", {}), 404, "no-such-route");
}

TEST_F(HttpPage, UnchangedFileIsNotSentAgain) {
  const auto first = call_as("GET", "/", "", {});

  const auto again = call_as("GET", "/", "", {{"If-None-Match", first.header("etag")}});

  EXPECT_EQ(again.status, 304);
  EXPECT_EQ(again.body, "");
  EXPECT_EQ(again.header("etag"), first.header("etag"));
}

TEST_F(HttpPage, SessionShowsWhoItIsAndHidesTheKey) {
  const auto response = call_as("POST", "/v1/session", R"({"key":"viewer-key-0123456789"})", {});

  ASSERT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(response.json().at("actor"), "vera");
  EXPECT_EQ(response.json().at("role"), "viewer");
  EXPECT_EQ(response.json().at("namespace"), "default");
  EXPECT_EQ(response.json().at("namespaces"), Json::array({"default", "shop"}));
  EXPECT_TRUE(response.json().at("expires_at").is_string());
  const std::string cookie = response.header("set-cookie");
  EXPECT_NE(cookie.find("HttpOnly"), std::string::npos);
  EXPECT_NE(cookie.find("SameSite=Strict"), std::string::npos);
  EXPECT_EQ(cookie.find(kViewerKey), std::string::npos);
  EXPECT_EQ(response.body.find(kViewerKey), std::string::npos);
  EXPECT_EQ(response.header("cache-control"), "no-store");
}

TEST_F(HttpPage, OverTlsTheCookieNeverTravelsWithoutIt) {
  const auto response = call_as("POST", "/v1/session", R"({"key":"viewer-key-0123456789"})",
                                {{"Origin", "https://orchestrator.example"}});

  EXPECT_NE(response.header("set-cookie").find("; Secure"), std::string::npos);
}

TEST_F(HttpPage, WrongKeyOpensNoSession) {
  const auto response = call_as("POST", "/v1/session", R"({"key":"wrong-key-0123456789"})", {});

  expect_problem(response, 401, "unauthenticated");
  EXPECT_EQ(response.header("set-cookie"), "");
  expect_problem(call_as("POST", "/v1/session", R"({"key":"a","more":1})", {}), 422, "invalid-body");
  expect_problem(call_as("GET", "/v1/session", "", {}), 401, "unauthenticated");
}

TEST_F(HttpPage, SessionMayWhatItsKeyMay) {
  const std::string cookie = sign_in(kViewerKey);

  EXPECT_EQ(call_as("GET", "/v1/runs", "", {{"Cookie", cookie}}).status, 200);
  EXPECT_EQ(call_as("GET", "/v1/session", "", {{"Cookie", "other=1; " + cookie}}).json().at("actor"), "vera");
  EXPECT_EQ(call_as("GET", "/v1/runs", "", {{"Cookie", cookie}, {"Orchestrator-Namespace", "shop"}}).status, 200);
  expect_problem(call_as("GET", "/v1/runs", "", {{"Cookie", cookie}, {"Orchestrator-Namespace", "stall"}}), 403,
                 "forbidden");
  expect_problem(
      call_as("POST", "/v1/namespaces", R"({"name":"x"})", {{"Cookie", cookie}, {"Sec-Fetch-Site", "same-origin"}}),
      403, "forbidden");
}

TEST_F(HttpPage, OnlyThePageItselfMayWriteWithASession) {
  const std::string cookie = sign_in(kAdminKey);
  const auto create = [&](const ClientHeaders& more) {
    ClientHeaders headers = more;
    headers.emplace_back("Cookie", cookie);
    return call_as("POST", "/v1/namespaces", R"({"name":"stall"})", headers);
  };

  expect_problem(create({}), 403, "forbidden");
  expect_problem(create({{"Sec-Fetch-Site", "same-site"}}), 403, "forbidden");
  expect_problem(create({{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://elsewhere.example"}}), 403, "forbidden");
  expect_problem(create({{"Origin", "https://elsewhere.example"}}), 403, "forbidden");
  EXPECT_EQ(create({{"Sec-Fetch-Site", "same-origin"}}).status, 201);
}

TEST_F(HttpPage, SessionEndsWithItsTime) {
  const std::string cookie = sign_in(kViewerKey);
  const auto life = std::chrono::duration_cast<std::chrono::microseconds>(kPageSessionLife).count();

  now_micros_ += life - 1;
  EXPECT_EQ(call_as("GET", "/v1/session", "", {{"Cookie", cookie}}).status, 200);
  now_micros_ += 1;

  expect_problem(call_as("GET", "/v1/session", "", {{"Cookie", cookie}}), 401, "unauthenticated");
}

TEST_F(HttpPage, SignedOutSessionIsOver) {
  const std::string cookie = sign_in(kViewerKey);
  const std::string other = sign_in(kViewerKey);

  const auto out = call_as("DELETE", "/v1/session", "", {{"Cookie", cookie}, {"Sec-Fetch-Site", "same-origin"}});

  EXPECT_EQ(out.status, 204);
  EXPECT_NE(out.header("set-cookie").find("Max-Age=0"), std::string::npos);
  expect_problem(call_as("GET", "/v1/session", "", {{"Cookie", cookie}}), 401, "unauthenticated");
  EXPECT_EQ(call_as("GET", "/v1/session", "", {{"Cookie", other}}).status, 200);
}

TEST_F(HttpPage, SessionSurvivesARestartAndEndsWithItsKey) {
  const std::string cookie = sign_in(kViewerKey);

  SetUp();
  EXPECT_EQ(call_as("GET", "/v1/session", "", {{"Cookie", cookie}}).status, 200);

  ApiOptions without_key;
  without_key.now = [this] { return from_micros(now_micros_); };
  without_key.peer_secret = "shared by the nodes";
  start(std::move(without_key), ServerOptions{});
  expect_problem(call_as("GET", "/v1/session", "", {{"Cookie", cookie}}), 401, "unauthenticated");
}

TEST_F(HttpPage, ForgedCookiesAreNoSession) {
  const std::string cookie = sign_in(kViewerKey);
  std::string changed = cookie;
  changed.back() = changed.back() == '0' ? '1' : '0';

  for (const std::string& forged :
       {changed, std::string("orchestrator_session=zz"), std::string("orchestrator_session=")}) {
    expect_problem(call_as("GET", "/v1/session", "", {{"Cookie", forged}}), 401, "unauthenticated");
  }
}

}  // namespace
}  // namespace orchestrator::api
