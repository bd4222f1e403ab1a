// Server transactions: RFC 3261 section 17.2, RFC 6026 section 8.
#include <algorithm>
#include <array>

#include "sip/address_text.h"
#include "sip/transaction_state.h"

namespace parley::sip {
namespace {

/// RFC 3261 section 17.2.3: branch, sent-by and method; ACK and CANCEL look for their INVITE. Without the
/// cookie the peer is of RFC 2543 and the whole of what identifies a request there is the key; To is left
/// out, since that of an ACK has our tag.
std::string keyOf(const Message& request, Method method) {
  const Via& via = *request.topVia();
  const Method kind = method == Method::ack || method == Method::cancel ? Method::invite : method;
  const std::string_view name = kind == Method::other ? request.methodName() : toString(kind);
  std::string key;
  if (via.hasCookie()) {
    const std::string port = via.port ? std::to_string(*via.port) : std::string();
    key.reserve(via.branch().size() + via.host.size() + port.size() + name.size() + 3);
    key.append(via.branch()).append(1, ' ').append(via.host).append(1, ':').append(port);
    return key.append(1, ' ').append(name);
  }
  key.append("2543 ").append(request.callId()).append(1, ' ').append(request.from().tag()).append(1, ' ');
  key.append(std::to_string(request.cseq().number)).append(1, ' ').append(via.host).append(1, ':');
  key.append(via.port ? std::to_string(*via.port) : std::string()).append(1, ' ').append(via.branch());
  return key.append(1, ' ').append(request.requestUri().toString()).append(1, ' ').append(name);
}

/// RFC 3261 section 18.2.2, RFC 3581: back over the connection; for UDP to where it came from if rport was
/// asked for, else to the port in Via. A broken connection is made again towards the port in Via.
Target replyTarget(const Message& request, const Source& source) {
  Target target = source.target();
  const Via& via = *request.topVia();
  if (via.params.has("rport") && source.kind == TransportKind::udp) return target;
  target.address.port = via.port.value_or(isSecure(source.kind) ? 5061 : 5060);
  return target;
}

}  // namespace

void TransactionLayer::Server::onDue(base::Instant now) { layer.onDue(*this, now); }

void TransactionLayer::State::receiveRequest(Message request, const Source& source, base::Instant now) {
  if (request.method() == Method::ack) return receiveAck(request, source, now);
  if (request.method() == Method::cancel) return receiveCancel(std::move(request), source, now);
  std::string key = keyOf(request, request.method());
  if (again(key, now)) return;
  if (user != nullptr && !user->admits(request, source)) return;
  if (!hasRoomFor(request)) {
    refuse(Refusal::tableFull);
    return answerStateless(request, source, 503, std::array{Header{HeaderId::retryAfter, {}, "10"}});
  }
  std::uint64_t mergeKey = 0;
  if (request.to().tag().empty()) {
    std::string name = request.callId();
    name.append(1, '\0').append(request.from().tag()).append(1, '\0').append(request.cseq().toString());
    // We are many users: a proxy may fork one call to two of them, each by a Request-URI of its own.
    name.append(1, '\0').append(request.requestUri().toString());
    mergeKey = hash(name);
    if (merges.contains(mergeKey)) {
      refuse(Refusal::merged);
      return answerStateless(request, source, 482, {});
    }
  }
  Server& server = addServer(std::move(request), std::move(key), source, now);
  server.mergeKey = mergeKey;
  if (mergeKey != 0) merges.emplace(mergeKey, server.id);
  // The user may answer at once and read on.
  const std::shared_ptr<const Message> held = server.request;
  if (user != nullptr) user->onRequest(server.id, *held, source);
}

/// A repeated request is answered with what was answered before. True: it was one.
bool TransactionLayer::State::again(const std::string& key, base::Instant now) {
  (void)now;
  const auto found = serverByKey.find(key);
  if (found == serverByKey.end()) return false;
  Server& server = *found->second;
  if (server.phase == ServerPhase::proceeding || server.phase == ServerPhase::completed) sendResponse(server);
  return true;
}

bool TransactionLayer::State::hasRoomFor(const Message& request) const {
  const std::size_t most = options.maxTransactions;
  return servers.size() < (request.to().tag().empty() ? most - most / 10 : most);
}

TransactionLayer::Server& TransactionLayer::State::addServer(Message request, std::string key,
                                                             const Source& source, base::Instant now) {
  auto owned = std::make_unique<Server>(*this);
  Server& server = *owned;
  server.id = TransactionId{++lastId};
  server.key = std::move(key);
  server.invite = request.method() == Method::invite;
  if (request.to().tag().empty()) server.localTag = random.alphanumeric(12);
  server.replyTo = replyTarget(request, source);
  server.request = std::make_shared<const Message>(std::move(request));
  // Nobody waits longer for an answer than the client does (RFC 4320: no 408 then).
  if (server.invite)
    server.tryingAt = now + options.tryingAfter;
  else
    server.endAt = now + t64();
  serverByKey.emplace(server.key, &server);
  servers.emplace(server.id, std::move(owned));
  arm(server);
  return server;
}

void TransactionLayer::State::receiveAck(const Message& ack, const Source& source, base::Instant now) {
  const std::string key = keyOf(ack, Method::ack);
  const auto found = serverByKey.find(key);
  if (found == serverByKey.end() && ack.to().tag() == statelessTag(key)) return;
  if (found == serverByKey.end() || found->second->phase == ServerPhase::accepted) {
    if (user != nullptr) user->onAck(ack, source);
    return;
  }
  Server& server = *found->second;
  if (server.phase != ServerPhase::completed) return;
  server.phase = ServerPhase::confirmed;
  server.repeatAt = kNever;
  server.response.clear();
  server.response.shrink_to_fit();
  if (isReliable(server.replyTo.kind)) return remove(server);
  server.endAt = now + options.t4;  // timer I
  arm(server);
}

void TransactionLayer::State::receiveCancel(Message cancel, const Source& source, base::Instant now) {
  const auto found = serverByKey.find(keyOf(cancel, Method::cancel));
  std::string key = keyOf(cancel, Method::options);
  key += " CANCEL";  // its own transaction
  if (again(key, now)) return;
  if (found == serverByKey.end()) {
    if (user != nullptr && !user->admits(cancel, source)) return;
    if (servers.size() >= options.maxTransactions) return refuse(Refusal::tableFull);
    Server& server = addServer(std::move(cancel), std::move(key), source, now);
    const std::shared_ptr<const Message> held = server.request;
    if (user != nullptr) user->onRequest(server.id, *held, source);
    return;
  }
  Server& invite = *found->second;
  const TransactionId inviteId = invite.id;
  const bool open = invite.phase == ServerPhase::trying || invite.phase == ServerPhase::proceeding;
  if (servers.size() >= options.maxTransactions) {
    answerStateless(cancel, source, 200, {});
  } else {
    const std::string tag = invite.localTag;
    Server& server = addServer(cancel, std::move(key), source, now);
    if (!tag.empty()) server.localTag = tag;
    respond(server, Message::responseTo(cancel, 200, server.localTag), now, false);
  }
  if (open && user != nullptr) user->onCancel(inviteId, cancel);
}

/// RFC 3261 section 8.2.7: the same tag for the same request. Nobody else can make it up. No key of a table
/// begins like what is hashed here: the tag tells nothing of the buckets.
std::string TransactionLayer::State::statelessTag(std::string_view key) const {
  std::string text = "tag ";
  return "s" + std::to_string(hash(text.append(key)));
}

void TransactionLayer::State::answerStateless(const Message& request, const Source& source, int status,
                                              std::span<const Header> extra) {
  if (request.topVia() == nullptr || request.method() == Method::ack) return;
  Message response = Message::responseTo(request, status, statelessTag(keyOf(request, request.method())));
  for (const Header& header : extra) {
    if (header.id == HeaderId::other)
      response.add(header.name, header.value);
    else
      response.add(header.id, header.value);
  }
  transport.send(response.write(), replyTarget(request, source), SendToken{});
}

void TransactionLayer::State::sendResponse(Server& server) {
  if (!server.response.empty()) transport.send(server.response, server.replyTo, SendToken{server.id.value()});
}

bool TransactionLayer::State::respond(Server& server, const Message& response, base::Instant now,
                                      bool reliable) {
  if (server.phase != ServerPhase::trying && server.phase != ServerPhase::proceeding) return false;
  server.response = response.write();
  server.tryingAt = kNever;
  server.repeatAt = kNever;
  server.reliable1xx = false;
  if (response.status() >= 200) {
    sendResponse(server);
    finish(server, response.status(), now);
    return true;
  }
  server.phase = ServerPhase::proceeding;
  if (server.invite) server.endAt = kNever;
  if (reliable) {  // RFC 3262 section 3
    server.reliable1xx = true;
    server.interval = options.t1;
    server.repeatAt = now + server.interval;
    server.endAt = now + t64();
  }
  sendResponse(server);
  arm(server);
  return true;
}

void TransactionLayer::State::finish(Server& server, int status, base::Instant now) {
  server.request.reset();
  server.response.shrink_to_fit();
  const bool overReliable = isReliable(server.replyTo.kind);
  if (!server.invite) {
    server.phase = ServerPhase::completed;
    if (overReliable) return remove(server);
    server.endAt = now + t64();  // timer J
    return arm(server);
  }
  server.interval = options.t1;
  server.endAt = now + t64();  // timers H, L
  if (status < 300) {
    server.phase = ServerPhase::accepted;
    server.repeats2xx = true;
    server.repeatAt = now + server.interval;  // RFC 3261 section 13.3.1.4, over any transport
  } else {
    server.phase = ServerPhase::completed;
    if (!overReliable) server.repeatAt = now + server.interval;  // timer G
  }
  arm(server);
}

void TransactionLayer::State::arm(Server& server) {
  timers.arm(server, std::min({server.repeatAt, server.endAt, server.tryingAt}));
}

void TransactionLayer::State::onDue(Server& server, base::Instant now) {
  if (server.tryingAt <= now) {
    server.tryingAt = kNever;
    respond(server, Message::responseTo(*server.request, 100, {}), now, false);
    return;
  }
  if (server.endAt <= now) {
    const TransactionId id = server.id;
    if (server.reliable1xx) {
      server.reliable1xx = false;
      server.endAt = server.repeatAt = kNever;
      arm(server);
      if (user != nullptr) user->onResponseFailed(id, "sip.no_prack");
      return;
    }
    const bool unheard =
        server.invite && (server.phase == ServerPhase::completed || server.repeatAt != kNever);
    server.endAt = server.repeatAt = kNever;
    if (unheard && user != nullptr) user->onResponseFailed(id, "sip.no_ack");
    if (const auto found = servers.find(id); found != servers.end()) remove(*found->second);
    return;
  }
  if (server.repeatAt <= now) {
    sendResponse(server);
    server.interval = server.reliable1xx ? 2 * server.interval : std::min(2 * server.interval, options.t2);
    server.repeatAt = now + server.interval;
  }
  arm(server);
}

void TransactionLayer::State::onSendFailed(Server& server, std::string_view reason, base::Instant now) {
  (void)now;
  // RFC 6026 section 8.2: a 2xx and a provisional response are tried again; a refusal that cannot be told is
  // over.
  if (server.phase != ServerPhase::completed) return;
  const TransactionId id = server.id;
  const bool invite = server.invite;
  if (invite && user != nullptr) user->onResponseFailed(id, reason);
  if (const auto found = servers.find(id); found != servers.end()) remove(*found->second);
}

void TransactionLayer::State::remove(Server& server) {
  serverByKey.erase(server.key);
  if (server.mergeKey != 0) merges.erase(server.mergeKey);
  const TransactionId id = server.id;
  servers.erase(id);
  if (user != nullptr) user->onGone(id);
}

const Message* TransactionLayer::requestOf(TransactionId id) const {
  const auto found = state_->servers.find(id);
  return found == state_->servers.end() ? nullptr : found->second->request.get();
}

std::string_view TransactionLayer::localTag(TransactionId id) const {
  const auto found = state_->servers.find(id);
  return found == state_->servers.end() ? std::string_view{} : found->second->localTag;
}

bool TransactionLayer::respond(TransactionId id, const Message& response, base::Instant now, bool reliable) {
  const auto found = state_->servers.find(id);
  return found != state_->servers.end() && state_->respond(*found->second, response, now, reliable);
}

void TransactionLayer::acknowledged(TransactionId invite, base::Instant now) {
  (void)now;
  const auto found = state_->servers.find(invite);
  if (found == state_->servers.end() || found->second->phase != ServerPhase::accepted) return;
  Server& server = *found->second;
  server.repeatAt = kNever;
  server.response.clear();
  server.response.shrink_to_fit();
  if (isReliable(server.replyTo.kind)) return state_->remove(server);
  state_->arm(server);
}

void TransactionLayer::provisionalAcknowledged(TransactionId invite, base::Instant now) {
  (void)now;
  const auto found = state_->servers.find(invite);
  if (found == state_->servers.end() || !found->second->reliable1xx) return;
  Server& server = *found->second;
  server.reliable1xx = false;
  server.repeatAt = server.endAt = kNever;
  state_->arm(server);
}

}  // namespace parley::sip
