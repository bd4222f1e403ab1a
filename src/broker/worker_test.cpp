#include "broker/worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "broker/test_fake_browser.h"
#include "broker/test_patience.h"

namespace parley::broker {
namespace {

using namespace std::chrono_literals;
using rtc::DropReason;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

class WorkerTest : public testing::Test {
 protected:
  explicit WorkerTest(std::string bind = "127.0.0.1", std::size_t maxCalls = 2000) {
    WorkerOptions options;
    options.bind = {*net::Endpoint::parse(bind, 0)};
    options.advertised = {*net::Endpoint::parse("127.0.0.1", 0)};
    options.maxCalls = maxCalls;
    options.certificate = *rtc::DtlsCertificate::generate();
    worker_ = *Worker::open(loop_, std::move(options), [this](WorkerEvent event) {
      if (auto* leg = std::get_if<LegEvent>(&event)) {
        events_.push_back(leg->leg + " " + std::string(leg->what));
        legEvents_.push_back(*leg);
      } else {
        events_.push_back("ended " + std::string(std::get<CallEnded>(event).reason));
      }
    });
  }

  static CallSpec spec(const std::string& id) {
    CallSpec spec;
    spec.id = id;
    spec.serial = 7;
    spec.legs = {{"consumer"}, {"agent"}};
    return spec;
  }
  /// Offer and answer through the worker; both know where to send.
  void negotiate(const std::string& call, FakeBrowser& consumer, FakeBrowser& agent) {
    const auto offer = worker_->offer(call, "consumer", consumer.offer(), "agent");
    ASSERT_TRUE(offer) << offer.error().text;
    const auto answer = worker_->answer(call, "agent", agent.answer(*offer));
    ASSERT_TRUE(answer) << answer.error().text;
    consumer.apply(*answer);
  }
  void establish(const std::string& call, FakeBrowser& consumer, FakeBrowser& agent) {
    ASSERT_TRUE(worker_->create(spec(call)));
    negotiate(call, consumer, agent);
    consumer.connect();
    agent.connect();
    ASSERT_TRUE(run([&] { return consumer.connected() && agent.connected() && bothReady(call); }));
  }
  /// The broker's side is through, too: the browser is a flight earlier.
  bool bothReady(const std::string& call) {
    const auto report = worker_->report(call);
    return report && std::ranges::all_of(report->legs, [](const LegReport& leg) {
             return leg.dtls == rtc::DtlsState::connected && leg.ice == rtc::IceState::connected;
           });
  }
  bool run(const std::function<bool()>& done) { return loop_.runUntil(done, kPatience); }
  std::uint64_t dropped(DropReason reason) const {
    return worker_->drops()[static_cast<std::size_t>(reason)];
  }
  bool happened(const std::string& event) const { return std::ranges::find(events_, event) != events_.end(); }
  static std::string text(const FakeBrowser::Received& packet) {
    return std::string(base::asText(packet.payload));
  }
  /// Sends until the other side has one more packet, and checks that it is the payload.
  void expectPasses(FakeBrowser& from, FakeBrowser& to, std::uint8_t payloadType,
                    const std::string& payload) {
    const std::size_t before = to.received.size();
    from.sendRtp(payloadType, payload);
    ASSERT_TRUE(run([&] { return to.received.size() > before; })) << payload;
    EXPECT_EQ(text(to.received.back()), payload);
  }

