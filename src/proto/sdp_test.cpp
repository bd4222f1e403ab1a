#include "proto/sdp.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace parley::proto {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string kHead = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";
const std::string kAudio = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n";

std::string load(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// kHead, an audio section and one line more: it is line 6.
base::Result<SdpSession> parseLine(const std::string& line) {
  return parseSdp(kHead + kAudio + line + "\r\n");
}

TEST(SdpTest, BrowsersSdpSurvivesARoundTrip) {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(
           std::filesystem::path(PARLEY_SOURCE_DIR) / "tests" / "data" / "sdp")) {
    if (entry.path().extension() != ".sdp") continue;
    SCOPED_TRACE(entry.path().filename());
    ++files;
    const std::string text = load(entry.path());
    const auto session = parseSdp(text);
    ASSERT_TRUE(session.has_value()) << session.error().text;
    const std::string written = writeSdp(*session);
    const auto again = parseSdp(written);
    ASSERT_TRUE(again.has_value()) << again.error().text;
    EXPECT_EQ(*session, *again);
    EXPECT_EQ(written, writeSdp(*again));
    // Nothing is lost: as many lines as came (Firefox writes ice-options and group once, too).
    EXPECT_EQ(std::ranges::count(written, '\n'), std::ranges::count(text, '\n'));
  }
  EXPECT_GT(files, 30u);
}

TEST(SdpTest, ReadsWhatChromiumOffers) {
  const auto session =
      parseSdp(load(std::filesystem::path(PARLEY_SOURCE_DIR) / "tests/data/sdp/chromium_offer_av.sdp"));
  ASSERT_TRUE(session.has_value());
  EXPECT_EQ(session->origin.version, 2u);
  ASSERT_EQ(session->groups.size(), 1u);
  EXPECT_EQ(session->groups[0].semantics, "BUNDLE");
  EXPECT_THAT(session->groups[0].mids, ElementsAre("0", "1"));
  ASSERT_EQ(session->media.size(), 2u);
  const SdpMedia& audio = session->media[0];
  EXPECT_EQ(audio.kind, "audio");
  EXPECT_EQ(audio.protocol, "UDP/TLS/RTP/SAVPF");
  EXPECT_EQ(audio.mid, "0");
  EXPECT_EQ(audio.direction, SdpDirection::sendrecv);
  EXPECT_TRUE(audio.rtcpMux);
  EXPECT_TRUE(audio.rtcpRsize);
  EXPECT_EQ(audio.transport.setup, SdpSetup::actpass);
  ASSERT_FALSE(audio.rtpmaps.empty());
  EXPECT_EQ(audio.rtpmaps[0], (SdpRtpmap{111, "opus", 48000, 2}));
  EXPECT_THAT(audio.fmtps, testing::Contains(SdpFmtp{111, "minptime=10;useinbandfec=1"}));
  EXPECT_THAT(audio.rtcpFbs, testing::Contains(SdpRtcpFb{std::uint8_t{111}, "transport-cc"}));
  EXPECT_THAT(audio.extmaps, testing::Contains(testing::Field(&SdpExtmap::uri, HasSubstr("sdes:mid"))));
  ASSERT_FALSE(audio.transport.candidates.empty());
  EXPECT_EQ(audio.transport.candidates[0].address, "127.0.0.1");
  EXPECT_EQ(audio.transport.candidates[0].type, "host");
  ASSERT_FALSE(audio.transport.fingerprints.empty());
  EXPECT_EQ(audio.transport.fingerprints[0].algorithm, "sha-256");
  const SdpMedia& video = session->media[1];
  ASSERT_EQ(video.ssrcGroups.size(), 1u);
  EXPECT_EQ(video.ssrcGroups[0].semantics, "FID");
  EXPECT_EQ(video.ssrcGroups[0].ssrcs.size(), 2u);
  EXPECT_FALSE(video.msids.empty());
}

