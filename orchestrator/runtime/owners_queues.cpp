// Queues over all nodes: everybody is asked, because each has a share of what is ready.
#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "orchestrator/base/json.hpp"
#include "orchestrator/runtime/json_members.hpp"
#include "orchestrator/runtime/owners.hpp"
#include "orchestrator/runtime/request_json.hpp"
#include "orchestrator/telemetry/mutex.hpp"

namespace orchestrator::runtime {
namespace {

Json to_json(const QueueFigures& figures) {
  Json workers = Json::array();
  for (const auto& worker : figures.workers)
    workers.push_back({{"worker_id", worker.worker_id}, {"in_flight", worker.in_flight}});
  return {{"name", figures.name},
          {"depth", figures.depth},
          {"in_flight", figures.in_flight},
          {"oldest_ready_age_us", figures.oldest_ready_age.count()},
          {"begun_lately", figures.begun_lately},
          {"workers", std::move(workers)}};
}

QueueFigures figures_from(const Json& object) {
  QueueFigures figures;
  figures.name = object.at("name").get<std::string>();
  figures.depth = object.at("depth").get<std::int64_t>();
  figures.in_flight = object.at("in_flight").get<std::int64_t>();
  figures.oldest_ready_age = Duration{object.at("oldest_ready_age_us").get<std::int64_t>()};
  figures.begun_lately = object.at("begun_lately").get<std::int64_t>();
  for (const Json& worker : object.at("workers"))
    figures.workers.push_back({worker.at("worker_id").get<std::string>(), worker.at("in_flight").get<std::int64_t>()});
  return figures;
}

/// Another node's answer; nothing when it makes no sense.
std::optional<std::vector<QueueFigures>> figures_in(const Result<std::string>& text) {
  if (!text) return std::nullopt;
  const auto envelope = parse_json(*text);
  if (!envelope || !envelope->is_object() || !envelope->contains("answer")) return std::nullopt;
  try {
    std::vector<QueueFigures> figures;
    for (const Json& one : envelope->at("answer")) figures.push_back(figures_from(one));
    return figures;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

}  // namespace

/// Answers of several nodes, which come on any thread.
struct Owners::QueueGathering {
  telemetry::Mutex mutex;
  std::map<std::string, QueueFigures> queues ORC_GUARDED_BY(mutex);
  std::vector<std::string> missing ORC_GUARDED_BY(mutex);
  std::size_t awaited ORC_GUARDED_BY(mutex) = 0;
  Reply<QueueList> reply;

  void add(const std::vector<QueueFigures>& figures) ORC_REQUIRES(mutex) {
    for (const QueueFigures& one : figures) {
      const auto [known, is_new] = queues.try_emplace(one.name, one);
      if (is_new) continue;
      QueueFigures& sum = known->second;
      sum.depth += one.depth;
      sum.in_flight += one.in_flight;
      sum.begun_lately += one.begun_lately;
      sum.oldest_ready_age = std::max(sum.oldest_ready_age, one.oldest_ready_age);
      sum.workers.insert(sum.workers.end(), one.workers.begin(), one.workers.end());
    }
  }
  void answer_when_complete() {
    QueueList list;
    {
      const telemetry::MutexLock lock(mutex);
      if (awaited > 0) return;
      for (auto& [name, figures] : queues) list.queues.push_back(std::move(figures));
      std::sort(missing.begin(), missing.end());
      list.missing = missing;
    }
    reply(std::move(list));
  }
};

void Owners::list_queues(const std::string& namespace_name, Reply<QueueList> reply) {
  auto others = node_.other_workers();
  if (peers_ == nullptr) others.clear();
  auto gathering = std::make_shared<QueueGathering>();
  gathering->reply = std::move(reply);
  {
    const telemetry::MutexLock lock(gathering->mutex);
    gathering->add(queues_here(namespace_name));
    gathering->awaited = others.size();
  }
  gathering->answer_when_complete();
  const std::string body = dump_json({{"namespace", namespace_name}});
  for (const auto& [id, url] : others) {
    peers_->call(url, "list_queues", body, [gathering, id = id](const Result<std::string>& text) {
      const auto figures = figures_in(text);
      {
        const telemetry::MutexLock lock(gathering->mutex);
        if (figures) {
          gathering->add(*figures);
        } else {
          gathering->missing.push_back(id.value);
        }
        --gathering->awaited;
      }
      gathering->answer_when_complete();
    });
  }
}

std::vector<QueueFigures> Owners::queues_here(const std::string& namespace_name) const {
  std::vector<QueueFigures> here;
  std::map<std::string, std::vector<QueueWorker>> remote;
  for (auto& worker : claims_.workers_of(namespace_name))
    remote[worker.queue].push_back({std::move(worker.worker_id), worker.in_hand});
  for (auto& reading : node_.workers().queues()) {
    if (reading.queue.namespace_name != namespace_name) continue;
    QueueFigures figures;
    figures.name = reading.queue.name;
    figures.depth = reading.depth;
    figures.in_flight = reading.in_flight;
    figures.oldest_ready_age = reading.oldest_ready_age;
    figures.begun_lately = reading.begun_lately;
    if (reading.in_local_slots > 0) figures.workers.push_back({node_.id().value, reading.in_local_slots});
    auto& of_queue = remote[figures.name];
    std::move(of_queue.begin(), of_queue.end(), std::back_inserter(figures.workers));
    of_queue.clear();
    figures.rules = reading.rules;
    here.push_back(std::move(figures));
  }
  // Nothing has come yet, and somebody waits for it.
  for (auto& [name, workers] : remote) {
    if (workers.empty()) continue;
    QueueFigures& figures = here.emplace_back();
    figures.name = name;
    figures.workers = std::move(workers);
  }
  return here;
}

void Owners::perform_queues(const Json& body, Reply<std::string> reply) {
  Json answer = Json::array();
  for (const auto& figures : queues_here(body.at("namespace").get<std::string>())) answer.push_back(to_json(figures));
  reply(dump_json({{"answer", std::move(answer)}}));
}

void Owners::tell_queues_changed() {
  if (peers_ == nullptr) return;
  for (const auto& [id, url] : node_.other_workers())
    peers_->call(url, "queues_changed", "null", [](const Result<std::string>&) {});
}

void Owners::perform_queues_changed(const Json& /*body*/, Reply<std::string> reply) {
  node_.queues().refresh();
  reply(dump_json({{"answer", true}}));
}

}  // namespace orchestrator::runtime
