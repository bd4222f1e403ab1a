#include "gateway/sessions.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "base/text.h"
#include "gateway/internal_log.h"
#include "gateway/json.h"
#include "gateway/session_connection.h"

namespace parley::gateway {
namespace {

constexpr int kVersion = 1;
// A resuming page sends again all that was not acknowledged, at once.
constexpr double kResumeBurst = ReliableLink::kMaxKept;

base::Counter refused(std::string_view reason) {
  return base::Metrics::instance().counter("parley_gateway_refused_total",
                                           "Connections and messages of pages refused, by reason.",
                                           {{"reason", std::string(reason)}});
}

}  // namespace

Sessions::Sessions(net::EventLoop& loop, const identity::TokenSigner& signer, base::Random& random,
                   SessionsOptions options)
    : loop_(loop), signer_(signer), random_(random), options_(options) {
  const auto gauge = [](const char* role) {
    return base::Metrics::instance().gauge("parley_gateway_sessions", "Sessions of pages.", {{"role", role}});
  };
  consumerGauge_ = gauge("consumer");
  agentGauge_ = gauge("agent");
  coalesced_ = base::Metrics::instance().counter("parley_gateway_messages_coalesced_total",
                                                 "Messages for absent pages that a newer one made needless.");
  droppedDigits_ = base::Metrics::instance().counter("parley_gateway_digits_dropped_total",
                                                     "Digits for absent pages beyond what is kept.");
}

Sessions::~Sessions() { closeAll(); }

net::WebSocketOptions Sessions::socketOptions() {
  net::WebSocketOptions options;
  // Between our limit and this one the page gets a reason; beyond it just 1009.
  options.maxMessageBytes = 2 * kMaxMessageBytes;
  options.maxBufferedBytes = 4 * ReliableLink::kMaxKeptBytes;
  options.pingInterval = base::Millis{5'000};  // A lost network is to be known within seconds (GW-14).
  options.pongTimeout = base::Millis{5'000};
  return options;
}

void Sessions::accept(std::shared_ptr<net::WebSocket> socket, std::string network) {
  affinity_.assertHere();
  const std::uint64_t id = ++lastConnection_;
  auto& connection = connections_[id] = std::make_unique<Connection>(loop_, id, socket);
  connection->network = network.empty() ? socket->remote().network().address() : std::move(network);
  connection->tokens = options_.burst;
  connection->refilled = loop_.now();
  socket->start(guard_.wrap([this, id](std::string_view text) { onText(id, text); }),
                guard_.wrap([this, id](base::Bytes) {
                  const auto at = connections_.find(id);
                  if (at != connections_.end()) {
                    refuse(*at->second, kMalformed, "message.malformed", "Messages are texts.");
                  }
                }),
                guard_.wrap([this, id](std::uint16_t code, std::string_view) { onClose(id, code); }));
  if (connections_.size() > options_.maxConnections) {
    return refuse(*connection, kFull, "server.full", "There are too many connections.");
  }
  connection->hello.start(options_.hello, [this, id] {
    refuse(*connections_.at(id), kHelloExpected, "hello.expected", "No hello came in time.");
  });
}

bool Sessions::withinRate(Connection& connection) {
  const base::Instant now = loop_.now();
  const std::chrono::duration<double> passed = now - connection.refilled;
  connection.refilled = now;
  // Never less than what is there: a resuming page starts with more than the burst.
  const double full = std::max(options_.burst, connection.tokens);
  connection.tokens = std::min(full, connection.tokens + passed.count() * options_.messagesPerSecond);
  if (connection.tokens < 1) return false;
  connection.tokens -= 1;
  return true;
}

void Sessions::onText(std::uint64_t id, std::string_view text) {
  affinity_.assertHere();
  const auto at = connections_.find(id);
  if (at == connections_.end() || at->second->closing) return;
  Connection& connection = *at->second;
  std::optional<base::LogContext> context;
  if (!connection.session.empty()) context.emplace("session", connection.session);
  if (text.size() > kMaxMessageBytes) {
    return refuse(connection, kTooLarge, "message.too_large",
                  fmt::format("A message is at most {} bytes.", kMaxMessageBytes));
  }
  if (!withinRate(connection)) {
    return refuse(connection, kRateExceeded, "rate.exceeded", "Too many messages.");
  }
  const auto json = parseJson(text);
  if (!json) return refuse(connection, kMalformed, json.error().reason, json.error().text);
  const auto type = json->is_object() ? stringAt(*json, "type") : std::nullopt;
  if (!type)
    return refuse(connection, kMalformed, "message.malformed", "A message is an object with a type.");
  if (connection.session.empty()) {
    if (*type == "hello") return onHello(connection, *json);
    return refuse(connection, kHelloExpected, "hello.expected", "The first message is hello.");
  }
  Session* session = find(connection.session);
  if (session != nullptr) onNumbered(connection, *session, *json);
}

void Sessions::onHello(Connection& connection, const Json& hello) {
  const auto version = integerAt(hello, "version");
  if (version != kVersion) {
    connection.socket->sendText(
        R"({"type":"error","fatal":true,"reason":"version.unsupported","text":"This version of the protocol is not spoken here.","supported":[1]})");
    return refuse(connection, kVersionUnsupported, "version.unsupported", "");
  }
  Session* resumed = resumable(hello);
  auto token = tokenOf(hello, resumed);
  if (!token) return refuse(connection, kTokenRefused, token.error().reason, token.error().text);
  if (resumed != nullptr) {
    return resumeSession(connection, *resumed, hello["resume"]);
  }
  if (const std::string reason = listener_->refusalOf(*token); !reason.empty()) {
    return refuse(connection, kDraining, reason, "The server is being stopped.");
  }
  // Agents are as many as their users: a crowd of consumers does not keep them out.
  if (sessions_.size() >= options_.maxSessions && token->role != "agent" && !makeRoom()) {
    return refuse(connection, kFull, "server.full", "There are too many sessions. Please try again later.");
  }
  beginSession(connection, std::move(*token));
}

/// The session that the hello may resume, or null: unknown, over, or the key is wrong.
Session* Sessions::resumable(const Json& hello) {
  const auto resume = hello.find("resume");
  if (resume == hello.end() || !resume->is_object()) return nullptr;
  Session* session = find(stringAt(*resume, "session").value_or(""));
  const std::string key = stringAt(*resume, "key").value_or("");
  if (session == nullptr || session->ending) return nullptr;
  const std::string hash = keyHashOf(key);
  return base::equalsConstantTime(base::asBytes(hash), base::asBytes(session->keyHash)) ? session : nullptr;
}

/// A resuming page may show the token it began with, even if its time is over: the session's key is the
/// better proof. Nobody else's token.
base::Result<identity::CallToken> Sessions::tokenOf(const Json& hello, Session* resumed) const {
  const std::string text = stringAt(hello, "token").value_or("");
  if (resumed == nullptr) return signer_.verify(text, "websocketcall", base::wallNow());
  auto token = signer_.verifyIgnoringExpiry(text, "websocketcall");
  if (token && (token->user != resumed->token.user || token->role != resumed->token.role)) {
    if (token->role == "agent" || resumed->isAgent()) {
      return base::fail("token.invalid", "The token is somebody else's.");
    }
  }
  return token;
}

/// A consumer's page that is gone and has no call gives its place to one that is here.
bool Sessions::makeRoom() {
  const auto idle = std::ranges::find_if(sessions_, [this](const auto& each) {
    const Session& session = *each.second;
    return !session.up() && !session.isAgent() && listener_->mayLeave(session);
  });
  if (idle == sessions_.end()) return false;
  end(*idle->second, false);
  return true;
}

void Sessions::beginSession(Connection& connection, identity::CallToken token) {
  const std::string key = random_.alphanumeric(43);
  auto made = std::make_unique<Session>(loop_, random_.alphanumeric(22), keyHashOf(key), std::move(token));
  Session& session = *made;
  const base::LogContext context("session", session.id);
  sessions_.emplace(session.id, std::move(made));
  connection.session = session.id;
  session.connection = connection.id;
  session.network = connection.network;
  if (session.isAgent()) {
    Session* old = agentSession(session.token.user);
    agentSessions_[session.token.user] = session.id;
    if (old != nullptr) {
      send(old->id, R"({"type":"session","what":"replaced","text":"You signed in on another page."})");
      listener_->onSessionReplaced(*old, session);
      if (old->up()) {
        Connection& before = *connections_.at(old->connection);
        before.closing = true;
        before.socket->close(kReplaced, "replaced");
      }
      sessions_.erase(std::string(old->id));
    }
  }
  countSessions();
  log.info("session began", {{"role", session.token.role}, {"user", session.token.user}});
  welcome(connection, session, key, false);
  listener_->onSessionUp(session, true);
}

void Sessions::resumeSession(Connection& connection, Session& session, const Json& resume) {
  const base::LogContext context("session", session.id);
  const std::int64_t ack = integerAt(resume, "ack").value_or(0);
  if (session.adopted && ack >= 0) session.link.adopt(ack);
  if (!session.link.acknowledge(ack)) {
    return refuse(connection, kMalformed, "message.malformed", "ack is higher than what was sent.");
  }
  if (session.up()) {
    Connection& old = *connections_.at(session.connection);
    old.closing = true;
    old.session.clear();
    old.socket->close(kReplaced, "replaced");
  }
  connection.session = session.id;
  connection.tokens += kResumeBurst;
  session.connection = connection.id;
  session.network = connection.network;
  session.grace.stop();
  log.info("session resumed", {{"adopted", session.adopted}});
  session.adopted = false;
  welcome(connection, session, stringAt(resume, "key").value_or(""), true);
  for (std::string& text : session.link.unacknowledged()) connection.socket->sendText(std::move(text));
  flush(session);
  listener_->onSessionUp(session, false);
}

void Sessions::welcome(Connection& connection, Session& session, const std::string& key, bool resumed) {
  connection.hello.stop();
  Json out = {{"type", "welcome"},
              {"version", kVersion},
              {"session", session.id},
              {"key", key},
              {"resumed", resumed},
              {"role", session.token.role},
              {"user", session.token.user},
              {"name", session.token.name},
              {"ack", session.link.received()},
              {"limits",
               {{"resumeSeconds", std::chrono::duration_cast<std::chrono::seconds>(options_.resume).count()},
                {"maxMessage", kMaxMessageBytes}}},
              {"media", {{"maxVideoBitrate", options_.maxVideoBitrate}}}};
  std::string text = dumpJson(out);
  text.pop_back();
  text += ",\"calls\":[";
  const auto calls = listener_->callsOf(session);
  for (std::size_t i = 0; i < calls.size(); ++i) text += (i == 0 ? "" : ",") + calls[i];
  connection.socket->sendText(text + "]}");
}

void Sessions::onNumbered(Connection& connection, Session& session, const Json& message) {
  if (message.contains("ack")) {
    const auto ack = integerAt(message, "ack");
    if (!ack || !session.link.acknowledge(*ack)) {
      return refuse(connection, kMalformed, "message.malformed", "ack is not a number that was sent.");
    }
    flush(session);
    if (session.connection != connection.id) return;
  }
  const std::string type = *stringAt(message, "type");
  if (type == "ack") return;
  const auto seq = integerAt(message, "seq");
  if (!seq || *seq < 1) return refuse(connection, kMalformed, "message.malformed", "seq is missing.");
  switch (session.link.arrived(*seq)) {
    case ReliableLink::Arrival::duplicate:
      break;
    case ReliableLink::Arrival::gap:
      return refuse(connection, kMalformed, "message.malformed", "seq is not the next number.");
    case ReliableLink::Arrival::next: {
      const std::string id = session.id;
      handle(session, message);
      if (find(id) == nullptr) return;  // It said goodbye.
      break;
    }
  }
  if (session.ackSoon.running()) return;
  session.ackSoon.start(options_.ackDelay, [this, &session] {
    if (!session.up() || !session.link.owesAck()) return;
    connections_.at(session.connection)->socket->sendText(session.link.ackMessage());
  });
}

void Sessions::handle(Session& session, const Json& message) {
  const auto parsed = parsePageMessage(message);
  if (!parsed) {
    refused(parsed.error().reason).add();
    std::string request = stringAt(message, "request").value_or("");
    if (!isLabel(request, 64)) request.clear();
    return sendError(session, parsed.error(), request);
  }
  if (std::holds_alternative<message::Bye>(parsed->what)) return onBye(session);
  if (std::holds_alternative<message::Pong>(parsed->what)) return;
  listener_->onMessage(session, *parsed);
}

void Sessions::sendError(Session& session, const base::Error& error, const std::string& request) {
  Json out = {{"type", "error"}, {"fatal", false}, {"reason", error.reason}, {"text", error.text}};
  if (!request.empty()) out["request"] = request;
  send(session.id, dumpJson(out));
}

void Sessions::onBye(Session& session) {
  if (session.up()) {
    Connection& connection = *connections_.at(session.connection);
    connection.closing = true;
    connection.session.clear();
    connection.socket->close(1000, "bye");
  }
  if (!session.isAgent() || listener_->mayLeave(session)) return end(session, true);
  detach(session);
}

void Sessions::onClose(std::uint64_t id, std::uint16_t code) {
  affinity_.assertHere();
  const auto at = connections_.find(id);
  if (at == connections_.end()) return;
  Session* session = find(at->second->session);
  connections_.erase(at);
  if (session == nullptr || session->connection != id) return;
  const base::LogContext context("session", session->id);
  log.info("connection closed", {{"code", code}});
  if ((code == 1000 || code == 1001) && !session->isAgent()) return end(*session, true);
  detach(*session);
}

void Sessions::detach(Session& session) {
  session.connection = 0;
  session.brokeAt = loop_.now();
  session.ackSoon.stop();
  session.grace.start(options_.resume, [this, &session] { end(session, false); });
  listener_->onSessionDown(session);
}

void Sessions::end(Session& session, bool left) {
  if (session.ending) return;
  session.ending = true;
  const base::LogContext context("session", session.id);
  log.info("session ended", {{"left", left}});
  listener_->onSessionGone(session, left);
  const auto agent = agentSessions_.find(session.token.user);
  if (session.isAgent() && agent != agentSessions_.end() && agent->second == session.id) {
    agentSessions_.erase(agent);
  }
  sessions_.erase(std::string(session.id));
  countSessions();
}

/// Says why and closes. The session, if any, can be resumed.
void Sessions::refuse(Connection& connection, std::uint16_t code, std::string_view reason,
                      std::string_view text) {
  if (connection.closing) return;
  connection.closing = true;
  connection.hello.stop();
  refused(reason).add();
  log.warn("connection refused",
           {{"reason", reason}, {"text", text}, {"remote", connection.socket->remote().address()}});
  if (!text.empty()) {
    connection.socket->sendText(
        dumpJson({{"type", "error"}, {"fatal", true}, {"reason", reason}, {"text", text}}));
  }
  connection.socket->close(code, reason);
}

Session* Sessions::find(const std::string& id) {
  const auto found = sessions_.find(id);
  return found == sessions_.end() ? nullptr : found->second.get();
}

Session* Sessions::agentSession(const std::string& user) {
  const auto found = agentSessions_.find(user);
  return found == agentSessions_.end() ? nullptr : find(found->second);
}

void Sessions::announceEnding(std::string_view text) {
  std::vector<std::string> ids;
  ids.reserve(sessions_.size());
  for (const auto& [id, session] : sessions_) ids.push_back(id);
  const std::string object = dumpJson({{"type", "session"}, {"what", "ending"}, {"text", text}});
  for (const std::string& id : ids) send(id, object);
}

void Sessions::closeAll() {
  guard_.reset();
  for (const auto& [id, connection] : connections_) connection->socket->close(1001, "server stopping");
  connections_.clear();
  sessions_.clear();
  agentSessions_.clear();
  countSessions();
}

void Sessions::countSessions() {
  const auto agents =
      std::ranges::count_if(sessions_, [](const auto& session) { return session.second->isAgent(); });
  agentGauge_.set(agents);
  consumerGauge_.set(static_cast<std::int64_t>(sessions_.size()) - agents);
}

}  // namespace parley::gateway
