#include "orchestrator/app/server.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <map>
#include <optional>
#include <thread>
#include <vector>

#include "api/api.hpp"
#include "api/peer_client.hpp"
#include "api/server.hpp"
#include "handlers/register_handlers.hpp"
#include "handlers/sample_handlers.hpp"
#include "orchestrator/app/document_fetcher.hpp"
#include "orchestrator/app/engine_gauges.hpp"
#include "orchestrator/app/http_metrics.hpp"
#include "orchestrator/app/node_identity.hpp"
#include "orchestrator/app/sampled_event.hpp"
#include "orchestrator/app/upkeep.hpp"
#include "orchestrator/core/planner.hpp"
#include "orchestrator/digest/digest.hpp"
#include "orchestrator/model/role.hpp"
#include "orchestrator/runtime/asio_executor.hpp"
#include "orchestrator/runtime/node.hpp"
#include "orchestrator/service/engine_service.hpp"
#include "orchestrator/store/postgres/inbox_listener.hpp"
#include "orchestrator/store/postgres/postgres_store.hpp"
#include "orchestrator/telemetry/log.hpp"
#include "orchestrator/telemetry/metrics.hpp"
#include "orchestrator/telemetry/mutex.hpp"

namespace orchestrator::app {

namespace asio = boost::asio;

namespace {

using Clock = std::chrono::steady_clock;

/// How long answers in flight may take when the server stops accepting; long polls are answered at once.
constexpr std::chrono::seconds kAnswerTime{2};
constexpr std::chrono::milliseconds kCheckInterval{10};

/// Threads that run one I/O context until they are joined.
class IoThreads {
 public:
  IoThreads(asio::io_context& io, int count) : io_(io), guard_(asio::make_work_guard(io)) {
    for (int index = 0; index < count; ++index) {
      threads_.emplace_back([this] { io_.run(); });
    }
  }
  ~IoThreads() { stop(); }
  void stop() {
    guard_.reset();
    io_.stop();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

 private:
  asio::io_context& io_;
  asio::executor_work_guard<asio::io_context::executor_type> guard_;
  std::vector<std::thread> threads_;
};

/// Something that another thread brings, waited for with a limit. Shared with the callback, which may come late.
template <typename T>
class Awaited {
 public:
  void set(T value) {
    const telemetry::MutexLock lock(mutex_);
    value_.emplace(std::move(value));
    changed_.notify_all();
  }
  std::optional<T> wait_for(std::chrono::milliseconds time) {
    const auto deadline = std::chrono::steady_clock::now() + time;
    const telemetry::MutexLock lock(mutex_);
    while (!value_.has_value() && changed_.wait_until(mutex_, deadline)) {
    }
    return std::move(value_);
  }

 private:
  telemetry::Mutex mutex_;
  telemetry::Condition changed_;
  std::optional<T> value_ ORC_GUARDED_BY(mutex_);
};

/// The engine's way to other nodes, over the HTTP room's client.
class PeersOverHttp final : public runtime::PeerLink {
 public:
  PeersOverHttp(asio::io_context& io, std::string secret, std::chrono::milliseconds patience)
      : client_(io, std::move(secret), patience) {}

  void call(const std::string& url, const std::string& operation, std::string body,
            runtime::Reply<std::string> reply) override {
    client_.call(url, operation, std::move(body), std::move(reply));
  }

