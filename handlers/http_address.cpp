#include "handlers/http_address.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

namespace orchestrator::handlers {
namespace urls = boost::urls;

Result<HttpAddress> parse_http_address(std::string_view url) {
  if (url.size() > kMaxUrlBytes) {
    return fail(ErrorCode::invalid_argument, "the URL is longer than " + std::to_string(kMaxUrlBytes) + " bytes");
  }
  const auto parsed = urls::parse_uri(urls::string_view(url.data(), url.size()));
  if (!parsed) return fail(ErrorCode::invalid_argument, "the URL is not an absolute URL");
  const urls::url_view view = *parsed;
  if (view.scheme_id() != urls::scheme::http && view.scheme_id() != urls::scheme::https) {
    return fail(ErrorCode::invalid_argument, "the URL must begin with http:// or https://");
  }
  if (view.has_userinfo()) {
    return fail(ErrorCode::invalid_argument, "the URL must not carry a user name or password; use a header");
  }
  if (view.encoded_host().empty()) return fail(ErrorCode::invalid_argument, "the URL names no host");

  HttpAddress address;
  address.tls = view.scheme_id() == urls::scheme::https;
  address.host = view.host_address();
  address.port = view.has_port() && !view.port().empty() ? std::string{view.port()} : (address.tls ? "443" : "80");
  const std::string path = view.encoded_path().empty() ? "/" : std::string{view.encoded_path()};
  address.target = path;
  if (view.has_query()) address.target += "?" + std::string{view.encoded_query()};
  address.authority = std::string{view.encoded_host_and_port()};
  address.shown = std::string{view.scheme()} + "://" + address.authority + path;
  return address;
}

}  // namespace orchestrator::handlers
