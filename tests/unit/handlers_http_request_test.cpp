#include "handlers/http_request.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "handlers/http_outcome.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/handler/typed.hpp"
#include "tests/unit/handlers_http_server.hpp"

namespace orchestrator::handlers {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing_support::ScriptedServer;

std::string an_answer(const std::string& status, const std::string& headers, const std::string& body) {
  return "HTTP/1.1 " + status + "\r\n" + headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

class HttpRequestTest : public testing::Test {
 protected:
  HttpRequestTest() {
    context_.cancel_requested = &cancel_;
    context_.idempotency_key = "shop/order/42/Pay/1";
    context_.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    context_.now = parse_rfc3339("2026-01-01T00:00:00Z").value();
  }

  Outcome perform(const Json& input, bool allow_private = true) {
    const HandlerEntry entry = http_request_handler({.allow_private = allow_private, .trust = nullptr});
    return entry.plain(input, context_);
  }

  std::atomic<bool> cancel_ = false;
  TaskContext context_;
};

TEST_F(HttpRequestTest, AnswersStatusHeadersAndParsedBody) {
  ScriptedServer server(an_answer("201 Created", "Content-Type: application/json; charset=utf-8\r\n", R"({"id": 7})"));

  const Outcome outcome = perform({{"method", "POST"}, {"url", server.url("/things?a=b")}, {"body", {{"name", "x"}}}});

  ASSERT_EQ(outcome.kind, Outcome::Kind::completed) << outcome.cause.value_or("");
  EXPECT_EQ(outcome.output->at("status"), 201);
  EXPECT_EQ(outcome.output->at("headers").at("content-type"), "application/json; charset=utf-8");
  EXPECT_EQ(outcome.output->at("body").at("id"), 7);
  EXPECT_THAT(server.requests().front(),
              AllOf(HasSubstr("POST /things?a=b HTTP/1.1"), HasSubstr("Content-Type: application/json"),
                    HasSubstr(R"({"name":"x"})")));
}

TEST_F(HttpRequestTest, HandsTheIdempotencyKeyAndTraceOn) {
  ScriptedServer server(an_answer("200 OK", "", "fine"));

  const Outcome outcome = perform({{"url", server.url()}});

  EXPECT_EQ(outcome.output->at("body"), "fine");
  EXPECT_THAT(server.requests().front(), AllOf(HasSubstr("Idempotency-Key: shop/order/42/Pay/1\r\n"),
                                               HasSubstr("traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-")));
}

TEST_F(HttpRequestTest, KeepsAnIdempotencyKeyThatTheAuthorGave) {
  ScriptedServer server(an_answer("200 OK", "", ""));

  perform({{"url", server.url()}, {"headers", {{"idempotency-key", "mine"}}}});

  EXPECT_THAT(server.requests().front(), AllOf(HasSubstr("idempotency-key: mine"), Not(HasSubstr("shop/order"))));
}

TEST_F(HttpRequestTest, SendsAStringBodyAsItIs) {
  ScriptedServer server(an_answer("204 No Content", "", ""));

  perform({{"method", "put"}, {"url", server.url()}, {"body", "a=1&b=2"}});

  EXPECT_THAT(server.requests().front(), AllOf(HasSubstr("PUT / "), HasSubstr("\r\n\r\na=1&b=2")));
  EXPECT_THAT(server.requests().front(), Not(HasSubstr("Content-Type")));
}

TEST_F(HttpRequestTest, DoesNotFollowRedirects) {
  ScriptedServer server(an_answer("302 Found", "Location: /elsewhere\r\n", ""));

  const Outcome outcome = perform({{"url", server.url()}});

  EXPECT_EQ(outcome.output->at("status"), 302);
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST_F(HttpRequestTest, NamesTheStatusAndShowsTheBeginningOfTheBody) {
  ScriptedServer server(an_answer("503 Service Unavailable", "", "maintenance " + std::string(2000, 'x')));

  const Outcome outcome = perform({{"url", server.url("/pay?token=secret")}});

  EXPECT_EQ(outcome.kind, Outcome::Kind::failed);
  EXPECT_EQ(outcome.error, "Http.Status.503");
  EXPECT_TRUE(outcome.retryable);
  EXPECT_THAT(*outcome.cause, AllOf(HasSubstr("maintenance"), HasSubstr("/pay"), Not(HasSubstr("secret"))));
  EXPECT_LT(outcome.cause->size(), 700U);
}

TEST_F(HttpRequestTest, WaitsAsLongAsTheServerAsks) {
  ScriptedServer server(an_answer("429 Too Many Requests", "Retry-After: 17\r\n", ""));

  const Outcome outcome = perform({{"url", server.url()}});

  EXPECT_EQ(outcome.error, "Http.Status.429");
  EXPECT_EQ(outcome.delay, Duration(std::chrono::seconds(17)));
}

TEST_F(HttpRequestTest, DoesNotRetryWhatCanOnlyFailAgain) {
  ScriptedServer server(an_answer("422 Unprocessable Entity", "Retry-After: 17\r\n", ""));

  const Outcome outcome = perform({{"url", server.url()}});

  EXPECT_FALSE(outcome.retryable);
  EXPECT_FALSE(outcome.delay);
}

TEST_F(HttpRequestTest, DoesNotKnowWhatACutConnectionMeans) {
  ScriptedServer server([](auto&, const std::string&) {});

  const Outcome outcome = perform({{"method", "POST"}, {"url", server.url()}});

  EXPECT_EQ(outcome.kind, Outcome::Kind::unknown);
  EXPECT_EQ(outcome.error, "Http.ConnectionLost");
}

TEST_F(HttpRequestTest, DoesNotKnowWhatATruncatedAnswerMeans) {
  ScriptedServer server("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");

  EXPECT_EQ(perform({{"url", server.url()}}).error, "Http.ConnectionLost");
}

TEST_F(HttpRequestTest, DoesNotKnowWhatSilenceMeans) {
  ScriptedServer server([](auto& socket, const std::string&) { ScriptedServer::wait_for_close(socket); });

  const Outcome outcome = perform({{"url", server.url()}, {"timeout_seconds", 0.1}});

  EXPECT_EQ(outcome.kind, Outcome::Kind::unknown);
  EXPECT_EQ(outcome.error, "States.Timeout");
}

TEST_F(HttpRequestTest, KeepsToTheDeadlineOfTheAttempt) {
  ScriptedServer server([](auto& socket, const std::string&) { ScriptedServer::wait_for_close(socket); });
  context_.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(100);

  EXPECT_EQ(perform({{"url", server.url()}}).error, "States.Timeout");
}

TEST_F(HttpRequestTest, StopsWhenCancelled) {
  ScriptedServer server([this](auto& socket, const std::string&) {
    cancel_ = true;
    ScriptedServer::wait_for_close(socket);
  });

  const Outcome outcome = perform({{"url", server.url()}});

  EXPECT_EQ(outcome.kind, Outcome::Kind::unknown);
  EXPECT_THAT(*outcome.cause, HasSubstr("cancelled"));
}

TEST_F(HttpRequestTest, RetriesWhatWasNeverSent) {
  std::string url;
  {
    ScriptedServer server("");
    url = server.url();
  }

  const Outcome outcome = perform({{"url", url}});

  EXPECT_EQ(outcome.kind, Outcome::Kind::failed);
  EXPECT_EQ(outcome.error, "Http.ConnectFailed");
  EXPECT_TRUE(outcome.retryable);
}

TEST_F(HttpRequestTest, RefusesPrivateAddressesHoweverTheyAreWritten) {
  ScriptedServer server(an_answer("200 OK", "", ""));
  const std::string port = server.url().substr(server.url().rfind(':'));

  for (const char* host : {"127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "10.0.0.1",
                           "169.254.169.254"}) {
    const Outcome outcome = perform({{"url", std::string("http://") + host + port}}, false);

    EXPECT_EQ(outcome.error, "Http.AddressRefused") << host;
    EXPECT_FALSE(outcome.retryable);
  }
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(HttpRequestTest, RefusesAnAnswerThatIsTooLarge) {
  ScriptedServer server(an_answer("200 OK", "", std::string(kMaxHttpAnswerBytes + 1, 'x')));

  EXPECT_EQ(perform({{"url", server.url()}}).error, "Http.AnswerTooLarge");
}

TEST_F(HttpRequestTest, SkipsInterimAnswers) {
  ScriptedServer server("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + an_answer("200 OK", "", "real"));

  EXPECT_EQ(perform({{"url", server.url()}}).output->at("body"), "real");
}

TEST_F(HttpRequestTest, ReplacesBytesThatAreNoText) {
  ScriptedServer server(an_answer("200 OK", "Content-Type: text/plain\r\n", "caf\xE9"));

  EXPECT_EQ(perform({{"url", server.url()}}).output->at("body"), "caf\xEF\xBF\xBD");
}

TEST_F(HttpRequestTest, ReadsChunkedAnswers) {
  ScriptedServer server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");

  EXPECT_EQ(perform({{"url", server.url()}}).output->at("body"), "abcde");
}

TEST_F(HttpRequestTest, ReportsEveryFaultOfItsInput) {
  const Outcome outcome = perform({{"method", 3}, {"headers", {{"a", Json::array()}}}, {"timeout_seconds", -1}});

  EXPECT_EQ(outcome.error, kInvalidInput);
  EXPECT_FALSE(outcome.retryable);
  EXPECT_THAT(*outcome.cause, AllOf(HasSubstr("/method must be a string"), HasSubstr("/url is missing"),
                                    HasSubstr("/headers/a"), HasSubstr("/timeout_seconds must be a number")));
}

TEST_F(HttpRequestTest, RefusesCallsThatAreNoHttp) {
  const std::vector<Json> inputs = {
      {{"url", "ftp://example.com/"}},
      {{"url", "/only/a/path"}},
      {{"url", "http://user:word@example.com/"}},
      {{"url", "http://example.com/"}, {"method", "GET / HTTP/1.1\r\nX: y"}},
      {{"url", "http://example.com/"}, {"headers", {{"X", "a\r\nEvil: b"}}}},
      {{"url", "http://example.com/"}, {"headers", {{"Content-Length", "5"}}}},
      {{"url", "http://example.com/a b"}},
  };
  for (const Json& input : inputs) EXPECT_EQ(perform(input).error, kInvalidInput) << input;
}

TEST(RetryAfter, ReadsSecondsAndDates) {
  const Timestamp now = parse_rfc3339("2026-01-01T00:00:00Z").value();

  EXPECT_EQ(parse_retry_after("120", now), Duration(std::chrono::seconds(120)));
  EXPECT_EQ(parse_retry_after("Thu, 01 Jan 2026 00:01:30 GMT", now), Duration(std::chrono::seconds(90)));
  EXPECT_EQ(parse_retry_after("Wed, 31 Dec 2025 00:00:00 GMT", now), Duration(0));
  EXPECT_EQ(parse_retry_after("99999", now), kMaxRetryAfter);
  EXPECT_EQ(parse_retry_after("99999999999999999999", now), kMaxRetryAfter);
  EXPECT_EQ(parse_retry_after("soon", now), std::nullopt);
  EXPECT_EQ(parse_retry_after("", now), std::nullopt);
}

}  // namespace
}  // namespace orchestrator::handlers
