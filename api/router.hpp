#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/call.hpp"

namespace orchestrator::api {

/// Who may call: everybody, who shows a credential, or another node of this installation.
enum class Access : std::uint8_t { open, credential, peer };

/// Which of the configured limits a body has.
enum class BodySize : std::uint8_t { single, batch, webhook };

struct Route {
  std::string method;
  std::string pattern;  ///< "/v1/runs/{id}"; also the `route` label of metrics
  std::function<void(CallPtr)> handle;
  Access access = Access::credential;
  BodySize body_size = BodySize::single;
  /// The least role that may call. Not given: `viewer` for GET, `developer` for everything else.
  std::optional<Role> role;
  bool is_page = false;               ///< a file of the operator page: not in the OpenAPI document
  std::vector<std::string> segments;  ///< filled in by Router::add
};

struct RouteMatch {
  const Route* route = nullptr;         ///< null: no such path, or only with other methods
  std::vector<std::string> parameters;  ///< decoded
  std::string allowed;                  ///< for `Allow` when only the method is wrong; empty: no such path
};

/// Finds the route of a request by comparing path segments. A HEAD is served by the GET route. Built once, then read by
/// any thread.
class Router {
 public:
  void add(Route route);
  [[nodiscard]] RouteMatch match(std::string_view method, std::string_view path) const;
  /// All of them, in no order that means anything.
  [[nodiscard]] std::vector<const Route*> routes() const;

 private:
  // By number of segments: a path is only compared with patterns of its length.
  std::vector<std::vector<Route>> by_length_;
};

}  // namespace orchestrator::api
