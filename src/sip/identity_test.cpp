#include "sip/identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace parley::sip {
namespace {

using testing::IsEmpty;

Message invite(std::string_view from, std::string_view lines) {
  const auto text = "INVITE sip:8000@parley.example SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: " +
                    std::string(from) +
                    ";tag=1\r\nTo: <sip:8000@parley.example>\r\nCall-ID: a\r\nCSeq: 1 INVITE\r\n" +
                    std::string(lines) + "\r\n";
  auto message = Message::parse(text);
  EXPECT_TRUE(message.has_value()) << message.error().text;
  return message.value_or(Message{});
}

TEST(SipIdentityTest, OfAStrangerOnlyFromCounts) {
  const auto message =
      invite("\"Al\" <sip:+1202@a.example>", "P-Asserted-Identity: \"Boss\" <sip:1@corp.example>\r\n");
  const auto stranger = callerOf(message, false);
  EXPECT_EQ(stranger.name, "Al");
  EXPECT_EQ(stranger.number, "+1202");
  EXPECT_FALSE(stranger.asserted);
  const auto peer = callerOf(message, true);
  EXPECT_EQ(peer.name, "Boss");
  EXPECT_EQ(peer.number, "1");
  EXPECT_TRUE(peer.asserted);
}

TEST(SipIdentityTest, AssertedIdentitiesTogether) {
  const auto caller = callerOf(
      invite("<sip:x@y>",
             "P-Asserted-Identity: <tel:+14085551234>, \"Cullen, J\" <sip:gw.example;user=phone>\r\n"),
      true);
  EXPECT_EQ(caller.name, "Cullen, J");
  EXPECT_EQ(caller.number, "+14085551234");
}

TEST(SipIdentityTest, RemotePartyIdOfCallManagers) {
  const auto caller =
      callerOf(invite("<sip:x@y>",
                      "Remote-Party-ID: \"C\" <sip:9@c>;party=called\r\n"
                      "Remote-Party-ID: \"Ann\" <sip:7@c>;party=calling;screen=yes;privacy=name\r\n"),
               true);
  EXPECT_EQ(caller.name, "");
  EXPECT_EQ(caller.number, "7");
  EXPECT_TRUE(caller.asserted);
  const auto hidden =
      callerOf(invite("<sip:x@y>", "Remote-Party-ID: \"Ann\" <sip:7@c>;privacy=full\r\n"), true);
  EXPECT_TRUE(hidden.withheld);
  EXPECT_EQ(hidden.number, "");
  EXPECT_EQ(hidden.uri.user, "7");
}

TEST(SipIdentityTest, PrivacyIsKept) {
  for (const std::string_view privacy : {"id", "user;id", "header;critical", "ID"}) {
    const auto caller =
        callerOf(invite("\"Al\" <sip:1@a>",
                        "Privacy: " + std::string(privacy) + "\r\nP-Asserted-Identity: \"Al\" <sip:1@a>\r\n"),
                 true);
    EXPECT_TRUE(caller.withheld) << privacy;
    EXPECT_EQ(caller.name + caller.number, "") << privacy;
  }
  EXPECT_FALSE(callerOf(invite("<sip:1@a>", "Privacy: none\r\n"), true).withheld);
  EXPECT_TRUE(callerOf(invite("\"Anonymous\" <sip:anonymous@anonymous.invalid>", ""), true).withheld);
}

TEST(SipIdentityTest, TextIsMadeFitToShow) {
  EXPECT_EQ(displayText("  M\xfcller\r\n\x01 "), "M\xc3\xbcller");
  EXPECT_EQ(displayText("a\xe2\x80\xae"
                        "b\xc2\x85"
                        "c"),
            "ab c");
  EXPECT_EQ(displayText(std::string(127, 'a') + "\xc3\xbc"), std::string(127, 'a'));
  EXPECT_LE(displayText(std::string(1000, '\xff')).size(), kMaxDisplayBytes);
}

TEST(SipIdentityTest, DiversionsOldestFirst) {
  const auto list =
      redirectionsOf(invite("<sip:x@y>",
                            "Diversion: \"Two\" <sip:2@a>;reason=no-answer;counter=1\r\n"
                            "Diversion: <sip:1@a>;reason=user-busy, <sip:0@a>;privacy=full\r\n"));
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(list[0].number, "");
  EXPECT_EQ(list[0].uri.user, "0");
  EXPECT_EQ(list[0].reason, "unknown");
  EXPECT_EQ(list[1].reason, "user-busy");
  EXPECT_EQ(list[2].name, "Two");
}

TEST(SipIdentityTest, HistoryBeforeDiversion) {
  const auto list = redirectionsOf(invite("<sip:x@y>",
                                          "Diversion: <sip:9@a>\r\n"
                                          "History-Info: <sip:1@a?Reason=SIP%3Bcause%3D486>;index=1, "
                                          "<sip:2@a;cause=408?Privacy=history>;index=1.1;mp=1\r\n"
                                          "History-Info: <sip:3@a;cause=408>;index=1.2\r\n"));
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].number, "1");
  EXPECT_EQ(list[0].reason, "no-answer");
  EXPECT_EQ(list[1].number, "");
  const auto busy = redirectionsOf(
      invite("<sip:x@y>", "History-Info: <sip:1@a?Reason=SIP%3Bcause%3D486>;index=1, <sip:2@a>;index=2\r\n"));
  ASSERT_EQ(busy.size(), 1u);
  EXPECT_EQ(busy[0].reason, "user-busy");
  EXPECT_THAT(redirectionsOf(invite("<sip:x@y>", "History-Info: <sip:1@a>;index=1\r\n")), IsEmpty());
}

