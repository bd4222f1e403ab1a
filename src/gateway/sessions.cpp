#include "gateway/sessions.h"

#include <algorithm>

#include "base/log.h"
#include "gateway/internal_log.h"
#include "gateway/json.h"

namespace parley::gateway {
namespace {

/// A page is left: browsers say the first, our own pages the second (where the browser would say nothing).
constexpr std::uint16_t kGoingAway = 1001, kPageLeft = 4020;
constexpr std::string_view kDigits = "dtmf";
constexpr std::ptrdiff_t kMaxWaitingDigits = 32;

link::PeersOptions peersOptions(const SessionsOptions& options) {
  link::PeersOptions out;
  out.part = "gateway";
  out.audience = "websocketcall";
  out.idName = "session";
  out.metrics = "parley_gateway";
  out.resume = options.resume;
  out.hello = options.hello;
  out.ackDelay = options.ackDelay;
  out.maxPeers = SIZE_MAX;  // admit() knows whom to keep out.
  out.maxConnections = options.maxConnections;
  out.maxTextBytes = kMaxMessageBytes;
  out.messagesPerSecond = options.messagesPerSecond;
  out.burst = options.burst;
  return out;
}

std::unexpected<link::Refusal> refusal(std::uint16_t code, std::string reason, const char* text) {
  return std::unexpected(link::Refusal{code, {std::move(reason), text}});
}

}  // namespace

Sessions::Sessions(net::EventLoop& loop, const identity::TokenSigner& signer, base::Random& random,
                   const SessionsOptions& options)
    : options_(options), peers_(loop, signer, random, peersOptions(options)) {
  const auto gauge = [](const char* role) {
    return base::Metrics::instance().gauge("parley_gateway_sessions", "Sessions of pages.", {{"role", role}});
  };
  consumerGauge_ = gauge("consumer");
  agentGauge_ = gauge("agent");
  droppedDigits_ = base::Metrics::instance().counter("parley_gateway_digits_dropped_total",
                                                     "Digits for absent pages beyond what is kept.");
  peers_.setListener(this);
}

void Sessions::setOptions(const SessionsOptions& options) {
  options_ = options;
  peers_.setResume(options.resume);
  peers_.setMaxConnections(options.maxConnections);
}

void Sessions::accept(std::shared_ptr<net::WebSocket> socket, std::string network) {
  if (network.empty()) network = socket->remote().network().address();
  peers_.accept(std::move(socket), std::move(network));
}

std::expected<void, link::Refusal> Sessions::admit(const Session& fresh, const Json&) {
  if (std::string reason = listener_->refusalOf(fresh.token); !reason.empty()) {
    return refusal(link::kDraining, std::move(reason), "The server is being stopped.");
  }
  // Agents are as many as their users: a crowd of consumers does not keep them out.
  if (!fresh.isAgent() && peers_.size() > options_.maxSessions && !makeRoom(fresh)) {
    return refusal(link::kFull, "server.full", "There are too many sessions. Please try again later.");
  }
  if (fresh.isAgent()) replace(fresh);
  return {};
}

/// A consumer's page that is gone and has no call gives its place to the one that is here.
bool Sessions::makeRoom(const Session& fresh) {
  const auto idle = std::ranges::find_if(peers_.all(), [&](const auto& each) {
    const Session& session = *each.second;
    return &session != &fresh && !session.up() && !session.isAgent() && listener_->mayLeave(session);
  });
  if (idle == peers_.all().end()) return false;
  ended(*peers_.end(idle->first, link::kReplaced, "replaced"), false);
  return true;
}

/// An agent is in one page only: the new one takes the old one's calls over.
void Sessions::replace(const Session& fresh) {
  const base::LogContext context("session", fresh.id);
  const Session* old = agentSession(fresh.token.user);
  agentSessions_[fresh.token.user] = fresh.id;
  if (old == nullptr) return;
  peers_.send(old->id, R"({"type":"session","what":"replaced","text":"You signed in on another page."})");
  listener_->onSessionReplaced(*old, fresh);
  peers_.end(old->id, link::kReplaced, "replaced");
}

std::string Sessions::welcomeOf(const Session& session) {
  std::string text = dumpJson({{"media", {{"maxVideoBitrate", options_.maxVideoBitrate}}}});
  text.pop_back();
  text += ",\"calls\":[";
  const auto calls = listener_->callsOf(session);
  for (std::size_t i = 0; i < calls.size(); ++i) text += (i == 0 ? "" : ",") + calls[i];
  return text + "]}";
}

void Sessions::onUp(const std::string& id, bool isNew) {
  if (isNew) count();
  leaving_.erase(id);
  listener_->onSessionUp(*find(id), isNew);
}

void Sessions::onDown(const std::string& id, std::uint16_t code) {
  const Session& session = *find(id);
  const bool leaves = code == kGoingAway || code == kPageLeft;
  if (session.isAgent() || (!leaves && code != 1000)) return listener_->onSessionDown(session, false);
  // Nobody can tell whether the next page of the site follows, or none does: the tab was closed.
  if (leaves && options_.nextPage > base::Millis{0} && !listener_->mayLeave(session)) {
    leaving_.insert(id);
    peers_.hurry(id, options_.nextPage);
    return listener_->onSessionDown(session, true);
  }
  ended(*peers_.end(id, code, "bye"), true);
}

void Sessions::onGone(const Session& session) { ended(session, leaving_.contains(session.id)); }

void Sessions::onMessage(const std::string& id, const std::string&, const Json& json) {
  const auto message = parsePageMessage(json);
  if (!message) return peers_.sendError(id, message.error(), stringAt(json, "request").value_or(""));
  if (std::holds_alternative<message::Pong>(message->what)) return;
  if (std::holds_alternative<message::Bye>(message->what)) return onBye(*find(id));
  listener_->onMessage(*find(id), *message);
}

void Sessions::onBye(const Session& session) {
  if (session.isAgent() && !listener_->mayLeave(session)) return peers_.hangUp(session.id, 1000, "bye");
  ended(*peers_.end(session.id, 1000, "bye"), true);
}

/// The session is not among the others any more.
void Sessions::ended(const Session& session, bool left) {
  const base::LogContext context("session", session.id);
  log.info("session ended", {{"left", left}});
  leaving_.erase(session.id);
  const auto agent = agentSessions_.find(session.token.user);
  if (session.isAgent() && agent != agentSessions_.end() && agent->second == session.id) {
    agentSessions_.erase(agent);
  }
  count();
  listener_->onSessionGone(session, left);
}

void Sessions::send(const std::string& id, std::string object, const std::string& key) {
  if (key != kDigits) return peers_.send(id, std::move(object), key);
  // A key of its own: later digits do not take the place of earlier ones.
  const std::string prefix = key + " ";
  const Session* session = find(id);
  if (session != nullptr && std::ranges::count_if(session->waiting, [&](const auto& waiting) {
                              return waiting.key.starts_with(prefix);
                            }) >= kMaxWaitingDigits) {
    return droppedDigits_.add();
  }
  peers_.send(id, std::move(object), prefix + std::to_string(++digits_));
}

std::string Sessions::restore(const std::string& saved) {
  std::string id = peers_.restore(saved);
  const Session* session = find(id);
  if (session != nullptr && session->isAgent()) agentSessions_[session->token.user] = id;
  count();
  return id;
}

const Session* Sessions::agentSession(const std::string& user) const {
  const auto found = agentSessions_.find(user);
  return found == agentSessions_.end() ? nullptr : find(found->second);
}

void Sessions::announceEnding(std::string_view text) {
  std::vector<std::string> ids;
  ids.reserve(size());
  for (const auto& [id, session] : peers_.all()) ids.push_back(id);
  const std::string object = dumpJson({{"type", "session"}, {"what", "ending"}, {"text", text}});
  for (const std::string& id : ids) peers_.send(id, object);
}

void Sessions::endFallen() {
  for (const auto& session : peers_.endFallen()) ended(*session, true);
}

void Sessions::closeAll() {
  peers_.closeAll();
  agentSessions_.clear();
  leaving_.clear();
  count();
}

void Sessions::count() {
  const auto agents = std::ranges::count_if(peers_.all(), [](const auto& s) { return s.second->isAgent(); });
  agentGauge_.set(agents);
  consumerGauge_.set(static_cast<std::int64_t>(size()) - agents);
}

}  // namespace parley::gateway
