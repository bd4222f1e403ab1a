// The rule for large requests (RFC 3261 section 18.1.1) with the transaction layer over real sockets.
#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include "sip/transaction.h"
#include "sipnet/test_rig.h"

namespace parley::sipnet {
namespace {

using namespace rig;
using ::testing::IsEmpty;

/// A side whose transport feeds a transaction layer.
struct Layered final : Side, sip::TransactionUser {
  explicit Layered(net::EventLoop& l)
      : Side(l), layer({.streamPatience = Millis{50}}, transport, random, timers, refusals), timer(l) {
    layer.setUser(this);
  }
  void onMessage(sip::Message message, const sip::Source& source) override {
    layer.receive(std::move(message), source, loop.now());
    arm();
  }
  void onSendFailed(sip::SendToken token, std::string_view reason) override {
    Side::onSendFailed(token, reason);
    layer.onSendFailed(token, reason, loop.now());
    arm();
  }
  bool admits(const sip::Message&, const sip::Source&) override { return true; }
  void onRequest(sip::TransactionId, const sip::Message&, const sip::Source&) override {}
  void onCancel(sip::TransactionId, const sip::Message&) override {}
  void onAck(const sip::Message&, const sip::Source&) override {}
  void onResponse(sip::TransactionId, const sip::Message& response, const sip::Source& source) override {
    answers.emplace_back(response.status(), source.kind);
  }
  void onRequestFailed(sip::TransactionId, int status, std::string_view) override {
    failures.push_back(status);
  }
  void onResponseFailed(sip::TransactionId, std::string_view) override {}
  void onGone(sip::TransactionId) override {}

  void ask(const sip::Target& target, std::size_t bodyBytes) {
    sip::Message request = *sip::Message::parse(optionsRequest());
    request.popVia();
    request.setBody(std::string(bodyBytes, 'x'), "text/plain");
    layer.request(std::move(request), target, loop.now());
    arm();
  }
  void arm() {
    if (timers.next() == base::Instant::max()) return timer.stop();
    const auto wait = std::chrono::ceil<Millis>(timers.next() - loop.now());
    timer.start(std::max(wait, Millis{0}), [this] {
      timers.run(loop.now());
      arm();
    });
  }

  base::SystemRandom random;
  sip::TimerHeap timers;
  sip::RefusalCounts refusals{};
  sip::TransactionLayer layer;
  net::Timer timer;
  std::vector<std::pair<int, TransportKind>> answers;
  std::vector<int> failures;
};

struct LargeRequestTest : ::testing::Test {
  /// Sends one and answers it; the transport it came by.
  TransportKind carried(const sip::Target& target, std::size_t bodyBytes) {
    const std::size_t before = server.messages.size();
    client.ask(target, bodyBytes);
    EXPECT_TRUE(server.got(before + 1));
    const auto& [request, source] = server.messages.back();
    EXPECT_EQ(request.body().size(), bodyBytes);
    EXPECT_EQ(request.topVia()->transport, sip::toString(source.kind)) << "Via says how it came";
    const std::size_t answered = client.answers.size();
    server.transport.send(sip::Message::responseTo(request, 200, "t").write(), source.target(), {});
    EXPECT_TRUE(loop.runUntil([&] { return client.answers.size() > answered; }, kDeadline));
    return source.kind;
  }
  net::EventLoop loop{"test"};
  Side server{loop};
  Layered client{loop};
};

TEST_F(LargeRequestTest, GoesOverTcpWhereThereIsOne) {
  net::Endpoint udp = server.listen(TransportKind::udp);
  // The same port, if nobody else has it.
  while (!server.transport.listen(TransportKind::tcp, udp)) udp = server.listen(TransportKind::udp);
  client.listen(TransportKind::udp);
  EXPECT_EQ(carried(targetOf(TransportKind::udp, udp), 100), TransportKind::udp);
  EXPECT_EQ(carried(targetOf(TransportKind::udp, udp), 3'000), TransportKind::tcp);
  EXPECT_THAT(client.failures, IsEmpty());
}

TEST_F(LargeRequestTest, GoesOverUdpWhereTcpIsRefused) {
  const auto udp = server.listen(TransportKind::udp);
  client.listen(TransportKind::udp);
  EXPECT_EQ(carried(targetOf(TransportKind::udp, udp), 3'000), TransportKind::udp);
  EXPECT_EQ(client.failed.size(), 1u) << "TCP was tried";
  EXPECT_EQ(client.failed[0].second, "sip.transport_connect_failed");
  EXPECT_THAT(client.failures, IsEmpty());
}

/// Takes no connection: its queue is full, so that the kernel drops each SYN.
struct FullListener {
  FullListener(net::EventLoop& loop, const net::Endpoint& at)
      : fd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_storage address{};
    const auto length = at.toSockaddr6(address);
    bound =
        ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), length) == 0 && ::listen(fd.get(), 0) == 0;
    for (int i = 0; bound && i < 4; ++i) fillers.push_back(std::make_unique<RawPeer>(loop, at));
  }
  net::FileDescriptor fd;
  bool bound = false;
  std::vector<std::unique_ptr<RawPeer>> fillers;
};

TEST_F(LargeRequestTest, GoesOverUdpWhereTcpSaysNothing) {
  net::Endpoint udp;
  std::optional<FullListener> deaf;
  do {
    udp = server.listen(TransportKind::udp);
    deaf.emplace(loop, udp);
  } while (!deaf->bound);
  client.listen(TransportKind::udp);
  EXPECT_EQ(carried(targetOf(TransportKind::udp, udp), 3'000), TransportKind::udp);
  EXPECT_THAT(client.failed, IsEmpty()) << "it was taken back";
  EXPECT_THAT(client.failures, IsEmpty());
  EXPECT_EQ(carried(targetOf(TransportKind::udp, udp), 3'000), TransportKind::udp);
}

}  // namespace
}  // namespace parley::sipnet
