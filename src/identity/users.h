// Local users and their sign-in (ADM-3). Users live in the durable bucket "users"; a local copy is kept by
// watch, so that looking one up needs no waiting. Loop thread only; hashing runs on the WorkPool.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/guard.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "identity/password.h"
#include "identity/sign_in_limiter.h"
#include "net/event_loop.h"
#include "store/store.h"

namespace parley::identity {

enum class Role { agent, supervisor, administrator };
std::string_view toString(Role role);  ///< "Agent", "Supervisor", "Administrator" (ADM-3).
std::optional<Role> roleOf(std::string_view name);

struct User {
  std::string name;         ///< Signs in with it: 1 to 64 of [A-Za-z0-9_.-], compared as it is.
  std::string displayName;  ///< For people.
  std::string number;       ///< Also reached by it ("8000"); may be empty.
  std::set<Role> roles;
  std::string passwordHash;
  bool disabled = false;

  bool has(Role role) const { return roles.contains(role); }
  std::string toJson() const;
  static std::optional<User> fromJson(std::string_view text);
};
bool isUserName(std::string_view name);

/// What an administrator changes of a user; what has no value stays as it is.
struct UserChange {
  std::optional<std::string> displayName = {};
  std::optional<std::string> number = {};
  std::optional<std::set<Role>> roles = {};
  std::optional<bool> disabled = {};
  std::optional<base::Secret> password = {};
};

struct SignInFailure {
  std::string reason;          ///< login.failed, login.locked, login.busy
  base::Millis retryAfter{0};  ///< For login.locked.
};

class Users {
 public:
  struct Options {
    ScryptCost cost;
    SignInLimits limits;
  };
  Users(net::EventLoop& loop, net::WorkPool& pool, store::Store& store, base::Random& random,
        Options options);

  /// Loads; on the very first start makes agent1/agent1, agent2/agent2, supervisor1/supervisor1 and `admin`
  /// with a random password, written to <stateDirectory>/initial-admin-password (0600). Errors:
  /// identity.state_directory, store.*.
  void start(const std::string& stateDirectory, std::function<void(base::Result<void>)> done);

  /// Checks a password, at most as often as the limits allow. The time does not tell whether the user exists.
  void signIn(std::string name, base::Secret password, std::string address,
              std::function<void(std::expected<User, SignInFailure>)> done);
  /// Makes or changes a user. Errors: identity.bad_user, identity.hash_failed, identity.busy, store.*.
  void save(User user, base::Secret password, std::function<void(base::Result<void>)> done);
  /// Changes a user, or makes one: that needs a password and roles. Errors: those of save() and
  /// identity.unknown_user, identity.bad_name, identity.bad_number, identity.number_taken,
  /// identity.weak_password, identity.last_administrator (nobody would be left to administer).
  void change(const std::string& name, UserChange change, std::function<void(base::Result<void>)> done);
  /// Told after each change of a user that was known before, however it came. `out`: he was disabled or has
  /// another password, so whoever is signed in by that name is so no longer. Pages that are open go on after
  /// a change of the password; who is disabled is put out of them, too.
  void onChanged(std::function<void(const std::string& name, bool out)> told) { changed_ = std::move(told); }
  const std::map<std::string, User, std::less<>>& all() const { return users_; }
  /// By name or number; null when unknown. Valid until the loop goes on.
  const User* find(std::string_view nameOrNumber) const;
  std::size_t size() const { return users_.size(); }

 private:
  void keep(const store::Change& change);
  void take(User user);
  base::Result<void> mayChange(const std::string& name, const UserChange& change) const;
  void apply(const std::string& name, const UserChange& change, const std::string& hash,
             const std::function<void(base::Result<void>)>& done);
  void firstStart(const std::string& stateDirectory, std::function<void(base::Result<void>)> done);
  void saveAll(std::vector<std::pair<User, base::Secret>> rest, std::function<void(base::Result<void>)> done);

  net::EventLoop& loop_;
  net::WorkPool& pool_;
  base::Random& random_;
  const Options options_;
  std::shared_ptr<store::Bucket> bucket_;
  std::unique_ptr<store::Subscription> watch_;
  std::map<std::string, User, std::less<>> users_;
  std::function<void(const std::string&, bool)> changed_;
  SignInLimiter limiter_;
  std::string decoy_;  // A hash that is checked for users that do not exist.
  base::LifeGuard guard_;
};

}  // namespace parley::identity
