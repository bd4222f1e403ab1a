#include "sip/ip_text.h"

#include <arpa/inet.h>

#include <string>

namespace parley::sip {
namespace {

constexpr std::size_t kLongestAddress = 45;  // INET6_ADDRSTRLEN without the zero.

}  // namespace

std::optional<std::array<std::uint8_t, 16>> parseIp(std::string_view host) {
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (host.empty() || host.size() > kLongestAddress) return std::nullopt;
  const std::string text(host);  // inet_pton wants its zero.
  std::array<std::uint8_t, 16> ip{};
  if (!bracketed && inet_pton(AF_INET, text.c_str(), &ip[12]) == 1) {
    ip[10] = ip[11] = 0xff;
    return ip;
  }
  if (inet_pton(AF_INET6, text.c_str(), ip.data()) == 1) return ip;
  return std::nullopt;
}

}  // namespace parley::sip
