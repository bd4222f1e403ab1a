// What goes to pages: at once, or when the page is back, as little as it needs then; and sessions as text,
// for another process.
#include <openssl/sha.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "gateway/json.h"
#include "gateway/session_connection.h"

namespace parley::gateway {
namespace {

// So much may be on its way unacknowledged; the rest waits where it can still be made less.
constexpr std::size_t kSendWindow = ReliableLink::kMaxKept / 2;
constexpr std::ptrdiff_t kMaxWaitingDigits = 32;

}  // namespace

std::string keyHashOf(std::string_view key) {
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest{};
  SHA256(base::asBytes(key).data(), key.size(), digest.data());
  return base::hexEncode(digest);
}

void Sessions::send(const std::string& id, std::string object, const std::string& key) {
  affinity_.assertHere();
  Session* session = find(id);
  if (session == nullptr || session->link.overflowed() || session->ending) return;
  if (!key.empty() && key != "dtmf") {
    const auto before = std::ranges::find(session->waiting, key, &Session::Waiting::key);
    if (before != session->waiting.end()) {
      session->waitingBytes -= before->object.size();
      session->waiting.erase(before);
      coalesced_.add();
    }
  } else if (key == "dtmf" &&
             std::ranges::count(session->waiting, key, &Session::Waiting::key) >= kMaxWaitingDigits) {
    droppedDigits_.add();
    return;
  }
  session->waitingBytes += object.size();
  session->waiting.push_back({key, std::move(object)});
  flush(*session);
  const bool tooMany = session->waiting.size() + session->link.kept() > ReliableLink::kMaxKept ||
                       session->waitingBytes + session->link.keptBytes() > ReliableLink::kMaxKeptBytes;
  if (!tooMany && !session->link.overflowed()) return;
  // Later: the sender may be in the middle of this very session's business.
  loop_.post(guard_.wrap([this, id] { overflow(id); }));
}

/// Numbers and sends what waits, as far as the page keeps up.
void Sessions::flush(Session& session) {
  while (session.up() && !session.waiting.empty() && session.link.kept() < kSendWindow) {
    std::string object = std::move(session.waiting.front().object);
    session.waiting.pop_front();
    session.waitingBytes -= object.size();
    std::string text = session.link.wrap(std::move(object));
    connections_.at(session.connection)->socket->sendText(std::move(text));
  }
}

std::string Sessions::save(const std::string& id) {
  const Session* session = find(id);
  if (session == nullptr) return {};
  const identity::CallToken& t = session->token;
  return dumpJson({{"session", session->id},
                   {"keyHash", session->keyHash},
                   {"role", t.role},
                   {"user", t.user},
                   {"name", t.name},
                   {"destination", t.destination},
                   {"uui", t.uui},
                   {"correlationId", t.correlationId},
                   {"uuiAllowed", t.uuiAllowed}});
}

std::string Sessions::restore(const std::string& saved) {
  affinity_.assertHere();
  const auto json = parseJson(saved);
  if (!json || !json->is_object()) return {};
  const auto text = [&](const char* key) { return stringAt(*json, key).value_or(""); };
  std::string id = text("session");
  if (find(id) != nullptr) return id;  // Of a call that was taken over before.
  identity::CallToken token;
  token.audience = "websocketcall";
  token.role = text("role");
  token.user = text("user");
  token.name = text("name");
  token.destination = text("destination");
  token.uui = text("uui");
  token.correlationId = text("correlationId");
  token.uuiAllowed = boolAt(*json, "uuiAllowed").value_or(false);
  const bool known = token.role == "agent" || token.role == "consumer";
  if (id.empty() || !known || text("keyHash").size() != 2 * SHA256_DIGEST_LENGTH) return {};
  auto made = std::make_unique<Session>(loop_, id, text("keyHash"), std::move(token));
  Session& session = *made;
  session.adopted = true;
  session.brokeAt = loop_.now();
  session.grace.start(options_.resume, [this, &session] { end(session, false); });
  sessions_.emplace(id, std::move(made));
  if (session.isAgent()) agentSessions_[session.token.user] = id;
  countSessions();
  return id;
}

void Sessions::overflow(const std::string& id) {
  Session* session = find(id);
  if (session == nullptr) return;
  if (session->up()) {
    Connection& connection = *connections_.at(session->connection);
    connection.session.clear();
    refuse(connection, kOverflow, "session.overflow", "Too much was left unacknowledged.");
    session->connection = 0;
  }
  end(*session, false);
}

}  // namespace parley::gateway
