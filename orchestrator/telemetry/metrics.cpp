#include "orchestrator/telemetry/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <map>
#include <set>
#include <vector>

#include "orchestrator/base/check.hpp"
#include "orchestrator/telemetry/mutex.hpp"
#include "orchestrator/telemetry/process_usage.hpp"

namespace orchestrator::telemetry {
namespace {

const prometheus::Histogram::BucketBoundaries& buckets() {
  static const prometheus::Histogram::BucketBoundaries boundaries = {
      0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60};
  return boundaries;
}

std::size_t label_count(const MetricDeclaration& declaration) {
  std::size_t count = 0;
  while (count < declaration.labels.size() && !declaration.labels[count].empty()) ++count;
  return count;
}

}  // namespace

class Metrics::State {
 public:
  /// The label values to use: the ones asked for, or "other" once the metric has too many series.
  prometheus::Labels labels_for(const MetricDeclaration& declaration, MetricKind kind,
                                std::initializer_list<std::string_view> values) ORC_REQUIRES(mutex_) {
    ORC_CHECK(declaration.kind == kind, "a metric is used as the kind that it is declared as");
    ORC_CHECK(label_count(declaration) == values.size(), "a metric is given a value for each declared label");
    prometheus::Labels labels;
    std::size_t index = 0;
    for (const std::string_view value : values) {
      labels.emplace(std::string{declaration.labels[index++]}, std::string{value});
    }
    auto& known = series_[declaration.name];
    if (known.contains(labels)) return labels;
    if (known.size() >= static_cast<std::size_t>(kMaxSeriesPerMetric)) {
      for (auto& [name, value] : labels) value = "other";
    }
    known.insert(labels);
    return labels;
  }

  prometheus::Family<prometheus::Counter>& counter_family(const MetricDeclaration& declaration) {
    return prometheus::BuildCounter()
        .Name(std::string{declaration.name})
        .Help(std::string{declaration.help})
        .Register(registry_);
  }
  prometheus::Family<prometheus::Gauge>& gauge_family(const MetricDeclaration& declaration) {
    return prometheus::BuildGauge()
        .Name(std::string{declaration.name})
        .Help(std::string{declaration.help})
        .Register(registry_);
  }
  prometheus::Family<prometheus::Histogram>& histogram_family(const MetricDeclaration& declaration) {
    return prometheus::BuildHistogram()
        .Name(std::string{declaration.name})
        .Help(std::string{declaration.help})
        .Register(registry_);
  }

  Mutex mutex_;
  std::map<std::string_view, std::set<prometheus::Labels>> series_ ORC_GUARDED_BY(mutex_);
  std::vector<std::function<void()>> refreshers_ ORC_GUARDED_BY(mutex_);
  // Thread-safe by itself; merges repeated registrations of one name.
  prometheus::Registry registry_{prometheus::Registry::InsertBehavior::Merge};
};

void Counter::add(double amount) const {
  if (inner_ != nullptr) inner_->Increment(amount);
}
double Counter::value() const { return inner_ == nullptr ? 0 : inner_->Value(); }

void Gauge::set(double value) const {
  if (inner_ != nullptr) inner_->Set(value);
}
void Gauge::add(double amount) const {
  if (inner_ != nullptr) inner_->Increment(amount);
}
double Gauge::value() const { return inner_ == nullptr ? 0 : inner_->Value(); }

void Histogram::observe(double seconds) const {
  if (inner_ != nullptr) inner_->Observe(seconds);
}

Metrics::Metrics() : state_(std::make_unique<State>()) {}
Metrics::~Metrics() = default;

Counter Metrics::counter(const MetricDeclaration& declaration, std::initializer_list<std::string_view> label_values) {
  const MutexLock lock(state_->mutex_);
  const auto labels = state_->labels_for(declaration, MetricKind::counter, label_values);
  return Counter{state_->counter_family(declaration).Add(labels)};
}

Gauge Metrics::gauge(const MetricDeclaration& declaration, std::initializer_list<std::string_view> label_values) {
  const MutexLock lock(state_->mutex_);
  const auto labels = state_->labels_for(declaration, MetricKind::gauge, label_values);
  return Gauge{state_->gauge_family(declaration).Add(labels)};
}

Histogram Metrics::histogram(const MetricDeclaration& declaration,
                             std::initializer_list<std::string_view> label_values) {
  const MutexLock lock(state_->mutex_);
  const auto labels = state_->labels_for(declaration, MetricKind::histogram, label_values);
  return Histogram{state_->histogram_family(declaration).Add(labels, buckets())};
}

void Metrics::before_render(std::function<void()> refresh) {
  const MutexLock lock(state_->mutex_);
  state_->refreshers_.push_back(std::move(refresh));
}

std::string Metrics::render() {
  std::vector<std::function<void()>> refreshers;
  {
    const MutexLock lock(state_->mutex_);
    refreshers = state_->refreshers_;
  }
  // Without the lock: a refresher sets gauges, and asking for a handle takes it.
  for (const auto& refresh : refreshers) refresh();

  const ProcessUsage usage = read_own_usage();
  gauge(kProcessId).set(static_cast<double>(usage.process_id));
  gauge(kProcessCpuSeconds).set(usage.cpu_seconds);
  gauge(kProcessResidentBytes).set(static_cast<double>(usage.resident_bytes));
  gauge(kProcessStartTimeSeconds).set(usage.start_unix_seconds);
  return prometheus::TextSerializer{}.Serialize(state_->registry_.Collect());
}

}  // namespace orchestrator::telemetry