TEST(SdpTest, KeepsUnknownLinesAndTakesBareLineFeeds) {
  const auto session = parseSdp(
      "v=0\no=jdoe 3724394400 3724394405 IN IP6 2001:db8::1\ns=Call to John\ni=info\nu=http://x/\n"
      "e=j@x\np=+1\nc=IN IP4 198.51.100.1\nb=CT:128\nt=0 0\nr=604800 3600 0 90000\nz=0 0\na=recvonly\n"
      "a=x-flag\na=x-value:a:b\nm=audio 49170/2 RTP/AVP 0 8\ni=mine\na=ptime:20\na=sendonly");
  ASSERT_TRUE(session.has_value()) << session.error().text;
  EXPECT_EQ(session->origin.address, "2001:db8::1");
  EXPECT_EQ(session->name, "Call to John");
  EXPECT_THAT(session->otherLines,
              ElementsAre("i=info", "u=http://x/", "e=j@x", "p=+1", "r=604800 3600 0 90000", "z=0 0"));
  EXPECT_THAT(session->others,
              ElementsAre(SdpAttribute{"x-flag", std::nullopt}, SdpAttribute{"x-value", "a:b"}));
  EXPECT_EQ(session->direction, SdpDirection::recvonly);
  ASSERT_EQ(session->media.size(), 1u);
  EXPECT_EQ(session->media[0].port, 49170);
  EXPECT_EQ(session->media[0].portCount, 2);
  EXPECT_THAT(session->media[0].formats, ElementsAre("0", "8"));
  EXPECT_EQ(session->media[0].title, "mine");
  EXPECT_THAT(session->media[0].others, ElementsAre(SdpAttribute{"ptime", "20"}));
  EXPECT_EQ(parseSdp(writeSdp(*session)), *session);
}

TEST(SdpTest, TimingLinesOutOfOrderStillRoundTrip) {
  const auto session = parseSdp(kHead + "z=0 0\r\ni=late\r\nk=clear:secret\r\n");
  ASSERT_TRUE(session.has_value());
  EXPECT_EQ(parseSdp(writeSdp(*session)), *session);
  EXPECT_THAT(writeSdp(*session), testing::Not(HasSubstr("secret")));
}

TEST(SdpTest, NonRtpSectionsUseAttributeNamesTheirOwnWay) {
  const auto session = parseSdp(kHead +
                                "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
                                "a=fmtp:webrtc-datachannel max-message-size=1\r\na=sctp-port:5000\r\n");
  ASSERT_TRUE(session.has_value()) << session.error().text;
  EXPECT_EQ(session->media[0].others.size(), 2u);
}

struct LineCase {
  const char* line;
  const char* expected;  ///< Part of the error's text, or nullptr if the line is fine.
};

