#include "rtc/dtls.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/time.h>
#include <time.h>

#include <algorithm>
#include <cctype>
#include <thread>

#include "rtc/dtls_certificate.h"
#include "rtc/dtls_pair.h"

// OpenSSL 3.0 times DTLS by gettimeofday. A definition in the program goes before libc's, so that these
// tests move its time, too.
extern "C" int gettimeofday(struct timeval* tv, void*) noexcept {
  if (const auto& fake = parley::rtc::DtlsPair::fakeWall) {
    *tv = {static_cast<time_t>(*fake / 1'000'000), static_cast<suseconds_t>(*fake % 1'000'000)};
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

std::shared_ptr<DtlsCertificate> certificate(int which = 0) { return DtlsPair::certificate(which); }

void expectConnected(const DtlsPair& pair) {
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
  DtlsPair pair;
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
    DtlsPair pair({.lossPercent = 20, .duplicatePercent = 20, .reorderPercent = 30}, seed);
    pair.make();
    pair.start();
    pair.run();
    SCOPED_TRACE(seed);
    expectConnected(pair);
  }
}

/// Losing any one datagram, whichever it is, costs one retransmission and never the handshake.
TEST(DtlsTest, AnySingleLossIsRepaired) {
  for (int lost = 0; lost < 12; ++lost) {
    DtlsPair pair;
    pair.loseOnly(lost);
    pair.make();
    pair.start();
    pair.run();
    SCOPED_TRACE(lost);
    expectConnected(pair);
    EXPECT_LT(pair.now - base::Instant{1h}, 1s);
  }
}

TEST(DtlsTest, RetransmitsAtGrowingIntervalsAndGivesUp) {
  DtlsPair pair;
  pair.make();
  const base::Instant began = pair.now;
  pair.client->start(pair.now);
  std::vector<long> sentAfter;
  while (const auto next = pair.client->nextTimer()) {
    const std::size_t before = pair.sent.size();
    pair.dropAll();
    pair.advance(*next - pair.now);
    pair.client->onTimer(pair.now);
    if (pair.sent.size() > before)
      sentAfter.push_back(std::chrono::duration_cast<base::Millis>(pair.now - began).count());
  }
  EXPECT_EQ(pair.client->state(), DtlsState::failed);
  EXPECT_EQ(pair.client->error()->reason, "dtls.timeout");
  EXPECT_LE(pair.now - began, DtlsEndpoint::kHandshakeLimit);
  ASSERT_GE(sentAfter.size(), 8u);
  EXPECT_LE(sentAfter.size(), 14u);
  long interval = 200, at = 0;
  for (const long found : sentAfter) {
    at += interval;
    EXPECT_NEAR(static_cast<double>(found), static_cast<double>(at),
                20.0 * static_cast<double>(sentAfter.size()));
    interval = std::min(interval * 2, 3'000L);
  }
}

TEST(DtlsTest, AStepBackOfTheClockDoesNotEndALossyHandshake) {
  for (int lost = 0; lost < 6; ++lost) {
    DtlsPair pair;
    pair.make();
    pair.loseOnly(lost);
    pair.start();
    pair.deliverAll();
    *DtlsPair::fakeWall -= 3'600'000'000LL;  // An hour.
    pair.run();
    expectConnected(pair);
    EXPECT_LT(pair.now - base::Instant{1h}, 10s) << lost;
  }
}

TEST(DtlsTest, ServerWaitsNoLongerThanTheLimit) {
  DtlsPair pair;
  pair.make();
  pair.server->start(pair.now);
  ASSERT_EQ(pair.server->nextTimer(), pair.now + DtlsEndpoint::kHandshakeLimit);
  pair.advance(DtlsEndpoint::kHandshakeLimit - 1ms);
  pair.server->onTimer(pair.now);
  EXPECT_EQ(pair.server->state(), DtlsState::handshaking);
  pair.advance(1ms);
  pair.server->onTimer(pair.now);
  EXPECT_EQ(pair.server->state(), DtlsState::failed);
  EXPECT_EQ(pair.server->error()->reason, "dtls.timeout");
  EXPECT_FALSE(pair.server->nextTimer());
}

TEST(DtlsTest, TimerCallsAtAnyTimeAreHarmless) {
  DtlsPair pair;
  pair.make();
  pair.client->onTimer(pair.now);
  pair.start();
  for (int i = 0; i < 5; ++i) pair.client->onTimer(pair.now);
  EXPECT_EQ(pair.sent.size(), 1u);
  pair.deliverAll();
  pair.advance(1h);
  pair.client->onTimer(pair.now);
  pair.server->onTimer(pair.now);
  expectConnected(pair);
}

TEST(DtlsTest, WrongFingerprintAtTheServer) {
  DtlsPair pair;
  pair.make({certificate(1)->fingerprint()}, {certificate(2)->fingerprint()});
  pair.start();
  pair.run();
  EXPECT_EQ(pair.server->state(), DtlsState::failed);
  EXPECT_EQ(pair.server->error()->reason, "dtls.bad_fingerprint");
  EXPECT_FALSE(pair.server->keys());
  EXPECT_EQ(pair.client->state(), DtlsState::failed);
  EXPECT_EQ(pair.client->error()->reason, "dtls.alert");
  EXPECT_FALSE(pair.client->keys());
}

TEST(DtlsTest, WrongFingerprintAtTheClient) {
  DtlsPair pair;
  pair.make({certificate(2)->fingerprint()}, {certificate(0)->fingerprint()});
  pair.start();
  pair.run();
  EXPECT_EQ(pair.client->error()->reason, "dtls.bad_fingerprint");
  EXPECT_EQ(pair.server->error()->reason, "dtls.alert");
  EXPECT_FALSE(pair.client->keys() || pair.server->keys());
}

TEST(DtlsTest, FingerprintByEachAlgorithm) {
  const X509* x = SSL_CTX_get0_certificate(static_cast<OpensslCertificate&>(*certificate(1)).context());
  const Fingerprint s1{"sha-1", fingerprintOf(*x, *EVP_sha1())},
      s256 = certificate(1)->fingerprint(), s384{"sha-384", fingerprintOf(*x, *EVP_sha384())},
      s512{"SHA-512", fingerprintOf(*x, *EVP_sha512())}, other = certificate(2)->fingerprint(),
      unknown{"md5", "00"};
  Fingerprint lower = s256, cut = s256;
  for (char& c : lower.value) c = static_cast<char>(std::tolower(c));
  cut.value.resize(cut.value.size() - 3);
  EXPECT_EQ(s256.value.size(), 95u);
  for (const auto& good : {s1, s256, s384, s512, lower})
    EXPECT_TRUE(matchesFingerprint(*x, {good})) << good.algorithm;
  EXPECT_TRUE(matchesFingerprint(*x, {unknown, other, s256}));
  EXPECT_FALSE(matchesFingerprint(*x, {}));
  EXPECT_FALSE(matchesFingerprint(*x, {unknown}));
  EXPECT_FALSE(matchesFingerprint(*x, {other}));
  EXPECT_FALSE(matchesFingerprint(*x, {cut}));
  EXPECT_FALSE(matchesFingerprint(*x, {{"sha-256", ""}}));
  EXPECT_FALSE(matchesFingerprint(*x, {s1, other})) << "a weak match must not outweigh a strong mismatch";
  EXPECT_FALSE(matchesFingerprint(*x, {{"sha-384", s256.value}}));
}

TEST(DtlsTest, FingerprintsThatComeLater) {
  DtlsPair pair;
  pair.make({}, {});
  pair.start();
  pair.run(base::Millis{1'000});
  EXPECT_EQ(pair.client->state(), DtlsState::handshaking);
  EXPECT_EQ(pair.server->state(), DtlsState::handshaking);
  EXPECT_FALSE(pair.client->keys() || pair.server->keys());
  pair.server->setRemoteFingerprints({certificate(0)->fingerprint()});
  EXPECT_EQ(pair.server->state(), DtlsState::connected);
  pair.client->setRemoteFingerprints({certificate(1)->fingerprint()});
  expectConnected(pair);
  EXPECT_FALSE(pair.client->nextTimer());
  // Too late to change anything.
  pair.client->setRemoteFingerprints({certificate(2)->fingerprint()});
  expectConnected(pair);
}

TEST(DtlsTest, FingerprintThatComesLaterAndIsWrong) {
  DtlsPair pair;
  pair.make({certificate(1)->fingerprint()}, {});
  pair.start();
  pair.deliverAll();
  EXPECT_EQ(pair.client->state(), DtlsState::connected);
  pair.server->setRemoteFingerprints({certificate(2)->fingerprint()});
  EXPECT_EQ(pair.server->error()->reason, "dtls.bad_fingerprint");
  EXPECT_FALSE(pair.server->keys());
  pair.deliverAll();
  EXPECT_EQ(pair.client->state(), DtlsState::closed);
}

TEST(DtlsTest, FingerprintThatNeverComes) {
  DtlsPair pair;
  pair.make({certificate(1)->fingerprint()}, {});
  pair.start();
  pair.run();
  EXPECT_EQ(pair.server->error()->reason, "dtls.timeout");
}

TEST(DtlsTest, WaitingForTheFingerprintStillAnswersRepeats) {
  DtlsPair pair;
  pair.make({certificate(1)->fingerprint()}, {});
  pair.loseLastFlightOfServer(2);
  pair.start();
  pair.run(base::Millis{5'000});
  EXPECT_EQ(pair.client->state(), DtlsState::connected);
  EXPECT_EQ(pair.server->state(), DtlsState::handshaking);
}

TEST(DtlsTest, CloseTellsThePeer) {
  for (const bool clientCloses : {true, false}) {
    DtlsPair pair;
    pair.make();
    pair.start();
    pair.deliverAll();
    DtlsEndpoint &closing = clientCloses ? *pair.client : *pair.server,
                 &other = clientCloses ? *pair.server : *pair.client;
    closing.close();
    closing.close();
    EXPECT_EQ(closing.state(), DtlsState::closed);
    pair.deliverAll();
    EXPECT_EQ(other.state(), DtlsState::closed);
    EXPECT_FALSE(other.error());
    EXPECT_TRUE(closing.keys());  // a copy may be wanted still
    const std::size_t sent = pair.sent.size();
    closing.onDatagram(pair.sent.front(), pair.now);
    closing.onTimer(pair.now);
    EXPECT_EQ(pair.sent.size(), sent);
    EXPECT_EQ(closing.state(), DtlsState::closed);
  }
}

TEST(DtlsTest, CloseWithinTheHandshake) {
  DtlsPair pair;
  pair.make();
  pair.client->close();
  EXPECT_EQ(pair.client->state(), DtlsState::closed);
  pair.client->start(pair.now);
  EXPECT_TRUE(pair.sent.empty());
  pair.make();
  pair.start();
  pair.client->close();
  pair.run();
  EXPECT_EQ(pair.client->state(), DtlsState::closed);
  EXPECT_EQ(pair.server->error()->reason, "dtls.timeout");
}

TEST(DtlsTest, ForgedAlertsAreIgnoredOnceConnected) {
  DtlsPair pair;
  pair.make();
  pair.start();
  pair.deliverAll();
  const std::size_t handshake = pair.sent.size();
  pair.client->close();
  ASSERT_EQ(pair.sent.size(), handshake + 1);
  const Buffer alert = pair.sent.back();
  pair.dropAll();
  for (std::size_t i = 0; i < alert.size(); ++i) {
    Buffer forged = alert;
    forged[i] ^= 1;
    pair.server->onDatagram(forged, pair.now);
    EXPECT_EQ(pair.server->state(), DtlsState::connected) << "byte " << i;
    pair.server->onDatagram(Bytes(alert).first(i), pair.now);
    EXPECT_EQ(pair.server->state(), DtlsState::connected) << "cut at " << i;
  }
  const Buffer plain{21, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40};
  pair.server->onDatagram(plain, pair.now);
  EXPECT_EQ(pair.server->state(), DtlsState::connected);
  pair.server->onDatagram(alert, pair.now);
  EXPECT_EQ(pair.server->state(), DtlsState::closed);
}

TEST(DtlsTest, LastFlightOfTheServerLost) {
  DtlsPair pair;
  pair.loseLastFlightOfServer(3);
  pair.make();
  pair.start();
  pair.deliverAll();
  EXPECT_EQ(pair.server->state(), DtlsState::connected);
  EXPECT_EQ(pair.client->state(), DtlsState::handshaking);
  pair.run();
  expectConnected(pair);
}

TEST(DtlsTest, RepeatsOfTheLastFlightAreBounded) {
  DtlsPair pair;
  pair.make();
  pair.start();
  pair.deliverAll();
  const std::vector<Buffer> all = pair.sent;
  const std::size_t before = pair.sent.size();
  for (int i = 0; i < 100; ++i) {
    for (const Buffer& datagram : all) pair.server->onDatagram(datagram, pair.now);
    pair.advance(1ms);
  }
  EXPECT_LE(pair.sent.size() - before, 6u);
  expectConnected(pair);
}

TEST(DtlsTest, GarbageDoesNotDisturb) {
  base::FakeRandom random(9);
  const auto garbage = [&random](std::size_t size) {
    Buffer out(size);
    random.fill(out);
    if (size > 0) out[0] = static_cast<std::uint8_t>(20 + out[0] % 44);
    if (size > 12 && out[1] % 2 == 0) {  // a record that looks well
      out[1] = 0xFE;
      out[2] = 0xFD;
      base::storeU16(&out[11], static_cast<std::uint16_t>(size - 13));
      out[3] = 0;
      out[4] = 1;  // of the next epoch: not readable yet
    }
    return out;
  };
  DtlsPair pair;
  pair.onDeliver = [&](DtlsEndpoint& to) {
    for (const std::size_t size : {0, 1, 12, 13, 14, 40, 1'200, 20'000})
      to.onDatagram(garbage(size), pair.now);
  };
  pair.make();
  pair.start();
  pair.run();
  expectConnected(pair);
  pair.onDeliver(*pair.server);
  pair.onDeliver(*pair.client);
  expectConnected(pair);
}

TEST(DtlsTest, EveryChangedByteOfTheHandshakeEndsWell) {
  // Whatever one changed byte does, both ends agree on the keys or have none, and nothing is left running.
  DtlsPair reference;
  reference.make();
  reference.start();
  reference.run();
  for (std::size_t which = 0; which < reference.sent.size(); ++which) {
    for (std::size_t at = 0; at < reference.sent[which].size(); at += 7) {
      DtlsPair pair;
      pair.corrupt(which, at);
      pair.make();
      pair.start();
      pair.run();
      if (pair.client->keys() && pair.server->keys()) {
        EXPECT_EQ(pair.client->keys()->sendKey, pair.server->keys()->receiveKey);
      }
      EXPECT_FALSE(pair.client->nextTimer() || pair.server->nextTimer());
      EXPECT_NE(pair.client->state(), DtlsState::handshaking);
    }
  }
}

TEST(DtlsTest, PlainAlertEndsAHandshake) {
  DtlsPair pair;
  pair.make();
  pair.client->start(pair.now);
  pair.client->onDatagram(Buffer{21, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 40}, pair.now);
  EXPECT_EQ(pair.client->error()->reason, "dtls.alert");
}

TEST(DtlsTest, HugeMessageIsRefused) {
  DtlsPair pair;
  pair.make();
  pair.server->start(pair.now);
  // A ClientHello that claims 16 MB, its first fragment.
  Buffer datagram{22, 0xFE, 0xFD, 0,    0, 0, 0, 0, 0, 0, 0, 0,  112,
                  1,  0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0, 0, 100};
  datagram.resize(13 + 112);
  pair.server->onDatagram(datagram, pair.now);
  pair.run();
  EXPECT_EQ(pair.server->state(), DtlsState::failed);
}

TEST(DtlsTest, DestroyedWithinTheHandshake) {
  for (int rounds = 0; rounds < 6; ++rounds) {
    DtlsPair pair;
    pair.make();
    pair.start();
    for (int i = 0; i < rounds; ++i) pair.deliverOne();
  }
}

TEST(DtlsTest, OneCertificateServesManyThreads) {
  std::vector<std::thread> threads;
  std::array<bool, 4> connected{};
  for (std::size_t t = 0; t < connected.size(); ++t)
    threads.emplace_back([&connected, t] {
      connected[t] = true;
      for (int i = 0; i < 5; ++i) {
        DtlsPair pair;
        pair.make();
        pair.start();
        pair.run();
        connected[t] = connected[t] && pair.client->state() == DtlsState::connected;
      }
    });
  for (std::thread& thread : threads) thread.join();
  for (const bool ok : connected) EXPECT_TRUE(ok);
}

TEST(DtlsTest, CertificatesDiffer) {
  EXPECT_NE(certificate(0)->fingerprint().value, certificate(1)->fingerprint().value);
  EXPECT_EQ(certificate(0)->fingerprint().algorithm, "sha-256");
}

}  // namespace
}  // namespace parley::rtc
