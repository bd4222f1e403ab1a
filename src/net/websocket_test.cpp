#include "net/websocket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "net/http.h"
#include "net/internal_test_support.h"

namespace parley::net {
namespace {

using base::Millis;
using rig::kDeadline;
using rig::RawPeer;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr int kText = 1, kBinary = 2, kClose = 8, kPing = 9, kPong = 10;

/// A client's frame (RFC 6455 section 5.2), masked unless asked otherwise.
std::string frame(int opcode, std::string_view payload, bool fin = true, bool masked = true) {
  std::string out;
  out += static_cast<char>((fin ? 0x80 : 0) | opcode);
  const int bit = masked ? 0x80 : 0;
  if (payload.size() < 126) {
    out += static_cast<char>(bit | static_cast<int>(payload.size()));
  } else if (payload.size() < 65536) {
    out += static_cast<char>(bit | 126);
    out += static_cast<char>(payload.size() >> 8);
    out += static_cast<char>(payload.size() & 0xff);
  } else {
    out += static_cast<char>(bit | 127);
    for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(payload.size() >> shift & 0xff);
  }
  if (!masked) return out + std::string(payload);
  const char mask[4] = {0x11, 0x22, 0x33, 0x44};
  out.append(mask, 4);
  for (std::size_t i = 0; i < payload.size(); ++i) out += static_cast<char>(payload[i] ^ mask[i % 4]);
  return out;
}

std::string closeFrame(std::uint16_t code, std::string_view reason = "") {
  std::string payload{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
  return frame(kClose, payload + std::string(reason));
}

struct Closed {
  std::uint16_t code = 0;
  std::string reason;
  int times = 0;
};

struct SocketSite {
  explicit SocketSite(WebSocketOptions o = {}, bool startAtOnce = true) : options(std::move(o)) {
    router->addWebSocket("/ws/{room}", [this, startAtOnce](HttpRequest request, WebSocketUpgrade upgrade) {
      room = request.params.at("room");
      if (room == "refused") return upgrade.refuse(HttpResponse::error(403, "no.entry", "No."));
      if (room == "never") return kept.push_back(std::move(upgrade));
      upgrade.accept(options, [this, startAtOnce](std::shared_ptr<WebSocket> s) {
        socket = std::move(s);
        if (startAtOnce) start();
      });
    });
    router->add("GET", "/plain",
                [](const HttpRequest&, HttpReply reply) { reply.send(HttpResponse::text(200, "plain")); });
    HttpServerOptions http;
    http.handlerTimeout = Millis{200};
    server.emplace(loop, router, http);
    where = *server->listen(*Endpoint::parse("127.0.0.1", 0), nullptr);
  }
  void start() {
    socket->start([this](std::string_view t) { texts.emplace_back(t); },
                  [this](base::Bytes b) { binaries.emplace_back(b.begin(), b.end()); },
                  [this](std::uint16_t code, std::string_view reason) {
                    closed.code = code;
                    closed.reason = reason;
                    ++closed.times;
                  });
  }
  bool until(std::function<bool()> done) { return loop.runUntil(done, kDeadline); }

  EventLoop loop{"test"};
  WebSocketOptions options;
  std::shared_ptr<Router> router = std::make_shared<Router>();
  std::vector<WebSocketUpgrade> kept;
  std::string room;
  std::shared_ptr<WebSocket> socket;
  std::vector<std::string> texts;
  std::vector<base::Buffer> binaries;
  Closed closed;
  std::optional<HttpServer> server;
  Endpoint where;
};

std::string upgradeRequest(std::string_view path = "/ws/a", std::string_view more = "",
                           std::string_view key = "dGhlIHNhbXBsZSBub25jZQ==",
                           std::string_view version = "13") {
  return "GET " + std::string(path) +
         " HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n" +
         "Sec-WebSocket-Key: " + std::string(key) + "\r\nSec-WebSocket-Version: " + std::string(version) +
         "\r\n" + std::string(more) + "\r\n";
}

/// Opens by hand; `got` is empty afterwards.
struct RawSocket : RawPeer {
  RawSocket(SocketSite& s, std::string_view more = "", int receiveBuffer = 0)
      : RawPeer(s.loop, s.where, receiveBuffer), site(s) {
    s.socket.reset();
    send(upgradeRequest("/ws/a", more));
    opened = waitFor("\r\n\r\n") && got.starts_with("HTTP/1.1 101 ") &&
             s.until([&] { return s.socket != nullptr; });
    head = got.substr(0, got.find("\r\n\r\n") + 4);
    got.erase(0, head.size());
  }
  std::uint16_t closeCode() {
    EXPECT_TRUE(waitFor(4)) << got.size();
    if (got.size() < 4 || got[0] != static_cast<char>(0x88)) return 0;
    return base::loadU16(base::asBytes(got).data() + 2);
  }
  SocketSite& site;
  bool opened = false;
  std::string head;
};

TEST(WebSocketServer, UpgradesAndExchangesMessages) {
  SocketSite site;
  RawSocket peer(site);
  ASSERT_TRUE(peer.opened) << peer.got;
  EXPECT_THAT(peer.head, HasSubstr("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));  // RFC 6455 section 1.3.
  EXPECT_EQ(site.room, "a");
  EXPECT_EQ(site.server->connections(), 1u);
  peer.send(frame(kText, "hé", false) + frame(kPing, "p") + frame(0, "llo") +
            frame(kBinary, std::string(70'000, 'b')));
  ASSERT_TRUE(site.until([&] { return site.binaries.size() == 1; }));
  EXPECT_EQ(site.texts, std::vector<std::string>{"héllo"});
  EXPECT_EQ(site.binaries[0].size(), 70'000u);
  ASSERT_TRUE(peer.waitFor(std::string("\x8a\x01p")));
  peer.got.clear();
  site.socket->sendText("out");
  site.socket->sendBinary({1, 2});
  ASSERT_TRUE(peer.waitFor(std::string("\x81\x03out\x82\x02\x01\x02")));
  EXPECT_TRUE(site.until([&] { return site.socket->bufferedBytes() == 0; }));
  peer.got.clear();
  EXPECT_TRUE(site.socket->remote().isLoopback());
  peer.send(closeFrame(4001, "bye"));
  ASSERT_TRUE(site.until([&] { return site.closed.times == 1; }));
  EXPECT_EQ(site.closed.code, 4001);
  EXPECT_EQ(site.closed.reason, "bye");
  EXPECT_FALSE(site.socket->open());
  EXPECT_EQ(peer.closeCode(), 4001);
  peer.finish();
  EXPECT_TRUE(site.until([&] { return site.server->connections() == 0; }));
}

TEST(WebSocketServer, TakesFramesThatCameWithTheRequest) {
  SocketSite site;
  RawPeer peer(site.loop, site.where);
  peer.send(upgradeRequest() + frame(kText, "early"));
  EXPECT_TRUE(site.until([&] { return site.texts.size() == 1; }));
}

TEST(WebSocketServer, MessagesWaitForStart) {
  SocketSite site({}, false);
  RawSocket peer(site);
  ASSERT_TRUE(peer.opened);
  peer.send(frame(kText, "waiting"));
  site.loop.poll();
  EXPECT_TRUE(site.texts.empty());
  site.start();
  EXPECT_TRUE(site.until([&] { return site.texts.size() == 1; }));
}

TEST(WebSocketServer, RefusesBadUpgrades) {
  SocketSite site;
  const auto ask = [&](const std::string& bytes) {
    RawPeer peer(site.loop, site.where);
    peer.send(bytes);
    EXPECT_TRUE(peer.waitFor("\r\n\r\n"));
    return peer.got;
  };
  EXPECT_THAT(ask(upgradeRequest("/ws/refused")), StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(ask(upgradeRequest("/ws/a", "", "short")), StartsWith("HTTP/1.1 400 "));
  const auto version = ask(upgradeRequest("/ws/a", "", "dGhlIHNhbXBsZSBub25jZQ==", "8"));
  EXPECT_THAT(version, StartsWith("HTTP/1.1 426 "));
  EXPECT_THAT(version, HasSubstr("Sec-WebSocket-Version: 13"));
  EXPECT_THAT(ask("GET /ws/a HTTP/1.1\r\nHost: x\r\n\r\n"), StartsWith("HTTP/1.1 426 "));
  EXPECT_THAT(ask(upgradeRequest("/nowhere")), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(ask(upgradeRequest("/plain")), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(ask(upgradeRequest("/ws/never")), StartsWith("HTTP/1.1 503 "));
  ASSERT_EQ(site.kept.size(), 1u);
  site.kept[0].accept({}, [](const auto&) { FAIL() << "too late"; });
  site.loop.poll();
}

struct Violation {
  const char* name;
  std::string bytes;
  std::uint16_t code;
};

TEST(WebSocketServer, EachViolationHasItsCloseCode) {
  WebSocketOptions options;
  options.maxMessageBytes = 1000;
  for (const auto& v : {
           Violation{"unmasked", frame(kText, "x", true, false), 1002},
           Violation{"too big", frame(kText, std::string(1001, 'x')), 1009},
           Violation{"too big in parts",
                     frame(kText, std::string(600, 'x'), false) + frame(0, std::string(600, 'x')), 1009},
           Violation{"announced 2^62 bytes",
                     std::string("\x82\xff\x40\x00\x00\x00\x00\x00\x00\x00\x01\x02\x03\x04", 14), 1009},
           Violation{"not UTF-8", frame(kText, "\xff\xfe"), 1007},
           Violation{"surrogate", frame(kText, "\xed\xa0\x80"), 1007},
           Violation{"cut UTF-8", frame(kText, "\xc3"), 1007},
           Violation{"reserved opcode", frame(3, "x"), 1002},
           Violation{"reserved bit", std::string("\xc1\x81\x11\x22\x33\x44x", 7), 1002},
           Violation{"lone continuation", frame(0, "x"), 1002},
           Violation{"text within text", frame(kText, "x", false) + frame(kText, "y"), 1002},
           Violation{"fragmented ping", frame(kPing, "x", false), 1002},
           Violation{"long ping", frame(kPing, std::string(126, 'x')), 1002},
           Violation{"close of one byte", frame(kClose, "x"), 1002},
           Violation{"close code 1005", closeFrame(1005), 1002},
       }) {
    SocketSite site(options);
    RawSocket peer(site);
    ASSERT_TRUE(peer.opened) << v.name;
    peer.send(v.bytes);
    EXPECT_EQ(peer.closeCode(), v.code) << v.name;
    peer.finish();
    ASSERT_TRUE(site.until([&] { return site.closed.times == 1; })) << v.name;
    EXPECT_EQ(site.closed.code, v.code) << v.name << " " << site.closed.reason;
    EXPECT_TRUE(site.texts.empty()) << v.name;
    EXPECT_TRUE(site.until([&] { return site.server->connections() == 0; })) << v.name;
  }
}

TEST(WebSocketServer, PingsASilentPeerAndGivesItUp) {
  WebSocketOptions options;
  options.pingInterval = Millis{20};
  {
    SocketSite site(options);
    RawSocket peer(site);
    ASSERT_TRUE(peer.opened);
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE(peer.waitFor(std::string("\x89\x00", 2)));
      peer.got.clear();
      peer.send(frame(kPong, ""));
    }
    EXPECT_TRUE(site.socket->open());
  }
  options.pongTimeout = Millis{40};
  SocketSite site(options);
  RawSocket peer(site);
  ASSERT_TRUE(peer.opened);
  ASSERT_TRUE(peer.waitFor(std::string("\x89\x00", 2)));
  ASSERT_TRUE(site.until([&] { return site.closed.times == 1; }));
  EXPECT_EQ(site.closed.code, 1006);
  EXPECT_TRUE(site.until([&] { return site.server->connections() == 0; }));
}

TEST(WebSocketServer, ABrokenConnectionIs1006) {
  SocketSite site;
  RawSocket peer(site);
  ASSERT_TRUE(peer.opened);
  peer.hangUp();
  ASSERT_TRUE(site.until([&] { return site.closed.times == 1; }));
  EXPECT_EQ(site.closed.code, 1006);
  site.socket->sendText("into the void");
  site.socket->close(1000, "");
  site.loop.poll();
  EXPECT_EQ(site.closed.times, 1);
}

TEST(WebSocketServer, ASlowReaderIsBoundedAndClosed) {
  WebSocketOptions options;
  options.maxBufferedBytes = 1 << 20;
  SocketSite site(options);
  RawSocket peer(site, "", 4096);
  ASSERT_TRUE(peer.opened);
  std::size_t most = 0;
  for (int i = 0; i < 2000 && site.socket->open(); ++i) {
    site.socket->sendBinary(base::Buffer(100'000));
    site.loop.poll();
    most = std::max(most, site.socket->bufferedBytes());
  }
  EXPECT_FALSE(site.socket->open());
  EXPECT_LE(most, options.maxBufferedBytes);
  EXPECT_LE(site.socket->bufferedBytes(), 200'000u);  // The rest is dropped at once.
  ASSERT_TRUE(site.until([&] { return site.closed.times == 1; }));
  EXPECT_EQ(site.closed.code, 1013);
}

TEST(WebSocketServer, APeerThatTalksButDoesNotReadIsGivenUp) {
  WebSocketOptions options;
  options.maxBufferedBytes = 32 << 20;
  options.pingInterval = Millis{5};
  options.pongTimeout = Millis{500};
  SocketSite site(options);
  RawSocket peer(site, "", 4096);
  ASSERT_TRUE(peer.opened);
  site.socket->sendBinary(base::Buffer(16 << 20));  // Fills every buffer on the way: pings cannot leave.
  Timer talk(site.loop);
  talk.startEvery(Millis{20}, [&] { peer.send(frame(kPong, "")); });
  ASSERT_TRUE(site.until([&] { return site.closed.times == 1; }));
  EXPECT_EQ(site.closed.code, 1013);
  EXPECT_TRUE(site.until([&] { return site.server->connections() == 0; }));
}

TEST(WebSocketServer, ManyEmptyMessagesAreBoundedToo) {
  WebSocketOptions options;
  options.maxBufferedBytes = 10'000;
  SocketSite site(options);
  RawSocket peer(site);
  for (int i = 0; i < 1000; ++i) site.socket->sendText("");
  EXPECT_FALSE(site.socket->open());
}

TEST(WebSocketServer, CloseSendsWhatWasQueuedThenTheCloseFrame) {
  SocketSite site;
  RawSocket peer(site);
  ASSERT_TRUE(peer.opened);
  site.socket->sendText("last");
  site.socket->close(4100, "over");
  site.socket->close(1000, "again");
  site.socket->sendText("too late");
  EXPECT_EQ(site.closed.times, 0);
  ASSERT_TRUE(peer.waitFor(std::string("\x81\x04last\x88\x06\x10\x04over")));
  peer.send(closeFrame(4100));
  ASSERT_TRUE(site.until([&] { return site.closed.times == 1; }));
  EXPECT_EQ(site.closed.code, 4100);
  peer.finish();
  EXPECT_TRUE(site.until([&] { return site.server->connections() == 0; }));
}

TEST(WebSocketServer, DroppingTheLastReferenceCloses1001) {
  SocketSite site;
  RawSocket peer(site);
  ASSERT_TRUE(peer.opened);
  site.socket.reset();
  EXPECT_EQ(peer.closeCode(), 1001);
  peer.send(closeFrame(1001));
  peer.finish();
  EXPECT_TRUE(site.until([&] { return site.server->connections() == 0; }));
  EXPECT_EQ(site.closed.times, 0);
}

TEST(WebSocketServer, MayBeDroppedInItsOwnCallback) {
  for (const bool inClose : {false, true}) {
    SocketSite site({}, false);
    RawSocket peer(site);
    ASSERT_TRUE(peer.opened);
    auto held = std::move(site.socket);
    auto* raw = held.get();
    auto owner = std::make_shared<std::shared_ptr<WebSocket>>(std::move(held));
    bool seen = false;
    raw->start(
        [owner, &seen, inClose](std::string_view) {
          if (!inClose) owner->reset(), seen = true;
        },
        {},
        [owner, &seen, inClose](auto, auto) {
          if (inClose) owner->reset(), seen = true;
        });
    peer.send(inClose ? closeFrame(1000) : frame(kText, "x"));
    ASSERT_TRUE(site.until([&] { return seen; }));
    peer.finish();
    EXPECT_TRUE(peer.waitClosed());
  }
}

TEST(WebSocketServer, ServerCloseSays1001) {
  SocketSite site;
  RawSocket peer(site);
  ASSERT_TRUE(peer.opened);
  bool done = false;
  site.server->close(Millis{60'000}, [&] { done = true; });
  EXPECT_EQ(peer.closeCode(), 1001);
  peer.send(closeFrame(1001));
  peer.finish();
  EXPECT_TRUE(site.until([&] { return done; }));
  EXPECT_EQ(site.closed.code, 1001);
}

TEST(WebSocketServer, ServerCloseDoesNotWaitForASilentPeer) {
  SocketSite site;
  RawSocket peer(site);
  ASSERT_TRUE(peer.opened);
  bool done = false;
  site.server->close(Millis{30}, [&] { done = true; });
  EXPECT_TRUE(site.until([&] { return done; }));
}

TEST(WebSocketServer, CompressesWhenOffered) {
  SocketSite site;
  RawSocket plain(site);
  site.socket->sendText(std::string(5000, 'a'));
  ASSERT_TRUE(plain.waitFor(std::string(5000, 'a')));
  RawSocket offered(site, "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n");
  ASSERT_TRUE(offered.opened);
  EXPECT_THAT(offered.head, HasSubstr("permessage-deflate"));
  site.socket->sendText(std::string(5000, 'a'));
  ASSERT_TRUE(offered.waitFor(10));
  EXPECT_EQ(static_cast<unsigned char>(offered.got[0]), 0xc1);  // RSV1: compressed.
  EXPECT_LT(offered.got.size(), 200u);
}

}  // namespace
}  // namespace parley::net