const LineCase kLines[] = {
    {"a=rtpmap:111 opus/48000/2", nullptr},
    {"a=rtpmap:0 PCMU/8000 ", nullptr},
    {"a=rtpmap:128 opus/48000/2", "a=rtpmap"},
    {"a=rtpmap:111 opus", "a=rtpmap"},
    {"a=rtpmap:111 opus/0", "a=rtpmap"},
    {"a=rtpmap:111 opus/48000/0", "a=rtpmap"},
    {"a=rtpmap:111 opus/99999999999", "a=rtpmap"},
    {"a=rtpmap:111 opus/1/2/3", "a=rtpmap"},
    {"a=rtpmap:-1 opus/48000", "a=rtpmap"},
    {"a=rtpmap", "a=rtpmap"},
    {"a=fmtp:111 x=y;z", nullptr},
    {"a=fmtp:111", "a=fmtp"},
    {"a=fmtp:x y", "a=fmtp"},
    {"a=rtcp-fb:* nack", nullptr},
    {"a=rtcp-fb:111 nack pli", nullptr},
    {"a=rtcp-fb:111", "a=rtcp-fb"},
    {"a=rtcp-fb:256 nack", "a=rtcp-fb"},
    {"a=extmap:1 urn:x", nullptr},
    {"a=extmap:4096/recvonly urn:x some attributes", nullptr},
    {"a=extmap:0 urn:x", "a=extmap"},
    {"a=extmap:256 urn:x", "a=extmap"},
    {"a=extmap:1/both urn:x", "a=extmap"},
    {"a=extmap:1", "a=extmap"},
    {"a=extmap:4352 urn:x", "a=extmap"},
    {"a=mid:0", nullptr},
    {"a=mid:", "a=mid"},
    {"a=mid:a b", "a=mid"},
    {"a=sendrecv\r\na=sendrecv", nullptr},
    {"a=ice-ufrag:abcd", nullptr},
    {"a=ice-ufrag:abc", "a=ice-ufrag"},
    {"a=ice-ufrag:ab:cd", "a=ice-ufrag"},
    {"a=ice-pwd:0123456789012345678901", nullptr},
    {"a=ice-pwd:012345678901234567890", "a=ice-pwd"},
    {"a=ice-pwd:0123456789012345678901 ", "a=ice-pwd"},
    {"a=setup:passive", nullptr},
    {"a=setup:both", "a=setup"},
    {"a=setup", "a=setup"},
    {"a=fingerprint:sha-1 00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:00:11:22:33", nullptr},
    {"a=fingerprint:sha-256 00:11", "as many bytes"},
    {"a=fingerprint:x 00:1", "hex"},
    {"a=fingerprint:x 00-11", "hex"},
    {"a=fingerprint:x 0G", "hex"},
    {"a=fingerprint:x", "hex"},
    {"a=fingerprint:x 0a", nullptr},
    {"a=candidate:1 1 udp 2130706431 192.0.2.1 1000 typ host", nullptr},
    {"a=candidate:a/b+c 1 TCP 0 x.local 9 typ srflx raddr 0.0.0.0 rport 0", nullptr},
    {"a=candidate:1 0 udp 1 192.0.2.1 1000 typ host", "a=candidate"},
    {"a=candidate:1 1 udp 4294967296 192.0.2.1 1000 typ host", "a=candidate"},
    {"a=candidate:1 1 udp 1 192.0.2.1 65536 typ host", "a=candidate"},
    {"a=candidate:1 1 udp 1 192.0.2.1 1 typ", "a=candidate"},
    {"a=candidate:1 1 udp 1 192.0.2.1 1 type host", "a=candidate"},
    {"a=end-of-candidates", nullptr},
    {"a=msid:s t", nullptr},
    {"a=msid:s", nullptr},
    {"a=msid:", "a=msid"},
    {"a=msid:a b c", "a=msid"},
    {"a=ssrc:4294967295 cname:x y", nullptr},
    {"a=ssrc:1 flag", nullptr},
    {"a=ssrc:4294967296 cname:x", "a=ssrc"},
    {"a=ssrc:1", "a=ssrc"},
    {"a=ssrc-group:FID 1 2", nullptr},
    {"a=ssrc-group:FID", nullptr},
    {"a=ssrc-group:FID 1 x", "a=ssrc-group"},
    {"a=ssrc-group: 1", "a=ssrc-group"},
    {"a=tls-id:01234567890123456789", nullptr},
    {"a=tls-id:short", "a=tls-id"},
    {"a=simulcast:send 1;2", nullptr},
    {"a=x:\xc3\xa9", nullptr},
    {"a=", "a=<name>"},
    {"a=:x", "a=<name>"},
    {"b=TIAS:64000", nullptr},
    {"b=TIAS", "b=<type>"},
    {"b=AS:-1", "b=<type>"},
    {"b=AS:18446744073709551616", "b=<type>"},
    {"c=IN IP4 0.0.0.0", nullptr},
    {"c=IN IP4", "c=IN"},
    {"c=XX IP4 a", "c=IN"},
    {"m=video 9 UDP/TLS/RTP/SAVPF 96", nullptr},
    {"m=video 9 UDP/TLS/RTP/SAVPF", "m=<kind>"},
    {"m=video 65536 UDP/TLS/RTP/SAVPF 96", "m=<kind>"},
    {"m=video 9/0 UDP/TLS/RTP/SAVPF 96", "m=<kind>"},
    {"m=video 9 UDP/TLS/RTP/SAVPF 128", "payload types"},
    {"m=video 9 UDP/TLS/RTP/SAVPF 96 96", "each format"},
    {"m=video 9 UDP/TLS/RTP/SAVPF x", "payload types"},
    {"m=application 9 X x", nullptr},
    {"v=0", "RFC 8866"},
    {"q=x", "RFC 8866"},
    {"x", "<type>=<value>"},
    {"", "<type>=<value>"},
    {"a=x:\x01", "control"},
    {"a=x:\ry", "control"}};

TEST(SdpTest, EachLineIsTakenOrRefusedByName) {
  for (const auto& [line, expected] : kLines) {
    SCOPED_TRACE(line);
    const auto session = parseLine(line);
    EXPECT_EQ(session.has_value(), expected == nullptr);
    if (session) {
      EXPECT_EQ(parseSdp(writeSdp(*session)), *session);
    } else if (expected != nullptr) {
      EXPECT_EQ(session.error().reason, "sdp.malformed");
      EXPECT_THAT(session.error().text, HasSubstr("line 6: expected"));
      EXPECT_THAT(session.error().text, HasSubstr(expected));
    }
  }
}

