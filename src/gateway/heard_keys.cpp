#include "gateway/heard_keys.h"

#include <algorithm>

namespace parley::gateway {

HeardKeys::Heard HeardKeys::hear(const std::string& leg, std::string_view digits, bool inMedia, bool hold,
                                 base::Instant now) {
  std::erase_if(keys_, [&](const Key& key) { return !key.held && now - key.at > kApart; });
  Heard out;
  for (const char digit : digits) {
    const auto same = std::ranges::find_if(keys_, [&](const Key& key) {
      return key.leg == leg && key.digit == digit && key.inMedia != inMedia;
    });
    if (same != keys_.end()) {
      if (same->held) {
        out.digits += digit;  // Nobody was told of the other one.
      } else {
        ++out.repeats;
      }
      keys_.erase(same);
      continue;
    }
    const bool held =
        hold && std::ranges::count(keys_, true, &Key::held) < static_cast<std::ptrdiff_t>(kMostHeld);
    if (keys_.size() == kMost) keys_.erase(std::ranges::find(keys_, false, &Key::held));
    keys_.push_back({leg, digit, inMedia, held, now});
    if (!held) out.digits += digit;
  }
  return out;
}

std::vector<HeardKeys::Due> HeardKeys::due(base::Instant now) {
  std::vector<Due> out;
  for (Key& key : keys_) {
    if (!key.held || now - key.at < kHold) continue;
    key.held = false;
    if (out.empty() || out.back().leg != key.leg) out.push_back({key.leg, ""});
    out.back().digits += key.digit;
  }
  return out;
}

base::Instant HeardKeys::nextDue() const {
  const auto first = std::ranges::find(keys_, true, &Key::held);
  return first == keys_.end() ? base::Instant::max() : first->at + kHold;
}

}  // namespace parley::gateway