  net::EventLoop loop_{"test"};
  std::vector<std::string> events_;
  std::vector<LegEvent> legEvents_;
  std::unique_ptr<Worker> worker_;
};

TEST_F(WorkerTest, AudioAndVideoPassBothWaysAndDecrypt) {
  FakeBrowser consumer(loop_, 1000, true), agent(loop_, 2000, true);
  establish("c1", consumer, agent);
  expectPasses(consumer, agent, FakeBrowser::kOpus, "hello agent");
  expectPasses(agent, consumer, FakeBrowser::kOpus, "hello consumer");
  expectPasses(consumer, agent, FakeBrowser::kVp8, std::string("\x10\x00 video", 8));
  expectPasses(agent, consumer, FakeBrowser::kVp8, std::string("\x10\x00 other", 8));
  const auto report = worker_->report("c1");
  ASSERT_TRUE(report);
  ASSERT_EQ(report->legs.size(), 2u);
  const LegReport& leg = report->legs[0];
  EXPECT_EQ(leg.remote, consumer.local().toString());
  EXPECT_EQ(leg.local, consumer.target.toString());
  EXPECT_FALSE(leg.srtp.empty());
  ASSERT_EQ(leg.stats.sections.size(), 2u);
  EXPECT_EQ(leg.stats.sections[0].fromPeer.packets, 1u);
  EXPECT_EQ(leg.stats.sections[0].toPeer.packets, 1u);
  EXPECT_EQ(leg.mids.size(), 2u);
}

TEST_F(WorkerTest, TwoCallsAtOnceDoNotHearEachOther) {
  FakeBrowser consumer(loop_, 1000), agent(loop_, 2000);
  FakeBrowser second(loop_, 1000),
      secondAgent(loop_, 2000);  // The same SSRCs: calls are apart by their pairs.
  establish("c1", consumer, agent);
  establish("c2", second, secondAgent);
  for (int i = 0; i < 20; ++i) {
    const std::string number = std::to_string(i);
    consumer.sendRtp(FakeBrowser::kOpus, "one up " + number);
    second.sendRtp(FakeBrowser::kOpus, "two up " + number);
    agent.sendRtp(FakeBrowser::kOpus, "one down " + number);
    secondAgent.sendRtp(FakeBrowser::kOpus, "two down " + number);
  }
  const std::pair<FakeBrowser*, const char*> expected[] = {
      {&agent, "one up "}, {&secondAgent, "two up "}, {&consumer, "one down "}, {&second, "two down "}};
  for (const auto& [to, what] : expected) {
    ASSERT_TRUE(run([&] { return to->received.size() >= 20; })) << what;
    ASSERT_EQ(to->received.size(), 20u) << what;
    for (int i = 0; i < 20; ++i)
      EXPECT_EQ(text(to->received[static_cast<std::size_t>(i)]), what + std::to_string(i));
    EXPECT_EQ(to->undecryptable, 0u) << what;
  }
  for (const char* call : {"c1", "c2"}) {
    const auto report = worker_->report(call);
    ASSERT_TRUE(report);
    for (const LegReport& leg : report->legs)
      EXPECT_EQ(leg.stats.sections.at(0).fromPeer.packets, 20u) << call << leg.id;
  }
}

/// RFC 8842 section 5.3: who answers an offer of actpass chooses, and may leave the first word to us.
TEST_F(WorkerTest, APeerThatAnswersPassiveIsSpokenToFirst) {
  FakeBrowser consumer(loop_, 1000), agent(loop_, 2000);
  agent.passive = true;
  establish("c1", consumer, agent);
  expectPasses(consumer, agent, FakeBrowser::kOpus, "to the server");
  expectPasses(agent, consumer, FakeBrowser::kOpus, "and back");
  const auto up = std::ranges::find_if(
      legEvents_, [](const LegEvent& e) { return e.what == "dtls-connected" && e.leg == "agent"; });
  ASSERT_NE(up, legEvents_.end());
  EXPECT_THAT(up->detail, Contains(std::pair<std::string, std::string>("role", "client")));
}

TEST_F(WorkerTest, TellsWhatHappenedOnEachLeg) {
  FakeBrowser consumer(loop_, 1000), agent(loop_, 2000);
  establish("c1", consumer, agent);
  expectPasses(consumer, agent, FakeBrowser::kOpus, "a");
  worker_->tick(loop_.now());
  for (const char* leg : {"consumer", "agent"}) {
    EXPECT_THAT(events_, Contains(std::string(leg) + " ice-connected").Times(1));
    EXPECT_THAT(events_, Contains(std::string(leg) + " dtls-connected").Times(1));
    EXPECT_THAT(events_, Contains(std::string(leg) + " first-media").Times(1));
  }
  const auto media = std::ranges::find_if(
      legEvents_, [](const LegEvent& e) { return e.what == "first-media" && e.leg == "agent"; });
  EXPECT_THAT(media->detail, ElementsAre(std::pair<std::string, std::string>("kind", "audio"),
                                         std::pair<std::string, std::string>("direction", "to-peer")));
}

TEST_F(WorkerTest, AnEarlyCheckAndHandshakeAreAnsweredBeforeTheAnswerCame) {
  FakeBrowser consumer(loop_, 1000), agent(loop_, 2000);
  ASSERT_TRUE(worker_->create(spec("c1")));
  const auto offer = worker_->offer("c1", "consumer", consumer.offer(), "agent");
  ASSERT_TRUE(offer);
  const std::string agentAnswer = agent.answer(*offer);
  agent.connect();
  ASSERT_TRUE(run([&] { return agent.connected(); }));  // The browser knows our certificate already …
  EXPECT_FALSE(happened("agent dtls-connected"));       // … we do not know its.
  agent.sendRtp(FakeBrowser::kOpus, "too early");
  ASSERT_TRUE(run([&] { return dropped(DropReason::srtpNoKeys) == 1; }));

  const auto answer = worker_->answer("c1", "agent", agentAnswer);
  ASSERT_TRUE(answer);
  EXPECT_TRUE(happened("agent dtls-connected"));
  consumer.apply(*answer);
  consumer.connect();
  ASSERT_TRUE(run([&] { return bothReady("c1"); }));
  expectPasses(agent, consumer, FakeBrowser::kOpus, "now");
}

TEST_F(WorkerTest, AWrongFingerprintEndsTheHandshakeAndNoMediaPasses) {
  FakeBrowser consumer(loop_, 1000), agent(loop_, 2000);
  const std::string right = agent.fingerprint;
  agent.fingerprint = consumer.fingerprint;
  ASSERT_TRUE(worker_->create(spec("c1")));
  negotiate("c1", consumer, agent);
  agent.connect();
  consumer.connect();
  ASSERT_TRUE(run([&] { return happened("agent dtls-failed") && consumer.connected(); }));
  const auto failed =
      std::ranges::find_if(legEvents_, [](const LegEvent& e) { return e.what == "dtls-failed"; });
  EXPECT_EQ(failed->detail.at(0).second, "dtls.bad_fingerprint");
  EXPECT_EQ(dropped(DropReason::dtlsBadFingerprint), 1u);
  EXPECT_FALSE(happened("agent dtls-connected"));
  consumer.sendRtp(FakeBrowser::kOpus, "secret");
  agent.sendRtp(FakeBrowser::kOpus, "forged");
  ASSERT_TRUE(run([&] {
    const auto report = worker_->report("c1");
    return dropped(DropReason::srtpNoKeys) >= 1 && report->legs[0].stats.sections.at(0).fromPeer.packets == 1;
  }));
  EXPECT_EQ(agent.receivedPackets, 0u);
  EXPECT_EQ(agent.undecryptable, 0u);
  EXPECT_THAT(consumer.received, IsEmpty());
}

TEST_F(WorkerTest, NothingIsAcceptedFromAnAddressThatPassedNoCheck) {
  FakeBrowser consumer(loop_, 1000), agent(loop_, 2000), stranger(loop_, 3000);
  establish("c1", consumer, agent);
  stranger.target = consumer.target;
  stranger.sendRtp(FakeBrowser::kOpus, "rtp");
  const base::Buffer rtcp{0x80, 201, 0, 1, 0, 0, 0, 1};
  stranger.send(rtcp);
  const base::Buffer dtls{22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1};
  stranger.send(dtls);
  const base::Buffer turn{64, 0, 0, 0}, nonsense{200, 1, 2};
  stranger.send(turn);
  stranger.send(nonsense);
  const base::Buffer stun(20, 0);
  stranger.send(stun);
  stranger.remoteUfrag = "nobody";
  stranger.remotePwd = "xxxxxxxxxxxxxxxxxxxxxxxx";
  stranger.check();
  stranger.ufrag = consumer.ufrag;
  stranger.remoteUfrag = consumer.remoteUfrag;  // Knows a name, not the password.
  stranger.check();
  ASSERT_TRUE(run([&] { return dropped(DropReason::stunBadIntegrity) == 1; }));
  EXPECT_EQ(dropped(DropReason::mediaUncheckedAddress), 2u);
  EXPECT_EQ(dropped(DropReason::dtlsUncheckedAddress), 1u);
  EXPECT_EQ(dropped(DropReason::notClassified), 2u);
  EXPECT_EQ(dropped(DropReason::stunMalformed), 1u);
  EXPECT_EQ(dropped(DropReason::stunUnknownUser), 1u);
  EXPECT_EQ(worker_->sizes().pairs, 2u);
  EXPECT_THAT(agent.received, IsEmpty());
}

TEST_F(WorkerTest, AReplayedOrForgedPacketIsDropped) {
  FakeBrowser consumer(loop_, 1000), agent(loop_, 2000);
  establish("c1", consumer, agent);
  base::Buffer wire = consumer.sendRtp(FakeBrowser::kOpus, "once");
  consumer.send(wire);
  ASSERT_TRUE(run([&] { return dropped(DropReason::srtpReplay) == 1; }));
  wire.back() ^= 1;
  wire[3] ^= 0x40;  // Another sequence number, or the replay window would refuse it first.
  consumer.send(wire);
  ASSERT_TRUE(run([&] { return dropped(DropReason::srtpAuthentication) == 1; }));
  EXPECT_EQ(agent.received.size(), 1u);
  EXPECT_EQ(worker_->report("c1")->legs[0].stats.drops[static_cast<std::size_t>(DropReason::srtpReplay)], 1u);
}

TEST_F(WorkerTest, AnIceRestartKeepsMediaAndReplacesTheCredentials) {
  FakeBrowser consumer(loop_, 1000), agent(loop_, 2000);
  establish("c1", consumer, agent);
  expectPasses(consumer, agent, FakeBrowser::kOpus, "before");
  const std::string oldUfrag = consumer.remoteUfrag;
  consumer.stopChecks();
  consumer.restartIce();
  const auto answer = worker_->answerLocally("c1", "consumer", consumer.offer());
  ASSERT_TRUE(answer) << answer.error().text;
  EXPECT_EQ(worker_->sizes().ufrags, 3u);  // The old one still serves.
  expectPasses(consumer, agent, FakeBrowser::kOpus, "between");
  consumer.apply(*answer);
  EXPECT_NE(consumer.remoteUfrag, oldUfrag);
  consumer.newSocket();  // The new network.
  consumer.connect();
  ASSERT_TRUE(run([&] { return worker_->sizes().ufrags == 2 && happened("consumer ice-selected"); }));
  expectPasses(agent, consumer, FakeBrowser::kOpus, "back");
  expectPasses(consumer, agent, FakeBrowser::kOpus, "forth");
  EXPECT_THAT(events_, Contains("consumer dtls-connected").Times(1));
}

TEST_F(WorkerTest, AReloadedPageComesBackWithANewAssociationAndTheOtherSideNoticesNoJump) {
  FakeBrowser consumer(loop_, 1000), agent(loop_, 2000);
  establish("c1", consumer, agent);
  expectPasses(consumer, agent, FakeBrowser::kOpus, "one");
  expectPasses(consumer, agent, FakeBrowser::kOpus, "two");
  const auto last = agent.received.back().header;

  consumer.stopChecks();
  consumer.newPeerConnection();
  const auto answer = worker_->answerLocally("c1", "consumer", consumer.offer());
  ASSERT_TRUE(answer) << answer.error().text;
  agent.sendRtp(FakeBrowser::kOpus, "to nobody");  // The old keys are gone, the new ones not there yet.
  consumer.apply(*answer);
  consumer.connect();
  ASSERT_TRUE(run([&] { return consumer.connected() && bothReady("c1"); }));
  EXPECT_THAT(events_, Contains("consumer dtls-connected").Times(2));
  expectPasses(consumer, agent, FakeBrowser::kOpus, "three");
  expectPasses(agent, consumer, FakeBrowser::kOpus, "four");
  const auto next = agent.received.back().header;
  EXPECT_EQ(next.ssrc, last.ssrc);
  EXPECT_EQ(next.sequence, static_cast<std::uint16_t>(last.sequence + 1));
  EXPECT_EQ(consumer.undecryptable, 0u);
}

TEST_F(WorkerTest, DtlsOfTheOldPageDoesNotReachTheNewAssociation) {
  FakeBrowser consumer(loop_, 1000), agent(loop_, 2000);
  establish("c1", consumer, agent);
  FakeBrowser reloaded(loop_, 5000);
  const auto answer = worker_->answerLocally("c1", "consumer", reloaded.offer());
  ASSERT_TRUE(answer);
  consumer.stopChecks();
  consumer.closeDtls();  // The page's farewell arrives late.
  ASSERT_TRUE(run([&] { return dropped(DropReason::dtlsUncheckedAddress) == 1; }));
  reloaded.apply(*answer);
  reloaded.connect();
  ASSERT_TRUE(run([&] { return reloaded.connected() && bothReady("c1"); }));
  EXPECT_FALSE(happened("consumer peer-bye"));
}

TEST_F(WorkerTest, APeerThatClosesIsReported) {
  FakeBrowser consumer(loop_, 1000), agent(loop_, 2000);
  establish("c1", consumer, agent);
  consumer.closeDtls();
  ASSERT_TRUE(run([&] { return happened("consumer peer-bye"); }));
}

TEST_F(WorkerTest, RemovalTellsThePeersAndLeavesNothing) {
  FakeBrowser consumer(loop_, 1000), agent(loop_, 2000);
  establish("c1", consumer, agent);
  expectPasses(consumer, agent, FakeBrowser::kOpus, "x");
  const auto report = worker_->remove("c1");
  ASSERT_TRUE(report);
  EXPECT_EQ(report->legs[0].stats.sections.at(0).fromPeer.packets, 1u);
  EXPECT_EQ(worker_->sizes(), Worker::Sizes{});
  ASSERT_TRUE(run([&] { return consumer.dtlsClosed() && agent.dtlsClosed(); }));
  EXPECT_GT(agent.receivedRtcp, 0u);  // BYE.
  EXPECT_EQ(worker_->remove("c1").error().reason, "call.unknown");
  consumer.sendRtp(FakeBrowser::kOpus, "late");
  ASSERT_TRUE(run([&] { return dropped(DropReason::mediaUncheckedAddress) == 1; }));
}

TEST_F(WorkerTest, SilenceExpiresConsentAndStopsSendingUntilTheNextCheck) {
  FakeBrowser consumer(loop_, 1000), agent(loop_, 2000);
  establish("c1", consumer, agent);
  consumer.stopChecks();
  agent.stopChecks();
  worker_->tick(loop_.now() + 8s);
  EXPECT_TRUE(happened("consumer ice-disconnected"));
  expectPasses(agent, consumer, FakeBrowser::kOpus, "still sent");
  worker_->tick(loop_.now() + 31s);
  EXPECT_TRUE(happened("consumer ice-expired"));
  agent.sendRtp(FakeBrowser::kOpus, "not sent");
  ASSERT_TRUE(run([&] { return worker_->report("c1")->legs[1].stats.sections.at(0).fromPeer.packets == 2; }));
  const auto before = consumer.received.size();
  consumer.connect();
  ASSERT_TRUE(run([&] { return std::ranges::count(events_, "consumer ice-connected") == 2; }));
  EXPECT_EQ(consumer.received.size(), before);
  expectPasses(agent, consumer, FakeBrowser::kOpus, "again");
}

TEST_F(WorkerTest, ACallWithoutMediaAndRequestsIsRemoved) {
  FakeBrowser consumer(loop_, 1000), agent(loop_, 2000);
  establish("c1", consumer, agent);
  ASSERT_TRUE(worker_->create(spec("silent")));
  const auto start = loop_.now();
  worker_->tick(start + 80s);
  EXPECT_EQ(worker_->sizes().calls, 2u);
  worker_->tick(start + 91s + kPatience);
  EXPECT_EQ(worker_->sizes(), Worker::Sizes{});
  EXPECT_THAT(events_, Contains("ended call.idle").Times(2));
}

TEST_F(WorkerTest, RequestsKeepACallAlive) {
  ASSERT_TRUE(worker_->create(spec("c1")));
  auto brief = spec("brief");
  brief.idle = 5s;
  ASSERT_TRUE(worker_->create(std::move(brief)));
  worker_->tick(loop_.now() + 6s);
  EXPECT_EQ(worker_->sizes().calls, 1u);
  EXPECT_TRUE(worker_->report("c1"));
  EXPECT_FALSE(worker_->report("brief"));
}

TEST_F(WorkerTest, AThousandCallsLeaveTheTablesEmpty) {
  FakeBrowser consumer(loop_, 1000), agent(loop_, 2000);
  consumer.startDtls = agent.startDtls = false;
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < 100; ++i) {
      const std::string id = "c" + std::to_string(i);
      ASSERT_TRUE(worker_->create(spec(id)));
      negotiate(id, consumer, agent);
    }
    EXPECT_EQ(worker_->sizes().legs, 200u);
    EXPECT_EQ(worker_->sizes().ufrags, 200u);
    consumer.check();  // One of them gets as far as a pair.
    ASSERT_TRUE(run([&] { return worker_->sizes().pairs > 0; }));
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(worker_->remove("c" + std::to_string(i)));
    EXPECT_EQ(worker_->sizes(), Worker::Sizes{});
  }
}

