#include "gateway/sip_service.h"

#include <map>
#include <vector>

#include "base/log.h"
#include "base/text.h"
#include "gateway/internal_log.h"
#include "gateway/sip_settings.h"
#include "gateway/trunk_account.h"
#include "net/dns.h"
#include "net/http.h"
#include "sipnet/dns_locator.h"
#include "sipnet/transport.h"

namespace parley::gateway {
namespace {

constexpr base::Millis kLocatePatience{2'500};
using Names = std::vector<std::string>;

class RunningSip final : public SipService, public sipnet::TransportSink {
 public:
  explicit RunningSip(SipServiceParts parts)
      : parts_(std::move(parts)),
        resolver_(parts_.loop, {.servers = parts_.settings.list("sip.name_servers")}),
        locator_(parts_.loop, resolver_, {.deadline = kLocatePatience}) {
    sipnet::TransportOptions options;
    options.tls = parts_.clientTls;
    options.connectWebSocket = true;
    options.webSocketPathOf = [this](const sip::Target& target) {
      return webSocketPath(parts_.settings.list("sip.outbound_servers"), target);
    };
    using Kind = sip::TransportKind;
    for (const auto kind : {Kind::udp, Kind::tcp, Kind::tls, Kind::ws, Kind::wss})
      options.advertised[kind] =
          parseSipAdvertised(parts_.settings.text("sip.advertised_address")).value_or(Names{});
    transport_ = std::make_unique<sipnet::SipTransport>(parts_.loop, std::move(options), *this);
    if (const std::string user = parts_.settings.text("sip.trunk_user"); !user.empty()) {
      account_ = std::make_unique<TrunkAccount>(
          user, base::Secret(parts_.settings.text("sip.trunk_password")), parts_.random,
          [this](const sip::Asker& asker) { return phones_->serverAsking(asker); });
    }
    phones_ = std::make_unique<SipPhones>(
        parts_.loop, *transport_, parts_.random,
        [this](const sip::Uri& uri, SipPhones::Located located) { locate(uri, std::move(located)); },
        sipAgentOptions(parts_.version), sipPhonesOptions(parts_.settings), account_.get());
  }

  base::Result<void> listen() {
    const bool wanted = !parts_.settings.list("sip.outbound_servers").empty() ||
                        !parts_.settings.list("sip.allowed_peers").empty();
    for (const SipListen& each : sipListens(parts_.settings)) {
      const bool web = each.kind == sip::TransportKind::ws || each.kind == sip::TransportKind::wss;
      const auto tls = sip::isSecure(each.kind) ? parts_.serverTls : nullptr;
      const auto bound = web ? listenWeb(each, tls) : transport_->listen(each.kind, each.endpoint, tls);
      if (!bound) {
        if (wanted) return std::unexpected(bound.error());
        sipLog.warn("SIP does not listen here; nobody is configured who could call",
                    {{"transport", sip::toString(each.kind)}, {"reason", bound.error().text}});
        continue;
      }
      ports_.try_emplace(each.kind, bound->port());
      sipLog.info("listening for SIP",
                  {{"transport", sip::toString(each.kind)}, {"address", bound->toString()}});
    }
    phones_->start();
    return {};
  }

  SipPhones& phones() override { return *phones_; }
  void applySettings() override { phones_->setOptions(sipPhonesOptions(parts_.settings)); }
  void drain() override { phones_->drain(); }
  void stop() override { phones_->shutDown(); }
  bool idle() const override { return phones_->idle(); }
  std::uint16_t port(sip::TransportKind kind) const override {
    const auto found = ports_.find(kind);
    return found == ports_.end() ? std::uint16_t{0} : found->second;
  }

 private:
  /// RFC 7118, on any path. The limits are those of the other transports.
  base::Result<net::Endpoint> listenWeb(const SipListen& wanted, std::shared_ptr<net::TlsServerContext> tls) {
    if (wanted.kind == sip::TransportKind::wss && tls == nullptr)
      return base::fail("net.bind_failed", "wss needs a certificate");
    const sipnet::TransportOptions limits;
    net::HttpServerOptions options;
    options.maxConnections = limits.maxConnections;
    options.maxConnectionsPerAddress = limits.maxConnectionsPerNetwork;
    options.handshakes = {.total = limits.maxHandshakes, .perNetwork = limits.maxHandshakesPerNetwork};
    options.handshakeTimeout = limits.handshakeTimeout;
    auto router = std::make_shared<net::Router>();
    const auto where = std::make_shared<net::Endpoint>();
    const auto take = [this, where](const net::HttpRequest& request, net::WebSocketUpgrade upgrade) {
      transport_->takeUpgrade(request, std::move(upgrade), *where);
    };
    router->addWebSocket("/", take);
    router->addWebSocket("/*", take);
    auto server = std::make_unique<net::HttpServer>(parts_.loop, std::move(router), std::move(options));
    auto bound = server->listen(wanted.endpoint, std::move(tls));
    if (!bound) return bound;
    *where = *bound;
    web_.push_back(std::move(server));
    return bound;
  }
  void locate(const sip::Uri& uri, SipPhones::Located located) {
    sip::LocateOptions options;
    using Kind = sip::TransportKind;  // WebSockets come last: only a URI that says so goes there.
    options.supported = {Kind::udp, Kind::tcp, Kind::tls, Kind::ws, Kind::wss};
    locator_.locate(uri, options, [uri, located = std::move(located)](const auto& found) {
      if (!found) {
        sipLog.debug("a SIP server was not found",
                     {{"host", base::printable(uri.host, 128)}, {"reason", found.error().reason}});
      }
      located(found ? *found : std::vector<sip::Target>{});
    });
  }
  void onMessage(sip::Message message, const sip::Source& source) override {
    phones_->receive(std::move(message), source);
  }
  bool onMalformed(const sip::ParseFailure& failure, const sip::Source& source) override {
    return phones_->onMalformed(failure, source);
  }
  void onRefused(const sip::Source& source, std::string_view reason) override {
    sipLog.debug("a connection or message was refused",
                 {{"address", net::Endpoint::fromBytes(source.remote.ip, source.remote.port).toString()},
                  {"transport", sip::toString(source.kind)},
                  {"reason", reason}});
  }
  void onFlowClosed(sip::FlowId, std::string_view) override {}
  void onSendFailed(sip::SendToken token, std::string_view reason) override {
    phones_->onSendFailed(token, reason);
  }

  SipServiceParts parts_;
  net::Resolver resolver_;
  sipnet::DnsLocator locator_;
  std::unique_ptr<TrunkAccount> account_;
  std::unique_ptr<sipnet::SipTransport> transport_;
  std::vector<std::unique_ptr<net::HttpServer>> web_;  ///< Of the ws: and wss: listeners.
  std::unique_ptr<SipPhones> phones_;
  std::map<sip::TransportKind, std::uint16_t> ports_;
};

}  // namespace

base::Result<std::unique_ptr<SipService>> SipService::start(SipServiceParts parts) {
  auto service = std::make_unique<RunningSip>(std::move(parts));
  if (auto listening = service->listen(); !listening) return std::unexpected(listening.error());
  return service;
}

}  // namespace parley::gateway
