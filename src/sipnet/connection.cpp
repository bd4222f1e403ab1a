#include "sipnet/connection.h"

#include <algorithm>

#include "base/text.h"
#include "sipnet/error_answer.h"
#include "sipnet/udp_side.h"

namespace parley::sipnet {
namespace {

constexpr std::string_view kPing = "\r\n\r\n";
constexpr std::string_view kPong = "\r\n";
constexpr std::size_t kMaxNames = 8;

std::string_view connectReason(std::string_view reason) {
  if (reason == "net.timeout") return "sip.transport_timeout";
  if (reason == "net.tls_failed") return "sip.transport_tls_failed";
  return "sip.transport_connect_failed";
}

std::string_view flowReason(std::string_view reason) {
  if (reason == "net.closed") return "sip.flow_closed";
  if (reason == "net.idle") return "sip.flow_idle";
  if (reason == "net.slow_peer") return "sip.flow_slow_peer";
  return "sip.flow_reset";
}

std::string_view flowReason(std::uint16_t webSocketCode) {
  if (webSocketCode == 1006) return "sip.flow_reset";
  if (webSocketCode == 1013) return "sip.flow_slow_peer";
  if (webSocketCode == 1002 || webSocketCode == 1007 || webSocketCode == 1009) return "sip.flow_bad_framing";
  return "sip.flow_closed";
}

/// RFC 5922 section 7.1: the host of a SIP URI in the subject alternative names goes before DNS names.
std::vector<std::string> namesOf(const net::PeerCertificate& peer) {
  std::vector<std::string> names;
  for (const auto& text : peer.uris) {
    const auto uri = sip::Uri::parse(text);
    if (uri && uri->scheme == sip::UriScheme::sip && uri->user.empty())
      names.push_back(base::toLower(uri->host));
  }
  for (const auto& name : peer.dnsNames) names.push_back(base::toLower(name));
  if (names.empty() && !peer.subject.empty()) names.push_back(base::toLower(peer.subject));
  if (names.size() > kMaxNames) names.resize(kMaxNames);
  return names;
}

}  // namespace

ConnectionKey keyOf(const sip::Target& target) {
  return {target.kind, target.address,
          sip::isSecure(target.kind) ? base::toLower(target.host) : std::string()};
}

Connection::Connection(Hub& hub, sip::FlowId id, sip::TransportKind kind)
    : hub_(hub),
      firstTimer_(hub.loop),
      messageTimer_(hub.loop),
      keepAliveTimer_(hub.loop),
      lastReceived_(hub.loop.now()) {
  source_.flow = id;
  source_.kind = kind;
  hub_.meters.connections(kind, 1);
}

Connection::~Connection() { hub_.meters.connections(source_.kind, -1); }

// ---- Making one ----

void Connection::connect(const sip::Target& target, const net::ByteStreamOptions& options) {
  outgoing_ = true;
  source_.remote = target.address;
  const net::Endpoint to = endpointOf(target.address);
  host_ = target.host.empty() ? to.address() : base::toLower(target.host);
  connecting_ = net::connectBytes(
      hub_.loop, to, host_, sip::isSecure(target.kind) ? hub_.options.tls : nullptr, options,
      [this](base::Result<std::unique_ptr<net::ByteStream>> result) { onConnected(std::move(result)); });
}

void Connection::onConnected(base::Result<std::unique_ptr<net::ByteStream>> result) {
  const auto self = shared_from_this();
  if (!result) return onConnectFailed(connectReason(result.error().reason));
  attach(std::move(*result));
}

void Connection::connectWebSocket(const sip::Target& target, net::HttpClient& client) {
  outgoing_ = true;
  source_.remote = target.address;
  const net::Endpoint to = endpointOf(target.address);
  host_ = base::toLower(target.host);
  const bool secure = sip::isSecure(target.kind);
  const std::string authority = host_.empty() ? to.toString() : host_ + ":" + std::to_string(to.port());
  net::WebSocketOptions options;
  options.maxMessageBytes = sip::kMaxMessageBytes;
  options.maxBufferedBytes = 2 * hub_.options.maxQueuedBytes;
  options.subprotocol = "sip";
  std::string path = hub_.options.webSocketPathOf ? hub_.options.webSocketPathOf(target) : std::string();
  if (path.empty()) path = hub_.options.webSocketPath;
  client.openWebSocket((secure ? "wss://" : "ws://") + authority + path, {}, options,
                       [weak = weak_from_this()](base::Result<std::shared_ptr<net::WebSocket>> socket) {
                         const auto self = weak.lock();
                         if (!self || self->state_ != State::connecting) return;
                         if (!socket) return self->onConnectFailed(connectReason(socket.error().reason));
                         self->attach(std::move(*socket), {});
                       },
                       to);
}

void Connection::onConnectFailed(std::string_view reason) {
  const auto self = shared_from_this();
  if (state_ != State::connecting) return;
  state_ = State::closed;
  for (const auto& each : std::exchange(pending_, {})) hub_.failLater(source_.kind, each.token, reason);
  hub_.gone(*this, {});
}

void Connection::attach(std::unique_ptr<net::ByteStream> stream) {
  stream_ = std::move(stream);
  source_.remote = addressOf(stream_->remote());
  source_.local = addressOf(stream_->local());
  const auto& peer = stream_->peer();
  source_.verified = peer.shown && peer.verified;
  const auto names = namesOf(peer);
  if (outgoing_ && source_.verified) {
    source_.peerName = host_;
  } else if (!names.empty()) {
    source_.peerName = names.front();
  }
  if (!outgoing_) {
    // Only what was proved may draw messages for that name to this connection.
    if (!sip::isSecure(source_.kind)) hub_.addKey(*this, {source_.kind, source_.remote, {}});
    for (const auto& name : source_.verified ? names : std::vector<std::string>{}) {
      hub_.addKey(*this, {source_.kind, source_.remote, name});
    }
  }
  opened();
  stream_->start({[this](base::Bytes bytes) { onBytes(bytes); },
                  {},
                  [this](const base::Error& error) { onClosed(flowReason(error.reason)); }});
  if (outgoing_) setKeepAlive(hub_.options.keepAliveInterval, Pongs::ifShown);
}

void Connection::attach(std::shared_ptr<net::WebSocket> socket, const net::Endpoint& local) {
  socket_ = std::move(socket);
  source_.remote = addressOf(socket_->remote());
  source_.local = addressOf(local);
  if (outgoing_) {
    source_.verified = sip::isSecure(source_.kind);  // The client checks the name or fails.
    source_.peerName = host_;
  }
  opened();
  socket_->start([this](std::string_view text) { onFrame(text); },
                 [this](base::Bytes bytes) { onFrame(base::asText(bytes)); },
                 [this](std::uint16_t code, std::string_view) { onClosed(flowReason(code)); });
}

void Connection::opened() {
  if (state_ != State::connecting) return;
  state_ = State::open;
  lastReceived_ = hub_.loop.now();
  pendingBytes_ = 0;
  if (!outgoing_) {
    firstTimer_.start(hub_.options.firstMessageTimeout, [this] {
      hub_.refused(source_, "silent");
      end("sip.flow_silent");
    });
  }
  for (auto& each : std::exchange(pending_, {})) {
    const auto reason = send(std::move(each.bytes), each.token);
    if (!reason.empty()) hub_.failLater(source_.kind, each.token, reason);
  }
}

// ---- Sending ----

std::string_view Connection::send(std::string bytes, sip::SendToken token) {
  if (state_ == State::connecting) {
    if (pending_.size() >= hub_.options.maxPendingMessages ||
        pendingBytes_ + bytes.size() > hub_.options.maxQueuedBytes) {
      return "sip.transport_queue_full";
    }
    pendingBytes_ += bytes.size();
    pending_.push_back({std::move(bytes), token});
    return {};
  }
  if (state_ != State::open) return "sip.transport_closed";
  const std::size_t size = bytes.size();
  if (socket_) {
    if (!socket_->open()) return "sip.transport_closed";
    if (socket_->bufferedBytes() + size > hub_.options.maxQueuedBytes) return "sip.transport_queue_full";
    write(std::move(bytes));
  } else {
    if (!stream_->open()) return "sip.transport_closed";
    forgetWritten();
    if (!stream_->write(std::move(bytes))) return "sip.transport_queue_full";
    submitted_ += size;
    if (token != sip::SendToken{}) unsent_.emplace_back(submitted_, token);
  }
  hub_.meters.sent(source_.kind, size);
  return {};
}

bool Connection::takeBack(sip::SendToken token) {
  const auto found = std::ranges::find(pending_, token, &Pending::token);
  if (state_ != State::connecting || found == pending_.end()) return false;
  pendingBytes_ -= found->bytes.size();
  pending_.erase(found);
  return true;
}

/// What is no message of a transaction: pongs, pings, answers to bad messages. What does not fit is dropped.
void Connection::write(std::string bytes) {
  if (socket_) {
    if (base::isUtf8(bytes)) return socket_->sendText(std::move(bytes));
    return socket_->sendBinary(base::Buffer(bytes.begin(), bytes.end()));
  }
  const std::size_t size = bytes.size();
  if (stream_->write(std::move(bytes))) submitted_ += size;
}

void Connection::forgetWritten() {
  const std::uint64_t written = submitted_ - stream_->queuedBytes();
  while (!unsent_.empty() && unsent_.front().first <= written) unsent_.pop_front();
}

// ---- Receiving ----

void Connection::onBytes(base::Bytes bytes) {
  const auto self = shared_from_this();
  lastReceived_ = hub_.loop.now();
  if (state_ != State::open) return;
  framer_.push(base::asText(bytes));
  while (state_ == State::open) {
    const auto item = framer_.next();
    switch (item.kind) {
      case sip::StreamFramer::Kind::none:
        return watchMessage();
      case sip::StreamFramer::Kind::message:
        messageTimer_.stop();
        take(item.bytes);
        break;
      case sip::StreamFramer::Kind::ping:
        write(std::string(kPong));
        break;
      case sip::StreamFramer::Kind::pong:
        pongs_ = true;
        break;
      case sip::StreamFramer::Kind::broken:
        refuse(*item.failure);
        return end("sip.flow_bad_framing");
    }
  }
}

/// RFC 7118 section 5: one WebSocket message is one SIP message.
void Connection::onFrame(std::string_view bytes) {
  const auto self = shared_from_this();
  lastReceived_ = hub_.loop.now();
  if (state_ != State::open || bytes == kPong) return;
  if (bytes == kPing) return write(std::string(kPong));
  take(bytes);
}

void Connection::take(std::string_view bytes) {
  hub_.meters.received(source_.kind, bytes.size());
  auto message = sip::Message::parse(bytes);
  if (!message) return refuse(message.error());
  firstTimer_.stop();
  noteAlias(*message);
  hub_.sink.onMessage(std::move(*message), source_);
}

/// RFC 5923: the peer asks to be sent its own requests over this connection, as if it were one to the port in
/// its Via. Only for the names that its certificate proves.
void Connection::noteAlias(const sip::Message& message) {
  if (aliased_ || outgoing_ || !source_.verified || source_.kind != sip::TransportKind::tls) return;
  const sip::Via* via = message.topVia();
  if (!message.isRequest() || via == nullptr || !via->params.has("alias")) return;
  aliased_ = true;
  proto::TransportAddress address = source_.remote;
  address.port = via->port.value_or(5061);
  for (const auto& name : namesOf(stream_->peer())) hub_.addKey(*this, {source_.kind, address, name});
}

void Connection::refuse(const sip::ParseFailure& failure) {
  hub_.refused(source_, failure.reason);
  if (hub_.sink.onMalformed(failure, source_)) {
    if (auto answer = errorAnswer(failure, source_, hub_.random)) {
      hub_.meters.sent(source_.kind, answer->bytes.size());
      write(std::move(answer->bytes));
    }
  }
  if (++bad_ >= hub_.options.maxBadMessages) end("sip.flow_garbage");
}

void Connection::watchMessage() {
  if (!framer_.midMessage()) return messageTimer_.stop();
  if (messageTimer_.running()) return;
  messageTimer_.start(hub_.options.messageTimeout, [this] {
    hub_.refused(source_, "slow_sender");
    end("sip.flow_slow_sender");
  });
}

// ---- Keep-alive: RFC 5626 sections 3.5.1 and 4.4.1 ----

void Connection::setKeepAlive(base::Millis interval, Pongs pongs) {
  if (!stream_) return;  // A WebSocket has its own pings.
  keepAlive_ = interval;
  if (pongs == Pongs::agreed) pongs_ = true;
  watchKeepAlive();
}

void Connection::watchKeepAlive() {
  if (keepAlive_.count() <= 0 || state_ != State::open) return keepAliveTimer_.stop();
  const auto due = std::max(lastReceived_, lastPinged_) + keepAlive_;
  const auto now = hub_.loop.now();
  if (due <= now) return ping();
  keepAliveTimer_.start(std::chrono::ceil<base::Millis>(due - now), [this] { watchKeepAlive(); });
}

/// The CRLFs keep the ways of NATs open, and whoever knows nothing of them skips them (RFC 3261 section 7.5).
/// So silence says something only of a peer that is known to answer (RFC 6223 section 4.1).
void Connection::ping() {
  const auto asked = lastPinged_ = hub_.loop.now();
  write(std::string(kPing));
  keepAliveTimer_.start(hub_.options.pongTimeout, [this, asked] {
    if (pongs_ && lastReceived_ < asked) return end("sip.flow_no_pong");
    watchKeepAlive();
  });
}

// ---- The end ----

void Connection::end(std::string_view reason) {
  const auto self = shared_from_this();
  if (state_ == State::connecting) {
    connecting_.reset();
    return onConnectFailed("sip.transport_closed");
  }
  if (state_ != State::open) return;
  state_ = State::closing;
  ending_ = reason;
  firstTimer_.stop();
  messageTimer_.stop();
  keepAliveTimer_.stop();
  if (socket_) return socket_->close(1000, "");
  stream_->close();
}

void Connection::onClosed(std::string_view reason) {
  const auto self = shared_from_this();
  if (state_ == State::closed) return;
  state_ = State::closed;
  firstTimer_.stop();
  messageTimer_.stop();
  keepAliveTimer_.stop();
  if (stream_) forgetWritten();
  for (const auto& [at, token] : std::exchange(unsent_, {})) {
    hub_.failLater(source_.kind, token, "sip.transport_closed");
  }
  hub_.gone(*this, ending_.empty() ? reason : ending_);
}

}  // namespace parley::sipnet
