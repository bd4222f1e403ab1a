// What administrators change of users (ADM-3).
#include <algorithm>

#include "base/text.h"
#include "identity/users.h"

namespace parley::identity {
namespace {

constexpr std::size_t kMinPassword = 8;
constexpr std::size_t kMaxDisplayName = 64;
constexpr std::size_t kMaxNumber = 32;

bool isNumberText(std::string_view text) {
  return text.size() <= kMaxNumber && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || c == '+' || c == '*' || c == '#' || (c >= 'a' && c <= 'z') ||
                  (c >= 'A' && c <= 'Z') || c == '_' || c == '.' || c == '-';
         });
}

}  // namespace

/// Empty when the change may be made.
base::Result<void> Users::mayChange(const std::string& name, const UserChange& change) const {
  if (!isUserName(name)) {
    return base::fail("identity.bad_user", "A user name is 1 to 64 of A-Z a-z 0-9 _ . -");
  }
  const auto at = users_.find(name);
  if (at == users_.end() && (!change.password || !change.roles)) {
    return base::fail("identity.unknown_user",
                      "There is no such user; a new one needs a password and its roles.");
  }
  if (at == users_.end() && find(name) != nullptr) {
    return base::fail("identity.number_taken", "Another user is reached by this name as a number.");
  }
  if (change.displayName && base::printable(*change.displayName, kMaxDisplayName) != *change.displayName) {
    return base::fail("identity.bad_name", "A name is at most 64 characters of plain text.");
  }
  if (change.number && !isNumberText(*change.number)) {
    return base::fail("identity.bad_number", "A number is at most 32 of 0-9 + * # A-Z a-z _ . -");
  }
  if (change.number && !change.number->empty()) {
    const User* other = find(*change.number);
    if (other != nullptr && other->name != name) {
      return base::fail("identity.number_taken", "Another user is reached by this number.");
    }
  }
  // Neither length nor what is in it makes a good one; but these are guessed first.
  if (change.password &&
      (change.password->reveal().size() < kMinPassword || change.password->reveal() == name)) {
    return base::fail("identity.weak_password",
                      "A password has at least 8 characters and is not the user's name.");
  }
  const bool stays = (at != users_.end() ? change.roles.value_or(at->second.roles) : *change.roles)
                         .contains(Role::administrator) &&
                     !change.disabled.value_or(at != users_.end() && at->second.disabled);
  const bool other = std::ranges::any_of(users_, [&](const auto& each) {
    return each.first != name && each.second.has(Role::administrator) && !each.second.disabled;
  });
  if (!stays && !other) {
    return base::fail("identity.last_administrator", "Nobody would be left who may administer.");
  }
  return {};
}

void Users::change(const std::string& name, UserChange change, std::function<void(base::Result<void>)> done) {
  if (auto may = mayChange(name, change); !may) {
    return loop_.post([done, may] { done(may); });
  }
  if (!change.password)
    return loop_.post(guard_.wrap([this, name, change, done] { apply(name, change, "", done); }));
  auto hash = std::make_shared<base::Result<std::string>>();
  const bool taken = pool_.submit(
      [hash, password = *change.password, cost = options_.cost] {
        base::SystemRandom random;  // random_ belongs to the loop.
        *hash = hashPassword(password, cost, random);
      },
      loop_, guard_.wrap([this, hash, name, change, done] {
        if (!*hash) return done(std::unexpected(hash->error()));
        apply(name, change, **hash, done);
      }));
  if (!taken)
    loop_.post([done] { done(base::fail("identity.busy", "Too many passwords are being hashed.")); });
}

/// Known here at once, not only when the store has it: who is locked out is out, and a change that comes next
/// begins from this one. What gave something is taken back where the store refuses.
void Users::apply(const std::string& name, const UserChange& change, const std::string& hash,
                  const std::function<void(base::Result<void>)>& done) {
  // Asked again: another change may have come while the password was hashed.
  if (auto may = mayChange(name, change); !may) return done(may);
  const auto at = users_.find(name);
  User user = at != users_.end() ? at->second : User{name, "", "", {}, "", false};
  if (change.displayName) user.displayName = *change.displayName;
  if (change.number) user.number = *change.number;
  if (change.roles) user.roles = *change.roles;
  if (change.disabled) user.disabled = *change.disabled;
  if (change.password) user.passwordHash = hash;
  std::optional<User> less;
  if (at != users_.end()) {
    less = at->second;
    less->disabled = less->disabled || user.disabled;
    std::erase_if(less->roles, [&](Role role) { return !user.roles.contains(role); });
  }
  take(user);
  bucket_->put(name, user.toJson(), guard_.wrap([this, name, less, done](base::Result<store::Revision> put) {
    if (put) return done({});
    if (less)
      take(*less);
    else
      users_.erase(name);
    done(std::unexpected(put.error()));
  }));
}

/// The user as it is now, and those who have to know.
void Users::take(User user) {
  const auto at = users_.find(user.name);
  const bool out = at != users_.end() &&
                   ((user.disabled && !at->second.disabled) || user.passwordHash != at->second.passwordHash);
  const bool changed = at != users_.end() && (out || user.toJson() != at->second.toJson());
  const std::string name = user.name;
  users_.insert_or_assign(name, std::move(user));
  if (changed && changed_) changed_(name, out);
}

}  // namespace parley::identity
