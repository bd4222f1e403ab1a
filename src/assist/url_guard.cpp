#include "assist/url_guard.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace parley::assist {
namespace {

constexpr std::size_t kMaxUrl = 2'048;
constexpr unsigned kMappedBits = 96;

struct Block {
  const char* base;
  unsigned bits;
};

// IANA's registries of special-purpose addresses, and multicast.
constexpr Block kRefusedV4[] = {{"0.0.0.0", 8},       {"10.0.0.0", 8},     {"100.64.0.0", 10},
                                {"127.0.0.0", 8},     {"169.254.0.0", 16}, {"172.16.0.0", 12},
                                {"192.0.0.0", 24},    {"192.0.2.0", 24},   {"192.31.196.0", 24},
                                {"192.52.193.0", 24}, {"192.88.99.0", 24}, {"192.168.0.0", 16},
                                {"192.175.48.0", 24}, {"198.18.0.0", 15},  {"198.51.100.0", 24},
                                {"203.0.113.0", 24},  {"224.0.0.0", 4},    {"240.0.0.0", 4}};
// Of IPv6 only 2000::/3 is global unicast; within it these are something else.
constexpr Block kRefusedV6[] = {
    {"2001::", 23}, {"2001:db8::", 32}, {"2002::", 16}, {"2620:4f:8000::", 48}, {"3fff::", 20}};

bool within(const net::Endpoint& address, const net::Endpoint& base, unsigned bits) {
  const auto& a = address.bytes();
  const auto& b = base.bytes();
  for (unsigned i = 0; i < a.size() && bits > 0; ++i) {
    const unsigned here = std::min(bits, 8u);
    const auto mask = static_cast<std::uint8_t>(0xff << (8 - here));
    if ((a[i] & mask) != (b[i] & mask)) return false;
    bits -= here;
  }
  return true;
}

bool within(const net::Endpoint& address, const Block& block) {
  const auto base = net::Endpoint::parse(block.base, 0);
  return base && within(address, *base, block.bits + (base->isV4() ? kMappedBits : 0));
}

/// The IPv4 address that the last 32 bits are.
net::Endpoint embedded(const net::Endpoint& address) {
  std::array<std::uint8_t, 16> bytes{};
  bytes[10] = bytes[11] = 0xff;
  std::copy_n(address.bytes().begin() + 12, 4, bytes.begin() + 12);
  return net::Endpoint::fromBytes(bytes, 0);
}

/// 80 and 443, and the unprivileged ones except those of databases, shells and caches that take anything for
/// a command.
bool isWebPort(std::uint16_t port) {
  constexpr std::uint16_t kRefused[] = {1433, 1521, 2049, 2375, 2376, 2379, 3306,  3389, 5060,
                                        5061, 5432, 5900, 6379, 6667, 9200, 11211, 27017};
  if (port == 80 || port == 443) return true;
  return port >= 1024 && std::ranges::find(kRefused, port) == std::end(kRefused);
}

bool isHostName(std::string_view text) {
  return !text.empty() && text.size() <= 253 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
  });
}

/// RFC 6761, 6762, 8375 and ICANN's reservation; and what is never looked up in public.
bool isInsideName(std::string_view host) {
  const auto dot = host.rfind('.');
  if (dot == host.npos) return true;
  const std::string_view last = host.substr(dot + 1);
  return last == "localhost" || last == "local" || last == "internal" || last == "localdomain" ||
         host.ends_with(".home.arpa") || last.starts_with("0x") ||
         std::ranges::all_of(last, [](char c) { return c >= '0' && c <= '9'; });
}

std::string lowered(std::string_view host) {
  while (host.ends_with('.')) host.remove_suffix(1);
  return base::toLower(host);
}

base::Result<void> checkForm(std::string_view url) {
  if (url.empty() || url.size() > kMaxUrl || !base::isUtf8(url) || std::ranges::any_of(url, [](char c) {
        return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || c == '\\' || c == '"' || c == '<' ||
               c == '>';
      })) {
    return base::fail("fetch.bad_url", "This is not an address.");
  }
  const std::string scheme = base::toLower(url.substr(0, url.find(':')));
  if (scheme != "http" && scheme != "https") {
    return base::fail("fetch.bad_scheme", "Only http and https addresses are taken.");
  }
  return {};
}

}  // namespace

