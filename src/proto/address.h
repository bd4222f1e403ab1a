// A transport address as protocol messages carry it (layers above net/ convert to net::Endpoint).
#pragma once
#include <array>
#include <compare>
#include <cstdint>

namespace parley::proto {

struct TransportAddress {
  std::array<std::uint8_t, 16> ip{};  ///< IPv4 is kept IPv4-mapped (::ffff:a.b.c.d).
  std::uint16_t port = 0;
  bool isV4() const {
    for (int i = 0; i < 10; ++i)
      if (ip[static_cast<std::size_t>(i)] != 0) return false;
    return ip[10] == 0xff && ip[11] == 0xff;
  }
  friend auto operator<=>(const TransportAddress&, const TransportAddress&) = default;
};

}  // namespace parley::proto
