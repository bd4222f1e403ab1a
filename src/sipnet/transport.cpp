#include "sipnet/transport.h"

#include <algorithm>
#include <unordered_map>

#include "base/affinity.h"
#include "base/guard.h"
#include "base/log.h"
#include "base/text.h"
#include "sip/address_text.h"
#include "sipnet/connection.h"
#include "sipnet/error_answer.h"
#include "sipnet/local_routes.h"
#include "sipnet/udp_side.h"

namespace parley::sipnet {
namespace {

const base::Logger logger{"sip"};

using sip::TransportKind;

/// Bytes that keep a NAT's mapping: CRLFs, or the zeros that some phones send.
bool isKeepAlive(std::string_view bytes) {
  return bytes.size() <= 8 &&
         std::ranges::all_of(bytes, [](char c) { return c == '\r' || c == '\n' || c == 0; });
}

std::string hostPort(std::string_view host, std::uint16_t port) {
  return std::string(host) + ":" + std::to_string(port);
}

/// "host", "host:port", "[v6]", "[v6]:port".
bool namesPort(std::string_view text) {
  const auto colon = text.rfind(':');
  return colon != text.npos && text.find(']', colon) == text.npos;
}

/// What a host of this family is told; null: nothing that was set.
const std::string* advertisedTo(const TransportOptions& options, TransportKind kind, bool isV4) {
  const auto set = options.advertised.find(kind);
  if (set == options.advertised.end()) return nullptr;
  const auto fits = std::ranges::find_if(set->second, [&](const std::string& text) {
    const auto address = sip::literalAddress(sip::splitHostPort(text).host, 0);
    return !address || address->isV4() == isV4;
  });
  return fits == set->second.end() ? nullptr : &*fits;
}

std::uint16_t defaultPortOf(TransportKind kind) {
  switch (kind) {
    case TransportKind::tls:
      return 5061;
    case TransportKind::ws:
      return 80;
    case TransportKind::wss:
      return 443;
    default:
      return 5060;
  }
}

std::int64_t startOfFlowIds() {
  // Numbers go on over a restart: what is saved of a call must not name somebody else's connection.
  return std::chrono::duration_cast<base::Micros>(base::wallNow().time_since_epoch()).count();
}

}  // namespace

struct SipTransport::Impl final : Hub {
  struct ListenSocket {
    TransportKind kind;
    net::Endpoint bound;
    std::unique_ptr<net::ByteListener> listener;
  };

  Impl(net::EventLoop& l, TransportOptions o, TransportSink& s)
      : Hub(l, std::move(o), s),
        udp(
            l, {.maxFlows = options.maxUdpFlows, .dscp = options.dscp}, [this] { return nextFlow(); },
            [this](std::string_view bytes, sip::Source source, const UdpSide::Heard& heard) {
              onDatagram(bytes, std::move(source), heard);
            }),
        lastFlow(static_cast<std::uint64_t>(startOfFlowIds())),
        webSocketName(base::toLower(random.alphanumeric(12)) + ".invalid") {
    limiter = std::make_shared<net::ConnectionLimiter>(net::ConnectionLimiter::Limits{
        .total = options.maxConnections, .perNetwork = options.maxConnectionsPerNetwork});
    handshakes = std::make_shared<net::HandshakeLimiter>(net::HandshakeLimiter::Limits{
        .total = options.maxHandshakes, .perNetwork = options.maxHandshakesPerNetwork});
  }

  sip::FlowId nextFlow() { return sip::FlowId{++lastFlow}; }

  net::ByteStreamOptions streamOptions() const {
    net::ByteStreamOptions o;
    o.maxQueuedBytes = options.maxQueuedBytes;
    o.highMark = options.maxQueuedBytes;
    o.lowMark = options.maxQueuedBytes / 4;
    o.connectTimeout = options.connectTimeout;
    o.handshakeTimeout = options.handshakeTimeout;
    o.idleTimeout = options.idleTimeout;
    o.writeTimeout = options.writeTimeout;
    o.dscp = options.dscp;
    return o;
  }

  // ---- Hub ----

