// A customer in a call who reloads the page, or follows a link to another one of the site.
#include "gateway/test_desk.h"

namespace parley::gateway {
namespace {

using event::LegChange;
using rig::Rig;
using namespace std::chrono_literals;

class DeskNextPage : public rig::DeskTest {
 protected:
  void wait(base::Millis resume, base::Millis nextPage) {
    Rig::Options options;
    options.sessions.resume = resume;
    options.sessions.nextPage = nextPage;
    make(options);
  }
  std::string ring() {
    consumer_->send("dial", {{"destination", "agent1"}, {"sdp", "v=0"}});
    const Json incoming = agent_->expect("incoming");
    return incoming.is_null() ? "" : incoming["call"].get<std::string>();
  }
  void restart(const std::string& id) {
    consumer_->send("restart", {{"call", id}, {"sdp", "v=0 new"}, {"request", "r1"}});
    EXPECT_EQ(consumer_->expect("sdp", [](const Json& sdp) { return sdp.contains("request"); })["sdp"],
              "local answer of v=0 new");
  }
};

TEST_F(DeskNextPage, TheCallGoesOnThere) {
  for (const std::uint16_t code : {1001, 4020}) {
    const auto id = rig_->connectedCall(*consumer_, *agent_);
    consumer_->close(code);
    const Json left = agent_->expectCall("reconnecting");
    EXPECT_EQ(left["peerConnection"], "lost");
    EXPECT_EQ(left["peerPageLeft"], true) << "no broken network: the agent reads so";
    ASSERT_TRUE(consumer_->waitClosed());
    ASSERT_TRUE(consumer_->resume(true));
    EXPECT_EQ(consumer_->welcome["resumed"], true);
    ASSERT_EQ(consumer_->welcome["calls"].size(), 1u);
    EXPECT_EQ(consumer_->welcome["calls"][0]["call"], id);
    restart(id);
    EXPECT_TRUE(agent_->silent("call")) << "nothing is heard of the new page yet";
    rig_->brokers.leg(id, Side::consumer, LegChange::dtlsUp);
    const Json back = agent_->expectCall("connected");
    EXPECT_EQ(back["peerConnection"], "ok");
    EXPECT_FALSE(back.contains("peerPageLeft"));
    EXPECT_FALSE(consumer_->expectCall("connected").is_null());
    consumer_->send("end", {{"call", id}});
    expectBothEnd("hung_up consumer");
  }
  expectNothingLeft();
}

TEST_F(DeskNextPage, NoneComes) {
  wait(60s, 30ms);
  rig_->connectedCall(*consumer_, *agent_);
  consumer_->close(1001);
  EXPECT_EQ(agent_->expectCall("reconnecting")["peerPageLeft"], true);
  EXPECT_EQ(endOf(*agent_), "consumer_left consumer");
  EXPECT_EQ(rig_->sessions->size(), 1u);
  expectNothingLeft();
  ASSERT_TRUE(consumer_->resume(true));
  EXPECT_EQ(consumer_->welcome["resumed"], false);
  EXPECT_TRUE(consumer_->welcome["calls"].empty());
}

TEST_F(DeskNextPage, WithoutACallThereIsNothingToWaitFor) {
  consumer_->close(1001);
  ASSERT_TRUE(sees([&] { return rig_->sessions->size() == 1; }));
  wait(60s, 0s);
  rig_->connectedCall(*consumer_, *agent_);
  consumer_->close(1001);
  EXPECT_EQ(endOf(*agent_), "consumer_left consumer") << "switched off";
  expectNothingLeft();
}

TEST_F(DeskNextPage, WhoHangsUpBeforeIsGoneAtOnce) {
  rig_->connectedCall(*consumer_, *agent_);
  consumer_->send("bye");
  EXPECT_EQ(endOf(*agent_), "consumer_left consumer");
  expectNothingLeft();
}

TEST_F(DeskNextPage, ABreakOnTheNextPageIsABreak) {
  wait(60ms, 30ms);
  const auto id = rig_->connectedCall(*consumer_, *agent_);
  consumer_->close(1001);
  EXPECT_EQ(agent_->expectCall("reconnecting")["peerPageLeft"], true);
  ASSERT_TRUE(consumer_->waitClosed() && consumer_->resume(true));
  restart(id);
  rig_->brokers.leg(id, Side::consumer, LegChange::dtlsUp);
  EXPECT_FALSE(agent_->expectCall("connected").is_null());
  consumer_->breakOff();
  EXPECT_FALSE(agent_->expectCall("reconnecting").contains("peerPageLeft"));
  EXPECT_EQ(endOf(*agent_), "consumer_lost system");
}

TEST_F(DeskNextPage, ItGoesOnRingingThere) {
  const auto id = ring();
  consumer_->close(1001);
  ASSERT_TRUE(consumer_->waitClosed() && consumer_->resume(true));
  ASSERT_EQ(consumer_->welcome["calls"].size(), 1u);
  EXPECT_EQ(consumer_->welcome["calls"][0]["state"], "ringing");
  EXPECT_EQ(consumer_->welcome["calls"][0]["direction"], "out");
  agent_->send("answer", {{"call", id}, {"sdp", "v=0 agent"}});
  EXPECT_FALSE(consumer_->expectCall("connecting").is_null());
  restart(id);
  rig_->mediaUp(id);
  EXPECT_FALSE(consumer_->expectCall("connected").is_null());
  EXPECT_FALSE(agent_->expectCall("connected").is_null());
}

TEST_F(DeskNextPage, NoneComesWhileItRings) {
  wait(60s, 30ms);
  ring();
  consumer_->close(1001);
  EXPECT_EQ(endOf(*agent_), "consumer_left consumer");
  expectNothingLeft();
}

}  // namespace
}  // namespace parley::gateway
