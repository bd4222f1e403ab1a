// Calls with SIP devices over real UDP sockets.
#include "broker/rtp_leg.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/test_fake_phone.h"
#include "broker/test_patience.h"
#include "broker/worker.h"
#include "proto/telephone_event.h"

namespace parley::broker {
namespace {

using namespace std::chrono_literals;
using rtc::DropReason;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

class RtpLegTest : public testing::Test {
 protected:
  explicit RtpLegTest(RtpLatch latch = RtpLatch::signalled, std::uint16_t first = 0, std::uint16_t last = 0) {
    WorkerOptions options;
    options.bind = {*net::Endpoint::parse("127.0.0.1", 0)};
    options.advertised = options.bind;
    options.certificate = *rtc::DtlsCertificate::generate();
    options.rtp.bind = *net::Endpoint::parse("0.0.0.0", 0);
    options.rtp.advertised = options.bind;
    options.rtp.latch = latch;
    options.rtp.first = first;
    options.rtp.last = last;
    worker_ = *Worker::open(loop_, std::move(options), [this](WorkerEvent event) {
      if (const auto* leg = std::get_if<LegEvent>(&event))
        events_.push_back(leg->leg + " " + std::string(leg->what) + keyOf(*leg));
    });
  }

  static std::string keyOf(const LegEvent& event) {
    std::string out;
    if (event.what == "dtmf")
      for (const auto& [name, value] : event.detail) out += " " + value;
    return out;
  }
  static CallSpec spec(rtc::RtpSecurity security = rtc::RtpSecurity::none) {
    CallSpec spec;
    spec.id = "c1";
    spec.legs = {{"consumer", rtc::LegKind::webrtc, {}}, {"p1", rtc::LegKind::rtp, security}};
    return spec;
  }
  /// The browser calls the phone, which takes `formats`; the browser then speaks that codec only.
  void establish(FakeBrowser& browser, FakePhone& phone, const std::string& formats = "0",
                 rtc::RtpSecurity security = rtc::RtpSecurity::none) {
    browser.audio = {{111, "opus/48000/2"}, {0, "PCMU/8000"}, {8, "PCMA/8000"}};
    ASSERT_TRUE(worker_->create(spec(security)));
    const auto offer = worker_->offer("c1", "consumer", browser.offer(), "p1");
    ASSERT_TRUE(offer) << offer.error().text;
    phone.apply(*offer);
    const auto answer = worker_->answer("c1", "p1", phone.sdp(formats));
    ASSERT_TRUE(answer) << answer.error().text;
    connect(browser, *answer);
  }
  void connect(FakeBrowser& browser, const std::string& answer) {
    browser.apply(answer);
    browser.connect();
    ASSERT_TRUE(
        run([&] { return browser.connected() && legReport("consumer").dtls == rtc::DtlsState::connected; }));
  }
  template <class Work>
  auto call(Work work) {
    return worker_->change("c1", [&](Call& c, base::Instant now) { return work(c, now); });
  }
  LegReport legReport(const std::string& id) {
    const auto report = worker_->report("c1");
    if (report)
      for (const LegReport& leg : report->legs)
        if (leg.id == id) return leg;
    ADD_FAILURE() << "no leg " << id;
    return {};
  }
  bool run(const std::function<bool()>& done) { return loop_.runUntil(done, kPatience); }
  std::uint64_t dropped(DropReason reason) const {
    return worker_->drops()[static_cast<std::size_t>(reason)];
  }
  template <class Receiver>
  void expectArrives(Receiver& to, const std::function<void()>& send, const std::string& payload) {
    const std::size_t before = to.received.size();
    send();
    ASSERT_TRUE(run([&] { return to.received.size() > before; })) << payload;
    EXPECT_EQ(base::asText(to.received.back().payload), payload);
  }
  void expectBothWays(FakeBrowser& browser, FakePhone& phone, std::uint8_t payloadType = FakePhone::kPcmu) {
    expectArrives(
        phone, [&] { browser.sendRtp(payloadType, "to the phone"); }, "to the phone");
    expectArrives(
        browser, [&] { phone.sendRtp("to the browser", payloadType); }, "to the browser");
  }

