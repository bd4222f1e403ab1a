#include "link/reliable_link.h"

#include <gtest/gtest.h>

namespace parley::link {
namespace {

TEST(ReliableLinkTest, KeepsUntilAcknowledged) {
  ReliableLink link;
  EXPECT_EQ(link.wrap(R"({"type":"a"})"), R"({"type":"a","seq":1,"ack":0})");
  EXPECT_EQ(link.arrived(1), ReliableLink::Arrival::next);
  EXPECT_EQ(link.arrived(1), ReliableLink::Arrival::duplicate);
  EXPECT_EQ(link.arrived(3), ReliableLink::Arrival::gap);
  EXPECT_TRUE(link.owesAck());
  EXPECT_EQ(link.wrap(R"({"type":"b"})"), R"({"type":"b","seq":2,"ack":1})");
  EXPECT_FALSE(link.owesAck());
  EXPECT_EQ(link.unacknowledged().size(), 2u);
  EXPECT_TRUE(link.acknowledge(1));
  EXPECT_TRUE(link.acknowledge(0)) << "an old one says nothing new";
  EXPECT_EQ(link.unacknowledged().size(), 1u);
  EXPECT_FALSE(link.acknowledge(3));
  EXPECT_TRUE(link.acknowledge(2));
  EXPECT_TRUE(link.unacknowledged().empty());
}

TEST(ReliableLinkTest, OverflowsByCountAndByBytes) {
  ReliableLink byBytes;
  const std::string big = R"({"type":")" + std::string(ReliableLink::kMaxKeptBytes / 4, 'a') + "\"}";
  for (int i = 0; i < 3; ++i) byBytes.wrap(big);
  EXPECT_FALSE(byBytes.overflowed());
  byBytes.wrap(big);
  EXPECT_TRUE(byBytes.overflowed());
  EXPECT_TRUE(byBytes.unacknowledged().empty());
}

}  // namespace
}  // namespace parley::link
