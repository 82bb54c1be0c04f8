#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "orchestrator/base/result.hpp"
#include "orchestrator/config/api_keys.hpp"

namespace orchestrator::config {

/// Which parts of the engine a process runs.
struct Roles {
  bool api = true;        ///< answers callers; without worker it owns nothing and forwards
  bool worker = true;     ///< owns shards and runs handlers
  bool scheduler = true;  ///< may own the shards' schedules; alone it only does what every process does
};

/// Where the server accepts connections. Port 0 picks a free one; the ready line tells it.
struct ListenAddress {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8080;

  [[nodiscard]] std::string str() const { return host + ":" + std::to_string(port); }
};

/// Everything that can be set, read once at start: flags over environment over file. Each value names its environment
/// variable; the file has the same names in lower case without `ORCHESTRATOR_`. Secrets can be given as a path to a
/// file by adding `_FILE` to the variable, and never reach a log line.
struct Config {
  /// ORCHESTRATOR_DATABASE_URL (secret): libpq connection URL or keyword string. No default; `dev` makes its own.
  std::string database_url;

  /// ORCHESTRATOR_LISTEN: host:port, [ipv6]:port or :port. Port 0 to 65535. Default 127.0.0.1:8080.
  ListenAddress listen;

  /// ORCHESTRATOR_DATA_DIR: folder of the private PostgreSQL of `dev`, its database-url file and the node id.
  /// Default .orchestrator in the current folder.
  std::string data_dir = ".orchestrator";

  /// ORCHESTRATOR_ADMIN_KEY (secret): an admin key of all namespaces; 16 to 200 printable ASCII characters without
  /// spaces. No default: without it `serve` has no such key, `dev` makes and prints one.
  std::string admin_key;

  /// ORCHESTRATOR_API_KEYS (secret): further keys with a role each, as `NAME:ROLE[:NAMESPACE+NAMESPACE]=KEY` by commas
  /// or lines; at most 1 000. Default none.
  std::vector<ApiKey> api_keys;

  /// ORCHESTRATOR_WORKFLOWS_DIR: `dev` deploys the definitions in this folder, now and when they change. Default
  /// workflows; a folder that does not exist is no error.
  std::string workflows_dir = "workflows";

  /// ORCHESTRATOR_LEASE_SECONDS: how long a node stays a shard's owner without a heartbeat, in database time.
  /// 2 to 3600, default 10. Source: five missed heartbeats of 2 s.
  std::chrono::seconds lease{10};

  /// ORCHESTRATOR_NODE_ID: this node's name across restarts, `[A-Za-z0-9._:-]{1,128}`. Default: kept in data_dir, else
  /// made from host name and listen address.
  std::string node_id;

  /// ORCHESTRATOR_ADVERTISE_URL: under which other nodes reach this one. Default: http:// and the listen address.
  std::string advertise_url;

  /// ORCHESTRATOR_ROLES: comma-separated of api, worker, scheduler. Default all. Set but empty is refused: a process
  /// that was meant to have one role must not get every one.
  Roles roles;

  /// ORCHESTRATOR_HTTP_ALLOW_PRIVATE: lets outgoing HTTP reach loopback and private addresses. Default off.
  bool http_allow_private = false;

  /// ORCHESTRATOR_TRUSTED_PROXIES: comma-separated address ranges of proxies whose `X-Forwarded-For` tells where a
  /// webhook comes from. Default none: the other end of the connection counts.
  std::vector<std::string> trusted_proxies;

  /// ORCHESTRATOR_DRAIN_SECONDS: how long a stopping process finishes what is in hand. 0 to 3600, default 30.
  std::chrono::seconds drain{30};

  /// ORCHESTRATOR_POISON_LIMIT: deaths of a worker or node that one step survives before it is set aside. 1 to 100,
  /// default 3.
  std::int32_t poison_limit = 3;

  /// ORCHESTRATOR_SHARDS: slices of all runs, fixed when the database is first migrated. 1 to 4096, default 64.
  std::int32_t shards = 64;

  /// ORCHESTRATOR_LANES: connections that commit, each with shards of its own. 1 to 8, default 2.
  std::int32_t lanes = 2;

  /// ORCHESTRATOR_HANDLER_THREADS: handlers that may run at once in this process. 1 to 1024, default 16.
  std::int32_t handler_threads = 16;

  /// ORCHESTRATOR_QUEUE_LIMITS: at most so many tasks of a queue at once in this process, as `payments=4,mail=8`. Each
  /// 1 to 1024; queues that are not named may use every handler thread.
  std::map<std::string, std::int32_t> queue_limits;

  /// ORCHESTRATOR_RETENTION_DAYS: how long closed runs and their history stay. 0 (for ever) to 36500, default 30. A
  /// dead letter that nobody dealt with stays, however old.
  std::chrono::days retention{30};

  /// ORCHESTRATOR_RETENTION_DELIVERY_DAYS: how long webhooks stay as received. 0 (for ever) to 36500, default 30.
  std::chrono::days delivery_retention{30};

  /// ORCHESTRATOR_RETENTION_SIGNAL_DAYS: how long settled signals stay, and so how long a sender's id counts once. 30
  /// to 36500, default 30. Source of the least value: the HTTP contract.
  std::chrono::days signal_retention{30};

  /// ORCHESTRATOR_RETENTION_ANSWER_HOURS: how long the answer under an Idempotency-Key is repeated. 24 to 87600,
  /// default
  /// 24. Source of the least value: the HTTP contract.
  std::chrono::hours answer_retention{24};

  /// ORCHESTRATOR_IO_THREADS: threads that serve connections. 1 to 64, default 1.
  std::int32_t io_threads = 1;

  /// ORCHESTRATOR_LOG_LEVEL: debug, info, warn or error. Default info.
  std::string log_level = "info";

  /// ORCHESTRATOR_MAX_BODY_BYTES: largest request body, batches apart. 1024 to 67108864, default 1048576.
  std::int64_t max_body_bytes = 1'048'576;

  /// ORCHESTRATOR_MAX_BATCH_BODY_BYTES: largest body of a batch call. 1024 to 1073741824, default 67108864.
  std::int64_t max_batch_body_bytes = 67'108'864;
};

/// Answers an environment variable, or nothing when it is unset.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
/// The process's own environment.
Environment process_environment();

/// Where the values come from.
struct Sources {
  std::map<std::string, std::string> flags;  ///< by name in lower case: {"listen", "127.0.0.1:0"}
  Environment environment;
  std::optional<std::string> file;  ///< path of a TOML file
};

/// Reads all values. invalid_argument names the first value that is wrong, where it came from and what is allowed;
/// a secret's value is not repeated.
Result<Config> read_config(const Sources& sources);

/// One value as the command line offers it.
struct SettingDescription {
  std::string name;  ///< lower case with underscores
  std::string help;
  bool secret = false;
};
std::vector<SettingDescription> setting_descriptions();

/// One line per value, as `doctor` shows it: variable, value (secrets as "set" or "not set"), where it came from.
struct ValueReport {
  std::string variable;
  std::string value;
  std::string source;  ///< flag, environment, file or default
};
Result<std::vector<ValueReport>> report_config(const Sources& sources);

/// `1|true|yes|on` and `0|false|no|off`, in any letter case.
Result<bool> parse_boolean(std::string_view text);
/// host:port, [ipv6]:port or :port.
Result<ListenAddress> parse_listen_address(std::string_view text);

}  // namespace orchestrator::config
