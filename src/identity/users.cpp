#include "identity/users.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <system_error>

#include "base/log.h"
#include "base/metrics.h"
#include "base/text.h"
#include "identity/internal_log.h"
#include "net/endpoint.h"

namespace parley::identity {
namespace {

constexpr std::size_t kMaxUsers = 100'000;
constexpr std::size_t kInitialPasswordLength = 16;
constexpr const char* kInitialPasswordFile = "initial-admin-password";

base::Counter signIns(const char* result) {
  return base::Metrics::instance().counter("parley_identity_sign_ins_total", "Sign-ins by result.",
                                           {{"result", result}});
}

/// Written before the user exists: a crash in between leaves a file that the next start replaces.
base::Result<void> writePrivate(const std::string& path, const std::string& text) {
  const auto refuse = [&path] {
    return base::fail("identity.state_directory",
                      fmt::format("{}: {}", path, std::system_category().message(errno)));
  };
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return refuse();
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) return refuse();
  const bool written = ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const bool synced = ::fsync(file) == 0;
  ::close(file);
  if (!written || !synced) return refuse();
  return {};
}

}  // namespace

std::string_view toString(Role role) {
  switch (role) {
    case Role::agent:
      return "Agent";
    case Role::supervisor:
      return "Supervisor";
    case Role::administrator:
      return "Administrator";
  }
  return "";
}

std::optional<Role> roleOf(std::string_view name) {
  for (const Role role : {Role::agent, Role::supervisor, Role::administrator}) {
    if (toString(role) == name) return role;
  }
  return std::nullopt;
}

bool isUserName(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
  });
}

