// How busy the broker is: CPU of the worker threads, smoothed, and used call capacity. Main loop.
#pragma once
#include <functional>
#include <optional>
#include <vector>

#include "base/time.h"

namespace parley::broker {

class LoadMeter {
 public:
  /// CPU time that a worker's thread used so far; nothing when it cannot be read.
  using ReadCpu = std::function<std::optional<base::Micros>(std::size_t worker)>;
  LoadMeter(std::size_t workers, ReadCpu read);

  void sample(base::Instant now);            ///< About once a second.
  unsigned worker(std::size_t index) const;  ///< Percent of one core, 0…100.
  unsigned busiest() const;

  /// Weight of the newest sample: a burst of handshakes shows, but does not close the door by itself.
  static constexpr double kWeight = 0.4;

 private:
  struct State {
    std::optional<base::Micros> cpu;
    double percent = 0;
  };
  ReadCpu read_;
  std::vector<State> workers_;
  std::optional<base::Instant> sampledAt_;
};

/// What is told as "load": the worse of CPU and used capacity, percent.
unsigned loadOf(unsigned busiestCpu, std::size_t calls, std::size_t maxCalls);

}  // namespace parley::broker
