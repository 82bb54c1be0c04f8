#include "orchestrator/config/config.hpp"

#include <algorithm>
#include <cstdlib>
#include <set>
#include <utility>

#include "orchestrator/base/names.hpp"
#include "orchestrator/config/settings_file.hpp"
#include "orchestrator/config/values.hpp"

namespace orchestrator::config {
namespace {

constexpr std::string_view kPrefix = "ORCHESTRATOR_";

/// How one value is read and checked.
struct Setting {
  std::string name;  ///< lower case, as in the file and as a flag
  bool secret = false;
  std::string help;  ///< for --help: meaning, range, default
  std::function<Status(Config&, const std::string& text)> set;
  bool takes_empty = false;  ///< set but empty reaches `set` instead of counting as unset
};

Status set_roles(Config& config, const std::string& text) {
  if (text.find_first_not_of(" \t\r\n") == std::string::npos) {
    return fail(ErrorCode::invalid_argument,
                "must name at least one of api, worker and scheduler; leave it out for all");
  }
  Roles roles{.api = false, .worker = false, .scheduler = false};
  // With the comma, so that a role left empty at the end is seen, too.
  for (std::size_t from = 0; from <= text.size();) {
    const std::size_t comma = std::min(text.find(',', from), text.size());
    const std::vector<std::string> words = split_words(text.substr(from, comma - from));
    const std::string word = words.empty() ? "" : words.front();
    if (word == "api") {
      roles.api = true;
    } else if (word == "worker") {
      roles.worker = true;
    } else if (word == "scheduler") {
      roles.scheduler = true;
    } else {
      const std::string found = word.empty() ? "an empty role" : "the unknown role \"" + word + "\"";
      return fail(ErrorCode::invalid_argument,
                  "has " + found + ": it must be a comma-separated list of api, worker and scheduler");
    }
    from = comma + 1;
  }
  config.roles = roles;
  return {};
}

Status set_admin_key(Config& config, const std::string& text) {
  if (!is_valid_key_text(text)) {
    return fail(ErrorCode::invalid_argument, "must be 16 to 200 printable ASCII characters without spaces");
  }
  config.admin_key = text;
  return {};
}

Status set_api_keys(Config& config, const std::string& text) {
  auto keys = parse_api_keys(text);
  if (!keys) return std::move(keys).error();
  config.api_keys = *std::move(keys);
  return {};
}

Status set_log_level(Config& config, const std::string& text) {
  static const std::set<std::string> levels = {"debug", "info", "warn", "error"};
  if (!levels.contains(text)) return fail(ErrorCode::invalid_argument, "must be debug, info, warn or error");
  config.log_level = text;
  return {};
}

Status set_node_id(Config& config, const std::string& text) {
  if (!is_valid_name(text)) return fail(ErrorCode::invalid_argument, "must match [A-Za-z0-9._:-]{1,128}");
  config.node_id = text;
  return {};
}

Status set_listen(Config& config, const std::string& text) {
  auto address = parse_listen_address(text);
  if (!address) return std::move(address).error();
  config.listen = *std::move(address);
  return {};
}

Status set_http_allow_private(Config& config, const std::string& text) {
  const auto value = parse_boolean(text);
  if (!value) return value.error();
  config.http_allow_private = *value;
  return {};
}

Status set_trusted_proxies(Config& config, const std::string& text) {
  std::vector<std::string> ranges;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    std::string range = text.substr(at, end - at);
    // Whether it is an address is checked where addresses are known; a host's name is the likely mistake.
    if (range.empty() || range.find_first_not_of("0123456789abcdefABCDEF.:/") != std::string::npos) {
      return fail(ErrorCode::invalid_argument,
                  "must be address ranges, comma-separated, such as 10.0.0.0/8,2001:db8::/32");
    }
    ranges.push_back(std::move(range));
    at = end + 1;
  }
  config.trusted_proxies = std::move(ranges);
  return {};
}

Status set_queue_limits(Config& config, const std::string& text) {
  std::map<std::string, std::int32_t> limits;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const std::string part = text.substr(at, end - at);
    const std::size_t equals = part.find('=');
    if (equals == std::string::npos || !is_valid_name(part.substr(0, equals))) {
      return fail(ErrorCode::invalid_argument, "must be QUEUE=COUNT, comma-separated, such as payments=4,mail=8");
    }
    const auto count = parse_integer(part.substr(equals + 1), {1, 1024});
    if (!count) return count.error();
    limits[part.substr(0, equals)] = static_cast<std::int32_t>(*count);
    at = end + 1;
  }
  config.queue_limits = std::move(limits);
  return {};
}

