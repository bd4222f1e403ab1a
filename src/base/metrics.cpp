#include "base/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <mutex>

#include "base/check.h"

namespace parley::base {
namespace {

constexpr std::array kBounds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                0.5,   1.0,    2.5,   5.0,  10.0,  30.0, 60.0};

enum class Kind { counter, gauge, histogram };

std::string_view toString(Kind kind) {
  switch (kind) {
    case Kind::counter:
      return "counter";
    case Kind::gauge:
      return "gauge";
    case Kind::histogram:
      return "histogram";
  }
  return "untyped";
}

std::string escaped(std::string_view text, bool quotes) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && quotes) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
  return out;
}

/// `a="1",b="2"`, without braces.
std::string labelText(const Labels& labels) {
  std::string out;
  for (const auto& [key, value] : labels) {
    if (!out.empty()) out += ',';
    out += fmt::format("{}=\"{}\"", key, escaped(value, true));
  }
  return out;
}

std::string braced(std::string_view labels, std::string_view more = {}) {
  if (labels.empty() && more.empty()) return {};
  return fmt::format("{{{}{}{}}}", labels, labels.empty() || more.empty() ? "" : ",", more);
}

}  // namespace

struct Histogram::Cells {
  std::array<std::atomic<std::uint64_t>, kBounds.size() + 1> buckets{};
  std::atomic<std::uint64_t> sumMicros{0};
};

void Histogram::observe(double seconds) const {
  if (!(seconds > 0)) seconds = 0;  // NaN too.
  std::size_t i = 0;
  while (i < kBounds.size() && seconds > kBounds[i]) ++i;
  cells_->buckets[i].fetch_add(1, std::memory_order_relaxed);
  const double micros = std::min(seconds, 1e9) * 1e6;
  cells_->sumMicros.fetch_add(static_cast<std::uint64_t>(micros), std::memory_order_relaxed);
}

struct Metrics::State {
  struct Series {
    std::atomic<std::uint64_t> count{0};
    std::atomic<std::int64_t> level{0};
    std::unique_ptr<Histogram::Cells> cells;
  };
  struct Family {
    Kind kind;
    std::string help;
    std::map<std::string, Series*> series;  // By label text.
  };

  Series& find(Kind kind, std::string_view name, std::string_view help, const Labels& labels);

  mutable std::mutex mutex;
  std::map<std::string, Family, std::less<>> families;
  std::deque<Series> storage;  // Addresses stay.
  std::array<Series, 3> hidden;
  Series* refused = nullptr;
};

Metrics::State::Series& Metrics::State::find(Kind kind, std::string_view name, std::string_view help,
                                             const Labels& labels) {
  const std::string text = labelText(labels);
  const std::lock_guard lock(mutex);
  auto family = families.find(name);
  if (family != families.end()) {
    PARLEY_CHECK(family->second.kind == kind);
    const auto found = family->second.series.find(text);
    if (found != family->second.series.end()) return *found->second;
  }
  if (storage.size() >= kMaxSeries) {
    refused->count.fetch_add(1, std::memory_order_relaxed);
    return hidden[static_cast<std::size_t>(kind)];
  }
  if (family == families.end()) {
    family = families.emplace(std::string(name), Family{kind, std::string(help), {}}).first;
  }
  Series& made = storage.emplace_back();
  if (kind == Kind::histogram) made.cells = std::make_unique<Histogram::Cells>();
  family->second.series.emplace(text, &made);
  return made;
}

Metrics::Metrics() : state_(std::make_unique<State>()) {
  state_->hidden[static_cast<std::size_t>(Kind::histogram)].cells = std::make_unique<Histogram::Cells>();
  state_->refused = &state_->find(Kind::counter, "parley_metrics_refused_total",
                                  "Metric series refused because there are too many.", {});
}

Metrics::~Metrics() = default;

// Never destroyed: handles in other static objects must outlive main().
Metrics& Metrics::instance() {
  union Immortal {
    Immortal() : metrics() {}
    ~Immortal() {}
    Metrics metrics;
  };
  static Immortal immortal;
  return immortal.metrics;
}

Counter Metrics::counter(std::string_view name, std::string_view help, Labels labels) {
  Counter handle;
  handle.value_ = &state_->find(Kind::counter, name, help, labels).count;
  return handle;
}

Gauge Metrics::gauge(std::string_view name, std::string_view help, Labels labels) {
  Gauge handle;
  handle.value_ = &state_->find(Kind::gauge, name, help, labels).level;
  return handle;
}

Histogram Metrics::histogram(std::string_view name, std::string_view help, Labels labels) {
  Histogram handle;
  handle.cells_ = state_->find(Kind::histogram, name, help, labels).cells.get();
  return handle;
}

std::string Metrics::expose() const {
  std::string out;
  const auto line = [&out](std::string_view name, std::string_view labels, auto value) {
    fmt::format_to(std::back_inserter(out), "{}{} {}\n", name, labels, value);
  };
  const std::lock_guard lock(state_->mutex);
  for (const auto& [name, family] : state_->families) {
    fmt::format_to(std::back_inserter(out), "# HELP {} {}\n# TYPE {} {}\n", name, escaped(family.help, false),
                   name, toString(family.kind));
    for (const auto& [labels, series] : family.series) {
      if (family.kind == Kind::counter) {
        line(name, braced(labels), series->count.load(std::memory_order_relaxed));
      } else if (family.kind == Kind::gauge) {
        line(name, braced(labels), series->level.load(std::memory_order_relaxed));
      } else {
        std::uint64_t sum = 0;  // The buckets are cumulative on the wire.
        for (std::size_t i = 0; i <= kBounds.size(); ++i) {
          sum += series->cells->buckets[i].load(std::memory_order_relaxed);
          const std::string le = i < kBounds.size() ? fmt::format("le=\"{}\"", kBounds[i]) : "le=\"+Inf\"";
          line(name + "_bucket", braced(labels, le), sum);
        }
        const auto micros = series->cells->sumMicros.load(std::memory_order_relaxed);
        line(name + "_sum", braced(labels), static_cast<double>(micros) / 1e6);
        line(name + "_count", braced(labels), sum);
      }
    }
  }
  return out;
}

}  // namespace parley::base
