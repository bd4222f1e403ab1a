#include "assist/topic_server.h"

#include <algorithm>

#include "assist/internal_log.h"
#include "base/log.h"
#include "link/json.h"

namespace parley::assist {
namespace {

using link::Json;

constexpr base::Millis kTick{500};
/// Sessions that do not exist, asked for by one user in a minute: a console that waits for a customer asks
/// often.
constexpr std::int64_t kUnknownPerMinute = 60;
/// One network may open half of all sessions, and never less than these.
constexpr std::size_t kLeastShare = 2;

std::int64_t now() { return base::millisOf(base::wallNow()); }

link::PeersOptions peersOptions(const TopicOptions& options) {
  link::PeersOptions out;
  out.part = "assist";
  out.audience = "assist";
  out.resume = options.resume;
  out.maxPeers = options.maxSessions * options.session.maxParties;
  out.maxConnections = out.maxPeers + out.maxPeers / 5;
  out.maxBinaryBytes = kMaxPictureBytes;
  // Pictures are compressed already: to do it again costs both ends time and memory for nothing.
  out.compress = false;
  // A viewer says of each picture that it was seen; a pointer moves 30 times a second.
  out.messagesPerSecond = 120;
  out.burst = 240;
  out.unnumbered = {"seen", "refresh", "pong"};
  return out;
}

std::unexpected<link::Refusal> refuse(std::uint16_t code, const char* reason, const char* text) {
  return std::unexpected(link::Refusal{code, {reason, text}});
}

}  // namespace

TopicServer::TopicServer(net::EventLoop& loop, const identity::TokenSigner& signer, base::Random& random,
                         Records& records, store::Store& store, TopicOptions options)
    : loop_(loop),
      options_(std::move(options)),
      records_(records),
      saved_(store, options_.maxSessions),
      peers_(loop, signer, random, peersOptions(options_)),
      ticks_(loop) {
  auto& metrics = base::Metrics::instance();
  gauge_ = metrics.gauge("parley_assist_sessions", "Shared sessions.");
  picturesIn_ = metrics.counter("parley_assist_pictures_in_total", "Pictures from customers' pages.");
  bytesIn_ = metrics.counter("parley_assist_picture_bytes_in_total", "Bytes of these.");
  picturesOut_ = metrics.counter("parley_assist_pictures_out_total", "Pictures to viewers.");
  bytesOut_ = metrics.counter("parley_assist_picture_bytes_out_total", "Bytes of these.");
  refused_ = metrics.counter("parley_assist_pictures_refused_total", "Pictures that were not taken.");
  refreshes_ = metrics.counter("parley_assist_refreshes_total", "Whole pictures that pages were asked for.");
  peers_.setListener(this);
  ticks_.startEvery(kTick, [this] { tick(); });
}

TopicServer::~TopicServer() { peers_.closeAll(); }

void TopicServer::setOptions(TopicOptions options) {
  options_ = std::move(options);
  peers_.setResume(options_.resume);
  for (const auto& [cid, session] : sessions_) session->optionsChanged(now());
}

const AssistSession* TopicServer::find(const std::string& cid) const {
  const auto at = sessions_.find(cid);
  return at == sessions_.end() ? nullptr : at->second.get();
}

std::vector<const AssistSession*> TopicServer::all() const {
  std::vector<const AssistSession*> out;
  out.reserve(sessions_.size());
  for (const auto& [cid, session] : sessions_) out.push_back(session.get());
  return out;
}

AssistSession* TopicServer::of(const std::string& peer) {
  const auto seat = seats_.find(peer);
  return seat == seats_.end() ? nullptr : seat->second;
}

std::expected<void, link::Refusal> TopicServer::admit(const link::Peer& peer, const Json& hello) {
  const std::string asked = link::stringAt(hello, "cid").value_or("");
  const std::string& bound = peer.token.cid;
  const std::string cid = asked.empty() ? bound : asked;
  const bool consumer = peer.token.role == "consumer";
  // A token is for one session, if it names one; a consumer's always does.
  if (!isCid(cid) || (!bound.empty() && bound != cid) || (consumer && bound.empty())) {
    return refuse(link::kTokenRefused, "token.invalid", "The token is for another session.");
  }
  if (consumer) return admitConsumer(cid, peer);
  const auto at = sessions_.find(cid);
  if (at == sessions_.end()) {
    if (!strangers_.take(peer.token.user, kUnknownPerMinute, loop_.now())) {
      return refuse(link::kRateExceeded, "rate.exceeded", "Too many sessions that do not exist.");
    }
    return refuse(kUnknownSession, "assist.unknown_session", "The customer has not opened this session.");
  }
  if (const auto may = at->second->mayJoin(*roleOf(peer.token.role), peer.token.user); !may) {
    const bool full = may.error().reason == "assist.full";
    return std::unexpected(link::Refusal{full ? kPartiesFull : kSwitchedOff, may.error()});
  }
  seats_[peer.id] = at->second.get();
  return {};
}

std::expected<void, link::Refusal> TopicServer::admitConsumer(const std::string& cid,
                                                              const link::Peer& peer) {
  auto at = sessions_.find(cid);
  if (at == sessions_.end()) {
    if (draining_) return refuse(link::kDraining, "server.draining", "The server is being restarted.");
    if (sessions_.size() >= options_.maxSessions || ofNetwork(peer.network) >= networkShare()) {
      return refuse(link::kFull, "server.full", "There are too many sessions. Please try again later.");
    }
    at = sessions_.emplace(cid, std::make_unique<AssistSession>(cid, *this, options_.session, totals_, now()))
             .first;
    networks_[cid] = peer.network;
    count();
  }
  if (const auto may = at->second->mayJoin(Role::consumer, peer.token.user); !may) {
    return std::unexpected(link::Refusal{kCidTaken, may.error()});
  }
  seats_[peer.id] = at->second.get();
  return {};
}

std::size_t TopicServer::ofNetwork(const std::string& network) const {
  const auto here = [&](const auto& entry) { return entry.second == network; };
  return static_cast<std::size_t>(std::ranges::count_if(networks_, here));
}

std::size_t TopicServer::networkShare() const {
  return std::max<std::size_t>(kLeastShare, options_.maxSessions / 2);
}

std::string TopicServer::welcomeOf(const link::Peer& peer) {
  const AssistSession* session = of(peer.id);
  if (session == nullptr) return R"({"session":null})";
  const Role role = roleOf(peer.token.role).value_or(Role::agent);
  return link::dumpJson({{"cid", session->cid()},
                         {"session", session->stateFor(peer.id, role)},
                         {"settings", session->settings(role)}});
}

void TopicServer::onUp(const std::string& id, bool isNew) {
  AssistSession* session = of(id);
  const link::Peer* peer = peers_.find(id);
  if (session == nullptr || peer == nullptr) return;
  if (!isNew) {
    session->up(id, now());
    return keep(session);
  }
  Party party;
  party.id = id;
  party.role = roleOf(peer->token.role).value_or(Role::agent);
  party.user = peer->token.user;
  party.name = peer->token.name.empty() && party.role != Role::consumer ? party.user : peer->token.name;
  session->join(std::move(party), now());
  keep(session);
}

void TopicServer::onDown(const std::string& peer, std::uint16_t) {
  if (AssistSession* session = of(peer)) session->down(peer, now());
}

void TopicServer::onGone(const link::Peer& peer) {
  AssistSession* session = of(peer.id);
  if (session == nullptr) return;
  session->gone(peer.id, now());
  seats_.erase(peer.id);
  keep(session);
  sweep(*session);
}

void TopicServer::onMessage(const std::string& peer, const std::string& type, const Json& json) {
  AssistSession* session = of(peer);
  if (session == nullptr || type == "pong") return;
  // What every page says that goes for good.
  const auto message = parseMessage(type == "bye" ? "leave" : type, json);
  if (!message) return fail(peer, message.error(), link::stringAt(json, "request").value_or(""));
  session->onMessage(peer, *message, now());
  keep(session);
  sweep(*session);
}

void TopicServer::onBinary(const std::string& peer, base::Bytes bytes) {
  if (AssistSession* session = of(peer)) session->onPicture(peer, bytes, now());
}

void TopicServer::send(const std::string& party, std::string object, const std::string& key) {
  peers_.send(party, std::move(object), key);
}

void TopicServer::show(const std::string& party, const Picture& picture) {
  peers_.sendBinary(party, picture.bytes);
}

void TopicServer::fail(const std::string& party, const base::Error& error, const std::string& request) {
  peers_.sendError(party, error, request);
}

void TopicServer::part(const std::string& party, std::uint16_t code, std::string_view reason) {
  seats_.erase(party);
  peers_.end(party, code, reason);
}

void TopicServer::provide(const PushWish& wish) {
  if (source_ == nullptr) {
    return fail(wish.party, {"assist.no_content", "Documents cannot be pushed here."}, wish.request);
  }
  source_->provide(wish, guard_.wrap([this, wish](const base::Result<PushContent>& content) {
    const auto at = sessions_.find(wish.cid);
    if (at != sessions_.end()) at->second->provided(wish, content, now());
  }));
}

/// A session that is over becomes a record.
void TopicServer::sweep(const AssistSession& session) {
  if (!session.over()) return;
  const std::string cid = session.cid();
  logger.info("session ended", {{"cid", cid}});
  records_.add(cid, now(), session.summary(), session.record());
  std::erase_if(seats_, [&](const auto& entry) { return entry.second == &session; });
  networks_.erase(cid);
  saved_.remove(cid);
  if (source_ != nullptr) source_->ended(cid);
  sessions_.erase(cid);
  count();
}

void TopicServer::tick() {
  const std::int64_t time = now();
  for (const auto& [cid, session] : sessions_) {
    session->tick(time);
    keep(session.get());
  }
  count();
}

void TopicServer::count() {
  gauge_.set(static_cast<std::int64_t>(sessions_.size()));
  picturesIn_.add(totals_.picturesIn - counted_.picturesIn);
  bytesIn_.add(totals_.bytesIn - counted_.bytesIn);
  picturesOut_.add(totals_.picturesOut - counted_.picturesOut);
  bytesOut_.add(totals_.bytesOut - counted_.bytesOut);
  refused_.add(totals_.refusedPictures - counted_.refusedPictures);
  refreshes_.add(totals_.refreshes - counted_.refreshes);
  counted_ = totals_;
}

void TopicServer::onRetrieved(const std::string& cid) {
  const auto at = sessions_.find(cid);
  if (at != sessions_.end()) at->second->retrieved(now());
}

void TopicServer::stop() {
  for (const auto& [cid, session] : sessions_) {
    saved_.putState(cid, stateOf(*session));
    saved_.putHistory(cid, link::dumpJson(session->saveHistory()));
  }
  peers_.closeAll();
}

/// As much as another process needs to go on; what was written a moment ago waits for the next tick.
void TopicServer::keep(AssistSession* session) {
  if (session->takeChanged(now())) {
    saved_.putState(session->cid(), stateOf(*session));
    if (source_ != nullptr) source_->shown(session->cid(), session->shownDocument());
  }
  if (session->takeHistoryChanged(now())) {
    saved_.putHistory(session->cid(), link::dumpJson(session->saveHistory()));
  }
}

std::string TopicServer::stateOf(const AssistSession& session) const {
  Json peers = Json::array();
  for (const std::string& party : session.partyIds()) peers.push_back(peers_.save(party));
  return link::dumpJson({{"session", session.save()}, {"peers", std::move(peers)}});
}

void TopicServer::load(std::function<void(base::Result<void>)> done) {
  saved_.load(guard_.wrap([this, done](const base::Result<std::vector<SavedSessions::Saved>>& found) {
    if (!found) return done(std::unexpected(found.error()));
    for (const SavedSessions::Saved& each : *found) restore(each);
    std::vector<std::string> cids;
    for (const auto& [cid, session] : sessions_) cids.push_back(cid);
    if (source_ != nullptr) source_->goesOn(cids);
    count();
    done({});
  }));
}

void TopicServer::restore(const SavedSessions::Saved& saved) {
  const auto json = link::parseJson(saved.state);
  const Json state = json && json->is_object() ? json->value("session", Json()) : Json();
  const std::int64_t began = state.is_object() ? link::integerAt(state, "startedAt").value_or(0) : 0;
  auto session = std::make_unique<AssistSession>(saved.cid, *this, options_.session, totals_,
                                                 began == 0 ? now() : began);
  if (!session->restore(state)) {
    logger.error("stored session is unreadable", {{"cid", saved.cid}});
    return saved_.remove(saved.cid);
  }
  if (source_ == nullptr || !source_->has(saved.cid, session->shownDocument())) session->forgetDocument();
  session->restoreHistory(link::parseJson(saved.history).value_or(Json()));
  AssistSession& kept = *(sessions_[saved.cid] = std::move(session));
  for (const Json& peer : json->value("peers", Json::array())) {
    const std::string id = peer.is_string() ? peers_.restore(peer.get<std::string>()) : std::string();
    if (!id.empty()) seats_[id] = &kept;
  }
  logger.info("session goes on", {{"cid", saved.cid}});
  for (const std::string& party : kept.partyIds()) {
    // Whose page nobody would know again does not come back.
    const link::Peer* peer = peers_.find(party);
    if (peer == nullptr) {
      kept.gone(party, now());
    } else if (peer->token.role == "consumer") {
      networks_[saved.cid] = peer->network;
    }
  }
  kept.optionsChanged(now());  // Other settings than before, perhaps.
  sweep(kept);
}

}  // namespace parley::assist