auto text_into(std::string Config::* member) {
  return [member](Config& config, const std::string& text) -> Status {
    if (text.empty()) return fail(ErrorCode::invalid_argument, "must not be empty");
    config.*member = text;
    return {};
  };
}

template <typename T>
auto number_into(T Config::* member, IntegerRange range) {
  return [member, range](Config& config, const std::string& text) -> Status {
    const auto value = parse_integer(text, range);
    if (!value) return value.error();
    config.*member = T(*value);
    return {};
  };
}

const std::vector<Setting>& settings() {
  static const std::vector<Setting> list = {
      {"database_url", true, "PostgreSQL URL or keyword string", text_into(&Config::database_url)},
      {"listen", false, "host:port to serve on; port 0 picks a free one (default 127.0.0.1:8080)", set_listen},
      {"data_dir", false, "folder of the private PostgreSQL and the node id (default .orchestrator)",
       text_into(&Config::data_dir)},
      {"admin_key", true, "admin key of all namespaces, 16 to 200 printable characters", set_admin_key},
      {"api_keys", true, "further keys, as NAME:ROLE[:NAMESPACE+NAMESPACE]=KEY by commas (default none)", set_api_keys},
      {"workflows_dir", false, "folder whose definitions dev deploys (default workflows)",
       text_into(&Config::workflows_dir)},
      {"lease_seconds", false, "how long a node owns shards without a heartbeat, 2 to 3600 (default 10)",
       number_into(&Config::lease, {2, 3600})},
      {"node_id", false, "this node's name across restarts", set_node_id},
      {"advertise_url", false, "under which other nodes reach this one (default: the listen address)",
       text_into(&Config::advertise_url)},
      {"roles", false, "comma-separated of api, worker, scheduler (default all)", set_roles, true},
      {"http_allow_private", false, "let outgoing HTTP reach private addresses (default off)", set_http_allow_private},
      {"trusted_proxies", false,
       "address ranges of proxies whose X-Forwarded-For tells a webhook's source (default none)", set_trusted_proxies},
      {"drain_seconds", false, "how long a stopping process finishes its work, 0 to 3600 (default 30)",
       number_into(&Config::drain, {0, 3600})},
      {"poison_limit", false, "deaths that one step survives, 1 to 100 (default 3)",
       number_into(&Config::poison_limit, {1, 100})},
      {"shards", false, "slices of all runs, fixed at installation, 1 to 4096 (default 64)",
       number_into(&Config::shards, {1, 4096})},
      {"lanes", false, "database connections that commit, 1 to 8 (default 2)", number_into(&Config::lanes, {1, 8})},
      {"handler_threads", false, "handlers that run at once, 1 to 1024 (default 16)",
       number_into(&Config::handler_threads, {1, 1024})},
      {"queue_limits", false, "tasks of a queue at once in this process, as payments=4,mail=8 (default none)",
       set_queue_limits},
      {"io_threads", false, "threads that serve connections, 1 to 64 (default 1)",
       number_into(&Config::io_threads, {1, 64})},
      {"retention_days", false, "days that closed runs stay, 0 (for ever) to 36500 (default 30)",
       number_into(&Config::retention, {0, 36'500})},
      {"retention_delivery_days", false, "days that webhooks stay as received, 0 (for ever) to 36500 (default 30)",
       number_into(&Config::delivery_retention, {0, 36'500})},
      {"retention_signal_days", false, "days that settled signals stay, 30 to 36500 (default 30)",
       number_into(&Config::signal_retention, {30, 36'500})},
      {"retention_answer_hours", false, "hours that an Idempotency-Key repeats its answer, 24 to 87600 (default 24)",
       number_into(&Config::answer_retention, {24, 87'600})},
      {"log_level", false, "debug, info, warn or error (default info)", set_log_level},
      {"max_body_bytes", false, "largest request body, 1024 to 67108864 (default 1048576)",
       number_into(&Config::max_body_bytes, {1024, 67'108'864})},
      {"max_batch_body_bytes", false, "largest body of a batch call, 1024 to 1073741824 (default 67108864)",
       number_into(&Config::max_batch_body_bytes, {1024, 1'073'741'824})},
  };
  return list;
}

std::string variable_of(const Setting& setting) { return std::string{kPrefix} + to_upper(setting.name); }

/// A value as found, and where.
struct Found {
  std::string text;
  std::string source;  ///< flag, environment, file
  std::string place;   ///< what an error message calls it: --listen, ORCHESTRATOR_LISTEN, "listen" in FILE
};

Result<std::optional<Found>> find_in_environment(const Setting& setting, const Environment& environment) {
  const std::string variable = variable_of(setting);
  auto value = environment(variable);
  if (setting.secret) {
    const auto path = environment(variable + "_FILE");
    if (value && path) {
      return fail(ErrorCode::invalid_argument, "set " + variable + " or " + variable + "_FILE, not both");
    }
    if (path) {
      auto content = read_secret_file(*path);
      if (!content) return fail(ErrorCode::invalid_argument, variable + "_FILE: " + content.error().message);
      return std::optional(Found{*content, "environment", variable + "_FILE"});
    }
  }
  // Set but empty counts as unset, as in compose files that pass variables through.
  if (!value || (value->empty() && !setting.takes_empty)) return std::optional<Found>{};
  return std::optional(Found{*value, "environment", variable});
}

Result<std::optional<Found>> find(const Setting& setting, const Sources& sources,
                                  const std::map<std::string, std::string>& file) {
  const auto flag = sources.flags.find(setting.name);
  if (flag != sources.flags.end() && (!flag->second.empty() || setting.takes_empty)) {
    return std::optional(Found{flag->second, "flag", "--" + to_dashes(setting.name)});
  }
  auto from_environment = find_in_environment(setting, sources.environment);
  if (!from_environment || from_environment->has_value()) return from_environment;
  if (const auto line = file.find(setting.name); line != file.end()) {
    return std::optional(Found{line->second, "file", "\"" + setting.name + "\" in " + sources.file.value_or("")});
  }
  return std::optional<Found>{};
}

Result<std::map<std::string, std::string>> read_file(const Sources& sources) {
  if (!sources.file) return std::map<std::string, std::string>{};
  auto values = read_settings_file(*sources.file);
  if (!values) return values;
  for (const auto& [name, text] : *values) {
    const bool known = std::ranges::any_of(settings(), [&](const Setting& setting) { return setting.name == name; });
    if (!known)
      return fail(ErrorCode::invalid_argument, *sources.file + " sets \"" + name + "\", which does not exist");
  }
  return values;
}

}  // namespace

Environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    // Read before any thread starts; nothing in this process changes its environment.
    const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe)
    if (value == nullptr) return std::nullopt;
    return std::string{value};
  };
}

std::vector<SettingDescription> setting_descriptions() {
  std::vector<SettingDescription> descriptions;
  for (const Setting& setting : settings()) {
    descriptions.push_back({.name = setting.name, .help = setting.help, .secret = setting.secret});
  }
  return descriptions;
}

Result<Config> read_config(const Sources& sources) {
  const auto file = read_file(sources);
  if (!file) return file.error();
  Config config;
  for (const Setting& setting : settings()) {
    const auto found = find(setting, sources, *file);
    if (!found) return found.error();
    if (!found->has_value()) continue;
    const Found& value = **found;
    if (const Status status = setting.set(config, value.text); !status) {
      const std::string got = setting.secret ? "" : ", not \"" + value.text + "\"";
      return fail(ErrorCode::invalid_argument, value.place + " " + status.error().message + got);
    }
  }
  return config;
}

Result<std::vector<ValueReport>> report_config(const Sources& sources) {
  const auto file = read_file(sources);
  if (!file) return file.error();
  std::vector<ValueReport> reports;
  for (const Setting& setting : settings()) {
    const auto found = find(setting, sources, *file);
    if (!found) return found.error();
    ValueReport report{.variable = variable_of(setting), .value = "", .source = "default"};
    if (found->has_value()) {
      report.value = setting.secret ? "set" : (*found)->text;
      report.source = (*found)->source;
    } else if (setting.secret) {
      report.value = "not set";
    }
    reports.push_back(std::move(report));
  }
  return reports;
}

}  // namespace orchestrator::config
