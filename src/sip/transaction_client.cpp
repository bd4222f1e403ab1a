// Client transactions: RFC 3261 section 17.1, RFC 6026 section 8.
#include <algorithm>

#include "sip/transaction_state.h"

namespace parley::sip {
namespace {

constexpr base::Millis kTimerD{32'000};  ///< At least this, over UDP.

/// RFC 3261 section 17.1.3: the branch is ours and random, so it needs nothing beside the method.
std::string keyOf(const Message& message) {
  std::string key(message.topVia()->branch());
  return key.append(1, ' ').append(message.cseq().methodName);
}

}  // namespace

void TransactionLayer::Client::onDue(base::Instant now) { layer.onDue(*this, now); }

TransactionId TransactionLayer::request(Message request, const Target& target, base::Instant now,
                                        std::optional<base::Millis> firstResponse) {
  // Requests in dialogs have a tenth more: when no call may begin any more, calls can still end.
  const std::size_t most = state_->options.maxTransactions;
  if (state_->clients.size() >= (request.to().tag().empty() ? most : most + most / 10)) {
    state_->refuse(Refusal::tableFull);
    return {};
  }
  request.pushVia(state_->ourVia(target));
  Client& client = state_->addClient(std::move(request), target);
  state_->start(client, now, firstResponse);
  return client.id;
}

TransactionLayer::Client& TransactionLayer::State::addClient(Message request, const Target& target) {
  auto owned = std::make_unique<Client>(*this);
  Client& client = *owned;
  client.id = TransactionId{++lastId};
  client.invite = request.method() == Method::invite;
  client.target = target;
  client.key = keyOf(request);
  client.request = std::make_unique<Message>(std::move(request));
  clientByKey.emplace(client.key, &client);
  clients.emplace(client.id, std::move(owned));
  return client;
}

std::optional<Target> TransactionLayer::State::streamFor(const Target& target, std::size_t bytes,
                                                         base::Instant now) {
  if (target.kind != TransportKind::udp || options.udpMaxBytes == 0 || bytes <= options.udpMaxBytes ||
      streamless.isDead(target, now))
    return std::nullopt;
  Target stream = target;
  stream.kind = TransportKind::tcp;
  stream.flow = {};
  if (transport.sentBy(stream).empty()) return std::nullopt;  // we have no TCP
  return stream;
}

void TransactionLayer::State::sendFirst(Client& client, base::Instant now) {
  client.bytes = client.request->write();
  const auto stream = client.pinned ? std::nullopt : streamFor(client.target, client.bytes.size(), now);
  if (stream) {
    client.back = std::make_unique<Target>(std::exchange(client.target, *stream));
    writeFor(client);
  }
  transport.send(client.bytes, client.target, SendToken{client.id.value()});
  if (isReliable(client.target.kind)) client.bytes = {};
}

/// Once more for another transport: the same branch, so that who gets both sees one request.
void TransactionLayer::State::writeFor(Client& client) {
  Via via = ourVia(client.target);
  via.params.set("branch", std::string(client.request->topVia()->branch()));
  *client.request->topVia() = std::move(via);
  client.bytes = client.request->write();
}

/// RFC 3261 section 18.1.1: there is no TCP; as a datagram, then.
void TransactionLayer::State::sendAsDatagram(Client& client, base::Instant now) {
  client.target = *client.back;
  client.back.reset();
  streamless.mark(client.target, now + options.streamlessTime);
  writeFor(client);
  transport.send(client.bytes, client.target, SendToken{client.id.value()});
  client.repeatAt = now + client.interval;
  arm(client);
}

void TransactionLayer::State::start(Client& client, base::Instant now,
                                    std::optional<base::Millis> firstResponse) {
  sendFirst(client, now);
  client.interval = options.t1;
  client.repeatAt = isReliable(client.target.kind) ? kNever : now + client.interval;  // timers A, E
  if (client.back) client.repeatAt = now + options.streamPatience;
  client.endAt = now + firstResponse.value_or(t64());  // timers B, F
  arm(client);
}

void TransactionLayer::State::receiveResponse(Message response, const Source& source, base::Instant now) {
  const auto found = clientByKey.find(keyOf(response));
  if (found == clientByKey.end()) return refuse(Refusal::strayResponse);
  Client& client = *found->second;
  if (client.invite) return receiveInviteResponse(client, response, source, now);
  if (client.phase == ClientPhase::completed) return;
  const bool told = !client.forgotten && user != nullptr;
  const TransactionId id = client.id;
  if (response.status() < 200) {
    if (client.phase == ClientPhase::calling) client.endAt = std::max(client.endAt, now + t64());
    client.phase = ClientPhase::proceeding;
    client.interval = options.t2;
    if (client.repeatAt != kNever) client.repeatAt = now + client.interval;
    if (client.back) client.repeatAt = kNever;
  } else {
    client.phase = ClientPhase::completed;
    client.request.reset();
    client.bytes = {};
    client.repeatAt = kNever;
    client.endAt = isReliable(client.target.kind) ? now : now + options.t4;  // timer K
  }
  arm(client);
  if (told) user->onResponse(id, response, source);
  settle(id, now);
}

void TransactionLayer::State::receiveInviteResponse(Client& client, const Message& response,
                                                    const Source& source, base::Instant now) {
  const TransactionId id = client.id;
  const int status = response.status();
  const bool told = !client.forgotten && user != nullptr;
  if (client.phase == ClientPhase::completed) {
    if (status >= 300) transport.send(client.bytes, client.target, SendToken{});
    return;
  }
  if (client.phase == ClientPhase::accepted) {
    if (status < 200 || status >= 300) return;
    const auto ack = std::ranges::find(client.acks, response.to().tag(), &Client::Ack::toTag);
    if (ack != client.acks.end()) return repeatAck(*ack, now);
    if (client.acks.size() >= kMaxAcks) return refuse(Refusal::strayResponse);
    if (told) user->onResponse(id, response, source);
    return;
  }
  client.repeatAt = kNever;
  if (status < 200) {
    // How long it may ring the user decides; but nothing waits for ever.
    if (client.phase == ClientPhase::calling) client.endAt = now + options.longestInvite;
    client.phase = ClientPhase::proceeding;
    if (client.wantsCancel) sendCancel(client, now);
  } else if (status < 300) {
    client.phase = ClientPhase::accepted;
    keepCredentials(client);
    client.request.reset();
    client.bytes = {};
    client.endAt = now + t64();  // timer M
  } else {
    client.phase = ClientPhase::completed;
    acknowledgeRefusal(client, response);
    client.request.reset();
    client.endAt = isReliable(client.target.kind) ? now : now + std::max(t64(), kTimerD);
  }
  arm(client);
  if (told) user->onResponse(id, response, source);
  settle(id, now);
}

/// Over a reliable transport a finished transaction goes at once, after its user heard of the response.
void TransactionLayer::State::settle(TransactionId id, base::Instant now) {
  const auto found = clients.find(id);
  if (found != clients.end() && found->second->phase == ClientPhase::completed && found->second->endAt <= now)
    remove(*found->second);
}

/// RFC 3261 section 13.2.2.4: the ACK of a 2xx must have those of its INVITE; nobody can challenge it.
void TransactionLayer::State::keepCredentials(Client& client) {
  for (const Header& header : client.request->headers()) {
    if (header.id != HeaderId::authorization && header.id != HeaderId::proxyAuthorization) continue;
    if (!client.credentials) client.credentials = std::make_unique<std::vector<Header>>();
    client.credentials->push_back(header);
  }
}

/// RFC 3261 section 17.1.1.3: the same hop, the same branch.
void TransactionLayer::State::acknowledgeRefusal(Client& client, const Message& response) {
  const Message& invite = *client.request;
  Message ack = Message::request(Method::ack, invite.requestUri());
  ack.pushVia(*invite.topVia());
  ack.from() = invite.from();
  ack.to() = response.to();
  ack.setCallId(invite.callId());
  ack.setCSeq(invite.cseq().number, Method::ack);
  ack.setMaxForwards(70);
  for (const Header& header : invite.headers())
    if (header.id == HeaderId::route) ack.add(HeaderId::route, header.value);
  client.bytes = ack.write();
  transport.send(client.bytes, client.target, SendToken{});
}

void TransactionLayer::cancel(TransactionId invite, std::string reason, base::Instant now) {
  const auto found = state_->clients.find(invite);
  if (found == state_->clients.end()) return;
  Client& client = *found->second;
  if (!client.invite || client.cancelled || client.wantsCancel) return;
  client.wantsCancel = true;
  client.cancelReason = std::move(reason);
  if (client.phase == ClientPhase::proceeding) return state_->sendCancel(client, now);
  // What waits for a connection does not leave any more.
  if (client.phase != ClientPhase::calling || !isReliable(client.target.kind)) return;
  if (!state_->transport.takeBack(client.target, SendToken{client.id.value()})) return;
  client.endAt = now;
  state_->arm(client);
}

/// RFC 3261 section 9.1.
void TransactionLayer::State::sendCancel(Client& client, base::Instant now) {
  client.wantsCancel = false;
  client.cancelled = true;
  client.endAt = now + t64();
  arm(client);
  const Message& invite = *client.request;
  Message cancel = Message::request(Method::cancel, invite.requestUri());
  cancel.pushVia(*invite.topVia());
  cancel.from() = invite.from();
  cancel.to() = invite.to();
  cancel.setCallId(invite.callId());
  cancel.setCSeq(invite.cseq().number, Method::cancel);
  cancel.setMaxForwards(70);
  for (const Header& header : invite.headers())
    if (header.id == HeaderId::route) cancel.add(HeaderId::route, header.value);
  if (!client.cancelReason.empty()) cancel.add(HeaderId::reason, client.cancelReason);
  Client& own = addClient(std::move(cancel), client.target);  // above the bound, too: it ends something
  own.forgotten = true;
  own.pinned = true;  // stays on its INVITE's transport
  start(own, now, std::nullopt);
}

void TransactionLayer::acknowledge(TransactionId invite, Message ack, const Target& target,
                                   base::Instant now) {
  const auto found = state_->clients.find(invite);
  // Section 13.2.2.4: the credentials of its INVITE. Who else answers at another address did not ask for
  // them.
  if (found != state_->clients.end() && found->second->credentials &&
      found->second->target.address.ip == target.address.ip)
    for (const Header& header : *found->second->credentials) ack.add(header.id, header.value);
  ack.pushVia(state_->ourVia(target));
  Client::Ack sent{std::string(ack.to().tag()), ack.write(), target};
  SendToken token;
  const bool kept = found != state_->clients.end() && found->second->phase == ClientPhase::accepted &&
                    found->second->acks.size() < kMaxAcks;
  const auto stream = kept ? state_->streamFor(target, sent.bytes.size(), now) : std::nullopt;
  if (stream) {
    *ack.topVia() = state_->ourVia(*stream);
    token = SendToken{++state_->lastId};
    sent.large = std::make_unique<Client::Ack::Large>(token, std::exchange(sent.bytes, ack.write()),
                                                      std::exchange(sent.target, *stream));
    state_->largeAcks.emplace(token, invite);
  }
  state_->transport.send(sent.bytes, sent.target, token);
  if (kept) found->second->acks.push_back(std::move(sent));
}

/// The 2xx came once more. An ACK that still waits for a TCP connection goes as a datagram instead.
void TransactionLayer::State::repeatAck(Client::Ack& ack, base::Instant now) {
  const SendToken token = ack.large ? ack.large->token : SendToken{};
  if (ack.large && transport.takeBack(ack.target, token)) return onAckFailed(token, now);
  transport.send(ack.bytes, ack.target, token);
}

void TransactionLayer::State::onAckFailed(SendToken token, base::Instant now) {
  const auto named = largeAcks.extract(token);
  if (named.empty()) return;
  for (Client::Ack& ack : clients.at(named.mapped())->acks) {
    if (!ack.large || ack.large->token != token) continue;
    ack.target = std::move(ack.large->target);
    ack.bytes = std::move(ack.large->datagram);
    ack.large.reset();
    streamless.mark(ack.target, now + options.streamlessTime);
    transport.send(ack.bytes, ack.target, SendToken{});
  }
}

void TransactionLayer::forget(TransactionId id) {
  if (const auto found = state_->clients.find(id); found != state_->clients.end())
    found->second->forgotten = true;
}

void TransactionLayer::State::arm(Client& client) {
  timers.arm(client, std::min(client.repeatAt, client.endAt));
}

void TransactionLayer::State::onDue(Client& client, base::Instant now) {
  if (client.endAt <= now) {
    if (client.phase == ClientPhase::accepted || client.phase == ClientPhase::completed)
      return remove(client);
    return fail(client, 408, client.cancelled ? "sip.cancelled" : "sip.timeout");
  }
  if (client.repeatAt <= now && client.back) {
    // Is there still no connection? What has left is only waited for.
    client.repeatAt = kNever;
    if (!client.wantsCancel && transport.takeBack(client.target, SendToken{client.id.value()}))
      return sendAsDatagram(client, now);
  } else if (client.repeatAt <= now) {
    transport.send(client.bytes, client.target, SendToken{client.id.value()});
    client.interval = client.invite ? 2 * client.interval : std::min(2 * client.interval, options.t2);
    client.repeatAt = now + client.interval;
  }
  arm(client);
}

void TransactionLayer::State::onSendFailed(Client& client, std::string_view reason, base::Instant now) {
  if (client.phase != ClientPhase::calling && client.phase != ClientPhase::proceeding) return;
  // Not for who was given up meanwhile: that request is not to leave any more.
  if (client.back && client.phase == ClientPhase::calling && !client.wantsCancel)
    return sendAsDatagram(client, now);
  fail(client, 503, reason);
}

void TransactionLayer::State::fail(Client& client, int status, std::string_view reason) {
  const TransactionId id = client.id;
  const bool told = !client.forgotten && user != nullptr;
  const std::string why(reason);
  client.phase = ClientPhase::completed;  // the user may send the next one from here
  if (told) user->onRequestFailed(id, status, why);
  if (const auto found = clients.find(id); found != clients.end()) remove(*found->second);
}

void TransactionLayer::State::remove(Client& client) {
  const TransactionId id = client.id;
  for (const Client::Ack& ack : client.acks)
    if (ack.large) largeAcks.erase(ack.large->token);
  clientByKey.erase(client.key);
  clients.erase(id);
  if (user != nullptr) user->onGone(id);
}

}  // namespace parley::sip
