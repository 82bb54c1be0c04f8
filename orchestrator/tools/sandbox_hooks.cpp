#include "orchestrator/tools/sandbox_hooks.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdio>
#include <exception>

#include "orchestrator/tools/http_client.hpp"

namespace orchestrator::tools {

namespace asio = boost::asio;

namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds kFirstGap{250};
constexpr std::chrono::milliseconds kLongestGap{5'000};
constexpr std::chrono::minutes kGiveUpAfter{2};
constexpr std::chrono::seconds kAnswerTimeout{5};

asio::awaitable<void> pause(std::chrono::milliseconds delay) {
  asio::steady_timer timer(co_await asio::this_coro::executor, delay);
  co_await timer.async_wait(kAwait);
}

asio::awaitable<void> deliver(asio::io_context& io, HookCall call) {
  if (call.delay.count() > 0) co_await pause(call.delay);
  // The path belongs to the request, not to the server's address.
  const std::size_t path_begin = call.url.find('/', std::string_view("http://").size());
  auto access = parse_server_url(call.url.substr(0, path_begin));
  if (!access || path_begin == std::string::npos) {
    std::fprintf(stderr, "sandbox: not a webhook address: %s\n", call.url.c_str());
    co_return;
  }
  ClientRequest request{.method = "POST",
                        .target = call.url.substr(path_begin),
                        .body = call.body,
                        .content_type = call.content_type,
                        .headers = call.headers,
                        .timeout = kAnswerTimeout};
  const auto give_up_at = std::chrono::steady_clock::now() + kGiveUpAfter;
  for (auto gap = kFirstGap; std::chrono::steady_clock::now() < give_up_at; gap = std::min(2 * gap, kLongestGap)) {
    HttpConnection connection(io, *access);
    const Result<ClientResponse> answer = co_await connection.send(request);
    if (answer && answer->status < 300) co_return;
    // A refused signature stays refused; a real provider would retry, but nobody waits for that here.
    if (answer && answer->status == 401) co_return;
    co_await pause(gap);
  }
  std::fprintf(stderr, "sandbox: gave a webhook up: %s\n", call.url.c_str());
}

}  // namespace

void HookSender::send(HookCall call) {
  asio::co_spawn(io_, deliver(io_, std::move(call)), [](std::exception_ptr escaped) {
    if (escaped) std::fputs("sandbox: a webhook ended with an exception\n", stderr);
  });
}

}  // namespace orchestrator::tools
