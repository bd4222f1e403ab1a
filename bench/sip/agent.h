// The agent of this folder's programs: UDP and TCP on one port of 127.0.0.1, as many calls as there are.
#pragma once
#include <cstdio>

#include "net/endpoint.h"
#include "sipnet/test_quiet_agent.h"

namespace parley::bench {

class Agent : public sipnet::rig::QuietAgent {
 public:
  explicit Agent(net::EventLoop& loop) : QuietAgent(loop, {.maxSessions = 100'000}) {}

  bool listen(std::uint16_t port) {
    const auto at = net::Endpoint::parse("127.0.0.1", port);
    for (const auto kind : {sip::TransportKind::udp, sip::TransportKind::tcp}) {
      const auto bound = transport_.listen(kind, *at);
      if (!bound) return std::fprintf(stderr, "%s\n", bound.error().text.c_str()), false;
    }
    return true;
  }
  static sip::Target neighbour(sip::TransportKind kind, std::uint16_t port) {
    sip::Target target;
    target.kind = kind;
    target.address = {net::Endpoint::parse("127.0.0.1", port)->bytes(), port};
    return target;
  }
};

}  // namespace parley::bench
