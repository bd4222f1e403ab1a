#include "gateway/sip_settings.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "gateway/hunt_group_setting.h"
#include "gateway/settings.h"
#include "sip/address_text.h"

namespace parley::gateway {
namespace {

using base::SettingType;
using base::SettingValue;
using Names = std::vector<std::string>;
using Declarer = base::SettingDeclarer;

std::string quotedText(const std::string& text) { return "\"" + base::printable(text, 80) + "\""; }

std::optional<std::string> notListens(const SettingValue& value) {
  for (const std::string& text : std::get<Names>(value)) {
    if (!parseSipListen(text)) {
      return quotedText(text) +
             " is not of the form udp:5060, tcp:5060, tls:5061, ws:5080, wss:5443 or tls:192.0.2.1:5061";
    }
  }
  return std::nullopt;
}

std::optional<std::string> notServers(const SettingValue& value) {
  for (const std::string& text : std::get<Names>(value)) {
    const auto uri = sip::Uri::parse(text);
    if (!uri || !uri->isSip() || uri->host.empty()) {
      return quotedText(text) +
             " is not a SIP server such as sip:192.0.2.81 or sip:sbc.example.com;transport=tls";
    }
    if (const auto path = uri->params.get("path"); path && !path->starts_with('/'))
      return quotedText(text) +
             " has a path that does not begin with /, as in sip:host;transport=wss;path=/ws";
  }
  if (std::get<Names>(value).size() > Trunks::kMaxServers) return "has more than 64 servers";
  return std::nullopt;
}

std::optional<std::string> notPeers(const SettingValue& value) {
  for (const std::string& text : std::get<Names>(value)) {
    if (!parseAllowedPeer(text))
      return quotedText(text) + " is not an address or a network such as 192.0.2.0/24";
  }
  return std::nullopt;
}

std::optional<std::string> notNameServers(const SettingValue& value) {
  for (const std::string& text : std::get<Names>(value)) {
    if (!net::Endpoint::parse(text, 53) && !net::Endpoint::parseWithPort(text))
      return quotedText(text) + " is not an address such as 192.0.2.53 or 192.0.2.53:5353";
  }
  return std::nullopt;
}

std::optional<std::string> noUser(const SettingValue& value) {
  const auto& text = std::get<std::string>(value);
  const bool plain = text.size() <= 64 && text.find_first_of("@:;<>\"% ") == std::string::npos;
  return plain ? std::nullopt
               : std::optional(quotedText(text) + " is no number or name such as 8000 or service");
}

/// RFC 1123 section 2.1: letters, digits and hyphens between dots, and the underscore that some networks
/// have; what ends in a number is a broken address.
bool isHostName(std::string_view name) {
  constexpr std::size_t kMaxName = 253, kMaxLabel = 63;
  constexpr std::string_view kDigits = "0123456789";
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.size() > kMaxName) return false;
  bool number = true;
  for (const std::string_view label : base::split(name, '.')) {
    if (label.empty() || label.size() > kMaxLabel || label.starts_with('-') || label.ends_with('-'))
      return false;
    if (label.find_first_not_of(kPlain) != std::string_view::npos) return false;
    number = label.find_first_not_of(kDigits) == std::string_view::npos;
  }
  return !number;
}

std::optional<std::string> notAdvertised(const SettingValue& value) {
  const auto& text = std::get<std::string>(value);
  if (parseSipAdvertised(text)) return std::nullopt;
  return quotedText(text) +
         " is not a host name, an address, or an IPv4 and an IPv6 address, with a port if it is another one, "
         "such as sbc.example.com or 192.0.2.7,[2001:db8::7]:5070";
}

void declareServers(const Declarer& sip) {
  sip.list(
      "sip.outbound_servers", {}, false,
      "SIP servers that calls to phones go to: sip:address, with a port or ;transport=tcp or tls if wanted. "
      "They may also call.",
      notServers);
  sip.boolean("sip.rewrite_outbound_uris", true, false,
              "Put the outbound server's address into the address that is called.");
  sip.number(
      "sip.server_timeout_ms", 3'000, 100, 60'000, "ms", false,
      "How long each address of an outbound server (ten of them at most) may take to say anything before "
      "the next address or server is tried.");
  sip.number("sip.ping_interval_ms", 30'000, 1'000, 3'600'000, "ms", false,
             "Time between OPTIONS requests to an outbound server that is up.");
  sip.number("sip.dead_link_ping_interval_ms", 5'000, 500, 3'600'000, "ms", false,
             "Time between OPTIONS requests to an outbound server that is down.");
  sip.text("sip.trunk_user", SettingType::text, "", true,
           "User name for outbound servers that ask for one (digest).");
  sip.text("sip.trunk_password", SettingType::secret, "", true, "Password for it.");
}

void declareReach(const Declarer& sip) {
  sip.list("sip.listen", {"udp:5060", "tcp:5060", "tls:5061", "tls:5081"}, true,
           "Where SIP is served: transport (udp, tcp, tls, ws, wss), an address if not all, port. Empty: no "
           "SIP.",
           notListens);
  sip.list(
      "sip.name_servers", {}, true,
      "Name servers that are asked for SIP servers: an address, with a port if it is not 53. Empty: those "
      "of the system.",
      notNameServers);
  sip.text(
      "sip.advertised_address", SettingType::text, "", true,
      "Host name or address that SIP servers are told to answer to, where NAT stands between, or an IPv4 and "
      "an IPv6 address with a comma between, with a port if it is another one. An address is told over its "
      "own family only. Empty: this machine's own.",
      notAdvertised);
  sip.text("sip.domain", SettingType::text, "", false,
           "Domain in the caller's address; empty: this machine's address.");
  sip.text(
      "sip.caller_without_number", SettingType::text, "", false,
      "Number or name in the caller's address of calls by pages, of callers who withhold theirs and are "
      "passed on to a telephone, and of agents without a number where assist.agent_name hides their names; "
      "empty: anonymous.",
      noUser);
  sip.list("sip.allowed_peers", {}, false,
           "Addresses and networks that may call besides the outbound servers.", notPeers);
  sip.choice("sip.strangers", {"refuse", "silence"}, false,
             "What any other address gets: 403 (refuse) or no answer at all (silence).");
  sip.text(
      "sip.authorities", SettingType::text, "", false,
      "File with further authorities (PEM) that certificates of SIP servers and peers may come from; read "
      "again when it changes.");
  sip.choice("sip.client_certificates", {"none", "optional", "required"}, false,
             "Whether who connects over TLS is asked for a certificate of these authorities or Parley's own: "
             "no (none), asked but let in without (optional), or not let in without (required).");
}

void declareSessions(const Declarer& sip) {
  sip.number("sip.session_expires_seconds", 1'800, 0, 86'400, "s", false,
             "Session timer (RFC 4028) that is asked for; 0: none.");
  sip.number("sip.min_se_seconds", 90, 90, 86'400, "s", false,
             "The shortest session timer that is accepted.");
  sip.choice("sip.media_security", {"none", "sdes", "sdes-preferred"}, false,
             "Media towards phones: plain RTP (none), only SRTP with keys by SDES (sdes), or SRTP where the "
             "phone has it (sdes-preferred).");
}

/// How long a call rings the gateway decides: the engine's own end is later.
sip::CallTimes callTimes(const base::Settings& settings) {
  constexpr base::Millis kLater{60'000};
  sip::CallTimes times;
  base::Millis longest = std::chrono::seconds{settings.integer("gateway.ring_seconds")};
  for (const std::string& line : settings.list("gateway.hunt_groups")) {
    if (const auto group = parseHuntGroup(line))
      longest = std::max(longest, base::Millis{group->overflowMillis});
  }
  times.ringTimeout = std::max(times.ringTimeout, longest + kLater);
  times.sessionExpires = static_cast<std::uint32_t>(settings.integer("sip.session_expires_seconds"));
  times.minSe = static_cast<std::uint32_t>(settings.integer("sip.min_se_seconds"));
  return times;
}

}  // namespace

void declareSipSettings(const base::SettingDeclarer& sip) {
  declareServers(sip);
  declareReach(sip);
  declareSessions(sip);
}

std::optional<SipListen> parseSipListen(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  SipListen out;
  const std::string_view kind = text.substr(0, colon), where = text.substr(colon + 1);
  if (kind == "udp") {
    out.kind = sip::TransportKind::udp;
  } else if (kind == "tcp") {
    out.kind = sip::TransportKind::tcp;
  } else if (kind == "tls") {
    out.kind = sip::TransportKind::tls;
  } else if (kind == "ws") {
    out.kind = sip::TransportKind::ws;
  } else if (kind == "wss") {
    out.kind = sip::TransportKind::wss;
  } else {
    return std::nullopt;
  }
  if (const auto port = base::parseNumber<std::uint16_t>(where)) {
    out.endpoint = net::Endpoint().withPort(*port);
    return out;
  }
  const auto endpoint = net::Endpoint::parseWithPort(where);
  if (!endpoint) return std::nullopt;
  out.endpoint = *endpoint;
  return out;
}

std::optional<std::vector<std::string>> parseSipAdvertised(std::string_view text) {
  Names out;
  bool name = false, v4 = false, v6 = false;
  if (base::trim(text).empty()) return out;
  for (const std::string_view each : base::split(text, ',')) {
    std::string_view host = base::trim(each);
    std::string port;
    const auto colon = host.rfind(':');
    const bool bare = net::Endpoint::parse(host, 0).has_value();  // IPv6 without brackets has no port.
    if (!bare && colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos) {
      port = host.substr(colon);
      if (base::parseNumber<std::uint16_t>(port.substr(1)).value_or(0) == 0) return std::nullopt;
      host = host.substr(0, colon);
    }
    const auto address = sip::literalAddress(host, 0);
    if (address ? net::Endpoint::fromBytes(address->ip, 0).isAny() : !isHostName(host)) return std::nullopt;
    bool& seen = !address ? name : address->isV4() ? v4 : v6;
    if (std::exchange(seen, true)) return std::nullopt;
    const bool brackets = address && !address->isV4();
    const std::string written = address ? sip::ipText(*address) : std::string(host);
    out.push_back((brackets ? "[" + written + "]" : written) + port);
  }
  if (name && out.size() > 1) return std::nullopt;
  return out;
}

std::vector<SipListen> sipListens(const base::Settings& settings) {
  std::vector<SipListen> out;
  for (const std::string& text : settings.list("sip.listen")) {
    if (const auto listen = parseSipListen(text)) out.push_back(*listen);
  }
  return out;
}

std::string webSocketPath(const std::vector<std::string>& servers, const sip::Target& target) {
  for (const std::string& text : servers) {
    const auto uri = sip::Uri::parse(text);
    if (!uri || !base::equalsIgnoreCase(uri->host, target.host)) continue;
    if (uri->port && *uri->port != target.address.port) continue;
    const auto path = uri->params.get("path");
    if (path && path->starts_with('/')) return std::string(*path);
  }
  return {};
}

SipPhonesOptions sipPhonesOptions(const base::Settings& settings) {
  SipPhonesOptions options;
  options.servers = settings.list("sip.outbound_servers");
  options.times = {settings.millis("sip.ping_interval_ms"), settings.millis("sip.dead_link_ping_interval_ms"),
                   settings.millis("sip.server_timeout_ms")};
  options.rewriteUris = settings.boolean("sip.rewrite_outbound_uris");
  options.domain = settings.text("sip.domain");
  options.callerWithoutNumber = settings.text("sip.caller_without_number");
  for (const std::string& text : settings.list("sip.allowed_peers")) {
    if (const auto peer = parseAllowedPeer(text)) options.allowedPeers.push_back(*peer);
  }
  options.refused = refusedDestinations(settings);
  options.silentToStrangers = settings.text("sip.strangers") == "silence";
  options.callTimes = callTimes(settings);
  return options;
}

sip::UserAgentOptions sipAgentOptions(const std::string& version) {
  sip::UserAgentOptions options;
  options.product = "Parley/" + version;
  return options;
}

}  // namespace parley::gateway
