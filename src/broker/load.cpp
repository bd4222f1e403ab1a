#include "broker/load.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace parley::broker {

LoadMeter::LoadMeter(std::size_t workers, ReadCpu read) : read_(std::move(read)), workers_(workers) {}

void LoadMeter::sample(base::Instant now) {
  const auto before = std::exchange(sampledAt_, now);
  const double elapsed = before ? std::chrono::duration<double>(now - *before).count() : 0;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    State& state = workers_[i];
    const auto used = read_(i);
    const auto last = std::exchange(state.cpu, used);
    if (!used || !last || elapsed <= 0) continue;
    const double percent = 100 * std::chrono::duration<double>(*used - *last).count() / elapsed;
    state.percent += kWeight * (std::clamp(percent, 0.0, 100.0) - state.percent);
  }
}

unsigned LoadMeter::worker(std::size_t index) const {
  return static_cast<unsigned>(std::lround(workers_.at(index).percent));
}

unsigned LoadMeter::busiest() const {
  unsigned most = 0;
  for (std::size_t i = 0; i < workers_.size(); ++i) most = std::max(most, worker(i));
  return most;
}

unsigned loadOf(unsigned busiestCpu, std::size_t calls, std::size_t maxCalls) {
  const std::size_t used = maxCalls > 0 ? calls * 100 / maxCalls : 100;
  return std::max(busiestCpu, static_cast<unsigned>(std::min<std::size_t>(used, 100)));
}

}  // namespace parley::broker
