#include "link/rate_limiter.h"

#include <algorithm>

namespace parley::link {

bool RateLimiter::take(const std::string& address, std::int64_t perMinute, base::Instant now) {
  const auto limit = static_cast<double>(perMinute);
  if (buckets_.size() >= kMaxTracked && !buckets_.contains(address)) {
    // A bucket that was not touched for a minute is empty: nothing is lost with it. Looked for once a second,
    // so that a full table costs a flood of new addresses no more than an empty one.
    if (now - swept_ >= std::chrono::seconds{1}) {
      swept_ = now;
      std::erase_if(buckets_,
                    [now](const auto& bucket) { return now - bucket.second.at > std::chrono::minutes{1}; });
    }
    if (buckets_.size() >= kMaxTracked) buckets_.erase(buckets_.begin());
  }
  Bucket& bucket = buckets_[address];
  const std::chrono::duration<double> passed = now - bucket.at;
  bucket.used = std::max(0.0, bucket.used - passed.count() * limit / 60);
  bucket.at = now;
  if (bucket.used + 1 > limit) return false;
  bucket.used += 1;
  return true;
}

}  // namespace parley::link
