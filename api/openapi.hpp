#pragma once

#include <mutex>
#include <string>
#include <string_view>

namespace orchestrator::api {

/// The contract as an OpenAPI 3.1 document: `api/openapi.yaml`, built in, as JSON text. Any thread.
class OpenApi {
 public:
  /// The text. Made when it is first asked for: most processes never are.
  const std::string& text();
  /// Of the text, with its quotation marks: changes whenever the document does.
  const std::string& etag();

 private:
  void make();

  std::once_flag made_;
  // Fixed once made.
  std::string text_;
  std::string etag_;
};

/// Whether an `If-None-Match` names this tag (RFC 9110, 13.1.2).
bool names_etag(std::string_view if_none_match, std::string_view etag);

}  // namespace orchestrator::api