 private:
  api::PeerClient client_;
};

std::string roles_text(const config::Roles& roles) {
  std::string text;
  const auto add = [&text](bool has, const char* role) {
    if (has) text += (text.empty() ? "" : ",") + std::string(role);
  };
  add(roles.api, "api");
  add(roles.worker, "worker");
  add(roles.scheduler, "scheduler");
  return text;
}

std::string http_url(const config::ListenAddress& listen) {
  const bool is_ipv6 = listen.host.find(':') != std::string::npos;
  return "http://" + (is_ipv6 ? "[" + listen.host + "]" : listen.host) + ":" + std::to_string(listen.port);
}

digest::Algorithm algorithm_of(std::string_view name) {
  using digest::Algorithm;
  if (name == "MD5") return Algorithm::md5;
  if (name == "SHA-1") return Algorithm::sha1;
  if (name == "SHA-384") return Algorithm::sha384;
  if (name == "SHA-512") return Algorithm::sha512;
  return Algorithm::sha256;
}

core::Planner make_planner(const config::Config& config) {
  language::Functions functions;
  functions.hash = [](std::string_view algorithm, std::string_view data) {
    return digest::hash(algorithm_of(algorithm), data);
  };
  core::Limits limits;
  limits.poison_limit = config.poison_limit;
  return {std::move(functions), limits};
}

Status register_all(HandlerRegistry& registry, const config::Config& config) {
  auto trust = handlers::load_tls_trust();
  if (!trust) return trust.error();
  const handlers::HandlerSettings settings{.http_allow_private = config.http_allow_private, .trust = *trust};
  if (Status registered = handlers::register_handlers(registry, settings); !registered) return registered;

  const config::Environment environment = config::process_environment();
  samples::SampleSettings samples =
      samples::read_sample_settings([&environment](std::string_view name) { return environment(std::string{name}); });
  samples.http_allow_private = config.http_allow_private;
  samples.trust = *trust;
  return samples::register_sample_handlers(registry, samples);
}

/// `metrics` outlives the store.
store::postgres::PostgresOptions store_options(const config::Config& config, telemetry::Metrics& metrics) {
  store::postgres::PostgresOptions options;
  std::map<std::string_view, telemetry::Counter> lost;
  for (const auto use : store::postgres::kConnectionUses) {
    lost[use] = metrics.counter(telemetry::kStoreConnectionsLostTotal, {use});
  }
  options.on_connection_lost = [lost = std::move(lost)](std::string_view use) { lost.at(use).add(); };
  options.url = config.database_url;
  options.lanes = config.lanes;
  // A frozen process must not hold the fence for longer than half the lease.
  options.idle_in_transaction_timeout =
      std::min(options.idle_in_transaction_timeout, std::chrono::milliseconds(config.lease) / 2);
  return options;
}

}  // namespace

/// The components in construction order; references point upward only.
struct Server::Parts {
  Parts(config::Config settings, telemetry::LogLevel level)
      : config(std::move(settings)),
        identity(NodeIdentity::find(config)),
        logger(level),
        http_metrics(metrics),
        documents(config.http_allow_private),
        planner(make_planner(config)) {}

  /// What needs the store, in order.
  void build(std::unique_ptr<store::Store> opened);
  Status listen();
  [[nodiscard]] api::ApiOptions api_options();
  void connect_webhooks(api::ApiOptions& options);

  const config::Config config;
  NodeIdentity identity;
  telemetry::Logger logger;
  telemetry::Metrics metrics;
  HttpMetrics http_metrics;
  SampledEvent rejected_webhooks;
  DocumentFetcher documents;
  core::Planner planner;
  HandlerRegistry handlers;
  std::unique_ptr<store::Store> store;