TEST(SdpTest, RepeatedCriticalAttributesAreRefusedWithTheirLine) {
  for (const char* pair :
       {"a=mid:0\r\na=mid:1", "a=setup:active\r\na=setup:active", "a=sendonly\r\na=recvonly",
        "a=rtpmap:111 a/1\r\na=rtpmap:111 b/1", "a=ice-ufrag:aaaa\r\na=ice-ufrag:bbbb"}) {
    const auto session = parseLine(pair);
    ASSERT_FALSE(session.has_value()) << pair;
    EXPECT_THAT(session.error().text, HasSubstr("line 7:"));
  }
}

TEST(SdpTest, FirstLinesComeInOrder) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "line 1"},
      {"o=- 1 2 IN IP4 127.0.0.1\r\n", "line 1: expected v=0"},
      {"v=1\r\n", "line 1: expected v=0"},
      {"v=0\r\ns=-\r\n", "line 2: expected an o= line"},
      {"v=0\r\no=- 1 IN IP4 x\r\n", "line 2: expected o=<user>"},
      {"v=0\r\no=- a 2 IN IP4 x\r\n", "line 2: expected o=<user>"},
      {"v=0\r\no=- 1 99999999999999999999 IN IP4 x\r\n", "line 2: expected o=<user>"},
      {"v=0\r\no=- 1 2 IN IP4 x\r\nt=0 0\r\n", "line 3: expected an s= line"},
      {"v=0\r\no=- 1 2 IN IP4 x\r\ns=-\r\n", "line 4: expected a t= line"},
      {"v=0\r\no=- 1 2 IN IP4 x\r\ns=-\r\nm=audio 9 RTP/AVP 0\r\n", "line 4: expected a t= line"},
  };
  for (const auto& [text, wanted] : cases) {
    const auto session = parseSdp(text);
    ASSERT_FALSE(session.has_value()) << text;
    EXPECT_EQ(session.error().reason, "sdp.malformed");
    EXPECT_THAT(session.error().text, HasSubstr(wanted));
  }
}

TEST(SdpTest, ErrorsRepeatNothingOfTheInput) {
  const auto session = parseLine("a=ice-pwd:topsecret");
  ASSERT_FALSE(session.has_value());
  EXPECT_THAT(session.error().text, testing::Not(HasSubstr("topsecret")));
}

TEST(SdpTest, LimitsAreErrorsNotCuts) {
  const auto reasonOf = [](const std::string& text, const SdpLimits& limits) {
    const auto session = parseSdp(text, limits);
    return session ? std::string("none") : session.error().reason;
  };
  const std::string text = kHead + kAudio + kAudio;
  EXPECT_EQ(reasonOf(text, {}), "none");
  EXPECT_EQ(reasonOf(text, {.maxBytes = text.size()}), "none");
  EXPECT_EQ(reasonOf(text, {.maxBytes = text.size() - 1}), "sdp.too_large");
  EXPECT_EQ(reasonOf(text, {.maxLineBytes = 31}), "none");
  EXPECT_EQ(reasonOf(text, {.maxLineBytes = 30}), "sdp.too_large");
  EXPECT_EQ(reasonOf(text, {.maxMedia = 2}), "none");
  EXPECT_EQ(reasonOf(text, {.maxMedia = 1}), "sdp.too_large");
  EXPECT_EQ(reasonOf(text, {.maxLinesPerSection = 4}), "none");
  EXPECT_EQ(reasonOf(text, {.maxLinesPerSection = 3}), "sdp.too_large");

  std::string many = kHead + kAudio;
  for (int i = 0; i < 511; ++i) many += fmt::format("a=ssrc:{} cname:x\r\n", i);
  EXPECT_EQ(reasonOf(many, {}), "none");
  EXPECT_EQ(reasonOf(many + "a=ssrc:1 cname:x\r\n", {}), "sdp.too_large");

  std::string formats = "m=application 9 X";
  for (int i = 0; i < 128; ++i) formats += fmt::format(" f{}", i);
  EXPECT_EQ(reasonOf(kHead + formats + "\r\n", {}), "none");
  EXPECT_EQ(reasonOf(kHead + formats + " g\r\n", {}), "sdp.malformed");

  std::string group = "a=group:BUNDLE";
  for (int i = 0; i < 128; ++i) group += fmt::format(" {}", i);
  EXPECT_EQ(reasonOf(kHead + group + "\r\n", {}), "none");
  EXPECT_EQ(reasonOf(kHead + group + " x\r\n", {}), "sdp.malformed");
}

}  // namespace
}  // namespace parley::proto
