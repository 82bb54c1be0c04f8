#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/webhooks/provider.hpp"
#include "orchestrator/base/json.hpp"

namespace orchestrator::api::webhooks {

/// The moment at which the vectors are right.
inline constexpr Timestamp kVectorTime{std::chrono::seconds{1'763'613'000}};

/// A webhook as a test changes it, piece by piece.
struct WebhookCase {
  Provider provider;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::vector<std::string> secrets;
  ProviderOptions options;
  Timestamp now = kVectorTime;
  std::optional<std::string> key_document;

  [[nodiscard]] std::optional<std::size_t> verify() const {
    const Headers fields = header_fields();
    return provider.verify(arrival(fields), secrets, options);
  }
  [[nodiscard]] Result<Reading> read() const {
    const Headers fields = header_fields();
    return provider.read(arrival(fields), options);
  }
  [[nodiscard]] WebhookCase with_header(const std::string& name, const std::string& value) const {
    WebhookCase changed = *this;
    for (auto& [each, old] : changed.headers) {
      if (each == name) old = value;
    }
    return changed;
  }
  [[nodiscard]] WebhookCase without_header(const std::string& name) const {
    WebhookCase changed = *this;
    std::erase_if(changed.headers, [&](const auto& field) { return field.first == name; });
    return changed;
  }
  [[nodiscard]] WebhookCase at(std::chrono::seconds offset) const {
    WebhookCase changed = *this;
    changed.now += offset;
    return changed;
  }

 private:
  [[nodiscard]] Headers header_fields() const {
    Headers fields;
    for (const auto& [name, value] : headers) fields.add(name, value);
    return fields;
  }
  [[nodiscard]] Arrival arrival(const Headers& fields) const {
    return {.headers = fields, .body = body, .now = now, .key_document = key_document ? &*key_document : nullptr};
  }
};

/// Another character in place of the one at `at`.
inline std::string flipped(std::string text, std::size_t at) {
  text[at] = text[at] == 'A' ? 'B' : 'A';
  return text;
}

/// What every signature over the body must refuse: a changed byte anywhere in the body, a missing, empty or changed
/// header, another tenant's secret.
inline void expect_refusals(const WebhookCase& good, const std::string& signature_header,
                            const std::string& foreign_secret) {
  ASSERT_TRUE(good.verify().has_value());
  for (std::size_t at = 0; at < good.body.size(); at += 7) {
    WebhookCase changed = good;
    changed.body = flipped(good.body, at);
    EXPECT_FALSE(changed.verify()) << "body byte " << at;
  }
  WebhookCase longer = good;
  longer.body += " ";
  EXPECT_FALSE(longer.verify());
  std::string signature;
  for (const auto& [name, value] : good.headers) {
    if (name == signature_header) signature = value;
  }
  for (std::size_t at = 0; at < signature.size(); ++at) {
    // The last characters of base64 may stand for fewer bits than they could.
    if (signature[at] == '=' || at + 4 > signature.size()) continue;
    EXPECT_FALSE(good.with_header(signature_header, flipped(signature, at)).verify()) << "signature byte " << at;
  }
  EXPECT_FALSE(good.without_header(signature_header).verify());
  EXPECT_FALSE(good.with_header(signature_header, "").verify());
  if (foreign_secret.empty()) return;
  WebhookCase foreign = good;
  foreign.secrets = {foreign_secret};
  EXPECT_FALSE(foreign.verify());
  foreign.secrets = {foreign_secret, good.secrets.front()};
  EXPECT_EQ(foreign.verify(), 1U) << "the second active secret";
}

inline std::string upper_case(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

}  // namespace orchestrator::api::webhooks