  runtime::SystemClock clock;
  runtime::SystemRandom random;
  asio::io_context engine_io;
  asio::io_context http_io;
  std::unique_ptr<runtime::AsioExecutor> node_executor;
  std::vector<std::unique_ptr<runtime::AsioExecutor>> group_executors;
  std::unique_ptr<runtime::HandlerThreadPool> handler_threads;
  std::unique_ptr<PeersOverHttp> peers;
  std::unique_ptr<runtime::Node> node;
  std::unique_ptr<service::EngineService> service;
  std::unique_ptr<api::Api> api;
  std::unique_ptr<api::HttpServer> http;
  std::optional<DatabaseGauges> database_gauges;
  std::optional<store::postgres::InboxListener> inbox_listener;
  std::optional<Upkeep> upkeep;
  // Last: they run what is above, and end first.
  std::optional<IoThreads> engine_threads;
  std::optional<IoThreads> http_threads;
};

void Server::Parts::build(std::unique_ptr<store::Store> opened) {
  store = std::move(opened);
  node_executor = std::make_unique<runtime::AsioExecutor>(engine_io);
  std::vector<runtime::Executor*> groups;
  for (std::int32_t lane = 0; lane < store->lane_count(); ++lane) {
    group_executors.push_back(std::make_unique<runtime::AsioExecutor>(engine_io));
    groups.push_back(group_executors.back().get());
  }
  // Without role worker nothing is ever handed out here.
  const int handler_slots = config.roles.worker ? config.handler_threads : 0;
  handler_threads = std::make_unique<runtime::HandlerThreadPool>(handler_slots);

  runtime::NodeOptions options;
  options.id = identity.id();
  options.url = config.advertise_url.empty() ? http_url(config.listen) : config.advertise_url;
  options.roles = roles_text(config.roles);
  options.takes_shards = config.roles.worker;
  options.lease = config.lease;
  options.handler_slots = handler_slots;
  runtime::Node::Parts parts{.store = *store,
                             .executor = *node_executor,
                             .group_executors = std::move(groups),
                             .clock = clock,
                             .random = random,
                             .handler_threads = *handler_threads,
                             .planner = planner,
                             .handlers = handlers,
                             .logger = logger,
                             .metrics = metrics};
  node = std::make_unique<runtime::Node>(std::move(parts), std::move(options));
  for (const auto& [queue, limit] : config.queue_limits) node->workers().set_queue_limit(queue, limit);
  // A call waits for its commit, and a commit for a take-over at worst.
  peers = std::make_unique<PeersOverHttp>(http_io, store->cluster_secret(),
                                          std::chrono::duration_cast<std::chrono::milliseconds>(node->request_limit()));
  node->set_peers(peers.get());
  service = std::make_unique<service::EngineService>(*node, *store, planner, handlers, peers.get());
  api = std::make_unique<api::Api>(*service, api_options());

  api::ServerOptions http_options;
  http_options.address = config.listen.host;
  http_options.port = config.listen.port;
  http = std::make_unique<api::HttpServer>(http_io, *api, http_options);
}

api::ApiOptions Server::Parts::api_options() {
  api::ApiOptions options;
  options.serves_callers = config.roles.api;
  options.admin_key = config.admin_key;
  options.peer_secret = store->cluster_secret();
  options.max_body_bytes = static_cast<std::uint64_t>(config.max_body_bytes);
  options.max_batch_body_bytes = static_cast<std::uint64_t>(config.max_batch_body_bytes);
  options.metrics_text = [this] { return metrics.render(); };
  options.on_request = [this](const api::RequestReport& report) { http_metrics.record(report); };
  options.on_event_stream = [this](const api::EventStreamReport& report) { http_metrics.record_event_streams(report); };
  options.trusted_proxies = config.trusted_proxies;
  connect_webhooks(options);
  for (const config::ApiKey& key : config.api_keys) {
    options.keys.push_back({.name = key.name,
                            .key = key.key,
                            .role = parse_role(key.role).value_or(Role::viewer),
                            .namespaces = key.namespaces});
  }
  return options;
}

void Server::Parts::connect_webhooks(api::ApiOptions& options) {
  options.on_webhook_kept = [this](const api::WebhookReport& report) {
    http_metrics.record_kept_webhook(report);
    if (report.verdict != "poison" && !report.altered) return;
    logger.warn(report.altered ? "webhook_altered" : "webhook_poison", {{"namespace", report.namespace_name},
                                                                        {"endpoint", report.endpoint},
                                                                        {"provider", report.provider},
                                                                        {"delivery_id", report.delivery_id}});
  };
  options.on_webhook_rejected = [this](const std::string& provider) {
    http_metrics.record_rejected_webhook(provider);
    if (rejected_webhooks.is_due()) logger.warn("webhook_rejected", {{"provider", provider}});
  };
  options.on_webhook_replayed = [this](const api::WebhookReplay& replay) {
    logger.info("webhook_replayed", {{"namespace", replay.namespace_name},
                                     {"delivery_id", replay.delivery_id},
                                     {"replay", replay.number},
                                     {"actor", replay.actor},
                                     {"reason", replay.reason}});
  };
  options.fetch_document = [this](std::string url, std::function<void(Result<std::string>)> done) {
    documents.fetch(std::move(url), std::move(done));
  };
}

Status Server::Parts::listen() {
  const telemetry::Gauge connections = metrics.gauge(telemetry::kHttpConnections);
  metrics.before_render([this, connections] { connections.set(static_cast<double>(http->connection_count())); });
  metrics.gauge(telemetry::kBuildInfo, {ORC_VERSION}).set(1);
  metrics.gauge(telemetry::kHandlerSlots).set(config.roles.worker ? config.handler_threads : 0);
  show_node_gauges(*node, metrics);
  if (Status listening = http->listen(); !listening) return listening;
  database_gauges.emplace(config.database_url, metrics, logger);
  engine_threads.emplace(engine_io, config.lanes);
  node->start();
  service->access().start();
  const store::postgres::RetentionLimits retention{.runs = config.retention,
                                                   .deliveries = config.delivery_retention,
                                                   .signals = config.signal_retention,
                                                   .answers = config.answer_retention};
  upkeep.emplace(config.database_url, retention, metrics, logger);
  if (config.roles.worker) inbox_listener.emplace(config.database_url, [this] { node->look_at_inbox(); });
  http_threads.emplace(http_io, config.io_threads);
  return {};
}

Result<std::unique_ptr<Server>> Server::start(config::Config config) {
  const auto level = telemetry::parse_log_level(config.log_level);
  if (!level) return level.error();
  if (config.listen.port == 0) {
    // Chosen before anything is built: the node tells the others its URL from the first heartbeat on.
    const auto port = pick_free_port(config.listen.host);
    if (!port) return port.error();
    config.listen.port = *port;
  }
  auto parts = std::make_unique<Parts>(std::move(config), *level);
  if (Status registered = register_all(parts->handlers, parts->config); !registered) return registered.error();

  auto opened = store::postgres::open_postgres(store_options(parts->config, parts->metrics));
  if (!opened) {
    Error error = std::move(opened).error();
    if (error.code == ErrorCode::precondition_failed) error.message += "; run `orchestrator migrate up`";
    return error;
  }
  parts->build(*std::move(opened));
  std::unique_ptr<Server> server(new Server(std::move(parts)));
  if (Status listening = server->parts_->listen(); !listening) {
    server->parts_->store->stop();
    return listening.error();
  }
  server->logger().info("server_started", {{"url", server->url()}, {"node_id", server->node_id()}});
  return server;
}

Server::Server(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Server::~Server() = default;

std::string Server::url() const { return http_url(parts_->config.listen); }
std::string Server::node_id() const { return parts_->identity.id().value; }
service::Service& Server::service() { return *parts_->service; }
telemetry::Logger& Server::logger() { return parts_->logger; }

bool Server::wait_until_ready(std::chrono::milliseconds time) {
  const auto give_up = Clock::now() + time;
  do {
    // Shared with a reply that may come after the wait is given up.
    auto answer = std::make_shared<Awaited<bool>>();
    parts_->service->check_ready([answer](Status status) { answer->set(static_cast<bool>(status)); });
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(give_up - Clock::now());
    if (answer->wait_for(std::max(left, kCheckInterval)).value_or(false)) return true;
    std::this_thread::sleep_for(kCheckInterval);
  } while (Clock::now() < give_up);
  return false;
}

void Server::drain_and_stop() {
  const auto patience = std::chrono::duration_cast<std::chrono::milliseconds>(parts_->config.drain);
  const auto start = Clock::now();
  parts_->logger.info("server_draining", {{"drain_seconds", parts_->config.drain.count()}});

  parts_->api->drain();
  parts_->http->drain();
  while (parts_->http->connection_count() > 0 &&
         Clock::now() - start < std::min<Clock::duration>(patience, kAnswerTime)) {
    std::this_thread::sleep_for(kCheckInterval);
  }

  auto drained = std::make_shared<Awaited<bool>>();
  const auto spent = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start);
  parts_->node->drain(std::max(patience - spent, std::chrono::milliseconds{0}), [drained] { drained->set(true); });
  // The node keeps to its patience; the time on top is for the last commits and the hand-over.
  const bool handed_over = drained->wait_for(patience + std::chrono::seconds(5)).value_or(false);

  parts_->http->stop();
  parts_->http_threads.reset();
  parts_->handler_threads->stop();
  parts_->database_gauges.reset();
  parts_->inbox_listener.reset();
  parts_->upkeep.reset();
  parts_->store->stop();
  parts_->engine_threads.reset();
  parts_->logger.info("server_stopped", {{"handed_over", handed_over}});
}

}  // namespace orchestrator::app