base::Result<FetchAllowance> FetchAllowance::parse(const std::vector<std::string>& entries) {
  FetchAllowance out;
  for (const std::string& entry : entries) {
    const auto slash = entry.find('/');
    const auto address = net::Endpoint::parse(entry.substr(0, slash), 0);
    const unsigned most = address && address->isV4() ? 32 : 128;
    if (address) {
      const auto bits =
          slash == std::string::npos ? most : base::parseNumber<unsigned>(entry.substr(slash + 1));
      if (!bits || *bits > most) return base::fail("fetch.bad_allowance", entry);
      out.networks_.push_back({*address, *bits + (address->isV4() ? kMappedBits : 0)});
    } else if (std::string host = lowered(entry); isHostName(host)) {
      out.hosts_.push_back(std::move(host));
    } else {
      return base::fail("fetch.bad_allowance", entry);
    }
  }
  return out;
}

bool FetchAllowance::allowsHost(std::string_view host) const {
  return std::ranges::find(hosts_, lowered(host)) != hosts_.end();
}

bool FetchAllowance::allowsAddress(const net::Endpoint& address) const {
  return std::ranges::any_of(networks_,
                             [&](const Network& each) { return within(address, each.base, each.bits); });
}

bool isPublic(const net::Endpoint& address) {
  if (address.isV4()) {
    return std::ranges::none_of(kRefusedV4, [&](const Block& block) { return within(address, block); });
  }
  // RFC 6052: behind a NAT64 every IPv4 address looks like this one.
  if (within(address, Block{"64:ff9b::", 96})) return isPublic(embedded(address));
  return within(address, Block{"2000::", 3}) &&
         std::ranges::none_of(kRefusedV6, [&](const Block& block) { return within(address, block); });
}

base::Result<net::Url> checkUrl(std::string_view url) {
  if (auto checked = checkForm(url); !checked) return std::unexpected(checked.error());
  auto parsed = net::parseUrl(url, "http");
  if (!parsed) return base::fail("fetch.bad_url", "This is not an address.");
  parsed->host = lowered(parsed->host);
  if (!net::Endpoint::parse(parsed->host, 0) && !isHostName(parsed->host)) {
    return base::fail("fetch.bad_url", "The address names no server.");
  }
  if (!isWebPort(parsed->port)) return base::fail("fetch.bad_port", "Web servers have other ports.");
  return *parsed;
}

base::Result<void> checkLink(std::string_view url) {
  if (auto checked = checkForm(url); !checked) return checked;
  if (!net::parseUrl(url, "http")) return base::fail("fetch.bad_url", "This is not an address.");
  return {};
}

base::Result<std::vector<net::Endpoint>> checkAddresses(const net::Url& url,
                                                        const std::vector<net::Endpoint>& resolved,
                                                        const FetchAllowance& allowance,
                                                        const std::vector<net::Endpoint>& own) {
  const bool named = allowance.allowsHost(url.host);
  std::vector<net::Endpoint> out;
  for (const net::Endpoint& each : resolved) {
    const net::Endpoint address = each.withPort(0);
    const bool ours = std::ranges::find(own, address) != own.end();
    if (!named && !allowance.allowsAddress(address) && (ours || !isPublic(address))) {
      return base::fail("fetch.address_refused", "Documents are not fetched from this address.");
    }
    out.push_back(address.withPort(url.port));
  }
  if (out.empty()) return base::fail("fetch.unresolved", "The name has no address.");
  return out;
}

base::Result<void> checkUnresolved(const net::Url& url, const FetchAllowance& allowance) {
  if (!isInsideName(url.host) || allowance.allowsHost(url.host)) return {};
  return base::fail("fetch.address_refused", "Documents are not fetched from this address.");
}

std::string redirectTarget(const net::Url& from, std::string_view location) {
  location = base::trim(location);
  location = location.substr(0, location.find('#'));
  if (location.empty()) return {};
  const std::string scheme = from.secure ? "https:" : "http:";
  if (location.starts_with("//")) return scheme + std::string(location);
  const std::string origin = scheme + "//" + from.authority();
  if (location.starts_with('/')) return origin + std::string(location);
  const auto colon = location.find(':');
  if (colon != std::string_view::npos && colon < location.find_first_of("/?")) return std::string(location);
  const std::string path = from.target.substr(0, from.target.find('?'));
  if (location.starts_with('?')) return origin + path + std::string(location);
  return origin + path.substr(0, path.rfind('/') + 1) + std::string(location);
}

}  // namespace parley::assist
