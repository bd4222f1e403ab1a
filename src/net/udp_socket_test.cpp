#include "net/udp_socket.h"
#include "net/internal_test_support.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

namespace parley::net {
namespace {
using base::Millis;
using rig::kDeadline;
const Endpoint kLoopback4 = *Endpoint::parse("127.0.0.1", 0);

struct Received {
  Endpoint remote, local;
  base::Buffer data;
};

struct Peer {
  Peer(EventLoop& loop, const Endpoint& bind, UdpOptions options = {}) {
    auto opened = UdpSocket::open(loop, bind, options, [this](std::span<Datagram> batch, base::Instant) {
      for (auto& d : batch) {
        EXPECT_EQ(d.data.data() - d.storage.data(), std::ptrdiff_t{Datagram::kHeadroom});
        EXPECT_GE(static_cast<std::size_t>(d.storage.data() + d.storage.size() - d.data.data()),
                  d.data.size() + Datagram::kTailroom);
        got.push_back({d.remote, d.local, base::Buffer(d.data.begin(), d.data.end())});
        if (onDatagram) onDatagram(d);
      }
      largestBatch = std::max(largestBatch, batch.size());
    });
    if (opened) socket = std::move(*opened);
  }
  std::unique_ptr<UdpSocket> socket;
  std::vector<Received> got;
  std::size_t largestBatch = 0;
  std::function<void(Datagram&)> onDatagram;
};

base::Buffer pattern(std::size_t size, std::uint8_t first) {
  base::Buffer b(size);
  std::iota(b.begin(), b.end(), first);
  return b;
}

TEST(UdpSocket, SendsAndReceivesWithBothAddresses) {
  EventLoop loop("test");
  Peer a(loop, kLoopback4);
  Peer b(loop, Endpoint{});
  ASSERT_TRUE(a.socket && b.socket);
  const auto to = kLoopback4.withPort(b.socket->localEndpoint().port());
  a.socket->queueCopy(to, {}, base::asBytes("hello"));
  a.socket->flush();
  ASSERT_TRUE(loop.runUntil([&] { return !b.got.empty(); }, kDeadline));
  EXPECT_EQ(base::asText(b.got[0].data), "hello");
  EXPECT_EQ(b.got[0].remote, a.socket->localEndpoint());
  EXPECT_EQ(b.got[0].local, to);
  EXPECT_EQ(a.socket->stats().sent, 1u);
  EXPECT_EQ(b.socket->stats().received, 1u);
}

TEST(UdpSocket, RepliesLeaveFromTheAddressTheRequestCameTo) {
  EventLoop loop("test");
  Peer server(loop, Endpoint{});
  Peer client(loop, kLoopback4);
  ASSERT_TRUE(server.socket && client.socket);
  server.onDatagram = [&](Datagram& d) {
    d.data[0] = 'X';  // Changed in place, sent without a copy.
    server.socket->queue(d.remote, d.local, d.data);
  };
  const auto to = Endpoint::parse("127.0.0.77", server.socket->localEndpoint().port());
  client.socket->queueCopy(*to, {}, base::asBytes("ping"));
  client.socket->flush();
  ASSERT_TRUE(loop.runUntil([&] { return !client.got.empty(); }, kDeadline));
  EXPECT_EQ(client.got[0].remote, *to);
  EXPECT_EQ(base::asText(client.got[0].data), "Xing");
}

TEST(UdpSocket, SpeaksIpv6WhereTheMachineDoes) {
  EventLoop loop("test");
  Peer a(loop, *Endpoint::parse("::1", 0));
  if (!a.socket) GTEST_SKIP() << "no IPv6 here";
  Peer b(loop, Endpoint{});
  b.onDatagram = [&](Datagram& d) { b.socket->queue(d.remote, d.local, d.data); };
  const auto to = *Endpoint::parse("::1", b.socket->localEndpoint().port());
  a.socket->queueCopy(to, a.socket->localEndpoint(), base::asBytes("six"));
  a.socket->flush();
  ASSERT_TRUE(loop.runUntil([&] { return !a.got.empty(); }, kDeadline));
  EXPECT_EQ(a.got[0].remote, to);
  EXPECT_EQ(b.got[0].local, to);
}

TEST(UdpSocket, TruncatedDatagramsAreDroppedAndCounted) {
  EventLoop loop("test");
  Peer a(loop, kLoopback4);
  UdpOptions small;
  small.maxDatagram = 100;
  Peer b(loop, kLoopback4, small);
  a.socket->queueCopy(b.socket->localEndpoint(), {}, pattern(101, 0));
  a.socket->queueCopy(b.socket->localEndpoint(), {}, pattern(100, 0));
  a.socket->queueCopy(b.socket->localEndpoint(), {}, {});
  a.socket->flush();
  ASSERT_TRUE(loop.runUntil([&] { return b.got.size() == 2; }, kDeadline));
  EXPECT_EQ(b.got[0].data, pattern(100, 0));
  EXPECT_TRUE(b.got[1].data.empty());
  EXPECT_EQ(b.socket->stats().truncated, 1u);
}

/// Runs of equal sizes (segmented), broken by other sizes and another peer, arrive whole and in order.
TEST(UdpSocket, RunsOfEqualSizesArriveAsTheyWereQueued) {
  EventLoop loop("test");
  Peer a(loop, kLoopback4);
  Peer b(loop, kLoopback4);
  Peer c(loop, kLoopback4);
  std::vector<base::Buffer> toB;
  std::size_t toC = 0;
  std::uint8_t tag = 0;
  for (const std::size_t size : {1000, 1000, 1000, 1000, 400, 1000, 1000, 1001, 1001, 1001,
                                 1001, 60,   60,   60,   60,  60,   0,    1200, 1200, 1200}) {
    toB.push_back(pattern(size, ++tag));
    a.socket->queueCopy(b.socket->localEndpoint(), a.socket->localEndpoint(), toB.back());
    if (tag % 6 == 0) {
      a.socket->queueCopy(c.socket->localEndpoint(), {}, toB.back());
      ++toC;
    }
  }
  a.socket->flush();
  ASSERT_TRUE(loop.runUntil([&] { return b.got.size() == toB.size() && c.got.size() == toC; }, kDeadline));
  for (std::size_t i = 0; i < toB.size(); ++i) EXPECT_EQ(b.got[i].data, toB[i]) << i;
  EXPECT_EQ(a.socket->stats().sent, toB.size() + toC);
  EXPECT_EQ(a.socket->stats().sendErrors, 0u);
}

TEST(UdpSocket, LongQueuesAreSentInParts) {
  EventLoop loop("test");
  Peer a(loop, kLoopback4);
  UdpOptions options;
  options.batch = 16;
  Peer b(loop, kLoopback4, options);
  for (std::uint16_t i = 0; i < 1000; ++i) {
    base::Buffer data(20 + i % 7);
    base::storeU16(data.data(), i);
    a.socket->queueCopy(b.socket->localEndpoint(), {}, data);
  }
  a.socket->flush();
  ASSERT_TRUE(loop.runUntil([&] { return b.got.size() == 1000; }, kDeadline));
  for (std::uint16_t i = 0; i < 1000; ++i) {
    EXPECT_EQ(base::loadU16(b.got[i].data.data()), i);
    EXPECT_EQ(b.got[i].data.size(), 20u + i % 7);
  }
  EXPECT_LE(b.largestBatch, 16u);
}

TEST(UdpSocket, AFailingPeerDoesNotHoldUpTheOthers) {
  EventLoop loop("test");
  Peer a(loop, kLoopback4);
  Peer b(loop, kLoopback4);
  const auto nobody = *Endpoint::parse("203.0.113.1", 9);  // No route from a socket bound to loopback.
  for (int i = 0; i < 3; ++i) {
    a.socket->queueCopy(nobody, a.socket->localEndpoint(), pattern(50, 1));
    a.socket->queueCopy(b.socket->localEndpoint(), a.socket->localEndpoint(), pattern(50, 2));
  }
  a.socket->flush();
  ASSERT_TRUE(loop.runUntil([&] { return b.got.size() == 3; }, kDeadline));
  EXPECT_EQ(a.socket->stats().sendErrors + a.socket->stats().sent, 6u);
}

TEST(UdpSocket, TellsWhyItCannotBind) {
  EventLoop loop("test");
  Peer a(loop, kLoopback4);
  const auto again = UdpSocket::open(loop, a.socket->localEndpoint(), {}, [](auto, auto) {});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().reason, "net.bind_failed");
  EXPECT_THAT(again.error().text, testing::HasSubstr(a.socket->localEndpoint().toString()));
  EXPECT_FALSE(UdpSocket::open(loop, *Endpoint::parse("192.0.2.55", 0), {}, [](auto, auto) {}));
}

TEST(UdpSocket, MayGoWhileTheLoopHoldsItsWait) {
  EventLoop loop("test");
  Peer a(loop, kLoopback4);
  {
    Peer b(loop, kLoopback4);
    a.socket->queueCopy(b.socket->localEndpoint(), {}, base::asBytes("late"));
    a.socket->flush();
  }
  loop.poll();
  EXPECT_TRUE(a.got.empty());
}

}  // namespace
}  // namespace parley::net