TEST_F(WorkerTest, AThousandWholeCallsLeaveNothing) {
#ifdef __has_feature
  constexpr int kCalls = __has_feature(thread_sanitizer) ? 100 : 1000;  // One thread; it looks for races.
#else
  constexpr int kCalls = 1000;  // GCC 12.
#endif
  const auto descriptors = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
  };
  const auto before = descriptors();
  for (int i = 0; i < kCalls; ++i) {
    FakeBrowser consumer(loop_, 1000), agent(loop_, 2000);
    const std::string id = "c" + std::to_string(i);
    ASSERT_NO_FATAL_FAILURE(establish(id, consumer, agent));
    ASSERT_NO_FATAL_FAILURE(expectPasses(consumer, agent, FakeBrowser::kOpus, "to the agent"));
    if (i % 2 == 1) consumer.closeDtls();
    ASSERT_TRUE(worker_->remove(id));
    ASSERT_EQ(worker_->sizes(), Worker::Sizes{}) << "after call " << i;
  }
  EXPECT_EQ(descriptors(), before);
}

TEST_F(WorkerTest, RefusedDescriptionsChangeNothing) {
  FakeBrowser consumer(loop_, 1000), agent(loop_, 2000);
  ASSERT_TRUE(worker_->create(spec("c1")));
  EXPECT_EQ(worker_->create(spec("c1")).error().reason, "call.exists");
  EXPECT_EQ(worker_->offer("c1", "consumer", "nonsense", "agent").error().reason, "sdp.malformed");
  EXPECT_EQ(worker_->answer("c1", "agent", agent.offer()).error().reason, "sdp.no_offer");
  EXPECT_EQ(worker_->offer("c1", "nobody", consumer.offer(), "agent").error().reason, "leg.unknown");
  EXPECT_EQ(worker_->offer("c1", "consumer", consumer.offer(), "nobody").error().reason, "leg.unknown");
  EXPECT_EQ(worker_->offer("c1", "consumer", consumer.offer(), "consumer").error().reason, "leg.unknown");
  EXPECT_EQ(worker_->answerLocally("c1", "nobody", consumer.offer()).error().reason, "leg.unknown");
  EXPECT_EQ(worker_->rollback("c1", "nobody").error().reason, "leg.unknown");
  EXPECT_EQ(worker_->offer("c2", "consumer", consumer.offer(), "agent").error().reason, "call.unknown");
  EXPECT_EQ(worker_->sizes().ufrags, 0u);
  ASSERT_TRUE(worker_->offer("c1", "consumer", consumer.offer(), "agent"));
  ASSERT_TRUE(worker_->rollback("c1", "consumer"));
  negotiate("c1", consumer, agent);
}

