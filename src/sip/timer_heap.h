// Timers of one engine: a binary heap whose members know their place, so that arming and disarming cost
// O(log n) and nothing is left behind. Due times are rounded up to whole milliseconds: a timer never fires
// early, and an owner that sleeps in milliseconds never spins.
#pragma once
#include <cstddef>
#include <vector>

#include "base/time.h"

namespace parley::sip {

class TimerHeap;

/// Something with one timer (that is armed for the earliest of what it waits for). Disarmed when it dies.
class Timed {
 public:
  Timed() = default;
  Timed(const Timed&) = delete;
  Timed& operator=(const Timed&) = delete;
  virtual ~Timed();
  /// Disarmed before the call; may arm again, may be destroyed inside.
  virtual void onDue(base::Instant now) = 0;
  bool armed() const { return heap_ != nullptr; }

 private:
  friend class TimerHeap;
  TimerHeap* heap_ = nullptr;
  std::size_t place_ = 0;
};

class TimerHeap {
 public:
  TimerHeap() = default;
  TimerHeap(const TimerHeap&) = delete;
  TimerHeap& operator=(const TimerHeap&) = delete;
  ~TimerHeap();

  /// Again: moves it. Instant::max() disarms.
  void arm(Timed& timed, base::Instant due);
  void disarm(Timed& timed);
  /// Calls all that are due, the earliest first.
  void run(base::Instant now);
  base::Instant next() const { return heap_.empty() ? base::Instant::max() : heap_.front().due; }
  std::size_t size() const { return heap_.size(); }

 private:
  struct Entry {
    base::Instant due;
    Timed* timed;
  };
  void put(std::size_t place, Entry entry);
  void up(std::size_t place);
  void down(std::size_t place);
  std::vector<Entry> heap_;
};

}  // namespace parley::sip
