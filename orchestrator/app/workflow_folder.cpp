#include "orchestrator/app/workflow_folder.hpp"

#include <chrono>
#include <future>
#include <memory>
#include <set>

#include "orchestrator/app/definition_file.hpp"
#include "orchestrator/app/input_text.hpp"
#include "orchestrator/base/json.hpp"

namespace orchestrator::app {
namespace {

namespace fs = std::filesystem;

/// Most definitions that one folder deploys.
constexpr std::size_t kMaxFiles = 1'000;
constexpr std::chrono::seconds kDeployTime{10};

std::set<fs::path> definitions_in(const fs::path& folder) {
  std::set<fs::path> files;
  std::error_code problem;
  for (fs::directory_iterator entry(folder, problem), end; !problem && entry != end; entry.increment(problem)) {
    if (files.size() < kMaxFiles && is_definition_name(entry->path().string())) files.insert(entry->path());
  }
  return files;
}

}  // namespace

void WorkflowFolder::look() {
  for (const fs::path& file : definitions_in(folder_)) {
    std::error_code problem;
    const Seen now{.changed = fs::last_write_time(file, problem), .size = fs::file_size(file, problem)};
    // Gone between listing and looking, or just being replaced: the next look sees it.
    if (problem) continue;
    const auto before = seen_.find(file);
    if (before != seen_.end() && before->second.changed == now.changed && before->second.size == now.size) continue;
    if (deploy(file)) seen_[file] = now;
  }
}

bool WorkflowFolder::deploy(const fs::path& file) {
  const std::string name = workflow_name_of(file.string());
  auto document = read_document(file.string());
  if (!document) {
    logger_.warn("definition_unreadable", {{"workflow", name}, {"reason", document.error().message}});
    return true;
  }
  // Shared with a reply that may come after the wait is given up.
  auto answer = std::make_shared<std::promise<Result<service::Deployed>>>();
  auto deployed = answer->get_future();
  service::Deploy request;
  request.namespace_name = "default";
  request.name = name;
  request.definition = make_payload(*std::move(document));
  service_.deploy(std::move(request),
                  [answer](Result<service::Deployed> result) { answer->set_value(std::move(result)); });
  if (deployed.wait_for(kDeployTime) != std::future_status::ready) return false;
  const auto result = deployed.get();
  if (!result) {
    const Error& error = result.error();
    const std::string first =
        error.faults.empty() ? "" : error.faults.front().pointer + " " + error.faults.front().message;
    logger_.warn("definition_refused", {{"workflow", name}, {"reason", error.message}, {"first_fault", first}});
    return !error_traits(error.code).retryable;
  }
  if (result->created) logger_.info("definition_deployed", {{"workflow", name}, {"version", result->version}});
  for (const std::string& warning : result->warnings) {
    logger_.info("definition_warning", {{"workflow", name}, {"warning", warning}});
  }
  return true;
}

}  // namespace orchestrator::app
