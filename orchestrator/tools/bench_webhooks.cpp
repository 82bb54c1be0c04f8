#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <string>

#include "orchestrator/base/json.hpp"
#include "orchestrator/digest/digest.hpp"
#include "orchestrator/digest/encoding.hpp"
#include "orchestrator/tools/bench_open_loop.hpp"

namespace orchestrator::tools {

namespace asio = boost::asio;

namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr const char* kEndpoint = "bench-webhooks";
constexpr const char* kSecret = "whsec_of_the_bench";

/// Makes the endpoint, or brings an old one to this form.
Status make_endpoint(const ServerAccess& server) {
  ClientRequest request;
  request.method = "PUT";
  request.target = std::string("/v1/webhook-endpoints/") + kEndpoint;
  request.body = dump_json(Json{{"provider", "stripe"},
                                {"secrets", {kSecret}},
                                {"signal", {{"name", "bench-webhook"}, {"key", "$.data.object.id"}}}});
  const auto response = send_once(server, std::move(request));
  if (!response) return response.error();
  if (response->status == 200 || response->status == 201) return {};
  return fail(ErrorCode::unavailable, "the endpoint was refused: " + response->body);
}

/// An event of the size that payment providers send.
std::string event_text(const std::string& id, std::int64_t created) {
  const Json object = {{"id", "in_" + id},
                       {"object", "invoice"},
                       {"amount_due", 49'900},
                       {"currency", "inr"},
                       {"customer", "cus_" + id},
                       {"subscription", "sub_" + id},
                       {"lines", {{"url", "/v1/invoices/in_" + id + "/lines"}, {"has_more", false}}},
                       {"metadata", {{"order", id}, {"tenant", "t1"}}}};
  return dump_json(Json{{"id", "evt_" + id},
                        {"object", "event"},
                        {"type", "invoice.paid"},
                        {"created", created},
                        {"livemode", false},
                        {"data", {{"object", object}}}});
}

class WebhookLoop final : public OpenLoop {
 public:
  WebhookLoop(const BenchOptions& options, std::string prefix) : OpenLoop(options), prefix_(std::move(prefix)) {}

 private:
  asio::awaitable<void> work() override {
    HttpConnection connection(io_, options_.server);
    asio::steady_timer timer(io_);
    const std::string name_space = options_.server.namespace_name.empty() ? "default" : options_.server.namespace_name;
    const std::string target = "/hooks/" + name_space + "/" + kEndpoint;
    while (const auto moment = next_moment()) {
      timer.expires_at(*moment);
      co_await timer.async_wait(kAwait);
      ClientRequest request = signed_request(target);
      const auto response = co_await connection.send(std::move(request));
      if (response && response->status == 200) {
        latencies_.add(Clock::now() - *moment);
      } else {
        ++errors_;
      }
    }
  }

  ClientRequest signed_request(const std::string& target) {
    const std::int64_t now =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
    ClientRequest request;
    request.method = "POST";
    request.target = target;
    request.body = event_text(prefix_ + std::to_string(next_++), now);
    const std::string time = std::to_string(now);
    const std::string signature = digest::hmac(digest::Algorithm::sha256, kSecret, time + "." + request.body);
    request.headers.emplace_back("Stripe-Signature", "t=" + time + ",v1=" + digest::to_hex(signature));
    return request;
  }

  const std::string prefix_;
  std::int64_t next_ = 0;
};

}  // namespace

Result<BenchFigures> bench_webhooks(const BenchOptions& options) {
  if (Status made = make_endpoint(options.server); !made) return made.error();
  BenchFigures figures;
  figures.scenario = "webhooks";
  figures.measures =
      "from the moment at which a signed webhook should have been sent to its answer, which comes after the commit of "
      "its "
      "body and signal";
  const auto moment = std::chrono::system_clock::now().time_since_epoch().count();
  WebhookLoop loop(options, std::to_string(getpid()) + "-" + std::to_string(moment) + "-");
  auto measured = measure_open_loop(options, loop, std::move(figures));
  if (measured) measured->webhooks_per_second = std::exchange(measured->runs_per_second, std::nullopt);
  return measured;
}

}  // namespace orchestrator::tools
