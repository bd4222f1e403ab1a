// SIP as the server runs it: transports, DNS and phones together, over real sockets.
#include "gateway/sip_service.h"

#include <algorithm>
#include <optional>

#include "gateway/settings.h"
#include "gateway/test_quiet_listener.h"
#include "net/internal_test_name_server.h"
#include "sipnet/test_rig.h"

namespace parley::gateway {
namespace {

using net::rig::RawPeer;
using sip::TransportKind;
using sipnet::rig::badRequest;
using sipnet::rig::kDeadline;
using sipnet::rig::optionsRequest;
using sipnet::rig::Side;
using sipnet::rig::targetOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

struct SilentListener final : rig::QuietListener {
  void onPhoneCall(const IncomingPhoneCall& call) override { called = call.leg; }
  void onPhoneAnswered(const std::string&, const std::string&) override { ++answered; }
  void onPhoneFailed(const std::string&, int status, const std::string&, const std::string&) override {
    failed = status;
  }
  int answered = 0, failed = 0;
  std::string called;
};

/// A SIP server over UDP, whose answers are written by hand.
struct HandServer : Side {
  using Side::Side;
  struct Got {
    sip::Message message;
    sip::Source source;
  };
  /// The next request with that method.
  Got take(sip::Method method) {
    Got got;
    EXPECT_TRUE(until([&] {
      const auto found = std::ranges::find_if(messages, [&](const auto& each) {
        return each.first.isRequest() && each.first.method() == method;
      });
      if (found == messages.end()) return false;
      got = {found->first, found->second};
      messages.erase(found);
      return true;
    })) << "no "
        << sip::toString(method);
    return got;
  }
  void answer(const Got& got, int status, const sip::Headers& headers = {}) {
    auto response = sip::Message::responseTo(got.message, status, "far");
    for (const auto& each : headers) response.add(each.id, each.value);
    if (status == 200 && got.message.method() == sip::Method::invite) {
      if (!response.has(sip::HeaderId::contact)) response.set(sip::HeaderId::contact, "<sip:far@" + at + ">");
      response.setBody("v=0\r\n", "application/sdp");
    }
    transport.send(response.write(), got.source.target(), {});
  }
  void open(const char* address = "127.0.0.1", TransportKind kind = TransportKind::udp) {
    where = listen(kind, nullptr, *net::Endpoint::parse(address, 0));
    at = where.toString();
  }
  /// A request of a call that it makes to us.
  sip::Message request(const net::Endpoint& us, sip::Method method, const sip::NameAddr& to,
                       TransportKind kind = TransportKind::udp) const {
    auto request = sip::Message::request(method, *sip::Uri::parse("sip:8000@" + us.toString()));
    request.pushVia(*sip::Via::parse("SIP/2.0/" + std::string(sip::toString(kind)) + " " + at +
                                     ";branch=z9hG4bK-" + std::string(sip::toString(method))));
    request.from() = *sip::NameAddr::parse("<sip:2001@" + at + ">;tag=far");
    request.to() = to;
    request.setCallId("in");
    request.setCSeq(1, method);
    request.setMaxForwards(70);
    request.set(sip::HeaderId::contact,
                "<sip:far@" + at + (kind == TransportKind::tcp ? ";transport=tcp>" : ">"));
    if (method == sip::Method::invite) request.setBody("v=0\r\n", "application/sdp");
    return request;
  }
  /// Calls us from here; true: we took the call.
  bool call(const net::Endpoint& us, const std::function<void()>& answer) {
    const auto to = *sip::NameAddr::parse("<sip:8000@" + us.toString() + ">");
    transport.send(request(us, sip::Method::invite, to).write(), targetOf(TransportKind::udp, us), {});
    answer();
    const auto accepted = [](const auto& each) {
      return each.first.isResponse() && each.first.status() == 200;
    };
    if (!until([&] { return std::ranges::any_of(messages, accepted); })) return false;
    const sip::Message response = std::ranges::find_if(messages, accepted)->first;
    transport.send(request(us, sip::Method::ack, response.to()).write(), targetOf(TransportKind::udp, us),
                   {});
    return true;
  }
  net::Endpoint where;
  std::string at;
};

std::string credentialsOf(const HandServer::Got& got) {
  return std::string(got.message.header(sip::HeaderId::authorization).value_or(std::string_view{}));
}

class SipServiceTest : public ::testing::Test {
 protected:
  SipServiceTest() {
    declareSettings(settings_);
    set("sip.listen", "udp:127.0.0.1:0,tcp:127.0.0.1:0");
  }
  void set(const char* name, const std::string& text) {
    const auto problem = settings_.setText(name, text);
    ASSERT_FALSE(problem) << problem->format();
  }
  void start(std::shared_ptr<net::TlsServerContext> tls = nullptr) {
    auto started = SipService::start({loop_, random_, settings_, std::move(tls), nullptr, "1"});
    ASSERT_TRUE(started) << started.error().text;
    service_ = std::move(*started);
    service_->phones().setListener(&heard_);
  }
  void startWithTrunk() {
    trunk_.open();
    set("sip.outbound_servers", "sip:" + trunk_.at);
    start();
  }
  void call(const std::string& leg) {
    PhoneInvite invite;
    invite.leg = leg;
    invite.call = "c";
    invite.destination = "2001";
    invite.sdp = "v=0\r\n";
    service_->phones().invite(invite);
  }
  net::Endpoint where(TransportKind kind) const {
    return *net::Endpoint::parse("127.0.0.1", service_->port(kind));
  }
  bool until(const std::function<bool()>& done) { return loop_.runUntil(done, kDeadline); }
  std::uint64_t strangers() const { return service_->phones().strangers().refused(); }

