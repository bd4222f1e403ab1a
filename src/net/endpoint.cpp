#include "net/endpoint.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "base/bytes.h"
#include "base/text.h"

namespace parley::net {
namespace {
constexpr std::array<std::uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::size_t kLongestAddress = INET6_ADDRSTRLEN;
}  // namespace

std::optional<Endpoint> Endpoint::parse(std::string_view address, std::uint16_t port) {
  if (address.empty() || address.size() >= kLongestAddress || address.find('\0') != address.npos) return {};
  const std::string text{address};
  Endpoint result;
  result.port_ = port;
  if (inet_pton(AF_INET6, text.c_str(), result.address_.data()) == 1) return result;
  std::copy(kMappedPrefix.begin(), kMappedPrefix.end(), result.address_.begin());
  if (inet_pton(AF_INET, text.c_str(), result.address_.data() + 12) == 1) return result;
  return {};
}

std::optional<Endpoint> Endpoint::parseWithPort(std::string_view text) {
  std::string_view address;
  std::string_view port;
  if (text.starts_with('[')) {
    const auto end = text.find("]:");
    if (end == text.npos) return {};
    address = text.substr(1, end - 1);
    port = text.substr(end + 2);
    if (address.find(':') == address.npos) return {};
  } else {
    const auto colon = text.find(':');
    if (colon == text.npos) return {};
    address = text.substr(0, colon);
    port = text.substr(colon + 1);
  }
  const auto number = base::parseNumber<std::uint16_t>(port);
  if (!number) return {};
  return parse(address, *number);
}

Endpoint Endpoint::fromBytes(const std::array<std::uint8_t, 16>& address, std::uint16_t port) {
  Endpoint result;
  result.address_ = address;
  result.port_ = port;
  return result;
}

Endpoint Endpoint::fromSockaddr(const sockaddr* address) {
  Endpoint result;
  if (address->sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, address, sizeof v4);
    std::copy(kMappedPrefix.begin(), kMappedPrefix.end(), result.address_.begin());
    std::memcpy(result.address_.data() + 12, &v4.sin_addr, 4);
    result.port_ = ntohs(v4.sin_port);
  } else if (address->sa_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, address, sizeof v6);
    std::memcpy(result.address_.data(), &v6.sin6_addr, 16);
    result.port_ = ntohs(v6.sin6_port);
  }
  return result;
}

socklen_t Endpoint::toSockaddr6(sockaddr_storage& out) const {
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port_);
  std::memcpy(&v6.sin6_addr, address_.data(), 16);
  std::memcpy(&out, &v6, sizeof v6);
  return sizeof v6;
}

bool Endpoint::isV4() const {
  return std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), address_.begin());
}

bool Endpoint::isLoopback() const {
  if (isV4()) return address_[12] == 127;
  return std::all_of(address_.begin(), address_.end() - 1, [](auto b) { return b == 0; }) &&
         address_[15] == 1;
}

bool Endpoint::isLinkLocal() const {
  if (isV4()) return address_[12] == 169 && address_[13] == 254;
  return address_[0] == 0xfe && (address_[1] & 0xc0) == 0x80;
}

bool Endpoint::isAny() const {
  const auto begin = isV4() ? address_.begin() + 12 : address_.begin();
  return std::all_of(begin, address_.end(), [](auto b) { return b == 0; });
}

Endpoint Endpoint::withPort(std::uint16_t port) const {
  Endpoint result = *this;
  result.port_ = port;
  return result;
}

Endpoint Endpoint::network() const {
  Endpoint result = withPort(0);
  if (!isV4()) std::fill(result.address_.begin() + 8, result.address_.end(), std::uint8_t{0});
  return result;
}

std::string Endpoint::address() const {
  char text[kLongestAddress] = "";
  if (isV4()) {
    inet_ntop(AF_INET, address_.data() + 12, text, sizeof text);
  } else {
    inet_ntop(AF_INET6, address_.data(), text, sizeof text);
  }
  return text;
}

std::string Endpoint::toString() const {
  const std::string port = std::to_string(port_);
  return isV4() ? address() + ":" + port : "[" + address() + "]:" + port;
}

std::size_t EndpointHash::operator()(const Endpoint& e) const noexcept {
  // Two multiplications mix all 18 bytes; equality decides, so a collision costs time, not correctness.
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  std::memcpy(&high, e.bytes().data(), 8);
  std::memcpy(&low, e.bytes().data() + 8, 8);
  std::uint64_t h = (high ^ e.port()) * 0x9e3779b97f4a7c15ULL;
  h ^= h >> 32;
  h = (h ^ low) * 0xff51afd7ed558ccdULL;
  return h ^ (h >> 29);
}

std::vector<Endpoint> localAddresses(bool withLoopback) {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return {};
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(list, freeifaddrs);
  std::vector<Endpoint> result;
  for (const ifaddrs* each = list; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr || (each->ifa_flags & IFF_UP) == 0) continue;
    if (each->ifa_addr->sa_family != AF_INET && each->ifa_addr->sa_family != AF_INET6) continue;
    const Endpoint address = Endpoint::fromSockaddr(each->ifa_addr).withPort(0);
    if (!withLoopback && (address.isLoopback() || address.isLinkLocal())) continue;
    if (std::find(result.begin(), result.end(), address) == result.end()) result.push_back(address);
  }
  return result;
}

}  // namespace parley::net
