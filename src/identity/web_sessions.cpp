#include "identity/web_sessions.h"

#include <fmt/format.h>
#include <openssl/sha.h>

#include <array>

#include "base/log.h"
#include "base/text.h"
#include "identity/internal_log.h"

namespace parley::identity {
namespace {

constexpr std::size_t kCookieLength = 43;  // 256 bits.

std::string keyOf(std::string_view cookie) {
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest{};
  SHA256(base::asBytes(cookie).data(), cookie.size(), digest.data());
  return base::hexEncode(digest);
}

}  // namespace

WebSessions::WebSessions(store::Store& store, std::string kind, base::Random& random, base::Millis lifetime)
    : random_(random),
      lifetime_(lifetime),
      bucket_(store.bucket("web_sessions_" + kind, {lifetime, true, kMaxSessions})) {
  watch_ = bucket_->watch("", guard_.wrap([this](const store::Change& change) { keep(change); }));
}

// Stored as "<expiry in ms> <user>".
void WebSessions::keep(const store::Change& change) {
  sessions_.erase(change.key);
  if (!change.value) return;
  const auto space = change.value->find(' ');
  const auto expires = base::parseNumber<std::int64_t>(std::string_view(*change.value).substr(0, space));
  if (!expires || space == std::string::npos) return;
  sessions_[change.key] = {change.value->substr(space + 1), base::WallTime(base::Millis{*expires})};
}

void WebSessions::prune() {
  const auto now = base::wallNow();
  std::erase_if(sessions_, [now](const auto& session) { return session.second.expires <= now; });
}

/// One user who signs in again and again takes nobody else's place.
void WebSessions::dropOldestOf(const std::string& user) {
  std::size_t count = 0;
  auto oldest = sessions_.end();
  for (auto at = sessions_.begin(); at != sessions_.end(); ++at) {
    if (at->second.user != user) continue;
    ++count;
    if (oldest == sessions_.end() || at->second.expires < oldest->second.expires) oldest = at;
  }
  if (count < kMaxPerUser) return;
  bucket_->remove(oldest->first, [](base::Result<void>) {});
  sessions_.erase(oldest);
}

std::optional<std::string> WebSessions::start(const std::string& user) {
  if (sessions_.size() >= kMaxSessions) prune();
  if (sessions_.size() >= kMaxSessions) return std::nullopt;
  dropOldestOf(user);
  std::string cookie = random_.alphanumeric(kCookieLength);
  const auto expires = base::wallNow() + lifetime_;
  // Known here at once, not only when the watch tells: the next request may come before.
  sessions_[keyOf(cookie)] = {user, expires};
  bucket_->put(keyOf(cookie), fmt::format("{} {}", base::millisOf(expires), user),
               [user](base::Result<store::Revision> put) {
                 if (!put)
                   log.error("sign-in is not stored", {{"user", user}, {"reason", put.error().reason}});
               });
  return cookie;
}

std::optional<std::string> WebSessions::userOf(std::string_view cookie) const {
  if (cookie.size() != kCookieLength) return std::nullopt;
  const auto found = sessions_.find(keyOf(cookie));
  if (found == sessions_.end() || found->second.expires <= base::wallNow()) return std::nullopt;
  return found->second.user;
}

void WebSessions::end(std::string_view cookie) {
  if (cookie.size() != kCookieLength || sessions_.erase(keyOf(cookie)) == 0) return;
  bucket_->remove(keyOf(cookie), [](base::Result<void>) {});
}

void WebSessions::endAllOf(const std::string& user) {
  for (auto at = sessions_.begin(); at != sessions_.end();) {
    if (at->second.user != user) {
      ++at;
      continue;
    }
    bucket_->remove(at->first, [](base::Result<void>) {});
    at = sessions_.erase(at);
  }
}

std::string sessionCookie(std::string_view name, std::string_view value, base::Millis lifetime) {
  return fmt::format("{}={}; Path=/; HttpOnly; Secure; SameSite=Strict; Max-Age={}", name, value,
                     std::chrono::duration_cast<std::chrono::seconds>(lifetime).count());
}

}  // namespace parley::identity