TEST_F(WorkerTest, APairThatCarriesALegCannotBeTakenByAnother) {
  FakeBrowser consumer(loop_, 1000), agent(loop_, 2000);
  establish("c1", consumer, agent);
  FakeBrowser thief(loop_, 3000), other(loop_, 4000);
  ASSERT_TRUE(worker_->create(spec("c2")));
  negotiate("c2", thief, other);
  // The same source address as the consumer's (forged), with the thief's own good credentials.
  const auto ufrag = std::exchange(consumer.remoteUfrag, thief.remoteUfrag);
  const auto pwd = std::exchange(consumer.remotePwd, thief.remotePwd);
  const auto own = std::exchange(consumer.ufrag, thief.ufrag);
  consumer.stopChecks();
  consumer.check();
  ASSERT_TRUE(run([&] { return dropped(DropReason::stunAddressTaken) == 1; }));
  consumer.remoteUfrag = ufrag;
  consumer.remotePwd = pwd;
  consumer.ufrag = own;
  expectPasses(consumer, agent, FakeBrowser::kOpus, "mine");
}

TEST_F(WorkerTest, ALegHoldsABoundedNumberOfPairs) {
  FakeBrowser consumer(loop_, 1000), agent(loop_, 2000);
  consumer.startDtls = false;
  ASSERT_TRUE(worker_->create(spec("c1")));
  negotiate("c1", consumer, agent);
  for (std::size_t i = 0; i < rtc::IceLiteAgent::kMaxPairs + 8; ++i) {
    consumer.newSocket();
    const unsigned before = consumer.checkAnswers;
    consumer.check(false);
    ASSERT_TRUE(run([&] { return consumer.checkAnswers > before; }));
  }
  EXPECT_EQ(worker_->sizes().pairs, rtc::IceLiteAgent::kMaxPairs);
}

