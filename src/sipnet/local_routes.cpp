#include "sipnet/local_routes.h"

#include <netinet/in.h>
#include <unistd.h>

#include <cstring>

namespace parley::sipnet {
namespace {

constexpr base::Millis kKept{10'000};
constexpr std::size_t kMaxKnown = 1024;

net::Endpoint ask(const net::Endpoint& to) {
  sockaddr_storage storage{};
  socklen_t length = to.toSockaddr6(storage);
  int family = AF_INET6;
  if (to.isV4()) {  // A machine without IPv6 can say, too.
    sockaddr_in v4{};
    v4.sin_family = family = AF_INET;
    v4.sin_port = htons(to.port());
    std::memcpy(&v4.sin_addr, to.bytes().data() + 12, 4);
    std::memcpy(&storage, &v4, sizeof v4);
    length = sizeof v4;
  }
  const int fd = ::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return {};
  net::Endpoint local;
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&storage), length) == 0) {
    length = sizeof storage;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length) == 0) {
      local = net::Endpoint::fromSockaddr(reinterpret_cast<const sockaddr*>(&storage)).withPort(0);
    }
  }
  ::close(fd);
  return local;
}

}  // namespace

net::Endpoint LocalRoutes::towards(const net::Endpoint& to, base::Instant now) {
  if (const auto found = known_.find(to.bytes()); found != known_.end() && found->second.until > now) {
    return found->second.local;
  }
  if (known_.size() >= kMaxKnown) known_.clear();
  const net::Endpoint local = ask(to.withPort(to.port() == 0 ? 5060 : to.port()));
  known_[to.bytes()] = {local, now + kKept};
  return local;
}

}  // namespace parley::sipnet