std::string User::toJson() const {
  nlohmann::json out = {{"name", name},
                        {"displayName", displayName},
                        {"number", number},
                        {"roles", nlohmann::json::array()},
                        {"password", passwordHash},
                        {"disabled", disabled}};
  for (const Role role : roles) out["roles"].push_back(toString(role));
  return out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::optional<User> User::fromJson(std::string_view text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  const auto textOf = [&json](const char* key) {
    const auto at = json.find(key);
    return at != json.end() && at->is_string() ? at->get<std::string>() : std::string();
  };
  User user{textOf("name"), textOf("displayName"), textOf("number"), {}, textOf("password"), true};
  if (const auto at = json.find("disabled"); at != json.end() && at->is_boolean())
    user.disabled = at->get<bool>();
  if (const auto at = json.find("roles"); at != json.end() && at->is_array()) {
    for (const auto& item : *at) {
      const auto role = item.is_string() ? roleOf(item.get<std::string>()) : std::nullopt;
      if (role) user.roles.insert(*role);
    }
  }
  return isUserName(user.name) ? std::optional(std::move(user)) : std::nullopt;
}

Users::Users(net::EventLoop& loop, net::WorkPool& pool, store::Store& store, base::Random& random,
             Options options)
    : loop_(loop),
      pool_(pool),
      random_(random),
      options_(options),
      bucket_(store.bucket("users", {base::Millis{0}, true, kMaxUsers})),
      limiter_(options.limits) {
  if (auto hash = hashPassword(base::Secret(random.alphanumeric(32)), options.cost, random)) decoy_ = *hash;
}

void Users::keep(const store::Change& change) {
  auto user = change.value ? User::fromJson(*change.value) : std::nullopt;
  if (user && user->name == change.key) return take(std::move(*user));
  if (change.value) log.error("stored user is unreadable", {{"user", change.key}});
  if (users_.erase(change.key) != 0 && changed_) changed_(change.key, true);
}

void Users::start(const std::string& stateDirectory, std::function<void(base::Result<void>)> done) {
  watch_ = bucket_->watch("", guard_.wrap([this](const store::Change& change) { keep(change); }));
  bucket_->list("", guard_.wrap([this, stateDirectory, done](base::Result<std::vector<store::Entry>> found) {
    if (!found) return done(std::unexpected(found.error()));
    const bool hasAdministrator = std::ranges::any_of(*found, [](const store::Entry& entry) {
      const auto user = User::fromJson(entry.value);
      return user && user->has(Role::administrator);
    });
    if (hasAdministrator) return done({});
    firstStart(stateDirectory, done);
  }));
}

void Users::firstStart(const std::string& stateDirectory, std::function<void(base::Result<void>)> done) {
  const base::Secret password(random_.alphanumeric(kInitialPasswordLength));
  const std::string path = stateDirectory + "/" + kInitialPasswordFile;
  if (auto written = writePrivate(path, password.reveal() + "\n"); !written) return done(written);
  log.info("first start: made admin, agent1, agent2 and supervisor1; change their passwords",
           {{"password_file", std::string_view(path)}});
  // Made from the back, the administrator last: a start that is cut short is done again by the next one.
  std::vector<std::pair<User, base::Secret>> wanted;
  wanted.emplace_back(User{"admin", "Administrator", "", {Role::administrator}, "", false}, password);
  if (find("supervisor1") == nullptr) {
    wanted.emplace_back(User{"supervisor1", "Supervisor 1", "", {Role::supervisor}, "", false},
                        base::Secret("supervisor1"));
  }
  for (const auto* name : {"agent2", "agent1"}) {
    const std::string display = fmt::format("Agent {}", name + 5);
    if (find(name) == nullptr) {
      wanted.emplace_back(User{name, display, "", {Role::agent}, "", false}, base::Secret(name));
    }
  }
  saveAll(std::move(wanted), std::move(done));
}

void Users::saveAll(std::vector<std::pair<User, base::Secret>> rest,
                    std::function<void(base::Result<void>)> done) {
  if (rest.empty()) return done({});
  auto [user, password] = std::move(rest.back());
  rest.pop_back();
  save(std::move(user), std::move(password),
       guard_.wrap([this, rest = std::move(rest), done = std::move(done)](base::Result<void> saved) mutable {
         if (!saved) return done(saved);
         saveAll(std::move(rest), std::move(done));
       }));
}

void Users::save(User user, base::Secret password, std::function<void(base::Result<void>)> done) {
  if (!isUserName(user.name)) {
    loop_.post(
        [done] { done(base::fail("identity.bad_user", "a user name is 1 to 64 of A-Z a-z 0-9 _ . -")); });
    return;
  }
  auto hash = std::make_shared<base::Result<std::string>>();
  const bool taken = pool_.submit(
      [hash, password = std::move(password), cost = options_.cost] {
        base::SystemRandom random;  // random_ belongs to the loop.
        *hash = hashPassword(password, cost, random);
      },
      loop_, guard_.wrap([this, hash, user = std::move(user), done]() mutable {
        if (!*hash) return done(std::unexpected(hash->error()));
        user.passwordHash = **hash;
        bucket_->put(user.name, user.toJson(), [done](base::Result<store::Revision> put) {
          done(put ? base::Result<void>() : std::unexpected(put.error()));
        });
      }));
  if (!taken)
    loop_.post([done] { done(base::fail("identity.busy", "too many passwords are being hashed")); });
}

const User* Users::find(std::string_view nameOrNumber) const {
  if (nameOrNumber.empty()) return nullptr;
  const auto at = users_.find(nameOrNumber);
  if (at != users_.end()) return &at->second;
  for (const auto& [name, user] : users_) {
    if (user.number == nameOrNumber) return &user;
  }
  return nullptr;
}

void Users::signIn(std::string name, base::Secret password, std::string address,
                   std::function<void(std::expected<User, SignInFailure>)> done) {
  const auto refuse = [this, &done](SignInFailure failure) {
    signIns(failure.reason.c_str()).add();
    loop_.post([done, failure] { done(std::unexpected(failure)); });
  };
  // A name that cannot exist is counted as one, so that it fills no table.
  if (!isUserName(name)) name.clear();
  const auto endpoint = net::Endpoint::parse(address, 0);
  const std::string counted = endpoint ? endpoint->network().address() : address;
  if (const auto wait = limiter_.locked(name, counted, base::steadyNow())) {
    return refuse({"login.locked", *wait});
  }
  const User* user = find(name);
  const bool usable = user != nullptr && user->name == name && !user->disabled;
  auto found = std::make_shared<User>(usable ? *user : User{});
  auto matches = std::make_shared<bool>(false);
  const bool taken = pool_.submit(
      [matches, password = std::move(password), hash = usable ? found->passwordHash : decoy_] {
        *matches = verifyPassword(password, hash);
      },
      loop_, guard_.wrap([this, matches, usable, found, name, address, counted, done] {
        // Neither disabled nor given another password while this one was hashed.
        const User* now = usable ? find(name) : nullptr;
        const bool same = now != nullptr && !now->disabled && now->passwordHash == found->passwordHash;
        if (!*matches || !same) {
          signIns("login.failed").add();
          log.warn("sign-in failed", {{"user", name}, {"address", address}});
          return done(std::unexpected(SignInFailure{"login.failed"}));
        }
        signIns("ok").add();
        limiter_.succeeded(name, counted);
        done(*now);
      }));
  if (!taken) return refuse({"login.busy"});
  // Counted before the check is done: parallel guesses do not slip through while a hash is being made. One
  // that is not checked at all locks nobody out.
  limiter_.failed(name, counted, base::steadyNow());
}

}  // namespace parley::identity