  /// A packet that the device does not want: waits until it was thrown away.
  void sendInVain(FakeBrowser& browser) {
    browser.sendRtp(0, "not sent");
    ASSERT_TRUE(run([&] {
      return legReport("consumer").stats.drops[static_cast<std::size_t>(DropReason::peerDirection)] == 1;
    }));
  }

  net::EventLoop loop_{"test"};
  std::vector<std::string> events_;
  std::unique_ptr<Worker> worker_;
};

TEST_F(RtpLegTest, ABrowserAndADeviceHearEachOther) {
  FakeBrowser browser(loop_, 1000);
  FakePhone phone(loop_, 5000);
  establish(browser, phone);
  expectBothWays(browser, phone);
  EXPECT_EQ(phone.received.back().header.payloadType, FakePhone::kPcmu);
  const LegReport leg = legReport("p1");
  EXPECT_EQ(leg.kind, rtc::LegKind::rtp);
  EXPECT_EQ(leg.remote, phone.local().toString());
  EXPECT_EQ(leg.local, phone.target.toString());
  EXPECT_TRUE(leg.connected);
  EXPECT_EQ(leg.peer, "consumer");
  EXPECT_EQ(leg.stats.sections.at(0).fromPeer.packets, 1u);
  EXPECT_EQ(leg.stats.sections.at(0).toPeer.codec, "PCMU");
  EXPECT_THAT(events_, Contains("p1 rtp-connected").Times(1));
  worker_->tick(loop_.now());
  EXPECT_THAT(events_, Contains("p1 first-media"));
}

TEST_F(RtpLegTest, ReportsReachTheDevicesRtcpPort) {
  FakeBrowser browser(loop_, 1000);
  FakePhone phone(loop_, 5000);
  establish(browser, phone);
  expectBothWays(browser, phone);
  EXPECT_TRUE(run([&] { return phone.receivedRtcp > 0; }));
}

TEST_F(RtpLegTest, EncryptedForTheDevice) {
  std::uint32_t tag = 1;
  for (const auto profile : rtc::sdesProfiles()) {
    FakeBrowser browser(loop_, 1000);
    FakePhone phone(loop_, 5000);
    phone.useSdes(profile, tag++);
    establish(browser, phone, "0", rtc::RtpSecurity::sdes);
    expectBothWays(browser, phone);
    EXPECT_EQ(phone.undecryptable, 0u);
    EXPECT_EQ(legReport("p1").srtp, toString(profile));
    const base::Buffer forged(60, 0x80);
    base::Buffer plain = forged;
    plain[1] = 0;
    const std::uint64_t before = dropped(DropReason::srtpAuthentication);
    phone.sendRaw(plain);
    EXPECT_TRUE(run([&] { return dropped(DropReason::srtpAuthentication) > before; }));
    ASSERT_TRUE(worker_->remove("c1"));
  }
}

TEST_F(RtpLegTest, WhatADeviceHoldsIsNotSentToIt) {
  FakeBrowser browser(loop_, 1000);
  FakePhone phone(loop_, 5000);
  establish(browser, phone);
  expectBothWays(browser, phone);
  const auto held = call([&](Call& c, base::Instant now) {
    return c.answerLocally("p1", phone.sdp("0", "a=sendonly\r\n"), now);
  });
  ASSERT_TRUE(held) << held.error().text;
  EXPECT_TRUE(held->peerHolds);
  EXPECT_THAT(held->sdp, testing::HasSubstr("a=recvonly"));
  sendInVain(browser);
  expectArrives(
      browser, [&] { phone.sendRtp("music"); }, "music");
  EXPECT_EQ(phone.received.size(), 1u);
  const auto resumed =
      call([&](Call& c, base::Instant now) { return c.answerLocally("p1", phone.sdp(), now); });
  ASSERT_TRUE(resumed);
  EXPECT_FALSE(resumed->peerHolds);
  expectBothWays(browser, phone);
}

TEST_F(RtpLegTest, AHoldByAddressStillLetsTheDevicesMusicIn) {
  FakeBrowser browser(loop_, 1000);
  FakePhone phone(loop_, 5000);
  establish(browser, phone);
  expectBothWays(browser, phone);
  std::string nowhere = phone.sdp();
  nowhere.replace(nowhere.find("c=IN IP4 127.0.0.1"), 18, "c=IN IP4 0.0.0.0");
  const auto held = call([&](Call& c, base::Instant now) { return c.answerLocally("p1", nowhere, now); });
  ASSERT_TRUE(held) << held.error().text;
  EXPECT_TRUE(held->peerHolds);
  expectArrives(
      browser, [&] { phone.sendRtp("music"); }, "music");
  sendInVain(browser);
  ASSERT_TRUE(call([&](Call& c, base::Instant now) { return c.answerLocally("p1", phone.sdp(), now); }));
  expectBothWays(browser, phone);
  EXPECT_EQ(phone.received.size(), 2u);
}

TEST_F(RtpLegTest, WhomWeHoldMayHearARingingTone) {
  FakeBrowser browser(loop_, 1000);
  FakePhone phone(loop_, 5000);
  establish(browser, phone);
  const auto hold = [&](bool held, bool ringing) {
    return call([=](Call& c, base::Instant now) { return c.hold("consumer", held, now, ringing); });
  };
  ASSERT_TRUE(hold(true, true));
  ASSERT_TRUE(run([&] { return phone.received.size() >= 5; }));
  ASSERT_TRUE(hold(true, false));
  const std::size_t heard = phone.received.size();
  EXPECT_TRUE(legReport("p1").held);
  ASSERT_TRUE(hold(false, false));
  expectBothWays(browser, phone);
  EXPECT_LE(phone.received.size(), heard + 2) << "no tone any more";
}

TEST_F(RtpLegTest, WhomWeHoldHearsNothingAndIsNotHeard) {
  FakeBrowser browser(loop_, 1000);
  FakePhone phone(loop_, 5000);
  establish(browser, phone);
  expectBothWays(browser, phone);
  ASSERT_TRUE(call([](Call& c, base::Instant now) { return c.hold("consumer", true, now); }));
  EXPECT_TRUE(legReport("p1").held);
  browser.sendRtp(0, "a");
  phone.sendRtp("b");
  const auto onHold = [&](const char* leg) {
    return legReport(leg).stats.drops[static_cast<std::size_t>(DropReason::onHold)];
  };
  ASSERT_TRUE(run([&] { return onHold("p1") == 1 && onHold("consumer") == 1; }));
  ASSERT_TRUE(call([](Call& c, base::Instant now) { return c.hold("consumer", false, now); }));
  expectBothWays(browser, phone);
  EXPECT_EQ(phone.received.size(), 2u);
}

TEST_F(RtpLegTest, ATransferGoesOnWithoutAJump) {
  FakeBrowser browser(loop_, 1000);
  FakePhone first(loop_, 5000), second(loop_, 6000);
  establish(browser, first);
  expectBothWays(browser, first);
  ASSERT_TRUE(call([](Call& c, base::Instant now) {
    return c.addLeg({"p2", rtc::LegKind::rtp, rtc::RtpSecurity::none}, now);
  }));
  EXPECT_EQ(worker_->sizes().legs, 3u);
  const auto offer = call([](Call& c, base::Instant now) { return c.makeOffer("p2", "consumer", now); });
  ASSERT_TRUE(offer) << offer.error().text;
  second.apply(*offer);
  const auto answered = call([&](Call& c, base::Instant now) { return c.answer("p2", second.sdp(), now); });
  ASSERT_TRUE(answered) << answered.error().text;
  EXPECT_EQ(answered->sdp, "");
  const auto unheard = [&](const char* leg) {
    return legReport(leg).stats.drops[static_cast<std::size_t>(DropReason::noPeer)];
  };
  second.sendRtp("nobody hears this");
  ASSERT_TRUE(run([&] { return unheard("p2") == 1; }));
  const auto joined = call([](Call& c, base::Instant now) { return c.join("consumer", "p2", now); });
  ASSERT_TRUE(joined);
  EXPECT_THAT(*joined, IsEmpty());
  const auto before = browser.received.back().header;
  expectBothWays(browser, second);
  const auto after = browser.received.back().header;
  EXPECT_EQ(after.ssrc, before.ssrc);
  EXPECT_EQ(after.sequence, static_cast<std::uint16_t>(before.sequence + 1));
  first.sendRtp("no more");
  ASSERT_TRUE(run([&] { return unheard("p1") == 1; }));
  const auto removed = call([](Call& c, base::Instant now) { return c.removeLeg("p1", now); });
  ASSERT_TRUE(removed);
  EXPECT_EQ(removed->id, "p1");
  EXPECT_EQ(worker_->sizes().legs, 2u);
  EXPECT_EQ(worker_->sizes().rtpPorts, 1u);
  expectBothWays(browser, second);
}

TEST_F(RtpLegTest, AnotherCodecAfterATransferIsOfferedToTheBrowser) {
  FakeBrowser browser(loop_, 1000);
  FakePhone first(loop_, 5000), second(loop_, 6000);
  establish(browser, first, "111");
  expectBothWays(browser, first, FakePhone::kOpus);
  ASSERT_TRUE(call([](Call& c, base::Instant now) {
    return c.addLeg({"p2", rtc::LegKind::rtp, rtc::RtpSecurity::none}, now);
  }));
  second.apply(*call([](Call& c, base::Instant now) { return c.makeOffer("p2", "consumer", now); }));
  ASSERT_TRUE(call([&](Call& c, base::Instant now) { return c.answer("p2", second.sdp("0"), now); }));
  const auto joined = call([](Call& c, base::Instant now) { return c.join("consumer", "p2", now); });
  ASSERT_TRUE(joined);
  ASSERT_THAT(*joined, ElementsAre("consumer"));
  const auto offer = call([](Call& c, base::Instant now) { return c.makeOffer("consumer", "", now); });
  ASSERT_TRUE(offer) << offer.error().text;
  browser.audio = {{0, "PCMU/8000"}};
  const auto answered =
      call([&](Call& c, base::Instant now) { return c.answer("consumer", browser.answer(*offer), now); });
  ASSERT_TRUE(answered) << answered.error().text;
  EXPECT_EQ(answered->sdp, "");
  EXPECT_THAT(answered->renegotiate, IsEmpty());
  expectBothWays(browser, second);
}

TEST_F(RtpLegTest, PacketsGoBackWhereTheyCameFromButOnlyWithinTheSignalledAddress) {
  FakeBrowser browser(loop_, 1000);
  FakePhone phone(loop_, 5000), stranger(loop_, 7000, "127.0.0.2");
  establish(browser, phone);
  stranger.target = phone.target;
  stranger.sendRtp("stolen");
  ASSERT_TRUE(run([&] { return dropped(DropReason::rtpOtherSource) == 1; }));
  const std::string told = legReport("p1").remote;
  phone.move();  // A NAT's mapping is not what the SDP says.
  expectArrives(
      browser, [&] { phone.sendRtp("from elsewhere"); }, "from elsewhere");
  EXPECT_NE(legReport("p1").remote, told);
  expectBothWays(browser, phone);
  phone.move();  // While the old one is heard a new one is not, unless a description says so.
  phone.sendRtp("too soon");
  ASSERT_TRUE(run([&] { return dropped(DropReason::rtpOtherSource) == 2; }));
  ASSERT_TRUE(call([&](Call& c, base::Instant now) { return c.answerLocally("p1", phone.sdp(), now); }));
  expectBothWays(browser, phone);
}

class RtpLegAnyLatchTest : public RtpLegTest {
 protected:
  RtpLegAnyLatchTest() : RtpLegTest(RtpLatch::any) {}
};

TEST_F(RtpLegAnyLatchTest, TheFirstThatSendsIsTheOne) {
  FakeBrowser browser(loop_, 1000);
  FakePhone phone(loop_, 5000), stranger(loop_, 7000, "127.0.0.2");
  establish(browser, phone);
  stranger.target = phone.target;
  expectArrives(
      browser, [&] { stranger.sendRtp("behind a NAT"); }, "behind a NAT");
  expectArrives(
      stranger, [&] { browser.sendRtp(0, "found"); }, "found");
  phone.sendRtp("too late");
  EXPECT_TRUE(run([&] { return dropped(DropReason::rtpOtherSource) == 1; }));
}

TEST_F(RtpLegTest, GarbageIsCountedAndMovesNothing) {
  FakeBrowser browser(loop_, 1000);
  FakePhone phone(loop_, 5000);
  establish(browser, phone);
  const std::string told = legReport("p1").remote;
  phone.move();
  phone.sendRaw(base::asBytes("x"));
  phone.sendRtp("wrong type", 99);
  ASSERT_TRUE(run([&] {
    return dropped(DropReason::notClassified) == 1 && dropped(DropReason::rtpUnknownPayloadType) == 1;
  }));
  EXPECT_EQ(legReport("p1").remote, told);
}

TEST_F(RtpLegTest, SilenceOfADeviceIsToldOnceAndItsReturnToo) {
  FakeBrowser browser(loop_, 1000);
  FakePhone phone(loop_, 5000);
  establish(browser, phone);
  expectBothWays(browser, phone);
  worker_->tick(loop_.now() + 19s);
  EXPECT_THAT(events_, Not(Contains("p1 rtp-timeout")));
  worker_->tick(loop_.now() + 21s);
  worker_->tick(loop_.now() + 22s);
  EXPECT_THAT(events_, Contains("p1 rtp-timeout").Times(1));
  expectArrives(
      browser, [&] { phone.sendRtp("back"); }, "back");
  EXPECT_THAT(events_, Contains("p1 rtp-connected").Times(2));
}

/// Silence suppression: no packet for as long as nobody speaks, but reports (RFC 3550 section 6.2).
TEST_F(RtpLegTest, ADeviceThatOnlyReportsIsThere) {
  FakeBrowser browser(loop_, 1000);
  FakePhone phone(loop_, 5000);
  establish(browser, phone);
  expectBothWays(browser, phone);
  const auto reports = [&] {
    const std::array<std::uint8_t, 8> empty{0x80, 201, 0, 1, 0, 0, 0x13, 0x88};
    const std::uint64_t before = dropped(DropReason::notClassified);
    phone.sendRtcp(empty);
    phone.sendRtcp(base::asBytes("x"));  // What comes behind it is dropped: the report was seen.
    ASSERT_TRUE(run([&] { return dropped(DropReason::notClassified) > before; }));
  };
  const base::Instant spoke = loop_.now();
  ASSERT_TRUE(run([&] { return loop_.now() > spoke + 5ms; }));
  reports();
  worker_->tick(spoke + 20s);
  EXPECT_THAT(events_, Not(Contains("p1 rtp-timeout")));
  EXPECT_TRUE(legReport("p1").connected);
  worker_->tick(loop_.now() + 21s);
  EXPECT_THAT(events_, Contains("p1 rtp-timeout").Times(1));
  EXPECT_FALSE(legReport("p1").connected);
  reports();
  EXPECT_THAT(events_, Contains("p1 rtp-connected").Times(2)) << "it is back";
  EXPECT_TRUE(legReport("p1").connected);
  EXPECT_EQ(legReport("p1").remote, phone.local().toString()) << "its media come from where they came from";
}

TEST_F(RtpLegTest, AKeyOfADeviceIsToldOnceAndGoesOnToTheBrowser) {
  FakeBrowser browser(loop_, 1000);
  FakePhone phone(loop_, 5000);
  browser.audio = {{0, "PCMU/8000"}, {126, "telephone-event/8000"}};
  ASSERT_TRUE(worker_->create(spec()));
  const auto offer = worker_->offer("c1", "consumer", browser.offer(), "p1");
  ASSERT_TRUE(offer) << offer.error().text;
  phone.apply(*offer);
  const auto answer =
      worker_->answer("c1", "p1", phone.sdp("0 101", "a=rtpmap:101 telephone-event/8000\r\n"));
  ASSERT_TRUE(answer) << answer.error().text;
  connect(browser, *answer);
  const auto press = [&](std::uint8_t event, std::uint16_t duration, bool end) {
    const auto payload = proto::writeTelephoneEvent({event, end, 10, duration});
    phone.sendEvent(std::string(base::asText(payload)), 101, 4000);
  };
  expectArrives(
      browser, [&] { press(5, 160, false); }, std::string("\x05\x0a\x00\xa0", 4));
  EXPECT_THAT(events_, Not(Contains(testing::StartsWith("p1 dtmf"))));
  for (int i = 0; i < 3; ++i) press(5, 800, true);
  ASSERT_TRUE(run([&] { return browser.received.size() >= 4; }));
  EXPECT_THAT(events_, Contains("p1 dtmf 5 100").Times(1));
  EXPECT_EQ(browser.received.back().header.payloadType, 126);
}

TEST_F(RtpLegTest, AKeyWhoseEndIsLostIsToldByTime) {
  FakeBrowser browser(loop_, 1000);
  FakePhone phone(loop_, 5000);
  browser.audio = {{0, "PCMU/8000"}, {126, "telephone-event/8000"}};
  ASSERT_TRUE(worker_->create(spec()));
  phone.apply(*worker_->offer("c1", "consumer", browser.offer(), "p1"));
  connect(browser, *worker_->answer("c1", "p1", phone.sdp("0 101", "a=rtpmap:101 telephone-event/8000\r\n")));
  const auto payload = proto::writeTelephoneEvent({11, false, 10, 320});
  expectArrives(
      browser, [&] { phone.sendEvent(std::string(base::asText(payload)), 101, 4000); },
      std::string(base::asText(payload)));
  EXPECT_THAT(events_, Not(Contains(testing::StartsWith("p1 dtmf"))));
  worker_->tick(loop_.now() + 1s);
  worker_->tick(loop_.now() + 2s);
  EXPECT_THAT(events_, Contains("p1 dtmf # 40").Times(1));
}

TEST_F(RtpLegTest, OnHoldADeviceMayBeSilentAndAfterItIsToldAnew) {
  FakeBrowser browser(loop_, 1000);
  FakePhone phone(loop_, 5000);
  establish(browser, phone);
  expectBothWays(browser, phone);
  worker_->tick(loop_.now() + 21s);
  EXPECT_THAT(events_, Contains("p1 rtp-timeout").Times(1));
  ASSERT_TRUE(call([](Call& c, base::Instant now) { return c.hold("consumer", true, now); }));
  worker_->tick(loop_.now() + 60s);
  ASSERT_TRUE(call([](Call& c, base::Instant now) { return c.hold("consumer", false, now); }));
  worker_->tick(loop_.now() + 79s);
  EXPECT_THAT(events_, Contains("p1 rtp-timeout").Times(1)) << "not for what was not heard on hold";
  worker_->tick(loop_.now() + 81s);
  EXPECT_THAT(events_, Contains("p1 rtp-timeout").Times(2));
}

class RtpLegPortsTest : public RtpLegTest {
 protected:
  RtpLegPortsTest() : RtpLegTest(RtpLatch::signalled, 29'000, 29'004) {}
};

TEST_F(RtpLegPortsTest, PortsAreBoundedAndComeBack) {
  FakeBrowser browser(loop_, 1000);
  browser.audio = {{0, "PCMU/8000"}};
  for (int round = 0; round < 3; ++round) {
    std::vector<std::string> calls;
    for (const char* id : {"a", "b"}) {
      CallSpec each = spec();
      each.id = id;
      ASSERT_TRUE(worker_->create(std::move(each)));
      const auto offer = worker_->offer(id, "consumer", browser.offer(), "p1");
      ASSERT_TRUE(offer) << offer.error().text;
      calls.push_back(*offer);
    }
    EXPECT_NE(sdpValue(calls[0], "m=audio "), sdpValue(calls[1], "m=audio "));
    CallSpec third = spec();
    third.id = "c";
    ASSERT_TRUE(worker_->create(std::move(third)));
    EXPECT_EQ(worker_->offer("c", "consumer", browser.offer(), "p1").error().reason, "sdp.no_ports");
    ASSERT_TRUE(worker_->rollback("a", "consumer"));  // Gives its ports back.
    EXPECT_TRUE(worker_->offer("c", "consumer", browser.offer(), "p1"));
    for (const char* id : {"a", "b", "c"}) ASSERT_TRUE(worker_->remove(id));
    EXPECT_EQ(worker_->sizes(), Worker::Sizes{});
  }
}

}  // namespace
}  // namespace parley::broker
