#include "broker/leg.h"

#include <algorithm>

#include "broker/call.h"

namespace parley::broker {

void Leg::emit(std::string_view what, std::vector<std::pair<std::string, std::string>> detail,
               base::WallTime at) {
  const auto now = base::wallNow();
  const double gained =
      std::chrono::duration<double>(now - eventsAt_) / std::chrono::duration<double>(kEventEvery);
  eventTokens_ = std::min<double>(kEventBurst, eventTokens_ + std::max(0.0, gained));
  eventsAt_ = now;
  if (eventTokens_ < 1) return;
  eventTokens_ -= 1;
  host_.emit(LegEvent{callId_, id_.value(), what, at, std::move(detail)});
}

void Leg::setReady(bool ready) {
  if (ready == ready_) return;
  ready_ = ready;
  call_.onReadyChanged(*this);
}

}  // namespace parley::broker
