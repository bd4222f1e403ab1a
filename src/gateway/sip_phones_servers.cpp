// SipPhones towards the servers: who may call, pings, addresses.
#include <algorithm>

#include "base/log.h"
#include "base/text.h"
#include "gateway/destinations.h"
#include "gateway/internal_log.h"
#include "gateway/internal_phone_leg.h"
#include "gateway/sip_call_headers.h"
#include "gateway/sip_phones.h"
#include "sip/address_text.h"
#include "sip/server_locator.h"

namespace parley::gateway {
namespace {

constexpr unsigned kAddressBits = 128;
constexpr unsigned kV4Prefix = 96;
constexpr base::Millis kAddressMemory{std::chrono::hours{1}};
constexpr std::size_t kMaxKnown = 64;
constexpr int kForbidden = 403;

sip::TransportKind kindOf(const sip::Uri& uri) {
  const bool secure = uri.scheme == sip::UriScheme::sips;
  return sip::transportOf(uri.params.get("transport").value_or(secure ? "tcp" : "udp"), secure)
      .value_or(sip::TransportKind::udp);
}

std::uint16_t portOf(const sip::Uri& uri) { return uri.port.value_or(sip::defaultPort(kindOf(uri))); }

}  // namespace

std::optional<AllowedPeer> parseAllowedPeer(std::string_view text) {
  const auto slash = text.find('/');
  const auto endpoint = net::Endpoint::parse(text.substr(0, slash), 0);
  if (!endpoint) return std::nullopt;
  AllowedPeer peer;
  peer.address = {endpoint->bytes(), 0};
  if (slash == std::string_view::npos) return peer;
  const auto bits = base::parseNumber<unsigned>(text.substr(slash + 1));
  const unsigned most = endpoint->isV4() ? kAddressBits - kV4Prefix : kAddressBits;
  if (!bits || *bits > most) return std::nullopt;
  peer.prefix = endpoint->isV4() ? kV4Prefix + *bits : *bits;
  return peer;
}

bool covers(const AllowedPeer& peer, const proto::TransportAddress& address) {
  unsigned left = peer.prefix;
  for (std::size_t i = 0; i < address.ip.size() && left > 0; ++i) {
    const unsigned bits = std::min(left, 8u);
    const auto mask = static_cast<std::uint8_t>(0xff << (8 - bits));
    if ((peer.address.ip[i] & mask) != (address.ip[i] & mask)) return false;
    left -= bits;
  }
  return true;
}

std::string SipPhones::shown(const proto::TransportAddress& address) {
  return net::Endpoint::fromBytes(address.ip, address.port).toString();
}

// --- who may call ------------------------------------------------------------------------------------------

sip::Verdict SipPhones::admit(const sip::Message& request, const sip::Source& source) {
  if (mayCall(source.remote)) return sip::Verdict::allowed();
  noteStranger(source, request.methodName());
  return options_.silentToStrangers ? sip::Verdict::silent() : sip::Verdict::refused();
}

bool SipPhones::mayCall(const proto::TransportAddress& address) const {
  return !serverAt(address).empty() ||
         std::ranges::any_of(options_.allowedPeers, [&](const auto& peer) { return covers(peer, address); });
}

void SipPhones::noteStranger(const sip::Source& source, std::string_view method) {
  strangerCount_.add();
  const std::string address = net::Endpoint::fromBytes(source.remote.ip, 0).address();
  if (!strangers_.add(address, method, base::wallNow())) return;
  sipLog.warn("a stranger was refused", {{"address", address},
                                         {"method", base::printable(method, 32)},
                                         {"reason", "sip.stranger"},
                                         {"answer", options_.silentToStrangers ? "none" : "403"}});
}

std::string SipPhones::serverAt(const proto::TransportAddress& address) const {
  const auto found =
      std::ranges::find_if(trunkAddresses_, [&](const auto& each) { return each.second.hasHost(address); });
  return found == trunkAddresses_.end() ? std::string() : found->first;
}

bool SipPhones::ServerAddresses::hasHost(const proto::TransportAddress& address) const {
  return std::ranges::any_of(known, [&](const Known& each) { return each.target.address.ip == address.ip; });
}

std::string SipPhones::serverFoundAt(sip::TransportKind kind, const proto::TransportAddress& address) const {
  const auto found = std::ranges::find_if(trunkAddresses_, [&](const auto& entry) {
    return std::ranges::any_of(entry.second.known, [&](const ServerAddresses::Known& each) {
      return each.target.kind == kind && each.target.address == address;
    });
  });
  return found == trunkAddresses_.end() ? std::string() : found->first;
}

/// The outbound server that made the connection by which this one made the dialog, from whatever port: from
/// its host, over TLS, with a certificate of its name. Empty: it is none's, or proves nothing.
std::string SipPhones::serverProved(const sip::Neighbour& neighbour) const {
  if (neighbour.name.empty() || !sip::isSecure(neighbour.kind)) return {};
  const auto found = std::ranges::find_if(trunkAddresses_, [&](const auto& each) {
    const auto uri = sip::Uri::parse(each.first);
    const auto isThere = [&](const ServerAddresses::Known& known) {
      return sip::isSecure(known.target.kind) && known.target.address.ip == neighbour.address.ip;
    };
    return uri && base::equalsIgnoreCase(uri->host, neighbour.name) &&
           std::ranges::any_of(each.second.known, isThere);
  });
  return found == trunkAddresses_.end() ? std::string() : found->first;
}

/// RFC 5922 section 4: a server proves the host of its URI. Empty: there is no server at this address, or one
/// that is set as this address and has it in its certificate.
std::string SipPhones::nameAt(const proto::TransportAddress& address) const {
  std::string name;
  bool overTls = false;
  for (const auto& [server, addresses] : trunkAddresses_) {
    if (!addresses.hasHost(address)) continue;
    const auto uri = sip::Uri::parse(server);
    if (!uri || sip::literalAddress(uri->host, 0)) return {};
    const bool tls = std::ranges::any_of(addresses.known, [&](const ServerAddresses::Known& each) {
      return each.target.address.ip == address.ip && each.target.kind == sip::TransportKind::tls;
    });
    if (name.empty() || (tls && !overTls)) name = uri->host;
    overTls = overTls || tls;
  }
  return overTls ? name : std::string();
}

/// Who showed no certificate when it connected to us has no name to be found by when the connection is gone.
std::string SipPhones::nameOfServer(const sip::Source& source) const {
  if (source.kind != sip::TransportKind::tls || source.verified) return {};
  return nameAt(source.remote);
}

/// A Contact or Record-Route with a bare address of a server: the server's certificate has its name. Any
/// other address has to be in the certificate itself.
sip::Target SipPhones::named(const sip::Target& target) const {
  sip::Target out = target;
  if (target.kind != sip::TransportKind::tls) return out;
  if (!target.host.empty() && !sip::literalAddress(target.host, 0)) return out;
  if (std::string name = nameAt(target.address); !name.empty()) out.host = std::move(name);
  return out;
}

base::Result<TrunkAccount::Server> SipPhones::serverAsking(const sip::Asker& asker) const {
  const sip::Target& target = asker.target;
  std::string made = asker.neighbour != nullptr
                         ? serverFoundAt(asker.neighbour->kind, asker.neighbour->address)
                         : std::string();
  if (made.empty() && asker.neighbour != nullptr && sip::isSecure(target.kind))
    made = serverProved(*asker.neighbour);
  if (const std::string server = serverFoundAt(target.kind, target.address); !server.empty())
    return TrunkAccount::Server{server, target.flow == sip::FlowId{} || !made.empty()};
  if (!made.empty()) {
    const auto uri = sip::Uri::parse(made);
    // Where its name leads to now; but a Contact may have its name and lead elsewhere by maddr: only TLS
    // proves it.
    if (trunkAddresses_.at(made).hasHost(target.address) ||
        (sip::isSecure(target.kind) && uri && base::equalsIgnoreCase(uri->host, target.host)))
      return TrunkAccount::Server{made, true};
  }
  if (const std::string host = serverAt(target.address); !host.empty())
    return base::fail("sip.auth_other_port", "the outbound server " + host + " was not found at this port");
  return base::fail("sip.auth_other_host", "no outbound server was found at this address");
}

void SipPhones::remember(const std::string& server, const std::vector<sip::Target>& targets) {
  ServerAddresses& addresses = trunkAddresses_[server];
  addresses.now = targets;
  const base::Instant now = loop_.now();
  std::erase_if(addresses.known, [&](const ServerAddresses::Known& each) {
    return each.until <= now || std::ranges::any_of(targets, [&](const sip::Target& target) {
             return target.kind == each.target.kind && target.address == each.target.address;
           });
  });
  for (const sip::Target& target : targets)
    addresses.known.insert(addresses.known.begin(), {target, now + kAddressMemory});
  if (addresses.known.size() > kMaxKnown) addresses.known.resize(kMaxKnown);
}

/// For the state page, before the outcome of what was sent to the server.
void SipPhones::noteAddresses(const std::string& server) {
  const auto found = trunkAddresses_.find(server);
  if (found == trunkAddresses_.end()) return;
  std::vector<Trunks::Resolved> resolved;
  for (const sip::Target& each : found->second.now)
    resolved.push_back({shown(each.address), agent_->isSilent(each, loop_.now())});
  trunks_.setAddresses(server, resolved);
}

void SipPhones::countRefusals() {
  const sip::RefusalCounts& now = agent_->refusals();
  for (std::size_t i = 0; i < now.size(); ++i) {
    if (now[i] != refusalsCounted_[i]) refusalCounters_[i].add(now[i] - refusalsCounted_[i]);
  }
  refusalsCounted_ = now;
}

// --- where a 3xx leads -------------------------------------------------------------------------------------

/// Who is called does not decide whom the call goes to in the end: the number is looked at like a dialled
/// one, and what the call says (who calls, keys of its media) goes to the outbound servers only: to the one
/// that the Contact names, else to the one that redirected, which knows the way.
sip::Onward SipPhones::onRedirect(sip::SessionId session, const sip::Uri& contact) {
  const Leg* leg = find(session);
  const std::string address = contact.toString();
  if (leg == nullptr || isRefusedNumber(address, options_.refused)) {
    return {contact,
            {},
            kForbidden,
            "sip.redirect_refused",
            "The call was sent on to a number that is never called."};
  }
  std::string server = serverNamed(contact, leg->server);
  if (!trunkAddresses_.contains(server)) server = leg->server;
  const auto targets = trunkAddresses_.find(server);
  const auto uri = sip::Uri::parse(server);
  if (!uri || targets == trunkAddresses_.end() || targets->second.now.empty()) {
    return {contact,
            {},
            kServiceUnavailable,
            "sip.redirect_refused",
            "The server that redirected is not used any more."};
  }
  return {calledUri(address, *uri, options_.rewriteUris), targets->second.now, 0, {}, {}};
}

/// The outbound server that a URI names, or whose address it has; empty: none. `redirecting` is one of two at
/// an address last.
std::string SipPhones::serverNamed(const sip::Uri& uri, const std::string& redirecting) const {
  std::string found;
  for (const std::string& server : options_.servers) {
    const auto known = sip::Uri::parse(server);
    if (!known || !base::equalsIgnoreCase(known->host, uri.host) || portOf(*known) != portOf(uri)) continue;
    if (kindOf(*known) == kindOf(uri)) return server;
    if (found.empty()) found = server;
  }
  if (!found.empty()) return found;
  const auto literal = sip::literalTarget(uri);
  if (!literal) return {};
  if (std::string server = serverFoundAt(literal->kind, literal->address); !server.empty()) return server;
  for (const auto& [server, addresses] : trunkAddresses_) {
    if (server != redirecting && addresses.hasHost(literal->address)) return server;
  }
  return {};
}

// --- pings -------------------------------------------------------------------------------------------------

void SipPhones::schedulePings() {
  for (const std::string& server : trunks_.takeDuePings(loop_.now())) ping(server);
  const base::Instant next = trunks_.nextPing();
  if (next == base::Instant::max()) return pingTimer_.stop();
  const base::Instant now = loop_.now();
  pingTimer_.start(next <= now ? base::Millis{0} : std::chrono::ceil<base::Millis>(next - now),
                   [this] { schedulePings(); });
}

void SipPhones::ping(const std::string& server) {
  const auto failed = [this](const std::string& uri, std::string reason) {
    trunks_.onPinged(uri, {.status = 0, .reason = std::move(reason), .rttMs = {}, .address = {}}, loop_.now(),
                     base::wallNow());
    schedulePings();
  };
  const auto uri = sip::Uri::parse(server);
  if (!uri) return loop_.post(guard_.wrap([failed, server] { failed(server, "sip.bad_uri"); }));
  locate_(*uri, guard_.wrap([this, failed, server, to = *uri](std::vector<sip::Target> targets) {
    if (targets.empty()) return failed(server, "sip.unresolved");
    remember(server, targets);
    sip::OutgoingRequest request;
    request.to = to;
    request.to.params.remove("path");  // A word of ours (sip.outbound_servers).
    request.from = callerAddress({}, "ping", domainTowards(targets));
    request.targets = std::move(targets);
    request.timeout = options_.times.server;
    pings_[agent_->request(std::move(request), loop_.now())] = server;
    arm();
  }));
}

void SipPhones::onRequestDone(sip::RequestId request, const sip::RequestResult& result) {
  const auto found = pings_.find(request);
  if (found == pings_.end()) return;
  const std::string server = found->second;
  pings_.erase(found);
  Trunks::Outcome outcome;
  outcome.status = result.response ? result.status : 0;
  outcome.reason = result.reason;
  if (result.response) outcome.rttMs = static_cast<double>(result.roundTrip.count());
  outcome.address = shown(result.target.address);
  noteAddresses(server);
  trunks_.onPinged(server, outcome, loop_.now(), base::wallNow());
  loop_.post(guard_.wrap([this] { schedulePings(); }));
}

}  // namespace parley::gateway
