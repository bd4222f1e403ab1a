// Browser sign-ins kept by a cookie. The cookie holds a random id; stored is only its SHA-256, in a durable
// bucket with a time to live, so that a restart (and later another node) knows who is signed in. Loop thread.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/guard.h"
#include "base/random.h"
#include "base/time.h"
#include "store/store.h"

namespace parley::identity {

class WebSessions {
 public:
  /// `kind` keeps agents' and administrators' sessions apart: "agent", "admin".
  WebSessions(store::Store& store, std::string kind, base::Random& random, base::Millis lifetime);

  /// The cookie's value, or nothing when there are too many sessions.
  std::optional<std::string> start(const std::string& user);
  /// Whose session it is; nothing when unknown or over.
  std::optional<std::string> userOf(std::string_view cookie) const;
  void end(std::string_view cookie);
  void endAllOf(const std::string& user);
  std::size_t size() const { return sessions_.size(); }
  base::Millis lifetime() const { return lifetime_; }

  static constexpr std::size_t kMaxSessions = 20'000;
  /// Beyond it the user's oldest ends.
  static constexpr std::size_t kMaxPerUser = 50;

 private:
  struct Session {
    std::string user;
    base::WallTime expires{};
  };
  void keep(const store::Change& change);
  void prune();
  void dropOldestOf(const std::string& user);

  base::Random& random_;
  const base::Millis lifetime_;
  std::shared_ptr<store::Bucket> bucket_;
  std::unique_ptr<store::Subscription> watch_;
  std::map<std::string, Session, std::less<>> sessions_;
  base::LifeGuard guard_;
};

/// `name=value` for Set-Cookie: HttpOnly, Secure, SameSite=Strict, for the whole site.
std::string sessionCookie(std::string_view name, std::string_view value, base::Millis lifetime);

}  // namespace parley::identity
