// An IP address with a port, as a value. IPv4 is kept IPv4-mapped inside, so one type serves both;
// equality and hash cover the whole address.
#pragma once
#include <sys/socket.h>

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace parley::net {

class Endpoint {
 public:
  Endpoint() = default;  ///< [::]:0
  /// "192.0.2.1", "2001:db8::1" or "::ffff:192.0.2.1"; no names, no brackets, no scope.
  static std::optional<Endpoint> parse(std::string_view address, std::uint16_t port);
  /// "192.0.2.1:5060" or "[2001:db8::1]:5060".
  static std::optional<Endpoint> parseWithPort(std::string_view text);
  static Endpoint fromBytes(const std::array<std::uint8_t, 16>& address, std::uint16_t port);
  static Endpoint fromSockaddr(const sockaddr* address);
  /// For an AF_INET6 dual-stack socket: always sockaddr_in6, IPv4 mapped. Returns the length.
  socklen_t toSockaddr6(sockaddr_storage& out) const;

  bool isV4() const;
  bool isLoopback() const;
  bool isLinkLocal() const;
  bool isAny() const;  ///< :: or 0.0.0.0
  std::uint16_t port() const { return port_; }
  Endpoint withPort(std::uint16_t port) const;
  /// Whom to count for a limit, port 0: an IPv4 address, or the /64 of an IPv6 one, all of which a single
  /// customer has.
  Endpoint network() const;
  std::string address() const;   ///< Without port or brackets.
  std::string toString() const;  ///< With port, brackets for IPv6.
  const std::array<std::uint8_t, 16>& bytes() const { return address_; }

  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;

 private:
  std::array<std::uint8_t, 16> address_{};
  std::uint16_t port_ = 0;
};

struct EndpointHash {
  std::size_t operator()(const Endpoint& e) const noexcept;
};

/// Addresses of this machine's interfaces that are up, loopback and link-local left out unless asked for.
std::vector<Endpoint> localAddresses(bool withLoopback);

}  // namespace parley::net
