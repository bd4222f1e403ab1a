#include "broker/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace parley::broker {
namespace {

using testing::HasSubstr;

class BrokerSettings : public testing::Test {
 protected:
  BrokerSettings() { declareSettings(settings_); }
  void set(const std::string& name, const std::string& value) {
    const auto problem = settings_.setText(name, value);
    EXPECT_FALSE(problem) << problem->format();
  }
  base::Settings settings_;
};

TEST_F(BrokerSettings, DefaultsNeedNoConfiguration) {
  EXPECT_EQ(settings_.integer("media.first_port"), 16000);
  EXPECT_EQ(settings_.integer("media.control_port"), 8092);
  EXPECT_EQ(settings_.text("media.rtp_port_range"), "17000-17099") << "what sites have opened";
  EXPECT_GE(workerCount(settings_), 1u);
  EXPECT_LE(workerCount(settings_), kDefaultWorkers);
  const rtc::NegotiatorOptions codecs;
  EXPECT_EQ(negotiatorOptions(settings_).audioCodecs, codecs.audioCodecs);
  EXPECT_EQ(bridgeOptions(settings_).maxStoredPackets, rtc::BridgeOptions{}.maxStoredPackets);
  const auto endpoints = bindEndpoints(settings_, 16000);
  ASSERT_EQ(endpoints.size(), 1u);
  EXPECT_TRUE(endpoints[0].isAny());
  EXPECT_EQ(endpoints[0].port(), 16000);
}

TEST_F(BrokerSettings, LoopbackIsAdvertisedLast) {
  const auto addresses = advertisedAddresses(settings_);
  ASSERT_FALSE(addresses.empty());
  bool loopbackSeen = false;
  for (const auto& address : addresses) {
    EXPECT_FALSE(loopbackSeen && !address.isLoopback());
    loopbackSeen = loopbackSeen || address.isLoopback();
    EXPECT_FALSE(address.isLinkLocal());
  }
}

TEST_F(BrokerSettings, AdvertisedAddressesWinOverBoundOnes) {
  set("media.bind_addresses", "10.0.0.1");
  EXPECT_EQ(advertisedAddresses(settings_).at(0).address(), "10.0.0.1");
  set("media.advertised_addresses", "203.0.113.9,2001:db8::9");
  ASSERT_EQ(advertisedAddresses(settings_).size(), 2u);
  EXPECT_EQ(advertisedAddresses(settings_)[1].address(), "2001:db8::9");
  EXPECT_EQ(bindEndpoints(settings_, 5).at(0).toString(), "10.0.0.1:5");
  set("media.advertised_addresses", "");
  set("media.bind_addresses", "0.0.0.0");
  EXPECT_FALSE(advertisedAddresses(settings_).at(0).isAny());
}

TEST_F(BrokerSettings, ControlListensInTheMostInnerNetworkThereIs) {
  const auto listens = [&] {
    std::string all;
    for (const auto& endpoint : controlEndpoints(settings_))
      all += (all.empty() ? "" : " ") + endpoint.toString();
    return all;
  };
  EXPECT_EQ(listens(), "127.0.0.1:8092");
  set("media.bind_addresses", "0.0.0.0");
  EXPECT_EQ(listens(), "127.0.0.1:8092") << "never all networks unasked";
  set("media.bind_addresses", "0.0.0.0,203.0.113.5,203.0.113.6");
  EXPECT_EQ(listens(), "203.0.113.5:8092 127.0.0.1:8092") << "external, where there is no other";
  set("media.rtp_address", "10.1.0.5");
  EXPECT_EQ(listens(), "10.1.0.5:8092 127.0.0.1:8092") << "internal before external";
  set("media.management_address", "2001:db8::5");
  EXPECT_EQ(listens(), "[2001:db8::5]:8092 127.0.0.1:8092") << "management before internal";
  set("media.control_port", "9000");
  set("media.control_bind", "0.0.0.0");
  EXPECT_EQ(listens(), "0.0.0.0:9000") << "what is set holds";
  set("media.control_bind", "");
  set("media.management_address", "127.0.0.1");
  EXPECT_EQ(listens(), "127.0.0.1:9000") << "once";
}

TEST_F(BrokerSettings, WrongValuesAreRefusedWithWhatIsAllowed) {
  for (const auto& [name, value, said] : std::vector<std::tuple<const char*, const char*, const char*>>{
           {"media.bind_addresses", "10.0.0.1,nonsense", "not an IP address"},
           {"media.control_bind", "localhost", "not an IP address"},
           {"media.management_address", "eth2", "not an IP address"},
           {"media.first_port", "70000", "65535"},
           {"media.max_load_factor", "101", "100"},
           {"media.audio_codecs", "", "at least one"},
           {"media.dscp", "64", "63"},
           {"media.rtp_port_range", "17000", "17000-17999"},
           {"media.rtp_port_range", "18000-17000", "17000-17999"},
           {"media.rtp_port_range", "80-90", "17000-17999"},
           {"media.rtp_address", "phone", "not an IP address"},
           {"media.rtp_latch", "all", "one of"},
           {"media.max_video_resolution", "4k", "one of"},
           {"log.level", "loud", "one of"}}) {
    const auto problem = settings_.setText(name, value);
    ASSERT_TRUE(problem) << name;
    EXPECT_THAT(problem->format(), HasSubstr(said));
  }
  const auto problems = settings_.loadText("[media]\nmax_cals = 5\nworkers = \"two\"\n", "parley-media.toml");
  ASSERT_EQ(problems.size(), 2u);
  EXPECT_THAT(problems[0].format(), HasSubstr("parley-media.toml:2: media.max_cals"));
  EXPECT_THAT(problems[0].format(), HasSubstr("media.max_calls"));
}

TEST_F(BrokerSettings, CodecsAndLimitsReachTheEngines) {
  set("media.audio_codecs", "PCMU");
  set("media.max_video_bitrate", "1000000");
  set("media.retransmit_ms", "300");
  set("media.workers", "7");
  EXPECT_THAT(negotiatorOptions(settings_).audioCodecs, testing::ElementsAre("PCMU"));
  EXPECT_EQ(negotiatorOptions(settings_).maxVideoBitrate, 1'000'000u);
  EXPECT_EQ(bridgeOptions(settings_).maxVideoBitrate, 1'000'000u);
  EXPECT_EQ(bridgeOptions(settings_).storeFor, base::Millis{300});
  EXPECT_EQ(workerCount(settings_), 7u);
}

TEST_F(BrokerSettings, PortsOfSipDevicesAreSharedOutInPairs) {
  set("media.rtp_port_range", "17001-17020");
  const auto first = rtpPortOptions(settings_, 0, 2), second = rtpPortOptions(settings_, 1, 2);
  EXPECT_EQ(first.first, 17002);
  EXPECT_EQ(first.last, 17009);
  EXPECT_EQ(second.first, 17010);
  EXPECT_EQ(second.last, 17017);
  set("media.rtp_port_range", "17000-17001");
  const auto none = rtpPortOptions(settings_, 1, 2);
  EXPECT_EQ(none.first, none.last);
  set("media.bind_addresses", "10.0.0.1");
  EXPECT_EQ(rtpPortOptions(settings_, 0, 1).bind.address(), "10.0.0.1");
  EXPECT_EQ(rtpPortOptions(settings_, 0, 1).advertised.at(0).address(), "10.0.0.1");
  set("media.rtp_address", "10.0.0.2");
  set("media.rtp_advertised_address", "203.0.113.5");
  EXPECT_EQ(rtpPortOptions(settings_, 0, 1).bind.address(), "10.0.0.2");
  EXPECT_EQ(rtpPortOptions(settings_, 0, 1).advertised.at(0).address(), "203.0.113.5");
  set("media.rtp_latch", "any");
  set("media.sip_codec_order", "PCMA,PCMU");
  set("media.max_video_resolution", "720p");
  EXPECT_EQ(rtpPortOptions(settings_, 0, 1).latch, RtpLatch::any);
  EXPECT_THAT(negotiatorOptions(settings_).sipOrder, testing::ElementsAre("PCMA", "PCMU"));
  EXPECT_EQ(negotiatorOptions(settings_).maxFrameBlocks, 3600u);
}

}  // namespace
}  // namespace parley::broker
