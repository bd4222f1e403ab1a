// Which of this machine's addresses the kernel would send from, learnt by connecting a UDP socket, which
// sends nothing. Cached for a short time: routes change.
#pragma once
#include <array>
#include <cstdint>
#include <map>

#include "base/time.h"
#include "net/endpoint.h"

namespace parley::sipnet {

class LocalRoutes {
 public:
  /// Port 0; [::] when there is no way.
  net::Endpoint towards(const net::Endpoint& to, base::Instant now);

 private:
  struct Entry {
    net::Endpoint local;
    base::Instant until;
  };
  std::map<std::array<std::uint8_t, 16>, Entry> known_;
};

}  // namespace parley::sipnet
