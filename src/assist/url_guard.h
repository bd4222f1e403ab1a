// Which addresses the server may fetch documents from (EA-6) without being made a way into the company's own
// network: http and https, and after resolving, public addresses only unless the settings name others. Pure.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/endpoint.h"
#include "net/url.h"

namespace parley::assist {

/// What assist.fetch_allow names: "docs.example.com", "10.1.0.0/16", "192.0.2.7", "fd00:1::/32".
class FetchAllowance {
 public:
  /// Error "fetch.bad_allowance" for an entry that is none of these.
  static base::Result<FetchAllowance> parse(const std::vector<std::string>& entries);
  bool allowsHost(std::string_view host) const;
  bool allowsAddress(const net::Endpoint& address) const;

 private:
  struct Network {
    net::Endpoint base;
    unsigned bits = 128;  ///< Of the 128 that Endpoint keeps, IPv4-mapped.
  };
  std::vector<std::string> hosts_;
  std::vector<Network> networks_;
};

/// True for addresses of the public Internet. Everything else is not: private, shared, loopback, link-local
/// (and with it the clouds' metadata services), multicast, reserved, documentation, benchmarking, and IPv6
/// forms that carry such an IPv4 address (mapped, compatible, NAT64, 6to4, Teredo).
bool isPublic(const net::Endpoint& address);

/// An address to be fetched, in its parts; no user names, ports that no web server has, or other schemes.
/// Errors: fetch.bad_url, fetch.bad_scheme, fetch.bad_port.
base::Result<net::Url> checkUrl(std::string_view url);

/// What a page is to open (links, videos): http or https, as it was given. Error: fetch.bad_url,
/// fetch.bad_scheme.
base::Result<void> checkLink(std::string_view url);

/// The addresses to connect to, one after the other: all that a name resolved to. One bad address spoils the
/// name: who can make a name resolve to both could make us choose. `own`: addresses of this machine, never
/// allowed unless named. Errors: fetch.address_refused, fetch.unresolved.
base::Result<std::vector<net::Endpoint>> checkAddresses(const net::Url& url,
                                                        const std::vector<net::Endpoint>& resolved,
                                                        const FetchAllowance& allowance,
                                                        const std::vector<net::Endpoint>& own);

/// For a name that only the outbound proxy can resolve: whether it may be asked. Names that are never public
/// (localhost, one label, .local, .internal, .home.arpa) and numbers that some programs read as an address
/// ("127.1", "0x7f000001") are refused unless the settings name them. Error: fetch.address_refused.
base::Result<void> checkUnresolved(const net::Url& url, const FetchAllowance& allowance);

/// The address that a Location header means, seen from `from` (RFC 3986 section 5.2, without dot segments in
/// the middle of relative ones, which servers resolve themselves). Empty: nonsense.
std::string redirectTarget(const net::Url& from, std::string_view location);

}  // namespace parley::assist
