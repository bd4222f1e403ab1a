#include "identity/sign_in_limiter.h"

#include <algorithm>

namespace parley::identity {
namespace {

// User names are bounded by the caller and never hold a line end.
std::string pairKey(const std::string& user, const std::string& address) { return address + '\n' + user; }

}  // namespace

std::optional<base::Millis> SignInLimiter::wait(const std::string& key, std::size_t limit,
                                                base::Instant now) {
  const auto found = failures_.find(key);
  if (found == failures_.end()) return std::nullopt;
  auto& at = found->second.at;
  while (!at.empty() && at.front() + limits_.window <= now) at.pop_front();
  if (at.empty()) {
    byAge_.erase(found->second.order);
    failures_.erase(found);
    return std::nullopt;
  }
  if (at.size() < limit) return std::nullopt;
  return std::chrono::ceil<base::Millis>(at[at.size() - limit] + limits_.window - now);
}

std::optional<base::Millis> SignInLimiter::locked(const std::string& user, const std::string& address,
                                                  base::Instant now) {
  const auto one = wait(pairKey(user, address), limits_.failuresPerUser, now);
  const auto all = wait(address, limits_.failuresPerAddress, now);
  return one && all ? std::max(one, all) : (one ? one : all);
}

void SignInLimiter::count(const std::string& key, std::size_t limit, base::Instant now) {
  auto [at, isNew] = failures_.try_emplace(key);
  if (!isNew) byAge_.erase(at->second.order);
  at->second.order = ++order_;
  byAge_.emplace(order_, key);
  at->second.at.push_back(now);
  while (at->second.at.size() > limit) at->second.at.pop_front();
  while (failures_.size() > limits_.maxTracked) {
    failures_.erase(byAge_.begin()->second);
    byAge_.erase(byAge_.begin());
  }
}

void SignInLimiter::failed(const std::string& user, const std::string& address, base::Instant now) {
  count(pairKey(user, address), limits_.failuresPerUser, now);
  count(address, limits_.failuresPerAddress, now);
}

void SignInLimiter::succeeded(const std::string& user, const std::string& address) {
  if (const auto all = failures_.find(address); all != failures_.end() && !all->second.at.empty()) {
    all->second.at.pop_back();  // The one of the attempt that succeeded.
  }
  const auto found = failures_.find(pairKey(user, address));
  if (found == failures_.end()) return;
  byAge_.erase(found->second.order);
  failures_.erase(found);
}

}  // namespace parley::identity