  void addKey(Connection& connection, ConnectionKey key) override {
    if (std::ranges::find(connection.keys, key) != connection.keys.end()) return;
    byKey[key] = connection.id();
    connection.keys.push_back(std::move(key));
  }
  void gone(Connection& connection, std::string_view reason) override {
    for (const auto& key : connection.keys) {
      const auto found = byKey.find(key);
      if (found != byKey.end() && found->second == connection.id()) byKey.erase(found);
    }
    if (connection.outgoing()) --outgoing;
    const sip::FlowId id = connection.id();
    all.erase(id);  // The caller keeps the object until it returns.
    if (!reason.empty()) sink.onFlowClosed(id, reason);
  }
  void failLater(TransportKind kind, sip::SendToken token, std::string_view reason) override {
    meters.sendFailed(kind, reason);
    if (token == sip::SendToken{}) return;
    // Reasons are literals.
    loop.post(guard.wrap([this, token, reason] { sink.onSendFailed(token, reason); }));
  }
  void refused(const sip::Source& source, std::string_view reason) override {
    meters.refused(source.kind, reason);
    sink.onRefused(source, reason);
  }

  // ---- Receiving ----

  void onDatagram(std::string_view bytes, sip::Source source, const UdpSide::Heard& heard) {
    if (isKeepAlive(bytes)) return;
    meters.received(TransportKind::udp, bytes.size());
    auto message = sip::Message::parse(bytes);
    if (message) {
      source.flow = udp.remember(heard);
      return sink.onMessage(std::move(*message), source);
    }
    refused(source, message.error().reason);
    if (!sink.onMalformed(message.error(), source)) return;
    // A sender's address may be forged; what goes there without a reason stays little.
    const auto now = loop.now();
    if (now - answersSince >= base::Millis{1'000}) {
      answersSince = now;
      answers = 0;
    }
    if (answers >= options.maxUdpErrorAnswers) return;
    if (auto answer = errorAnswer(message.error(), source, random)) {
      ++answers;
      answer->target.flow = udp.remember(heard);  // It leaves from where the request came to.
      meters.sent(TransportKind::udp, answer->bytes.size());
      udp.send(answer->bytes, answer->target);
    }
  }

  void onConnection(TransportKind kind, std::unique_ptr<net::ByteStream> stream) {
    auto connection = std::make_shared<Connection>(*this, nextFlow(), kind);
    all.emplace(connection->id(), connection);
    connection->attach(std::move(stream));
  }

  void onRefusedConnection(TransportKind kind, const net::Endpoint& bound, const net::Endpoint& remote,
                           std::string_view reason) {
    sip::Source source;
    source.kind = kind;
    source.remote = addressOf(remote);
    source.local = addressOf(bound);
    refused(source, reason);
  }

  base::Result<net::Endpoint> listen(TransportKind kind, const net::Endpoint& bind,
                                     std::shared_ptr<net::TlsServerContext> tls) {
    net::ByteListenerOptions o;
    o.stream = streamOptions();
    o.connections = limiter;
    o.handshakes = handshakes;
    auto opened = net::ByteListener::open(
        loop, bind, std::move(tls), std::move(o),
        [this, kind](std::unique_ptr<net::ByteStream> stream) { onConnection(kind, std::move(stream)); },
        [this, kind, bind](const net::Endpoint& remote, std::string_view reason) {
          onRefusedConnection(kind, bind, remote, reason);
        });
    if (!opened) return std::unexpected(opened.error());
    const net::Endpoint bound = (*opened)->localEndpoint();
    listeners.push_back({kind, bound, std::move(*opened)});
    return bound;
  }

  // ---- Sending ----

  std::shared_ptr<Connection> find(const sip::Target& target) const {
    if (const auto flow = all.find(target.flow); flow != all.end() && flow->second->usable()) {
      return flow->second;
    }
    const auto known = byKey.find(keyOf(target));
    if (known == byKey.end()) return nullptr;
    const auto found = all.find(known->second);
    return found != all.end() && found->second->usable() ? found->second : nullptr;
  }

  bool canConnect(TransportKind kind) const {
    switch (kind) {
      case TransportKind::tcp:
        return options.connectTcp;
      case TransportKind::tls:
        return options.tls != nullptr;
      case TransportKind::ws:
        return options.connectWebSocket;
      case TransportKind::wss:
        return options.connectWebSocket && options.tls != nullptr;
      case TransportKind::udp:
        break;
    }
    return false;
  }

  /// A new connection, or null and why not.
  std::shared_ptr<Connection> connect(const sip::Target& target, std::string_view& reason) {
    if (!canConnect(target.kind)) {
      reason = target.flow == sip::FlowId{} ? "sip.transport_unavailable" : "sip.transport_flow_gone";
      return nullptr;
    }
    if (target.address.port == 0) {
      reason = "sip.transport_connect_failed";
      return nullptr;
    }
    if (outgoing >= options.maxOutgoing) {
      reason = "sip.transport_limit";
      return nullptr;
    }
    auto connection = std::make_shared<Connection>(*this, nextFlow(), target.kind);
    ++outgoing;
    all.emplace(connection->id(), connection);
    addKey(*connection, keyOf(target));
    if (target.kind == TransportKind::ws || target.kind == TransportKind::wss) {
      connection->connectWebSocket(target, webClient());
    } else {
      connection->connect(target, streamOptions());
    }
    return connection;
  }

  net::HttpClient& webClient() {
    if (!client) {
      net::HttpClientOptions o;
      o.tls = options.tls;
      o.connectTimeout = options.connectTimeout + options.handshakeTimeout;
      client = std::make_unique<net::HttpClient>(loop, std::move(o));
    }
    return *client;
  }

  void send(std::string bytes, const sip::Target& target, sip::SendToken token) {
    std::string_view reason;
    if (target.kind == TransportKind::udp) {
      const std::size_t size = bytes.size();
      reason = udp.send(bytes, target);
      if (reason.empty()) meters.sent(TransportKind::udp, size);
    } else {
      auto connection = find(target);
      if (!connection) connection = connect(target, reason);
      if (connection) reason = connection->send(std::move(bytes), token);
    }
    if (!reason.empty()) failLater(target.kind, token, reason);
  }

  // ---- Who we are ----

  const net::Endpoint* listenerFor(TransportKind kind, const net::Endpoint& to) const {
    for (const auto& each : listeners) {
      if (each.kind == kind && reaches(each.bound, to)) return &each.bound;
    }
    return nullptr;
  }

  std::string sentBy(const sip::Target& target) const {
    const TransportKind kind = target.kind;
    const net::Endpoint to = endpointOf(target.address);
    const auto connection = kind == TransportKind::udp ? nullptr : find(target);
    if ((kind == TransportKind::ws || kind == TransportKind::wss) &&
        (!connection || connection->outgoing())) {
      // RFC 7118 section 5: a client cannot be reached by a name.
      return canConnect(kind) ? webSocketName : std::string();
    }
    const net::Endpoint* bound = kind == TransportKind::udp ? udp.boundFor(target) : listenerFor(kind, to);
    if (bound == nullptr && (kind == TransportKind::udp || (!connection && !canConnect(kind)))) return {};
    std::uint16_t port = bound != nullptr ? bound->port() : defaultPortOf(kind);
    net::Endpoint local = bound != nullptr ? *bound : net::Endpoint();
    if (connection && connection->source().local.port != 0) {
      local = endpointOf(connection->source().local);
      if (!connection->outgoing()) port = local.port();  // One of several listeners.
    } else if (const net::Endpoint* heard = udp.localOf(target.flow); heard != nullptr) {
      local = *heard;
    }
    if (const std::string* set = advertisedTo(options, kind, to.isV4()); set != nullptr)
      return namesPort(*set) ? *set : hostPort(*set, port);
    if (local.isAny()) local = routes.towards(to, loop.now());
    return local.withPort(port).toString();
  }

  UdpSide udp;
  std::vector<ListenSocket> listeners;
  std::shared_ptr<net::ConnectionLimiter> limiter;
  std::shared_ptr<net::HandshakeLimiter> handshakes;
  std::uint64_t lastFlow;
  std::string webSocketName;
  std::unordered_map<sip::FlowId, std::shared_ptr<Connection>> all;
  std::map<ConnectionKey, sip::FlowId> byKey;
  std::size_t outgoing = 0;
  std::unique_ptr<net::HttpClient> client;
  mutable LocalRoutes routes;
  int answers = 0;
  base::Instant answersSince{};
  base::ThreadAffinity affinity;
  base::LifeGuard guard;
};

SipTransport::SipTransport(net::EventLoop& loop, TransportOptions options, TransportSink& sink)
    : impl_(std::make_shared<Impl>(loop, std::move(options), sink)) {}

SipTransport::~SipTransport() {
  impl_->guard.reset();
  impl_->listeners.clear();
  impl_->client.reset();
  impl_->byKey.clear();
  impl_->all.clear();
}

base::Result<net::Endpoint> SipTransport::listen(TransportKind kind, const net::Endpoint& bind,
                                                 std::shared_ptr<net::TlsServerContext> tls) {
  impl_->affinity.assertHere();
  base::Result<net::Endpoint> bound = base::fail("net.bind_failed", "not a transport that listens by itself");
  if (kind == TransportKind::udp) bound = impl_->udp.listen(bind);
  if (kind == TransportKind::tcp) bound = impl_->listen(kind, bind, nullptr);
  if (kind == TransportKind::tls && tls) bound = impl_->listen(kind, bind, std::move(tls));
  if (bound)
    logger.debug("SIP listens", {{"transport", sip::toString(kind)}, {"address", bound->toString()}});
  return bound;
}

void SipTransport::takeUpgrade(const net::HttpRequest& request, net::WebSocketUpgrade upgrade,
                               const net::Endpoint& local) {
  const TransportKind kind = request.secure ? TransportKind::wss : TransportKind::ws;
  bool speaksSip = false;
  for (const auto& [name, value] : request.headers.all()) {
    if (!base::equalsIgnoreCase(name, "Sec-WebSocket-Protocol")) continue;
    for (const auto each : base::split(value, ','))
      speaksSip |= base::equalsIgnoreCase(base::trim(each), "sip");
  }
  const auto refuse = [&](std::string_view why, net::HttpResponse response) {
    impl_->onRefusedConnection(kind, local, request.remote, why);
    upgrade.refuse(std::move(response));
  };
  // Who may call is known by its address, and a page in a browser has that of whoever looks at it.
  if (request.headers.has("Origin"))
    return refuse("origin", net::HttpResponse::error(403, "sip.origin", "not for web pages"));
  if (!speaksSip) {
    return refuse("subprotocol",
                  net::HttpResponse::error(400, "sip.subprotocol", "only \"sip\" is spoken here"));
  }
  net::WebSocketOptions options;
  options.maxMessageBytes = sip::kMaxMessageBytes;
  options.maxBufferedBytes = 2 * impl_->options.maxQueuedBytes;
  options.subprotocol = "sip";
  upgrade.accept(options, impl_->guard.wrap([impl = impl_.get(), kind,
                                             local](const std::shared_ptr<net::WebSocket>& socket) {
    auto connection = std::make_shared<Connection>(*impl, impl->nextFlow(), kind);
    impl->all.emplace(connection->id(), connection);
    connection->attach(socket, local);
  }));
}

void SipTransport::send(std::string bytes, const sip::Target& target, sip::SendToken token) {
  impl_->affinity.assertHere();
  impl_->send(std::move(bytes), target, token);
}

bool SipTransport::takeBack(const sip::Target& target, sip::SendToken token) {
  impl_->affinity.assertHere();
  const auto connection = impl_->find(target);
  return connection && connection->takeBack(token);
}

std::string SipTransport::sentBy(const sip::Target& target) const { return impl_->sentBy(target); }

bool SipTransport::hasFlow(sip::FlowId flow) const {
  if (const auto found = impl_->all.find(flow); found != impl_->all.end()) return found->second->usable();
  return impl_->udp.hasFlow(flow);
}

void SipTransport::closeFlow(sip::FlowId flow) {
  const auto found = impl_->all.find(flow);
  if (found == impl_->all.end()) return;
  const auto connection = found->second;
  connection->end("sip.flow_shutdown");
}

void SipTransport::setKeepAlive(sip::FlowId flow, base::Millis interval) {
  if (const auto found = impl_->all.find(flow); found != impl_->all.end())
    found->second->setKeepAlive(interval, Connection::Pongs::agreed);
}

void SipTransport::stopListening() { impl_->listeners.clear(); }

std::size_t SipTransport::connections() const { return impl_->all.size(); }

}  // namespace parley::sipnet
