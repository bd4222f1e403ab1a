// Prometheus metrics. Objects are cheap handles to atomics that live as long as the process; updating is
// lock-free, creating takes a lock. Names follow Prometheus: parley_<module>_<what>_<unit>[_total].
#pragma once
#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace parley::base {

using Labels = std::vector<std::pair<std::string, std::string>>;

class Counter {
 public:
  void add(std::uint64_t n = 1) const { value_->fetch_add(n, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_->load(std::memory_order_relaxed); }

 private:
  friend class Metrics;
  std::atomic<std::uint64_t>* value_ = nullptr;
};

class Gauge {
 public:
  void set(std::int64_t v) const { value_->store(v, std::memory_order_relaxed); }
  void add(std::int64_t n) const { value_->fetch_add(n, std::memory_order_relaxed); }
  std::int64_t value() const { return value_->load(std::memory_order_relaxed); }

 private:
  friend class Metrics;
  std::atomic<std::int64_t>* value_ = nullptr;
};

/// Durations in seconds, fixed buckets 1 ms … 60 s.
class Histogram {
 public:
  struct Cells;
  void observe(double seconds) const;

 private:
  friend class Metrics;
  Cells* cells_ = nullptr;
};

class Metrics {
 public:
  static Metrics& instance();
  /// The same name and labels give the same metric. At most kMaxSeries series; beyond that every
  /// further one is counted in parley_metrics_refused_total and shares one hidden cell.
  Counter counter(std::string_view name, std::string_view help, Labels labels = {});
  Gauge gauge(std::string_view name, std::string_view help, Labels labels = {});
  Histogram histogram(std::string_view name, std::string_view help, Labels labels = {});
  std::string expose() const;  ///< Prometheus text format 0.0.4.
  static constexpr std::size_t kMaxSeries = 5000;

 private:
  Metrics();
  ~Metrics();
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace parley::base
