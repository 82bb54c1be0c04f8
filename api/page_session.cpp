#include "api/page_session.hpp"

#include <algorithm>

#include "orchestrator/digest/encoding.hpp"
#include "orchestrator/digest/seal.hpp"

namespace orchestrator::api {
namespace {

constexpr std::string_view kPurpose = "operator page session 1";
constexpr std::size_t kIdBytes = 16;
constexpr std::size_t kSecretBytes = 32;

/// The value of our cookie in `a=1; b=2`, or "".
std::string_view cookie_of(const Headers& headers) {
  std::string_view rest = headers.value("Cookie");
  while (!rest.empty()) {
    const auto end = rest.find(';');
    std::string_view pair = rest.substr(0, end);
    pair.remove_prefix(std::min(pair.find_first_not_of(' '), pair.size()));
    if (pair.starts_with(kPageCookie) && pair.substr(kPageCookie.size()).starts_with('=')) {
      return pair.substr(kPageCookie.size() + 1);
    }
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
  }
  return {};
}

/// Whether the browser says that our own page makes the call. SameSite=Strict keeps the cookie from other sites;
/// another port or sibling host counts as the same site there, and not here.
bool is_same_origin(const Headers& headers) {
  if (const std::string* site = headers.find("Sec-Fetch-Site")) return *site == "same-origin";
  const std::string_view origin = headers.value("Origin");
  const auto scheme = origin.find("://");
  return scheme != std::string_view::npos && origin.substr(scheme + 3) == headers.value("Host");
}

bool changes_nothing(const std::string& method) { return method == "GET" || method == "HEAD"; }

std::string attributes(const Request* request, std::chrono::seconds life) {
  std::string text = "; Path=/; HttpOnly; SameSite=Strict; Max-Age=" + std::to_string(life.count());
  // A page that came over TLS never sends its session without it.
  if (request != nullptr && request->headers.value("Origin").starts_with("https://")) text += "; Secure";
  return text;
}

}  // namespace

PageSessions::PageSessions(std::string shared_secret)
    : secret_(shared_secret.empty() ? digest::random_bytes(kSecretBytes) : std::move(shared_secret)) {}

Result<std::optional<PageSessions::Session>> PageSessions::find(const Request& request, Timestamp now) const {
  const std::optional<Session> none;
  if (request.headers.find("Authorization") != nullptr) return none;
  const std::string_view cookie = cookie_of(request.headers);
  if (cookie.empty()) return none;
  const auto sealed = digest::from_hex(cookie);
  const auto text = sealed ? digest::unseal(secret_, kPurpose, *sealed) : std::nullopt;
  // ID MICROS KEY, where a key has no spaces.
  const auto first = text ? text->find(' ') : std::string::npos;
  const auto second = first == std::string::npos ? first : text->find(' ', first + 1);
  if (second == std::string::npos) return none;
  Session session{.id = text->substr(0, first),
                  .key = text->substr(second + 1),
                  .expires_at = from_micros(std::stoll(text->substr(first + 1, second - first - 1)))};
  if (session.expires_at <= now) return none;
  {
    const std::scoped_lock lock(mutex_);
    if (ended_.contains({session.expires_at, session.id})) return none;
  }
  if (!changes_nothing(request.method) && !is_same_origin(request.headers)) {
    return fail(ErrorCode::precondition_failed, "forbidden", "A session counts only for calls of the page itself");
  }
  return std::optional(std::move(session));
}

std::string PageSessions::open(std::string_view key, const Request& request, Timestamp now) const {
  std::string text = digest::to_hex(digest::random_bytes(kIdBytes));
  text += ' ' + std::to_string(to_micros(now + kPageSessionLife)) + ' ';
  text += key;
  return std::string(kPageCookie) + "=" + digest::to_hex(digest::seal(secret_, kPurpose, text)) +
         attributes(&request, kPageSessionLife);
}

std::string PageSessions::end(const std::optional<Session>& session) {
  if (session) {
    const std::scoped_lock lock(mutex_);
    ended_.emplace(session->expires_at, session->id);
    if (ended_.size() > kMaxEndedPageSessions) ended_.erase(ended_.begin());
  }
  return std::string(kPageCookie) + "=" + attributes(nullptr, std::chrono::seconds{0});
}

}  // namespace orchestrator::api
