// Slows guessing down: counts failed sign-ins by (user, address) and by address. Time is passed in.
#pragma once
#include <deque>
#include <map>
#include <optional>
#include <string>

#include "base/time.h"

namespace parley::identity {

struct SignInLimits {
  std::size_t failuresPerUser = 5;      ///< Of one user from one address …
  std::size_t failuresPerAddress = 50;  ///< … or of any user from one address …
  base::Millis window{60'000};          ///< … within this time lock until the oldest is that old.
  std::size_t maxTracked = 20'000;      ///< Pairs and addresses remembered; the longest quiet one gives way.
};

/// One thread. Count each attempt as failed() before it is checked; succeeded() takes it back and forgets
/// the earlier failures of that user at that address.
class SignInLimiter {
 public:
  explicit SignInLimiter(SignInLimits limits) : limits_(limits) {}
  /// How long this user must wait at this address, or nothing.
  std::optional<base::Millis> locked(const std::string& user, const std::string& address, base::Instant now);
  void failed(const std::string& user, const std::string& address, base::Instant now);
  void succeeded(const std::string& user, const std::string& address);
  std::size_t tracked() const { return failures_.size(); }

 private:
  struct Track {
    std::deque<base::Instant> at;
    std::uint64_t order = 0;  // Of the last failure.
  };
  void count(const std::string& key, std::size_t limit, base::Instant now);
  std::optional<base::Millis> wait(const std::string& key, std::size_t limit, base::Instant now);

  const SignInLimits limits_;
  std::map<std::string, Track> failures_;
  std::map<std::uint64_t, std::string> byAge_;
  std::uint64_t order_ = 0;
};

}  // namespace parley::identity