TEST(SipIdentityTest, RedirectionsAreBounded) {
  std::string lines;
  for (int i = 0; i < 100; ++i) lines += "Diversion: <sip:" + std::to_string(i) + "@a>\r\n";
  EXPECT_EQ(redirectionsOf(invite("<sip:x@y>", lines)).size(), kMaxRedirections);
}

TEST(SipIdentityTest, UserToUserBothWays) {
  UserToUser out;
  out.data = {0x56, 0xa3, 0x00};
  out.purpose = "isdn-uui";
  out.content = "isdn-uui";
  const auto text = out.toString();
  ASSERT_TRUE(text.has_value());
  EXPECT_EQ(*text, "56a300;encoding=hex;purpose=isdn-uui;content=isdn-uui");
  const auto again = UserToUser::parse(*text);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->data, out.data);
  EXPECT_EQ(again->purpose, "isdn-uui");
  EXPECT_EQ(UserToUser::parse("\"a, b;c\"").value().data, base::Buffer({'a', ',', ' ', 'b', ';', 'c'}));
  EXPECT_EQ(UserToUser::parse("5A").value().data, base::Buffer({0x5a}));
  for (const std::string_view bad : {"", "5", "xy", "5a;encoding=base64", "\"5", "5a 5b", ";encoding=hex"})
    EXPECT_FALSE(UserToUser::parse(bad).has_value()) << bad;
  out.data.assign(kMaxUserToUserBytes + 1, 0);
  EXPECT_EQ(out.toString().error().reason, "sip.user_to_user_too_large");
  EXPECT_FALSE(UserToUser::parse(std::string(2 * (kMaxUserToUserBytes + 1), '0')).has_value());
  const auto message = invite("<sip:x@y>", "User-to-User: 01;encoding=hex, zz\r\nUser-to-User: 02\r\n");
  EXPECT_EQ(userToUserOf(message).size(), 2u);
}

TEST(SipIdentityTest, SessionIdsAreTheSameAtEitherEnd) {
  const std::string a = "ab30317f1a784dc48ff824d0d3715d86", b = "47755a9de7794ba387653f2099600ef2";
  const auto one = SessionIdentifier::parse("AB30317F1A784DC48FF824D0D3715D86;remote=" + b);
  const auto other = SessionIdentifier::parse(b + ";remote=" + a);
  ASSERT_TRUE(one.has_value());
  ASSERT_TRUE(other.has_value());
  EXPECT_EQ(one->correlation(), other->correlation());
  EXPECT_EQ(one->toString(), a + ";remote=" + b);
  EXPECT_EQ(SessionIdentifier::parse(a).value().correlation(), a);
  EXPECT_EQ(SessionIdentifier::parse(a + ";remote=" + std::string(kNilSession)).value().correlation(), a);
  for (const std::string_view bad :
       {"", "ab", "ab30317f1a784dc48ff824d0d3715d8g", "ab30317f1a784dc48ff824d0d3715d86;remote=1"})
    EXPECT_FALSE(SessionIdentifier::parse(bad).has_value()) << bad;
}

TEST(SipIdentityTest, ReasonsInWords) {
  EXPECT_EQ(reasonText(invite("<sip:x@y>", "Reason: Q.850 ;cause=16\r\n")),
            "normal call clearing (Q.850 16)");
  EXPECT_EQ(reasonText(invite("<sip:x@y>", "Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n")),
            "Call completed elsewhere (SIP 200)");
  EXPECT_EQ(reasonText(invite("<sip:x@y>", "Reason: SIP;cause=486, Q.850;cause=17\r\n")),
            "Busy Here (SIP 486)");
  EXPECT_EQ(reasonText(invite("<sip:x@y>", "Reason: Other;cause=99999999999\r\nReason: X;cause=7\r\n")),
            "X 7");
  EXPECT_EQ(reasonText(invite("<sip:x@y>", "")), "");
  const auto list = reasonsOf(invite("<sip:x@y>", "Reason: SIP;cause=1, Q.850;cause=2;text=\"a, b\"\r\n"));
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[1].cause, 2);
  EXPECT_EQ(list[1].text, "a, b");
}

}  // namespace
}  // namespace parley::sip
