#pragma once

#include <chrono>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "api/webhooks/provider.hpp"
#include "orchestrator/base/json.hpp"

/// What the providers' files share.
namespace orchestrator::api::webhooks {

/// How far a signed time may be off, both ways. Source: the vendors' libraries, which look at the past side only.
inline constexpr std::chrono::seconds kTimestampTolerance{300};

/// Whether `text` is Unix seconds (digits only) within the tolerance.
bool is_recent(std::string_view text, Timestamp now);

/// Bytes of lower-case hexadecimal text; nothing for anything else. Providers send lower case only.
std::optional<std::string> decode_lower_hex(std::string_view text);

/// The part of `text` before `separator`, or all of it; `text` becomes what follows.
std::string_view take_part(std::string_view& text, char separator);

/// The member at the end of a chain of member names; null when any is missing.
const Json* member_at(const Json& document, std::initializer_list<const char*> names);
/// The same as text: a string, or an integer as its JSON text; empty for anything else.
std::string text_at(const Json& document, std::initializer_list<const char*> names);

/// A JSON object, or the error that the body is none.
Result<Json> read_object(std::string_view text);

/// `parts` joined by "/"; a key that could not be stored (too long, control characters) is replaced by its SHA-256.
std::string dedupe_key(std::initializer_list<std::string_view> parts);
/// The key of a body that names no event: its SHA-256.
std::string body_key(std::string_view body);

/// A reading with one event.
Reading one_item(Json document, std::string key);

/// For Provider::read: the body is one event, known by its member `id`. invalid_argument without one.
Result<Reading> read_event_with_id(const Arrival& arrival, const ProviderOptions& options);

/// A secret that only must not be empty.
Status check_not_empty(std::string_view secret);

}  // namespace orchestrator::api::webhooks