  net::EventLoop loop_{"test"};
  base::SystemRandom random_;
  base::Settings settings_;
  SilentListener heard_;
  HandServer trunk_{loop_};
  std::unique_ptr<SipService> service_;
};

TEST_F(SipServiceTest, SilenceIsKeptOverWhatDoesNotParse) {
  set("sip.strangers", "silence");
  start();
  Side stranger(loop_);
  stranger.listen(TransportKind::udp);
  const auto udp = targetOf(TransportKind::udp, where(TransportKind::udp));
  stranger.transport.send(badRequest("SIP/2.0/UDP a;rport"), udp, {});
  stranger.transport.send("GET / HTTP/1.1\r\n\r\n", udp, {});
  ASSERT_TRUE(until([&] { return strangers() == 2; }));
  RawPeer peer(loop_, where(TransportKind::tcp));
  peer.send(badRequest() + "\r\n\r\n");
  ASSERT_TRUE(peer.waitFor("\r\n"));
  EXPECT_EQ(peer.got, "\r\n") << "the answer to the ping behind it is all";
  EXPECT_EQ(strangers(), 3u);
  // What comes afterwards is answered, and before it nothing was.
  set("sip.strangers", "refuse");
  service_->applySettings();
  stranger.transport.send(optionsRequest("SIP/2.0/UDP a;rport", "next"), udp, {});
  ASSERT_TRUE(stranger.got(1));
  EXPECT_EQ(stranger.messages[0].first.callId(), "next");
  EXPECT_EQ(stranger.messages[0].first.status(), 403);
  stranger.transport.send(badRequest("SIP/2.0/UDP a;rport"), udp, {});
  ASSERT_TRUE(stranger.got(2));
  EXPECT_EQ(stranger.messages[1].first.status(), 400);
  EXPECT_EQ(strangers(), 5u);
}

TEST_F(SipServiceTest, NamesInARouteAreFoundByDnsAndARedirectionGoesToTheServer) {
  net::rig::NameServer names(loop_);
  HandServer proxy(loop_);
  proxy.open();
  names.srv("_sip._udp.proxy.test", 1, proxy.where.port(), "host.proxy.test");
  names.loopback("host.proxy.test");
  set("sip.name_servers", names.socket->localEndpoint().toString());
  startWithTrunk();
  call("p1");
  trunk_.answer(trunk_.take(sip::Method::invite), 302,
                {{sip::HeaderId::contact, {}, "<sip:200@moved.test;transport=udp>"}});
  const auto invite = trunk_.take(sip::Method::invite);
  EXPECT_EQ(invite.message.requestUri().toString(), "sip:200@" + trunk_.at);
  trunk_.answer(invite, 200,
                {{sip::HeaderId::recordRoute, {}, "<sip:proxy.test;transport=udp;lr>"},
                 {sip::HeaderId::contact, {}, "<sip:200@phone.test>"}});
  trunk_.take(sip::Method::ack);  // Until the name is found, who wrote it gets what is sent.
  ASSERT_TRUE(until([&] { return heard_.answered == 1; }));
  const auto asked = [&](const char* name) { return names.asked.contains(name); };
  ASSERT_TRUE(until([&] { return asked("host.proxy.test"); }));
  EXPECT_FALSE(asked("_sip._udp.moved.test"));
  // The answers to the last questions are on their way to us; some messages more go and come behind them.
  Side last(loop_);
  last.listen(TransportKind::udp);
  for (std::size_t i = 1; i <= 3; ++i) {
    last.transport.send(optionsRequest("SIP/2.0/UDP a;rport", "last" + std::to_string(i)),
                        targetOf(TransportKind::udp, where(TransportKind::udp)), {});
    ASSERT_TRUE(last.got(i));
  }
  service_->phones().hangUp("p1", EndReason::hungUp);
  const auto bye = proxy.take(sip::Method::bye);
  EXPECT_EQ(bye.message.requestUri().toString(), "sip:200@phone.test");
  proxy.answer(bye, 200);
}

TEST_F(SipServiceTest, CredentialsAreGivenUnaskedAndToTheServerOnly) {
  set("sip.trunk_user", "parley");
  set("sip.trunk_password", "secret");
  startWithTrunk();
  const auto challenge = [](const char* nonce, const char* more = "") {
    return sip::Headers{{sip::HeaderId::wwwAuthenticate,
                         {},
                         std::string("Digest realm=\"pbx\", qop=\"auth\", nonce=\"") + nonce + "\"" + more}};
  };
  call("p1");
  auto invite = trunk_.take(sip::Method::invite);
  EXPECT_EQ(credentialsOf(invite), "");
  trunk_.answer(invite, 401, challenge("n1"));
  invite = trunk_.take(sip::Method::invite);
  EXPECT_THAT(credentialsOf(invite), HasSubstr("nonce=\"n1\""));
  EXPECT_THAT(credentialsOf(invite), HasSubstr("nc=00000001"));
  trunk_.answer(invite, 200);
  ASSERT_TRUE(until([&] { return heard_.answered == 1; }));
  service_->phones().hangUp("p1", EndReason::hungUp);
  const auto bye = trunk_.take(sip::Method::bye);
  EXPECT_THAT(credentialsOf(bye), HasSubstr("nc=00000002"));
  trunk_.answer(bye, 200);

  call("p2");
  invite = trunk_.take(sip::Method::invite);
  EXPECT_THAT(credentialsOf(invite), HasSubstr("nonce=\"n1\"")) << "unasked";
  EXPECT_THAT(credentialsOf(invite), HasSubstr("nc=00000003"));
  trunk_.answer(invite, 401, challenge("n2", ", stale=true"));
  invite = trunk_.take(sip::Method::invite);
  EXPECT_THAT(credentialsOf(invite), HasSubstr("nonce=\"n2\""));
  trunk_.answer(invite, 200, {{sip::HeaderId::authenticationInfo, {}, "nextnonce=\"n3\""}});
  ASSERT_TRUE(until([&] { return heard_.answered == 2; }));

  call("p3");
  invite = trunk_.take(sip::Method::invite);
  EXPECT_THAT(credentialsOf(invite), HasSubstr("nonce=\"n3\""));
  EXPECT_THAT(credentialsOf(invite), HasSubstr("nc=00000001"));
  HandServer foreign(loop_);
  foreign.open("127.0.0.2");
  trunk_.answer(invite, 302, {{sip::HeaderId::contact, {}, "<sip:200@" + foreign.at + ">"}});
  invite = trunk_.take(sip::Method::invite);
  EXPECT_EQ(invite.message.requestUri().toString(), "sip:200@" + trunk_.at);
  trunk_.answer(invite, 200, {{sip::HeaderId::contact, {}, "<sip:200@" + foreign.at + ">"}});
  ASSERT_TRUE(until([&] { return heard_.answered == 3; }));
  service_->phones().hangUp("p3", EndReason::hungUp);
  const auto lured = foreign.take(sip::Method::bye);
  EXPECT_EQ(credentialsOf(lured), "");
  foreign.answer(lured, 401, challenge("evil"));
  Side last(loop_);  // What comes behind it is answered: until then there was time to give in.
  last.listen(TransportKind::udp);
  last.transport.send(optionsRequest("SIP/2.0/UDP a;rport", "last"),
                      targetOf(TransportKind::udp, where(TransportKind::udp)), {});
  ASSERT_TRUE(last.got(1));
  EXPECT_TRUE(std::ranges::none_of(foreign.messages, [](const auto& each) {
    return each.first.method() == sip::Method::bye;
  })) << "nothing was made of the password for it";
}

TEST_F(SipServiceTest, AnotherProgramOfTheServersHostIsGivenNoCredentials) {
  set("sip.trunk_user", "parley");
  set("sip.trunk_password", "secret");
  startWithTrunk();
  HandServer other(loop_);
  other.open();
  const sip::Headers challenge{
      {sip::HeaderId::wwwAuthenticate, {}, R"(Digest realm="pbx", qop="auth", nonce="n1")"}};
  const sip::Headers there{{sip::HeaderId::contact, {}, "<sip:200@" + other.at + ">"}};
  call("p1");
  trunk_.answer(trunk_.take(sip::Method::invite), 302, there);
  trunk_.answer(trunk_.take(sip::Method::invite), 486);
  ASSERT_TRUE(until([&] { return heard_.failed == 486; })) << "it is not even called";

  ASSERT_TRUE(other.call(where(TransportKind::udp), [&] {
    ASSERT_TRUE(until([&] { return !heard_.called.empty(); }));
    service_->phones().answer(heard_.called, "v=0\r\n");
  }));
  // Until the ACK is there a hang-up waits for it.
  service_->phones().hangUp(heard_.called, EndReason::hungUp);
  other.answer(other.take(sip::Method::bye), 401, challenge);

  // A dialog that was made with the server itself: where that leads, it is asked for by the server.
  call("p2");
  trunk_.answer(trunk_.take(sip::Method::invite), 200, there);
  ASSERT_TRUE(until([&] { return heard_.answered == 1; }));
  service_->phones().hangUp("p2", EndReason::hungUp);
  auto bye = other.take(sip::Method::bye);
  EXPECT_EQ(bye.message.cseq().number, 2U) << "the first BYE was not sent again with credentials";
  other.answer(bye, 401, challenge);
  bye = other.take(sip::Method::bye);
  EXPECT_THAT(credentialsOf(bye), HasSubstr("nonce=\"n1\""));
  other.answer(bye, 200);
}

/// By maddr a Contact has the server's name and leads elsewhere; without TLS nothing proves the name.
TEST_F(SipServiceTest, TheServersNameInAContactAloneIsGivenNoCredentials) {
  set("sip.trunk_user", "parley");
  set("sip.trunk_password", "secret");
  trunk_.open();
  const std::string port = std::to_string(trunk_.where.port());
  set("sip.outbound_servers", "sip:localhost:" + port);
  start();
  HandServer other(loop_);
  other.open("127.0.0.2");
  call("p1");
  const std::string contact =
      "<sip:200@localhost:" + std::to_string(other.where.port()) + ";maddr=127.0.0.2>";
  trunk_.answer(trunk_.take(sip::Method::invite), 200, {{sip::HeaderId::contact, {}, contact}});
  ASSERT_TRUE(until([&] { return heard_.answered == 1; }));
  service_->phones().hangUp("p1", EndReason::hungUp);
  auto bye = other.take(sip::Method::bye);
  EXPECT_FALSE(bye.message.has(sip::HeaderId::authorization));
  const auto asked = bye.message.cseq().number;
  other.answer(bye, 401,
               {{sip::HeaderId::wwwAuthenticate, {}, R"(Digest realm="pbx", qop="auth", nonce="n1")"}});
  ASSERT_TRUE(until([&] { return service_->phones().agent().sizes().sessions == 0; }));
  EXPECT_TRUE(std::ranges::none_of(other.messages, [&](const auto& each) {
    return each.first.isRequest() && each.first.method() == sip::Method::bye &&
           each.first.cseq().number != asked;
  }));
}

/// A message that is cut off by a reset is none; the call goes on over a connection to the phone's Contact.
TEST_F(SipServiceTest, ACallOutlivesItsConnectionThatBreaksWithinAMessage) {
  set("sip.allowed_peers", "127.0.0.1");
  start();
  HandServer phone(loop_);
  phone.open("127.0.0.1", TransportKind::tcp);
  const net::Endpoint us = where(TransportKind::tcp);
  RawPeer wire(loop_, us);
  const auto to = *sip::NameAddr::parse("<sip:8000@" + us.toString() + ">");
  wire.send(phone.request(us, sip::Method::invite, to, TransportKind::tcp).write());
  ASSERT_TRUE(until([&] { return !heard_.called.empty(); }));
  service_->phones().answer(heard_.called, "v=0\r\n");
  ASSERT_TRUE(wire.waitFor("v=0\r\n"));
  const auto accepted = sip::Message::parse(wire.got.substr(wire.got.find("SIP/2.0 200")));
  ASSERT_TRUE(accepted) << wire.got;
  wire.send(phone.request(us, sip::Method::ack, accepted->to(), TransportKind::tcp).write());
  const std::string bye = phone.request(us, sip::Method::bye, accepted->to(), TransportKind::tcp).write();
  wire.send(bye.substr(0, bye.size() / 2));
  ASSERT_TRUE(until([&] { return service_->phones().messagesIn() == 2; }));
  const auto connections = base::Metrics::instance().gauge("parley_sip_connections", "Open SIP connections.",
                                                           {{"transport", "tcp"}});
  ASSERT_EQ(connections.value(), 1);
  wire.hangUp();
  ASSERT_TRUE(until([&] { return connections.value() == 0; }));
  EXPECT_EQ(service_->phones().legs(), 1u) << "half a BYE is none";
  service_->phones().hangUp(heard_.called, EndReason::hungUp);
  const auto got = phone.take(sip::Method::bye);
  EXPECT_EQ(got.source.kind, TransportKind::tcp);
  phone.answer(got, 200);
  EXPECT_TRUE(until([&] { return service_->phones().agent().sizes().sessions == 0; }));
}

TEST_F(SipServiceTest, SipIsServedOverWebSockets) {
  const auto certificate = sipnet::rig::makeCertificate("DNS:sip.test");
  set("sip.listen", "ws:127.0.0.1:0,wss:127.0.0.1:0");
  set("sip.allowed_peers", "127.0.0.1");
  start(sipnet::rig::serverTls(certificate));
  sipnet::TransportOptions options;
  options.connectWebSocket = true;
  options.tls = sipnet::rig::clientTls(certificate);
  for (const char* path : {"/", "/some/path"}) {
    options.webSocketPath = path;
    for (const auto kind : {TransportKind::ws, TransportKind::wss}) {
      Side client(loop_, options);
      client.transport.send(optionsRequest("SIP/2.0/WS x.invalid"), targetOf(kind, where(kind), "sip.test"),
                            {});
      ASSERT_TRUE(client.got(1)) << sip::toString(kind);
      EXPECT_EQ(client.messages[0].first.status(), 200);
      EXPECT_EQ(client.messages[0].second.kind, kind);
    }
  }
  RawPeer page(loop_, where(TransportKind::ws));
  page.send(
      "GET / HTTP/1.1\r\nHost: sip.test\r\nOrigin: https://evil.test\r\nUpgrade: websocket\r\nConnection: "
      "Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  ASSERT_TRUE(page.waitFor("sip.origin"));
  EXPECT_THAT(page.got, StartsWith("HTTP/1.1 403"));
}

TEST_F(SipServiceTest, AServerOverWebSocketsIsAskedAtItsPath) {
  auto router = std::make_shared<net::Router>();
  net::Endpoint at;
  std::vector<std::string> paths;
  router->addWebSocket("/*", [&](const net::HttpRequest& request, net::WebSocketUpgrade upgrade) {
    paths.emplace_back(request.path);
    trunk_.transport.takeUpgrade(request, std::move(upgrade), at);
  });
  net::HttpServer server(loop_, router, {});
  at = *server.listen(*net::Endpoint::parse("127.0.0.1", 0), nullptr);
  set("sip.outbound_servers", "sip:" + at.toString() + ";transport=ws;path=/ws/sip");
  start();
  const auto ping = trunk_.take(sip::Method::options);
  EXPECT_EQ(ping.source.kind, TransportKind::ws);
  EXPECT_EQ(ping.message.requestUri().toString(), "sip:" + at.toString() + ";transport=ws");
  EXPECT_THAT(paths, ::testing::ElementsAre("/ws/sip"));
}

TEST_F(SipServiceTest, AnAdvertisedAddressIsAHostOrOneForEachFamily) {
  for (const char* bad :
       {"sip:192.0.2.7", "a b", "192.0.2.256", "192.0.2", "-x.example", "x..example", "sbc.example:0",
        "sbc.example:65536", "0.0.0.0", "[::]:5060", "192.0.2.7,192.0.2.8", "2001:db8::7,2001:db8::8",
        "sbc.example,192.0.2.7", "192.0.2.7,", "192.0.2.7,2001:db8::7,192.0.2.8"}) {
    const auto problem = settings_.setText("sip.advertised_address", bad);
    ASSERT_TRUE(problem) << bad;
    EXPECT_THAT(problem->format(), HasSubstr("192.0.2.7,[2001:db8::7]:5070")) << bad;
  }
  for (const char* good :
       {"", "sbc.example", "parley_sbc:5070", "sbc.example.:5070", "192.0.2.7", "2001:db8::7",
        "[2001:db8::7]:5070", "192.0.2.7:5070, 2001:db8::7", "2001:db8::7,192.0.2.7"})
    set("sip.advertised_address", good);
}

TEST_F(SipServiceTest, NobodyIsToldAnAddressOfTheOtherFamily) {
  HandServer six(loop_);
  six.open("::1");
  trunk_.open();
  set("sip.listen", "udp:127.0.0.1:0,udp:[::1]:0");
  set("sip.outbound_servers", "sip:" + trunk_.at + ",sip:" + six.at);
  const auto told = [&](HandServer& server) {
    const auto ping = server.take(sip::Method::options);
    const sip::Via& via = *ping.message.topVia();
    return via.host + ":" + std::to_string(via.port.value_or(0));
  };
  set("sip.advertised_address", "192.0.2.7:5070");
  start();
  EXPECT_EQ(told(trunk_), "192.0.2.7:5070");
  EXPECT_THAT(told(six), StartsWith("[::1]:"));
  service_.reset();
  set("sip.advertised_address", "192.0.2.7:5070,2001:db8::7");
  start();
  EXPECT_EQ(told(trunk_), "192.0.2.7:5070");
  EXPECT_THAT(told(six), StartsWith("[2001:db8::7]:"));
}

}  // namespace
}  // namespace parley::gateway
