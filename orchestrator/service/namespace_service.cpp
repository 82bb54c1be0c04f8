// Namespaces: created once, never gone.
#include <utility>

#include "orchestrator/service/engine_service.hpp"

namespace orchestrator::service {

void EngineService::check_namespace(std::string name, Reply<void> reply) {
  {
    const telemetry::MutexLock lock(namespaces_mutex_);
    if (namespaces_.contains(name)) return reply({});
  }
  // Another node may have created it a moment ago: only the database can say no.
  list_namespaces([name = std::move(name), reply = std::move(reply)](Result<std::vector<store::NamespaceRow>> rows) {
    if (!rows) return reply(std::move(rows).error());
    for (const store::NamespaceRow& row : *rows) {
      if (row.name == name) return reply({});
    }
    reply(fail(ErrorCode::precondition_failed, "forbidden",
               "There is no namespace " + name + "; POST /v1/namespaces creates one"));
  });
}

void EngineService::create_namespace(std::string name, Caller caller, Reply<store::CreatedNamespace> reply) {
  auto audit = audited(name, std::move(caller), "namespace.create", name, "");
  const auto known = [this, reply = std::move(reply)](Result<store::CreatedNamespace> created) {
    if (created) {
      const telemetry::MutexLock lock(namespaces_mutex_);
      namespaces_.insert(created->row.name);
    }
    reply(std::move(created));
  };
  store_.create_namespace(std::move(name), std::move(audit), known);
}

void EngineService::list_namespaces(Reply<std::vector<store::NamespaceRow>> reply) {
  store_.list_namespaces([this, reply = std::move(reply)](Result<std::vector<store::NamespaceRow>> rows) {
    if (rows) {
      const telemetry::MutexLock lock(namespaces_mutex_);
      for (const store::NamespaceRow& row : *rows) namespaces_.insert(row.name);
    }
    reply(std::move(rows));
  });
}

}  // namespace orchestrator::service
