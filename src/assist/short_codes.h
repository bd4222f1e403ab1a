// Short codes (EA-10): a few digits that a consumer reads out so that an agent finds the session. Few digits
// can be guessed, so each is good once for each side and for some minutes only, few exist at a time, and
// wrong guesses are counted: of a network, of a signed-in user, and of all together. Pure: time is passed in.
#pragma once
#include <map>
#include <set>
#include <string>
#include <utility>

#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "identity/sign_in_limiter.h"

namespace parley::assist {

struct ShortCodeOptions {
  std::size_t length = 6;  ///< Digits, 4 to 12.
  base::Millis lifetime{300'000};
  std::size_t guesses = 10;     ///< Wrong ones in a minute, of one network and of one user.
  std::size_t allGuesses = 60;  ///< Wrong ones in a minute of all consumers, and of all agents.
};

class ShortCodes {
 public:
  enum class Side { agent, consumer };
  struct Code {
    std::string cid;
    base::Instant until{};
    bool agent = true, consumer = false;  ///< Who may still redeem it.
  };
  static constexpr std::size_t kMostCodes = 20'000;
  ShortCodes(base::Random& random, ShortCodeOptions options);
  /// Codes that exist keep their length and time. The guesses need a restart.
  void setOptions(std::size_t length, base::Millis lifetime);
  base::Millis lifetime() const { return options_.lifetime; }

  /// `forConsumer`: no page is in the session yet; who redeems it as the consumer becomes one. Error:
  /// shortcode.full.
  base::Result<std::string> create(const std::string& cid, bool forConsumer, base::Instant now);
  /// Gives the session; the code is used up for this side. `user`: empty for consumers. Errors:
  /// shortcode.unknown (also: used, over, not for this side), shortcode.locked (retryAfter tells how long).
  base::Result<std::string> redeem(const std::string& code, Side side, const std::string& network,
                                   const std::string& user, base::Instant now);
  /// For how long redeem() refuses whoever asks.
  std::optional<base::Millis> locked(Side side, const std::string& network, const std::string& user,
                                     base::Instant now);
  std::size_t size() const { return codes_.size(); }

  /// Codes that changed, or are gone (find() gives null), since the last call: for the store.
  std::set<std::string> takeChanged() { return std::exchange(changed_, {}); }
  const Code* find(const std::string& code) const;
  /// One that a process before this one gave out.
  void restore(const std::string& code, Code known);

 private:
  void expire(base::Instant now);
  std::string draw();

  base::Random& random_;
  ShortCodeOptions options_;
  std::map<std::string, Code> codes_;
  std::set<std::string> changed_;
  identity::SignInLimiter networks_, users_;
};

}  // namespace parley::assist