TEST_F(WorkerTest, AFloodOfHandshakeDatagramsIsBounded) {
  FakeBrowser consumer(loop_, 1000), agent(loop_, 2000);
  establish("c1", consumer, agent);
  const base::Buffer record{22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 1};
  for (std::size_t i = 0; i < 4 * Worker::kMaxQueuedDtlsPerLeg; ++i) consumer.send(record);
  ASSERT_TRUE(run([&] { return dropped(DropReason::dtlsQueueFull) > 0; }));
  EXPECT_LE(worker_->sizes().queuedDtls, Worker::kMaxQueuedDtlsPerLeg);
  expectPasses(consumer, agent, FakeBrowser::kOpus, "unharmed");
}

TEST_F(WorkerTest, DatagramsOfAPairThatWentAwayHoldNoPlaceInTheQueue) {
  FakeBrowser consumer(loop_, 1000), agent(loop_, 2000);
  establish("c1", consumer, agent);
  FakeBrowser mover(loop_, 3000);
  mover.startDtls = false;
  mover.target = consumer.target;
  mover.ufrag = consumer.ufrag;
  mover.remoteUfrag = consumer.remoteUfrag;
  mover.remotePwd = consumer.remotePwd;
  const base::Buffer record{22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 1};
  const std::uint64_t before = dropped(DropReason::callClosed);
  for (std::size_t i = 0; i < 4 * Worker::kMaxQueuedDtlsPerLeg; ++i) {
    mover.newSocket();
    mover.check(false);
    mover.send(record);
    // The same batch brings a newer pair for each: this one is gone when the queue is worked off.
    for (std::size_t k = 0; k < rtc::IceLiteAgent::kMaxPairs; ++k) {
      mover.newSocket();
      mover.check(false);
    }
    const unsigned answers = mover.checkAnswers;
    ASSERT_TRUE(run([&] { return mover.checkAnswers > answers; }));
  }
  EXPECT_GT(dropped(DropReason::callClosed), before);
  EXPECT_EQ(dropped(DropReason::dtlsQueueFull), 0u);
  EXPECT_EQ(worker_->sizes().queuedDtls, 0u);
}

