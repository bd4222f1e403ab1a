#include "broker/leg.h"

#include <algorithm>

#include "broker/call.h"

namespace parley::broker {

bool Leg::EventBudget::take(base::WallTime now) {
  const double gained = std::chrono::duration<double>(now - at_) / std::chrono::duration<double>(pace_.every);
  tokens_ = std::min(pace_.burst, tokens_ + std::max(0.0, gained));
  at_ = now;
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

void Leg::emit(std::string_view what, std::vector<std::pair<std::string, std::string>> detail,
               base::WallTime at) {
  emit(events_, what, std::move(detail), at);
}

void Leg::emit(EventBudget& budget, std::string_view what,
               std::vector<std::pair<std::string, std::string>> detail, base::WallTime at) {
  if (!budget.take(base::wallNow())) return;
  host_.emit(LegEvent{callId_, id_.value(), what, at, std::move(detail)});
}

void Leg::setReady(bool ready) {
  if (ready == ready_) return;
  ready_ = ready;
  call_.onReadyChanged(*this);
}

}  // namespace parley::broker
