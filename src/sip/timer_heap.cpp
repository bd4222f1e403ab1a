#include "sip/timer_heap.h"

namespace parley::sip {

Timed::~Timed() {
  if (heap_ != nullptr) heap_->disarm(*this);
}

TimerHeap::~TimerHeap() {
  for (Entry& entry : heap_) entry.timed->heap_ = nullptr;
}

void TimerHeap::put(std::size_t place, Entry entry) {
  heap_[place] = entry;
  entry.timed->place_ = place;
}

void TimerHeap::up(std::size_t place) {
  const Entry entry = heap_[place];
  while (place > 0) {
    const std::size_t parent = (place - 1) / 2;
    if (heap_[parent].due <= entry.due) break;
    put(place, heap_[parent]);
    place = parent;
  }
  put(place, entry);
}

void TimerHeap::down(std::size_t place) {
  const Entry entry = heap_[place];
  for (;;) {
    std::size_t child = 2 * place + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1].due < heap_[child].due) ++child;
    if (entry.due <= heap_[child].due) break;
    put(place, heap_[child]);
    place = child;
  }
  put(place, entry);
}

void TimerHeap::arm(Timed& timed, base::Instant due) {
  if (due == base::Instant::max()) return disarm(timed);
  due = std::chrono::ceil<base::Millis>(due);
  if (timed.heap_ == nullptr) {
    timed.heap_ = this;
    heap_.push_back({due, &timed});
    timed.place_ = heap_.size() - 1;
    return up(timed.place_);
  }
  const bool earlier = due < heap_[timed.place_].due;
  heap_[timed.place_].due = due;
  earlier ? up(timed.place_) : down(timed.place_);
}

void TimerHeap::disarm(Timed& timed) {
  if (timed.heap_ == nullptr) return;
  const std::size_t place = timed.place_;
  timed.heap_ = nullptr;
  const Entry last = heap_.back();
  heap_.pop_back();
  if (place == heap_.size()) return;
  put(place, last);
  up(place);
  down(last.timed->place_);
}

void TimerHeap::run(base::Instant now) {
  while (!heap_.empty() && heap_.front().due <= now) {
    Timed& timed = *heap_.front().timed;
    disarm(timed);
    timed.onDue(now);
  }
}

}  // namespace parley::sip