TEST_F(WorkerTest, APeerThatChangesItsPairAllTheTimeDoesNotFloodTheEvents) {
  FakeBrowser consumer(loop_, 1000), agent(loop_, 2000);
  consumer.startDtls = false;
  ASSERT_TRUE(worker_->create(spec("c1")));
  negotiate("c1", consumer, agent);
  for (int i = 0; i < 100; ++i) {
    consumer.newSocket();
    const unsigned before = consumer.checkAnswers;
    consumer.check();
    ASSERT_TRUE(run([&] { return consumer.checkAnswers > before; }));
  }
  EXPECT_GT(events_.size(), 10u);
  EXPECT_LT(events_.size(), 60u);
}

class FullWorkerTest : public WorkerTest {
 protected:
  FullWorkerTest() : WorkerTest("127.0.0.1", 3) {}
};

TEST_F(FullWorkerTest, RefusesMoreCallsThanItMayHave) {
  for (const char* id : {"a", "b", "c"}) ASSERT_TRUE(worker_->create(spec(id)));
  EXPECT_EQ(worker_->create(spec("d")).error().reason, "broker.full");
  ASSERT_TRUE(worker_->remove("b"));
  EXPECT_TRUE(worker_->create(spec("d")));
}

TEST_F(FullWorkerTest, RemovingAllTellsOfEach) {
  for (const char* id : {"a", "b", "c"}) ASSERT_TRUE(worker_->create(spec(id)));
  worker_->removeAll("broker.stopping");
  EXPECT_EQ(worker_->sizes(), Worker::Sizes{});
  EXPECT_THAT(events_, Contains("ended broker.stopping").Times(3));
}

class AnyAddressWorkerTest : public WorkerTest {
 protected:
  AnyAddressWorkerTest() : WorkerTest("::") {}
};

TEST_F(AnyAddressWorkerTest, AnswersFromTheAddressThatWasAsked) {
  FakeBrowser consumer(loop_, 1000), agent(loop_, 2000);
  ASSERT_TRUE(worker_->create(spec("c1")));
  negotiate("c1", consumer, agent);
  consumer.target = *net::Endpoint::parse("127.0.0.9", worker_->port());
  consumer.connect();
  agent.connect();
  ASSERT_TRUE(run([&] { return consumer.connected() && agent.connected() && bothReady("c1"); }));
  EXPECT_EQ(consumer.answeredFrom, consumer.target);
  expectPasses(agent, consumer, FakeBrowser::kOpus, "from there, too");
  EXPECT_EQ(worker_->report("c1")->legs[0].local, consumer.target.toString());
}

}  // namespace
}  // namespace parley::broker
