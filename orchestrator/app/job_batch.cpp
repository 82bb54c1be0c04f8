#include "orchestrator/app/job_batch.hpp"

#include <algorithm>
#include <iostream>
#include <utility>

#include "orchestrator/app/explain.hpp"
#include "orchestrator/app/input_text.hpp"
#include "orchestrator/app/progress_bar.hpp"
#include "orchestrator/base/json.hpp"

namespace orchestrator::app {
namespace {

/// What became of the jobs so far.
struct Tally {
  std::size_t enqueued = 0;
  std::size_t existing = 0;
  std::size_t refused = 0;

  [[nodiscard]] std::size_t accepted() const { return enqueued + existing; }
};

tools::ClientRequest request_of(const Json& jobs, std::size_t from, std::size_t to, const std::string& key) {
  const auto begin = jobs.begin() + static_cast<std::ptrdiff_t>(from);
  const auto end = jobs.begin() + static_cast<std::ptrdiff_t>(to);
  tools::ClientRequest request;
  request.method = "POST";
  request.target = "/v1/jobs/batch";
  request.body = dump_json(Json{{"jobs", Json(Json::array_t(begin, end))}});
  // The parts of a file are calls of their own: each has its own key.
  if (!key.empty()) request.headers.emplace_back("Idempotency-Key", key + ":" + std::to_string(from));
  return request;
}

void count(const Json& items, std::size_t from, ProgressBar& bar, Tally& tally) {
  for (std::size_t at = 0; at < items.size(); ++at) {
    const auto error = items[at].find("error");
    if (error == items[at].end()) {
      ++(items[at].value("existing", false) ? tally.existing : tally.enqueued);
      continue;
    }
    ++tally.refused;
    bar.make_room();
    std::cerr << "orchestrator: job " << from + at + 1
              << " was refused: " << string_member(*error, "detail", string_member(*error, "title")) << "\n";
  }
}

}  // namespace

void enqueue_batch(const ClientOptions& client, const std::string& source, const std::string& idempotency_key,
                   Exit& exit) {
  auto jobs = read_json_argument(source);
  if (!jobs) return explain(jobs.error(), exit);
  if (!jobs->is_array() || jobs->empty()) {
    return explain(Error(ErrorCode::invalid_argument, "a JSON array of jobs is needed, with at least one in it"), exit);
  }
  Tally tally;
  ProgressBar bar("enqueued", jobs->size());
  for (std::size_t from = 0; from < jobs->size(); from += kJobsPerCall) {
    const std::size_t to = std::min(from + kJobsPerCall, jobs->size());
    auto answer = call_api(client, request_of(*jobs, from, to, idempotency_key));
    if (!answer || !answer->good() || client.json()) bar.make_room();
    const auto good = print_answer(client, std::move(answer), exit);
    if (!good) {
      std::cerr << "orchestrator: stopped after " << from << " of " << jobs->size() << " jobs\n";
      return;
    }
    count(good->value.value("items", Json::array()), from, bar, tally);
    bar.show(tally.accepted(), tally.refused);
  }
  bar.end();
  if (tally.refused > 0) exit.code = ExitCode::refused;
  if (client.json()) return;
  std::cout << tally.enqueued << " enqueued";
  if (tally.existing > 0) std::cout << ", " << tally.existing << " were there already";
  if (tally.refused > 0) std::cout << ", " << tally.refused << " refused";
  std::cout << "\n";
}

}  // namespace orchestrator::app
