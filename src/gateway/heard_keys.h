// Keys that a telephone sends twice: in the media (RFC 4733) and by INFO.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace parley::gateway {

/// Some telephones send each key both ways, in either order and a moment apart: that is one key. Two that
/// came the same way are two keys. Belongs to a running call and is never stored: keys may be a PIN. Bounded;
/// one thread.
///
/// Between two telephones the media carries its keys on by itself. There one of INFO is held back for kHold
/// in case the media brings it, too. One that the media brings later than that (it tells of a key when it is
/// released) counts twice.
class HeardKeys {
 public:
  static constexpr base::Millis kHold{600};
  static constexpr std::size_t kMostHeld = 16;  ///< Beyond it nothing is held back.
  struct Heard {
    std::string digits;       ///< To be told of now.
    std::size_t repeats = 0;  ///< Came the other way before, and were told of.
  };
  struct Due {
    std::string leg, digits;
  };

  /// `hold`: what is new of `digits` is kept for due().
  Heard hear(const std::string& leg, std::string_view digits, bool inMedia, bool hold, base::Instant now);
  /// What was held and did not come in the media in its time, to be told of now.
  std::vector<Due> due(base::Instant now);
  /// When due() has something next; Instant::max(): nothing is held.
  base::Instant nextDue() const;

 private:
  struct Key {
    std::string leg;
    char digit = 0;
    bool inMedia = false;
    bool held = false;
    base::Instant at;
  };
  static constexpr base::Millis kApart{2'000};
  static constexpr std::size_t kMost = 32;
  static_assert(kMostHeld < kMost, "there is always one that may be forgotten");
  std::vector<Key> keys_;  ///< In the order in which they came.
};

}  // namespace parley::gateway
