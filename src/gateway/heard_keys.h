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
class HeardKeys {
 public:
  /// Those of `digits` that did not come the other way before.
  std::string fresh(const std::string& leg, std::string_view digits, bool inMedia, base::Instant now);

 private:
  struct Key {
    std::string leg;
    char digit = 0;
    bool inMedia = false;
    base::Instant at;
  };
  static constexpr base::Millis kApart{2'000};
  static constexpr std::size_t kMost = 32;
  std::vector<Key> keys_;
};

}  // namespace parley::gateway
