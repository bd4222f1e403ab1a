#include "gateway/heard_keys.h"

#include <algorithm>

namespace parley::gateway {

std::string HeardKeys::fresh(const std::string& leg, std::string_view digits, bool inMedia,
                             base::Instant now) {
  std::erase_if(keys_, [&](const Key& key) { return now - key.at > kApart; });
  std::string out;
  for (const char digit : digits) {
    const auto same = std::ranges::find_if(keys_, [&](const Key& key) {
      return key.leg == leg && key.digit == digit && key.inMedia != inMedia;
    });
    if (same != keys_.end()) {
      keys_.erase(same);
      continue;
    }
    if (keys_.size() == kMost) keys_.erase(keys_.begin());
    keys_.push_back({leg, digit, inMedia, now});
    out += digit;
  }
  return out;
}

}  // namespace parley::gateway
