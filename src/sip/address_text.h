// Addresses as SIP writes them: in Via's received, in a URI's host.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proto/address.h"
#include "sip/transport.h"
#include "sip/uri.h"

namespace parley::sip {

/// "192.0.2.1", "2001:db8::1" (no brackets).
std::string ipText(const proto::TransportAddress& address);
/// A literal address, IPv6 with or without brackets; nothing for a name.
std::optional<proto::TransportAddress> literalAddress(std::string_view host, std::uint16_t port);
/// What an address that says nothing of its transport is reached by if a peer of this kind gave it: nobody is
/// led from TLS to a plain datagram, nor from a WebSocket (where the peer itself is no address).
TransportKind inheritedKind(TransportKind peer);
/// Where a URI with a literal address points to (RFC 3263 section 4 without DNS): transport parameter, scheme
/// and default ports. maddr counts. `unsaid`: the transport where neither says one. Nothing for names and for
/// what is no SIP URI.
std::optional<Target> literalTarget(const Uri& uri, TransportKind unsaid = TransportKind::udp);
/// The kind that a transport parameter or Via names, without case.
std::optional<TransportKind> transportKindOf(std::string_view name);

/// "host:port" or "[v6]:port" apart; the port may be missing.
struct HostPort {
  std::string host;
  std::optional<std::uint16_t> port;
};
HostPort splitHostPort(std::string_view text);

}  // namespace parley::sip
