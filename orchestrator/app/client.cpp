#include "orchestrator/app/client.hpp"

#include <CLI/CLI.hpp>
#include <iostream>

#include "orchestrator/app/explain.hpp"

namespace orchestrator::app {
namespace {

/// Pages that one list of the terminal follows; its cursor is told where that was not enough.
constexpr int kMaxPagesFollowed = 20;

/// A problem document (RFC 9457) in lines for people.
void explain_problem(const ApiAnswer& answer) {
  std::cerr << "orchestrator: refused with status " << answer.status;
  if (!answer.value.is_object()) {
    std::cerr << "\n";
    return;
  }
  const std::string type = string_member(answer.value, "type");
  if (const auto slash = type.rfind('/'); slash != std::string::npos) std::cerr << " " << type.substr(slash + 1);
  const std::string detail = string_member(answer.value, "detail", string_member(answer.value, "title"));
  if (!detail.empty()) std::cerr << ": " << detail;
  std::cerr << "\n";
  const auto errors = answer.value.find("errors");
  if (errors == answer.value.end() || !errors->is_array()) return;
  for (const Json& error : *errors) {
    std::cerr << "  " << string_member(error, "pointer") << " " << string_member(error, "code") << ": "
              << string_member(error, "message") << "\n";
  }
}

}  // namespace

void add_server_options(CLI::App& verb, ClientOptions& options) {
  verb.add_option("--url", options.url, "the server")->envname("ORCHESTRATOR_URL")->capture_default_str();
  verb.add_option("--api-key", options.api_key, "credential (safer in the environment)")
      ->envname("ORCHESTRATOR_API_KEY");
  verb.add_option("--namespace", options.namespace_name, "one of the credential's namespaces")
      ->envname("ORCHESTRATOR_NAMESPACE");
}

void add_client_options(CLI::App& verb, ClientOptions& options) {
  add_server_options(verb, options);
  verb.add_option("-o,--output", options.output, "table or json")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
}

Result<tools::ServerAccess> server_access(const ClientOptions& options) {
  auto access = tools::parse_server_url(options.url);
  if (!access) return access;
  access->api_key = options.api_key;
  access->namespace_name = options.namespace_name;
  return access;
}

Result<ApiAnswer> call_api(const ClientOptions& options, tools::ClientRequest request) {
  const auto access = server_access(options);
  if (!access) return access.error();
  auto response = tools::send_once(*access, std::move(request));
  if (!response) return std::move(response).error();
  ApiAnswer answer;
  answer.status = response->status;
  answer.text = std::move(response->body);
  // A proxy's error page is no JSON; its status is answer enough.
  if (auto value = parse_json(answer.text)) answer.value = *std::move(value);
  return answer;
}

std::optional<ApiAnswer> call_and_print(const ClientOptions& options, tools::ClientRequest request, Exit& exit) {
  return print_answer(options, call_api(options, std::move(request)), exit);
}

std::optional<ApiAnswer> print_answer(const ClientOptions& options, Result<ApiAnswer> answer, Exit& exit) {
  if (!answer) {
    explain(answer.error(), exit);
    return std::nullopt;
  }
  if (options.json() && !answer->text.empty()) std::cout << answer->text << "\n";
  if (answer->good()) return *std::move(answer);
  explain_problem(*answer);
  exit.code = ExitCode::refused;
  return std::nullopt;
}

std::optional<Json> list_page(const ClientOptions& options, const std::string& path, const QueryParameters& parameters,
                              int limit, std::string cursor, Exit& exit,
                              const std::function<bool(const Json& item)>& wanted) {
  Json items = Json::array();
  ClientOptions quiet = options;
  quiet.output = "table";
  for (int pages = 0; pages < kMaxPagesFollowed && items.size() < static_cast<std::size_t>(limit); ++pages) {
    QueryParameters of_page = parameters;
    of_page.emplace_back("cursor", cursor);
    of_page.emplace_back("limit", std::to_string(limit - static_cast<int>(items.size())));
    tools::ClientRequest request;
    request.target = with_query(path, of_page);
    const auto page = call_and_print(quiet, std::move(request), exit);
    if (!page) return std::nullopt;
    for (const Json& item : page->value.value("items", Json::array())) {
      if (!wanted || wanted(item)) items.push_back(item);
    }
    cursor = string_member(page->value, "next_cursor");
    if (cursor.empty()) break;
  }
  Json gathered = {{"items", std::move(items)}, {"next_cursor", cursor.empty() ? Json() : Json(cursor)}};
  if (options.json()) std::cout << dump_json(gathered) << "\n";
  return gathered;
}

std::string with_query(std::string path, const QueryParameters& parameters) {
  char separator = '?';
  for (const auto& [name, value] : parameters) {
    if (value.empty()) continue;
    path += separator + tools::encode_component(name) + "=" + tools::encode_component(value);
    separator = '&';
  }
  return path;
}

std::string cell(const Json& object, const char* member) {
  const auto found = object.is_object() ? object.find(member) : object.end();
  if (found == object.end() || found->is_null()) return "-";
  return found->is_string() ? found->get<std::string>() : dump_json(*found);
}

}  // namespace orchestrator::app
