#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "orchestrator/app/exit_code.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/tools/http_client.hpp"

namespace CLI {
class App;
}

namespace orchestrator::app {

/// What every verb that talks to a server can be told, on the command line or by ORCHESTRATOR_URL, _API_KEY and
/// _NAMESPACE.
struct ClientOptions {
  std::string url = "http://127.0.0.1:8080";
  std::string api_key;
  std::string namespace_name;
  std::string output = "table";  ///< table or json

  [[nodiscard]] bool json() const { return output == "json"; }
};

/// Adds --url, --api-key and --namespace to a verb. `options` outlives the parsing.
void add_server_options(CLI::App& verb, ClientOptions& options);
/// The same, and -o.
void add_client_options(CLI::App& verb, ClientOptions& options);

/// invalid_argument when the URL is none.
Result<tools::ServerAccess> server_access(const ClientOptions& options);

/// An answer of the API: its status, its text as it came, and the value.
struct ApiAnswer {
  int status = 0;
  std::string text;
  Json value;

  [[nodiscard]] bool good() const { return status >= 200 && status < 300; }
};

/// One call and its answer, whatever the status; any error means that there was no answer.
Result<ApiAnswer> call_api(const ClientOptions& options, tools::ClientRequest request);

/// The call as verbs do it: a 2xx answer comes back (and is printed when JSON is asked for); anything else is explained
/// on standard error and in `exit`, and nothing comes back.
std::optional<ApiAnswer> call_and_print(const ClientOptions& options, tools::ClientRequest request, Exit& exit);

/// The second half of it, for those who do something between the two.
std::optional<ApiAnswer> print_answer(const ClientOptions& options, Result<ApiAnswer> answer, Exit& exit);

using QueryParameters = std::vector<std::pair<std::string, std::string>>;

/// A page of a list as people expect it: as many items as they asked for, though a page of the server may be short and
/// go on behind its cursor. {"items", "next_cursor"}; printed when JSON is asked for; nothing after an error.
/// @param parameters without limit and cursor
/// @param wanted which items count
std::optional<Json> list_page(const ClientOptions& options, const std::string& path, const QueryParameters& parameters,
                              int limit, std::string cursor, Exit& exit,
                              const std::function<bool(const Json& item)>& wanted = {});

/// `/v1/...?a=b&c=d`, percent-encoded; pairs with an empty value are left out.
std::string with_query(std::string path, const QueryParameters& parameters);

/// A member as a table shows it: texts bare, null and absent ones as "-", others as JSON.
std::string cell(const Json& object, const char* member);

}  // namespace orchestrator::app
