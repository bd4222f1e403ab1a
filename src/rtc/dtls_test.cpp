#include "rtc/dtls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/time.h>
#include <time.h>

#include <algorithm>
#include <deque>

#include "base/random.h"
#include "rtc/dtls_certificate.h"

namespace {
/// Micros since the epoch that OpenSSL's retransmission timers are to see; nothing = the real clock.
thread_local std::optional<long long> fakeWall;
}  // namespace

// OpenSSL 3.0 times DTLS by gettimeofday. A definition in the program goes before libc's, so that these
// tests move its time, too.
extern "C" int gettimeofday(struct timeval* tv, void*) noexcept {
  if (fakeWall) {
    *tv = {static_cast<time_t>(*fakeWall / 1'000'000), static_cast<suseconds_t>(*fakeWall % 1'000'000)};
    return 0;
  }
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  *tv = {now.tv_sec, static_cast<suseconds_t>(now.tv_nsec / 1000)};
  return 0;
}

namespace parley::rtc {
namespace {

using namespace std::chrono_literals;
using base::Buffer;
using base::Bytes;

std::shared_ptr<DtlsCertificate> certificate(int which = 0) {
  static std::vector<std::shared_ptr<DtlsCertificate>> made;
  while (made.size() <= static_cast<std::size_t>(which)) made.push_back(DtlsCertificate::generate().value());
  return made[static_cast<std::size_t>(which)];
}

/// What the link does to one direction.
struct LinkFaults {
  unsigned lossPercent = 0, duplicatePercent = 0, reorderPercent = 0;
};

/// Two endpoints, a link between and a clock that moves only when nothing is on the way.
class Pair {
 public:
  explicit Pair(LinkFaults faults = {}, std::uint64_t seed = 1) : faults_(faults), random_(seed) {
    fakeWall = 1'700'000'000'000'000;
  }
  ~Pair() { fakeWall.reset(); }

  void make(std::vector<Fingerprint> clientExpects = {certificate(1)->fingerprint()},
            std::vector<Fingerprint> serverExpects = {certificate(0)->fingerprint()}) {
    client =
        DtlsEndpoint::create(certificate(0), DtlsRole::client, std::move(clientExpects), [this](Bytes d) {
          put(toServer_, d);
        }).value();
    server =
        DtlsEndpoint::create(certificate(1), DtlsRole::server, std::move(serverExpects), [this](Bytes d) {
          put(toClient_, d);
        }).value();
  }
  void start() {
    server->start(now);
    client->start(now);
  }
  /// Delivers and lets time pass until neither end wants a timer, or `limit` is over.
  void run(base::Millis limit = base::Millis{60'000}) {
    const base::Instant end = now + limit;
    while (true) {
      deliverAll();
      std::optional<base::Instant> next;
      for (const auto& end1 : {client.get(), server.get()}) {
        const auto at = end1->nextTimer();
        if (at && (!next || *at < *next)) next = at;
      }
      if (!next || *next > end) return;
      ++wakeUps;
      advance(std::max(*next - now, base::Instant::duration::zero()));
      client->onTimer(now);
      server->onTimer(now);
    }
  }
  void advance(base::Instant::duration by) {
    now += by;
    *fakeWall += std::chrono::duration_cast<std::chrono::microseconds>(by).count();
  }
  void deliverAll() {
    while (!toServer_.empty() || !toClient_.empty()) {
      deliver(toServer_, *server);
      deliver(toClient_, *client);
    }
  }
  void dropAll() {
    toServer_.clear();
    toClient_.clear();
  }

  std::unique_ptr<DtlsEndpoint> client, server;
  base::Instant now{1h};
  std::vector<Buffer> sent;  ///< All, both ways.
  int wakeUps = 0;

 private:
  void put(std::deque<Buffer>& queue, Bytes datagram) {
    sent.emplace_back(datagram.begin(), datagram.end());
    EXPECT_LE(datagram.size(), DtlsEndpoint::kMtu);
    if (chance(faults_.lossPercent)) return;
    const int copies = chance(faults_.duplicatePercent) ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
      auto at = queue.end();
      if (chance(faults_.reorderPercent))
        at -= static_cast<std::ptrdiff_t>(random_.u32() % (queue.size() + 1));
      queue.insert(at, sent.back());
    }
  }
  void deliver(std::deque<Buffer>& queue, DtlsEndpoint& to) {
    if (queue.empty()) return;
    const Buffer datagram = std::move(queue.front());
    queue.pop_front();
    to.onDatagram(datagram, now);
  }
  bool chance(unsigned percent) { return random_.u32() % 100 < percent; }

  LinkFaults faults_;
  base::FakeRandom random_;
  std::deque<Buffer> toServer_, toClient_;
};

void expectConnected(const Pair& pair) {
  ASSERT_EQ(pair.client->state(), DtlsState::connected) << pair.client->error().value_or(base::Error{}).text;
  ASSERT_EQ(pair.server->state(), DtlsState::connected) << pair.server->error().value_or(base::Error{}).text;
  const SrtpKeys &c = pair.client->keys().value(), &s = pair.server->keys().value();
  EXPECT_EQ(c.profile, s.profile);
  EXPECT_EQ(c.sendKey, s.receiveKey);
  EXPECT_EQ(c.sendSalt, s.receiveSalt);
  EXPECT_EQ(c.receiveKey, s.sendKey);
  EXPECT_EQ(c.receiveSalt, s.sendSalt);
  EXPECT_NE(c.sendKey, c.receiveKey);
  EXPECT_EQ(c.sendKey.size(), srtpKeyBytes(c.profile));
  EXPECT_EQ(c.sendSalt.size(), srtpSaltBytes(c.profile));
}

TEST(DtlsTest, HandshakeGivesMatchingKeys) {
  Pair pair;
  pair.make();
  EXPECT_EQ(pair.client->state(), DtlsState::idle);
  pair.start();
  EXPECT_EQ(pair.server->state(), DtlsState::handshaking);
  pair.deliverAll();
  expectConnected(pair);
  EXPECT_EQ(pair.client->keys()->profile, SrtpProfile::aeadAes128Gcm);
  EXPECT_FALSE(pair.client->nextTimer());
  EXPECT_FALSE(pair.server->nextTimer());
}

TEST(DtlsTest, LossyLink) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    Pair pair({.lossPercent = 20, .duplicatePercent = 20, .reorderPercent = 30}, seed);
    pair.make();
    pair.start();
    pair.run();
    SCOPED_TRACE(seed);
    expectConnected(pair);
  }
}

}  // namespace
}  // namespace parley::rtc
