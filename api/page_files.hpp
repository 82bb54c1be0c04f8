#pragma once

#include <string_view>

namespace orchestrator::api {

/// One file of the operator page, packed into the binary at build time (dashboards/page/pack.mjs) as it is and
/// compressed.
struct PageFile {
  std::string_view path;  ///< "/assets/index-B1x.js"; "/index.html"
  std::string_view content_type;
  std::string_view etag;  ///< with its quotes
  std::string_view plain;
  std::string_view gzip;
  std::string_view brotli;
};

extern const PageFile kPageFiles[];
extern const unsigned kPageFiles_count;

}  // namespace orchestrator::api
