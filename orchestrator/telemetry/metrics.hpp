#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "orchestrator/telemetry/metric_declarations.hpp"

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
}  // namespace prometheus

namespace orchestrator::telemetry {

/// Most label combinations that one metric keeps; further ones are counted together under the label value "other".
inline constexpr int kMaxSeriesPerMetric = 1000;

/// A number that only grows. A handle as cheap as a pointer: get it once, outside hot paths. Thread-safe. A handle that
/// was never given out by Metrics counts nothing.
class Counter {
 public:
  Counter() = default;
  explicit Counter(prometheus::Counter& inner) : inner_(&inner) {}
  /// @param amount not negative.
  void add(double amount = 1) const;
  [[nodiscard]] double value() const;

 private:
  prometheus::Counter* inner_ = nullptr;
};

/// A number that goes up and down. As Counter otherwise.
class Gauge {
 public:
  Gauge() = default;
  explicit Gauge(prometheus::Gauge& inner) : inner_(&inner) {}
  void set(double value) const;
  void add(double amount) const;
  [[nodiscard]] double value() const;

 private:
  prometheus::Gauge* inner_ = nullptr;
};

/// A distribution of durations in seconds, in fixed buckets from 0.1 ms to 60 s. As Counter otherwise.
class Histogram {
 public:
  Histogram() = default;
  explicit Histogram(prometheus::Histogram& inner) : inner_(&inner) {}
  void observe(double seconds) const;

 private:
  prometheus::Histogram* inner_ = nullptr;
};

/// The process's metrics. Owned by the application and handed on by reference; it must outlive its handles.
/// Thread-safe.
class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  /// The series of a declared metric for these label values, made at the first call. Takes a lock: not for hot paths.
  /// Stops the process when the kind or the number of labels is not the declared one.
  Counter counter(const MetricDeclaration& declaration, std::initializer_list<std::string_view> label_values = {});
  Gauge gauge(const MetricDeclaration& declaration, std::initializer_list<std::string_view> label_values = {});
  Histogram histogram(const MetricDeclaration& declaration, std::initializer_list<std::string_view> label_values = {});

  /// Calls `refresh` before each rendering, on the rendering thread: for gauges that are cheaper to read than to keep.
  /// Whoever the function refers to must live as long as this object is rendered.
  void before_render(std::function<void()> refresh);

  /// Prometheus text format 0.0.4 of everything that has been asked for, and of the process itself.
  [[nodiscard]] std::string render();

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace orchestrator::telemetry
