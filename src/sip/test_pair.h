// Two user agents on a fake network, with what most tests of calls need.
#pragma once
#include <gtest/gtest.h>

#include "sip/test_net.h"

namespace parley::sip::rig {

class PairTest : public ::testing::Test {
 protected:
  FakeNet net;
  Agent alice{net, "10.0.0.1"}, bob{net, "10.0.0.2"};

  SessionId bobsCall() const { return bob.calls.back().session; }
  /// A call that is up; Alice's session.
  SessionId connect(const std::string& offer = "offer", TransportKind kind = TransportKind::udp) {
    const SessionId session = alice.dial(bob, offer, kind);
    const std::size_t before = bob.calls.size();
    EXPECT_TRUE(net.runUntil([&] { return bob.calls.size() > before; }));
    const std::size_t confirmed = bob.count("confirmed");
    bob.ua.answer(bobsCall(), "answer", net.now);
    EXPECT_TRUE(net.runUntil([&] { return bob.count("confirmed") > confirmed; }));
    return session;
  }
  void run(int milliseconds) { net.run(base::Millis{milliseconds}); }
  void expectNothingLeft() {
    run(300'000);
    EXPECT_TRUE(alice.empty());
    EXPECT_TRUE(bob.empty());
  }
  /// The next datagram whose first line has this in it is lost.
  void loseOne(const std::string& part, int times = 1) {
    net.filter = [part, left = times](const std::string& bytes, const Node&) mutable {
      if (left == 0 || bytes.substr(0, bytes.find('\r')).find(part) == std::string::npos) return true;
      --left;
      return false;
    };
  }
};

/// Alice and a peer whose messages are written by hand.
class RawPeerTest : public PairTest {
 protected:
  RawPeer peer{net, "10.0.0.9"};

  /// A request of the peer in the dialog that our INVITE made, or is making, with this tag of the peer's.
  Message inDialog(Method method, std::uint32_t cseq, const std::string& sdp = {}, const char* tag = "t") {
    const Message& invite = *peer.last("INVITE");
    Message request = peer.request(method, alice, sdp);
    request.from() = invite.to();
    request.from().params.set("tag", tag);
    request.to() = invite.from();
    request.setCallId(invite.callId());
    request.setCSeq(cseq, method);
    return request;
  }
  /// What the peer's request was answered with last; 0: nothing.
  int statusOf(const Message& request) const {
    int status = 0;
    for (const Message& message : peer.received)
      if (message.isResponse() && message.cseq() == request.cseq()) status = message.status();
    return status;
  }
};

}  // namespace parley::sip::rig
