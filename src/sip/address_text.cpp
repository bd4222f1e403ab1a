#include "sip/address_text.h"

#include <arpa/inet.h>

#include <array>

#include "base/text.h"
#include "sip/ip_text.h"

namespace parley::sip {

std::string ipText(const proto::TransportAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.isV4())
    inet_ntop(AF_INET, &address.ip[12], text.data(), text.size());
  else
    inet_ntop(AF_INET6, address.ip.data(), text.data(), text.size());
  return text.data();
}

std::optional<proto::TransportAddress> literalAddress(std::string_view host, std::uint16_t port) {
  const auto ip = parseIp(host);
  return ip ? std::optional(proto::TransportAddress{*ip, port}) : std::nullopt;
}

std::optional<TransportKind> transportKindOf(std::string_view name) {
  for (const auto kind :
       {TransportKind::udp, TransportKind::tcp, TransportKind::tls, TransportKind::ws, TransportKind::wss})
    if (base::equalsIgnoreCase(name, toString(kind))) return kind;
  return std::nullopt;
}

TransportKind inheritedKind(TransportKind peer) {
  if (!isReliable(peer)) return TransportKind::udp;
  return isSecure(peer) ? TransportKind::tls : TransportKind::tcp;
}

std::optional<Target> literalTarget(const Uri& uri, TransportKind unsaid) {
  if (!uri.isSip()) return std::nullopt;
  Target target;
  target.kind = unsaid;
  if (const auto name = uri.params.get("transport")) {
    const auto kind = transportKindOf(*name);
    if (!kind) return std::nullopt;
    target.kind = *kind;
  } else if (uri.scheme == UriScheme::sips) {
    target.kind = TransportKind::tls;
  }
  if (uri.scheme == UriScheme::sips && !isSecure(target.kind))  // RFC 3261 section 26.2.2: tcp means tls
    target.kind = target.kind == TransportKind::ws ? TransportKind::wss : TransportKind::tls;
  const std::uint16_t standard = isSecure(target.kind) ? 5061 : 5060;
  const auto maddr = uri.params.get("maddr");
  const auto address = literalAddress(maddr.value_or(uri.host), uri.port.value_or(standard));
  if (!address) return std::nullopt;
  target.address = *address;
  target.host = uri.host;
  return target;
}

HostPort splitHostPort(std::string_view text) {
  const std::size_t bracket = text.rfind(']');
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || (bracket != std::string_view::npos && colon < bracket))
    return {std::string(text), std::nullopt};
  return {std::string(text.substr(0, colon)), base::parseNumber<std::uint16_t>(text.substr(colon + 1))};
}

}  // namespace parley::sip
