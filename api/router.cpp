#include "api/router.hpp"

#include <optional>

#include "orchestrator/base/check.hpp"

namespace orchestrator::api {
namespace {

/// More than any route has; longer paths match nothing.
constexpr std::size_t kMaxSegments = 12;

/// "/a//b" has the segments "a", "", "b". The one of "/" is "".
std::vector<std::string_view> split_path(std::string_view path) {
  std::vector<std::string_view> segments;
  if (!path.starts_with('/')) return segments;
  path.remove_prefix(1);
  while (segments.size() <= kMaxSegments) {
    const auto slash = path.find('/');
    segments.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  return segments;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Nothing for a malformed escape.
std::optional<std::string> decode_segment(std::string_view segment) {
  std::string text;
  text.reserve(segment.size());
  for (std::size_t i = 0; i < segment.size(); ++i) {
    if (segment[i] != '%') {
      text += segment[i];
      continue;
    }
    if (i + 2 >= segment.size()) return std::nullopt;
    const int high = hex_digit(segment[i + 1]);
    const int low = hex_digit(segment[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    text += static_cast<char>(high << 4 | low);
    i += 2;
  }
  return text;
}

bool is_parameter(std::string_view segment) { return segment.starts_with('{'); }

bool fits(const Route& route, const std::vector<std::string_view>& segments) {
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const std::string& wanted = route.segments[i];
    if (is_parameter(wanted) ? segments[i].empty() : segments[i] != wanted) return false;
  }
  return true;
}

std::optional<std::vector<std::string>> parameters_of(const Route& route,
                                                      const std::vector<std::string_view>& segments) {
  std::vector<std::string> parameters;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    if (!is_parameter(route.segments[i])) continue;
    auto decoded = decode_segment(segments[i]);
    if (!decoded) return std::nullopt;
    parameters.push_back(std::move(*decoded));
  }
  return parameters;
}

void allow(std::string& allowed, const std::string& method) {
  if (!allowed.empty()) allowed += ", ";
  allowed += method;
  if (method == "GET") allowed += ", HEAD";
}

}  // namespace

void Router::add(Route route) {
  for (const auto segment : split_path(route.pattern)) route.segments.emplace_back(segment);
  if (!route.role) route.role = route.method == "GET" ? Role::viewer : Role::developer;
  const std::size_t length = route.segments.size();
  ORC_CHECK(length > 0 && length <= kMaxSegments, "a route has at least one segment and not too many");
  if (by_length_.size() <= length) by_length_.resize(length + 1);
  by_length_[length].push_back(std::move(route));
}

RouteMatch Router::match(std::string_view method, std::string_view path) const {
  const auto segments = split_path(path);
  RouteMatch match;
  if (segments.empty() || segments.size() >= by_length_.size()) return match;
  const std::string_view wanted = method == "HEAD" ? std::string_view{"GET"} : method;
  for (const Route& route : by_length_[segments.size()]) {
    if (!fits(route, segments)) continue;
    if (route.method != wanted) {
      allow(match.allowed, route.method);
      continue;
    }
    auto parameters = parameters_of(route, segments);
    if (!parameters) continue;
    match.route = &route;
    match.parameters = std::move(*parameters);
    return match;
  }
  return match;
}

std::vector<const Route*> Router::routes() const {
  std::vector<const Route*> all;
  for (const auto& routes : by_length_) {
    for (const Route& route : routes) all.push_back(&route);
  }
  return all;
}

}  // namespace orchestrator::api
