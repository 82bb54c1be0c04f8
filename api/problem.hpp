#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/message.hpp"
#include "orchestrator/base/error.hpp"

/// Errors as RFC 9457 problems: `{type, title, status, detail, instance, errors[], ...}`.
namespace orchestrator::api {

inline constexpr std::string_view kJsonType = "application/json";
inline constexpr std::string_view kProblemType = "application/problem+json";

/// The slugs that have a status and a title of their own.
std::vector<std::string_view> problem_slugs();

/// HTTP status of an error: its slug's, else its code's.
int status_of(const Error& error);

/// The problem object as JSON text. `instance` is the path that was called; empty leaves the member out (batch items).
std::string problem_text(const Error& error, std::string_view instance);

/// The whole answer, with `Retry-After` where trying again may help and `WWW-Authenticate` where a credential may.
Response problem_response(const Error& error, std::string_view instance);

/// An answer with a JSON body.
Response json_response(int status, std::string body);

}  // namespace orchestrator::api
