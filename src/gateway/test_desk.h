// For tests: the gateway of test_rig.h with the pages that most stories of a call need.
#pragma once
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "gateway/test_rig.h"

namespace parley::gateway::rig {

const std::string kPhoneSdp = "v=0\r\nm=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n";

struct DeskPages {
  bool trunk = true;    ///< Phones can be called.
  bool second = false;  ///< agent2 is there, too.
};

class DeskTest : public ::testing::Test {
 protected:
  explicit DeskTest(DeskPages pages = {}) : pages_(pages) {}
  void SetUp() override { make({}); }
  void TearDown() override { close(); }

  /// Begins anew with these options.
  void make(Rig::Options options) {
    close();
    rig_ = std::make_unique<Rig>(std::move(options));
    phones().trunk = pages_.trunk;
    consumer_ = rig_->consumer({.name = "Ada", .uui = "cafe", .correlationId = "corr-1"});
    agent_ = rig_->agent();
    ASSERT_TRUE(consumer_->hello());
    ASSERT_TRUE(agent_->hello());
    if (!pages_.second) return;
    second_ = rig_->agent("agent2");
    ASSERT_TRUE(second_->hello());
  }
  void close() {
    consumer_.reset();
    agent_.reset();
    second_.reset();
    rig_.reset();
  }

  FakePhones& phones() { return rig_->phones; }
  FakeBrokers& brokers() { return rig_->brokers; }
  bool sees(const std::function<bool()>& done) { return rig_->until(done); }
  bool said(const std::string& line) {
    return sees([&] { return phones().has(line); });
  }
  bool asked(const std::string& line) {
    return sees([&] { return brokers().has(line); });
  }

  /// A phone and agent1's page in a connected call; gives its id, empty when that fails.
  std::string phoneToAgent(const std::string& leg = "in1", const std::string& sdp = kPhoneSdp) {
    leg_ = leg;
    phones().call({.leg = leg,
                   .to = "agent1",
                   .toAddress = "sip:agent1@x",
                   .fromAddress = "sip:+4989123@carrier",
                   .fromName = "Grace",
                   .sdp = sdp,
                   .uui = "beef",
                   .uuiElement = "0462656566;encoding=hex;purpose=isdn-uui",
                   .correlationId = "c-77",
                   .replacesLeg = {},
                   .trunk = "t1"});
    const Json incoming = agent_->expect("incoming");
    if (incoming.is_null()) return "";
    const auto id = incoming["call"].get<std::string>();
    agent_->send("answer", {{"call", id}, {"sdp", "v=0 agent"}});
    brokers().leg(id, Side::agent, event::LegChange::dtlsUp);
    return agent_->expectCall("connected").is_null() ? "" : id;
  }
  /// The end as a page is told: "reason by".
  static std::string endOf(Page& page) {
    const Json call = page.expectCall("ended");
    if (call.is_null()) return "not told";
    EXPECT_FALSE(call["text"].get<std::string>().empty());
    return call["reason"].get<std::string>() + " " + call["by"].get<std::string>();
  }
  void expectBothEnd(const std::string& how) {
    EXPECT_EQ(endOf(*consumer_), how);
    EXPECT_EQ(endOf(*agent_), how);
  }
  void expectNothingLeft() {
    EXPECT_TRUE(sees([&] { return rig_->calls->size() == 0; }));
    EXPECT_EQ(rig_->storedCalls(), 0u);
    EXPECT_TRUE(brokers().calls.empty());
    EXPECT_TRUE(phones().legs.empty()) << "a dialog was left open";
    for (const auto* user : {"agent1", "agent2"}) {
      EXPECT_NE(rig_->desk->agents().presence(user), Presence::busy) << user;
    }
  }

  const DeskPages pages_;
  std::unique_ptr<Rig> rig_;
  std::unique_ptr<Page> consumer_, agent_, second_;
  std::string leg_;  ///< The phone's, of the call made last.
};

}  // namespace parley::gateway::rig
