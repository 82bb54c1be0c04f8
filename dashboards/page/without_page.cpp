// Stands for the page in a build without it (-DORC_PAGE=OFF).
#include "api/page_files.hpp"

namespace orchestrator::api {

const PageFile kPageFiles[] = {
    {"/index.html",
     "text/html; charset=utf-8",
     "\"none\"",
     "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Orchestrator</title></head><body>"
     "<h1>Orchestrator</h1><p>This build has no operator page: configure it without <code>-DORC_PAGE=OFF</code>. "
     "The HTTP API and the command line are complete; <code>orchestrator --help</code>.</p></body></html>",
     {},
     {}},
};
const unsigned kPageFiles_count = 1;

}  // namespace orchestrator::api
