#include "api/openapi.hpp"

#include "orchestrator/base/check.hpp"
#include "orchestrator/base/embedded_file.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/digest/digest.hpp"
#include "orchestrator/digest/encoding.hpp"
#include "orchestrator/yaml/yaml.hpp"

namespace orchestrator::api {

// Made by orc_embed.
extern const EmbeddedFile kOpenApiFiles[];

void OpenApi::make() {
  std::call_once(made_, [this] {
    const auto document = yaml::parse(std::string(kOpenApiFiles[0].text));
    ORC_CHECK(document.has_value(), "api/openapi.yaml is YAML: a test reads it");
    text_ = dump_json(*document);
    etag_ = '"' + digest::to_hex(digest::hash(digest::Algorithm::sha256, text_)).substr(0, 32) + '"';
  });
}

const std::string& OpenApi::text() {
  make();
  return text_;
}

const std::string& OpenApi::etag() {
  make();
  return etag_;
}

bool names_etag(std::string_view if_none_match, std::string_view etag) {
  while (!if_none_match.empty()) {
    const auto comma = if_none_match.find(',');
    std::string_view tag = if_none_match.substr(0, comma);
    while (tag.starts_with(' ')) tag.remove_prefix(1);
    while (tag.ends_with(' ')) tag.remove_suffix(1);
    // A weak tag names the same text, too.
    if (tag.starts_with("W/")) tag.remove_prefix(2);
    if (tag == etag || tag == "*") return true;
    if (comma == std::string_view::npos) return false;
    if_none_match.remove_prefix(comma + 1);
  }
  return false;
}

}  // namespace orchestrator::api
