// So many of something in a minute by one address: a bucket of tokens each. Time is passed in; bounded.
#pragma once
#include <map>
#include <string>

#include "base/time.h"

namespace parley::link {

class RateLimiter {
 public:
  static constexpr std::size_t kMaxTracked = 20'000;
  /// Takes one; false when `perMinute` are used up.
  bool take(const std::string& address, std::int64_t perMinute, base::Instant now);
  std::size_t tracked() const { return buckets_.size(); }

 private:
  struct Bucket {
    double used = 0;  // Leaks away.
    base::Instant at{};
  };
  std::map<std::string, Bucket> buckets_;
  base::Instant swept_{};
};

}  // namespace parley::link
