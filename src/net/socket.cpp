#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "net/internal_socket.h"

namespace parley::net {

std::string errnoText(int error) { return std::generic_category().message(error); }

base::Result<OpenSocket> openSocket(int type, const Endpoint& forAddress) {
  OpenSocket result;
  result.fd.reset(::socket(AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  result.ipv6 = result.fd.valid();
  if (result.ipv6) {
    const int off = 0;
    result.ipv6 = setsockopt(result.fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) == 0;
  }
  if (!result.ipv6) {
    if (!forAddress.isV4() && !forAddress.isAny()) {
      return base::fail("net.bind_failed", forAddress.toString() + ": this machine has no IPv6");
    }
    result.fd.reset(::socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  }
  if (!result.fd.valid()) return base::fail("net.bind_failed", "socket: " + errnoText(errno));
  return result;
}

socklen_t toFamily(const Endpoint& endpoint, bool ipv6, sockaddr_storage& out) {
  if (ipv6) return endpoint.toSockaddr6(out);
  if (!endpoint.isV4() && !endpoint.isAny()) return 0;
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(endpoint.port());
  if (endpoint.isV4()) std::memcpy(&v4.sin_addr, endpoint.bytes().data() + 12, 4);
  std::memcpy(&out, &v4, sizeof v4);
  return sizeof v4;
}

Endpoint boundAddress(int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return {};
  return Endpoint::fromSockaddr(reinterpret_cast<const sockaddr*>(&storage));
}

base::Result<Endpoint> bindSocket(const OpenSocket& socket, const Endpoint& address) {
  sockaddr_storage storage{};
  const socklen_t length = toFamily(address, socket.ipv6, storage);
  if (::bind(socket.fd.get(), reinterpret_cast<const sockaddr*>(&storage), length) != 0) {
    return base::fail("net.bind_failed", address.toString() + ": " + errnoText(errno));
  }
  return boundAddress(socket.fd.get());
}

}  // namespace parley::net
