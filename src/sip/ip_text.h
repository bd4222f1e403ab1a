// IP addresses as they stand in URIs and Via.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace parley::sip {

/// "192.0.2.1", "[2001:db8::1]" or "2001:db8::1"; nothing for names and for addresses with a zone. IPv4 (also
/// written as IPv4-mapped IPv6) comes IPv4-mapped, as TransportAddress keeps it.
std::optional<std::array<std::uint8_t, 16>> parseIp(std::string_view host);

}  // namespace parley::sip
