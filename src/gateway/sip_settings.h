// The settings of SIP: listening addresses, outbound servers (GW-4), who may call, media security (MB-11).
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/setting_declarer.h"
#include "base/settings.h"
#include "gateway/sip_phones.h"
#include "net/endpoint.h"
#include "sip/transport.h"

namespace parley::gateway {

void declareSipSettings(const base::SettingDeclarer& sip);

struct SipListen {
  sip::TransportKind kind = sip::TransportKind::udp;
  net::Endpoint endpoint;
  friend bool operator==(const SipListen&, const SipListen&) = default;
};
/// "udp:5060", "tls:192.0.2.1:5061", "tcp:[2001:db8::1]:5060", "wss:5443"; nothing for anything else.
std::optional<SipListen> parseSipListen(std::string_view text);

/// sip.advertised_address: "sbc.example.com:5070", or one address for each family with a comma between, as
/// they stand in a Via: IPv6 in brackets. Blank: none. Nothing: it is none of these.
std::optional<std::vector<std::string>> parseSipAdvertised(std::string_view text);

std::vector<SipListen> sipListens(const base::Settings& settings);
/// What `;path=` says of the server there: where a WebSocket is asked for. Empty: nothing.
std::string webSocketPath(const std::vector<std::string>& servers, const sip::Target& target);
SipPhonesOptions sipPhonesOptions(const base::Settings& settings);
sip::UserAgentOptions sipAgentOptions(const std::string& version);

}  // namespace parley::gateway
