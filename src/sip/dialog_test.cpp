// Dialogs as values: made, gone through, written and read (RFC 3261 section 12).
#include "sip/dialog.h"

#include <gtest/gtest.h>

#include "sip/address_text.h"
#include "sip/dtmf.h"
#include "sip/session_state.h"

namespace parley::sip {
namespace {

Message parsed(const std::string& text) {
  std::string bytes;
  for (const char c : text) bytes += c == '\n' ? std::string("\r\n") : std::string(1, c);
  auto message = Message::parse(bytes);
  EXPECT_TRUE(message.has_value()) << text;
  return message.value_or(Message{});
}

const char* kIncoming =
    "INVITE sip:bob@b.example SIP/2.0\n"
    "Via: SIP/2.0/TCP 10.0.0.9:5060;branch=z9hG4bK1\n"
    "Record-Route: <sip:p2.example;lr>,\n <sip:p1.example;lr>\n"
    "From: \"Alice\" <sip:alice@a.example>;tag=a1\n"
    "To: <sip:bob@b.example>\n"
    "Call-ID: c1\nCSeq: 7 INVITE\nMax-Forwards: 70\n"
    "Contact: <sip:alice@10.0.0.8:5070;transport=tcp>\nContent-Length: 0\n\n";

Source tcpFrom(const char* ip) {
  Source source;
  source.kind = TransportKind::tcp;
  source.remote = *literalAddress(ip, 43'210);
  source.flow = FlowId{17};
  return source;
}

TEST(DialogTest, TheCalledSideKeepsTheRouteAsItCame) {
  auto dialog = dialogOfRequest(parsed(kIncoming), "b1", tcpFrom("10.0.0.9"));
  ASSERT_TRUE(dialog);
  EXPECT_EQ(dialog->routes, (std::vector<std::string>{"<sip:p2.example;lr>", "<sip:p1.example;lr>"}));
  EXPECT_EQ(dialog->remoteTarget, "sip:alice@10.0.0.8:5070;transport=tcp");
  EXPECT_EQ(dialog->remoteCSeq, 7U);
  EXPECT_EQ(dialog->hop.flow, FlowId{17});  // a name: the neighbour's connection
  const Message bye = dialogRequest(*dialog, Method::bye);
  EXPECT_EQ(bye.requestUri().toString(), "sip:alice@10.0.0.8:5070;transport=tcp");
  EXPECT_EQ(bye.list(HeaderId::route).size(), 2U);
  EXPECT_EQ(bye.from().tag(), "b1");
  EXPECT_EQ(bye.to().tag(), "a1");
  EXPECT_EQ(bye.to().display, "Alice");
  EXPECT_EQ(bye.cseq().number, 1U);
  EXPECT_EQ(dialogRequest(*dialog, Method::bye).cseq().number, 2U);
}

TEST(DialogTest, TheCallerTurnsTheRouteRound) {
  Message response = Message::responseTo(parsed(kIncoming), 200, "b1");
  response.set(HeaderId::contact, "<sip:bob@10.0.0.5>");
  auto dialog = dialogOfResponse(response, tcpFrom("10.0.0.9").target(), false);
  ASSERT_TRUE(dialog);
  EXPECT_EQ(dialog->routes, (std::vector<std::string>{"<sip:p1.example;lr>", "<sip:p2.example;lr>"}));
  EXPECT_FALSE(dialog->early);
  EXPECT_EQ(dialog->localCSeq, 7U);
  EXPECT_EQ(dialogRequest(*dialog, Method::ack, 7).cseq().number, 7U);
  EXPECT_EQ(dialog->localCSeq, 7U);
}

TEST(DialogTest, AStrictRouterGetsItsOwnUriAndTheTargetAtTheEnd) {
  DialogState dialog;
  dialog.callId = "c";
  dialog.local = "<sip:a@a.example>";
  dialog.remote = "<sip:b@b.example>";
  dialog.remoteTarget = "sip:b@10.0.0.2";
  dialog.routes = {"<sip:old.example>", "<sip:p.example;lr>"};
  const Message bye = dialogRequest(dialog, Method::bye);
  EXPECT_EQ(bye.requestUri().toString(), "sip:old.example");
  EXPECT_EQ(bye.list(HeaderId::route),
            (std::vector<std::string_view>{"<sip:p.example;lr>", "<sip:b@10.0.0.2>"}));
}

TEST(DialogTest, RequestsGoDownTheConnectionThatTheyCameBy) {
  Message invite = parsed(kIncoming);
  invite.remove(HeaderId::recordRoute);
  const auto contactFrom = [&](const char* contact, const char* ip) {
    invite.set(HeaderId::contact, contact);
    return dialogOfRequest(invite, "b", tcpFrom(ip)).value().hop;
  };
  // The same host: its connection, and should that be gone the address it can be called at.
  Target hop = contactFrom("<sip:a@10.0.0.8:5070;transport=tcp>", "10.0.0.8");
  EXPECT_EQ(hop.flow, FlowId{17});
  EXPECT_EQ(hop.address, *literalAddress("10.0.0.8", 5070));
  // Another host: not over this connection.
  EXPECT_EQ(contactFrom("<sip:a@10.0.0.7:5070;transport=tcp>", "10.0.0.8").flow, FlowId{});
  // Says nothing of the transport: stays on the stream.
  hop = contactFrom("<sip:a@10.0.0.8>", "10.0.0.8");
  EXPECT_EQ(hop.kind, TransportKind::tcp);
  EXPECT_EQ(contactFrom("<sip:a@10.0.0.8;transport=udp>", "10.0.0.8").kind, TransportKind::udp);
}

TEST(DialogTest, WhoProvedANameIsKnownByIt) {
  Source source = tcpFrom("10.0.0.8");
  source.kind = TransportKind::tls;
  source.peerName = "sbc.example";
  const auto made = [&] { return dialogOfRequest(parsed(kIncoming), "b", source).value(); };
  EXPECT_EQ(made().neighbour.name, "") << "it is only what a new connection must prove";
  source.verified = true;
  const DialogState dialog = made();
  EXPECT_EQ(dialog.neighbour.name, "sbc.example");
  EXPECT_EQ(deserialiseDialog(serialise(dialog))->neighbour, dialog.neighbour);
}

/// The keys of SDES stand in what is sent (RFC 4568).
TEST(DialogTest, AnotherAddressWithoutATransportIsNotLeftToDatagrams) {
  Message invite = parsed(kIncoming);
  const auto hop = [&](TransportKind kind, const char* contact, const char* route = nullptr) {
    invite.remove(HeaderId::recordRoute);
    if (route != nullptr) invite.set(HeaderId::recordRoute, route);
    invite.set(HeaderId::contact, contact);
    Source source = tcpFrom("10.0.0.8");
    source.kind = kind;
    return dialogOfRequest(invite, "b", source).value().hop;
  };
  for (const auto kind : {TransportKind::tls, TransportKind::tcp}) {
    const std::uint16_t port = kind == TransportKind::tls ? 5061 : 5060;
    const Target there = hop(kind, "<sip:a@10.0.0.7>");
    EXPECT_EQ(there.kind, kind);
    EXPECT_EQ(there.address, *literalAddress("10.0.0.7", port));
    EXPECT_EQ(there.flow, FlowId{});
    EXPECT_EQ(hop(kind, "<sip:a@10.0.0.7:5070>").address.port, 5070);
    EXPECT_EQ(hop(kind, "<sip:a@a.example>", "<sip:10.0.0.6;lr>").kind, kind);
    EXPECT_EQ(hop(kind, "<sip:a@10.0.0.8>").address.port, port) << "should the connection be gone";
    EXPECT_EQ(hop(kind, "<sip:a@10.0.0.7;transport=udp>").kind, TransportKind::udp) << "it says so";
    EXPECT_EQ(hop(kind, "<sips:a@10.0.0.7>").kind, TransportKind::tls);
  }
  EXPECT_EQ(hop(TransportKind::udp, "<sip:a@10.0.0.7>").kind, TransportKind::udp);
}

TEST(DialogTest, AWebSocketPeerIsItsConnection) {
  Message invite = parsed(kIncoming);
  invite.remove(HeaderId::recordRoute);
  invite.set(HeaderId::contact, "<sip:x@df7jal23ls0d.invalid;transport=ws>");
  Source source = tcpFrom("10.0.0.8");
  source.kind = TransportKind::wss;
  auto dialog = dialogOfRequest(invite, "b", source);
  ASSERT_TRUE(dialog);
  EXPECT_EQ(dialog->hop, source.target());
  EXPECT_FALSE(chooseHop(*dialog, source.target()));
}

TEST(DialogTest, OldRequestsAndMissingContactsAreSeen) {
  auto dialog = dialogOfRequest(parsed(kIncoming), "b1", tcpFrom("10.0.0.9"));
  Message again = parsed(kIncoming);
  again.setCSeq(6, Method::info);
  EXPECT_FALSE(takeCSeq(*dialog, again));
  again.setCSeq(9, Method::info);
  EXPECT_TRUE(takeCSeq(*dialog, again));
  EXPECT_EQ(dialog->remoteCSeq, 9U);
  Message bad = parsed(kIncoming);
  bad.remove(HeaderId::contact);
  EXPECT_EQ(dialogOfRequest(bad, "b1", tcpFrom("10.0.0.9")).error().reason, "sip.no_contact");
  bad.set(HeaderId::contact, "<tel:+4930>");
  EXPECT_EQ(dialogOfRequest(bad, "b1", tcpFrom("10.0.0.9")).error().reason, "sip.no_contact");
  bad = parsed(kIncoming);
  for (int i = 0; i < 20; ++i) bad.add(HeaderId::recordRoute, "<sip:p.example;lr>");
  EXPECT_EQ(dialogOfRequest(bad, "b1", tcpFrom("10.0.0.9")).error().reason, "sip.too_many_routes");
}

TEST(DialogTest, IsTheSameAfterItWasWrittenAndRead) {
  auto dialog = dialogOfRequest(parsed(kIncoming), "b1", tcpFrom("2001:db8::9"));
  ASSERT_TRUE(dialog);
  dialog->secure = true;
  dialog->localCSeq = 12;
  dialog->hop.host = "peer.example";
  auto again = deserialiseDialog(serialise(*dialog));
  ASSERT_TRUE(again);
  dialog->hop.flow = {};  // of this process only
  EXPECT_EQ(*again, *dialog);
}

TEST(DialogTest, ASessionIsTheSameAfterItWasWrittenAndRead) {
  SessionState state;
  state.dialog = dialogOfRequest(parsed(kIncoming), "b1", tcpFrom("10.0.0.9")).value();
  state.dialog.hop.flow = {};
  state.dialog.early = false;
  state.contactUser = "8000";
  state.peerUpdates = state.peerTimer = true;
  state.interval = 1'800;
  state.refresher = Refresher::them;
  state.localSdp = "v=0\r\ns=\\ -\r\n";
  EXPECT_EQ(deserialiseSession(serialise(state)), state);
}

TEST(DialogTest, WhatWasNotSavedIsNotRead) {
  SessionState state;
  state.dialog = dialogOfRequest(parsed(kIncoming), "b1", tcpFrom("10.0.0.9")).value();
  EXPECT_FALSE(deserialiseSession(serialise(state)));  // early
  state.dialog.early = false;
  const std::string good = serialise(state);
  ASSERT_TRUE(deserialiseSession(good));
  EXPECT_FALSE(deserialiseSession(""));
  EXPECT_FALSE(deserialiseSession("{}"));
  EXPECT_FALSE(deserialiseSession(good.substr(0, good.size() - 1)));
  EXPECT_FALSE(deserialiseSession("x" + good));
  EXPECT_FALSE(deserialiseSession(good + "target=\n\\"));
  EXPECT_FALSE(deserialiseSession(good + "target=nonsense uri\n"));
  EXPECT_TRUE(deserialiseSession(good + "later=1\n"));  // of a newer version
  std::string endless = good;
  for (int i = 0; i < 300; ++i) endless += "route=<sip:x;lr>\n";
  EXPECT_FALSE(deserialiseSession(endless));
}

TEST(DtmfTest, BothFormsAreReadAsPhonesWriteThem) {
  struct Case {
    const char* type;
    const char* body;
    std::optional<DtmfSignal> expected;
  };
  const Case cases[] = {
      {"application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", DtmfSignal{'5', 160}},
      {"application/dtmf-relay", "Signal= *\nDuration= 250", DtmfSignal{'*', 250}},
      {"application/dtmf-relay", "signal=11\r\n", DtmfSignal{'#', kDtmfDefaultMs}},
      {"application/dtmf-relay", "Duration=90\r\nSignal=d", DtmfSignal{'D', 90}},
      {"application/dtmf-relay", "Signal=hf\r\n", DtmfSignal{'!', kDtmfDefaultMs}},
      {"application/dtmf-relay", "Signal=1\r\nDuration=4000000000\r\n", DtmfSignal{'1', kDtmfMaxMs}},
      {"application/dtmf-relay", "Signal=1\r\nDuration=-4\r\n", DtmfSignal{'1', kDtmfDefaultMs}},
      {"application/dtmf-relay", "Signal=17\r\n", std::nullopt},
      {"application/dtmf-relay", "Signal=\r\n", std::nullopt},
      {"application/dtmf-relay", "5", std::nullopt},
      {"application/dtmf-relay", "", std::nullopt},
      {"application/dtmf", "5", DtmfSignal{'5', kDtmfDefaultMs}},
      {"application/dtmf", " # \r\n", DtmfSignal{'#', kDtmfDefaultMs}},
      {"application/dtmf", "10", DtmfSignal{'*', kDtmfDefaultMs}},
      {"application/dtmf", "x", std::nullopt},
      {"text/plain", "5", std::nullopt},
  };
  for (const Case& one : cases) EXPECT_EQ(parseDtmf(one.type, one.body), one.expected) << one.body;
  for (const char digit : std::string("0123456789*#ABCD!"))
    for (const auto form : {DtmfBody::dtmf, DtmfBody::dtmfRelay}) {
      const DtmfSignal signal{digit, kDtmfDefaultMs};
      EXPECT_EQ(parseDtmf(contentTypeOf(form), writeDtmf(signal, form)), signal);
    }
}

TEST(AddressTextTest, UrisWithLiteralAddressesNeedNoResolver) {
  const auto of = [](const char* uri) { return literalTarget(Uri::parse(uri).value()); };
  EXPECT_EQ(of("sip:a@10.0.0.1")->address, *literalAddress("10.0.0.1", 5060));
  EXPECT_EQ(of("sips:a@10.0.0.1")->kind, TransportKind::tls);
  EXPECT_EQ(of("sips:a@10.0.0.1;transport=tcp")->kind, TransportKind::tls);
  EXPECT_EQ(of("sips:a@10.0.0.1")->address.port, 5061);
  EXPECT_EQ(of("sip:a@[2001:db8::1]:5070;transport=tcp")->address, *literalAddress("2001:db8::1", 5070));
  EXPECT_EQ(of("sip:a@b.example;maddr=10.0.0.2")->address, *literalAddress("10.0.0.2", 5060));
  EXPECT_FALSE(of("sip:a@b.example"));
  EXPECT_FALSE(of("sip:a@10.0.0.1;transport=sctp"));
  EXPECT_FALSE(of("tel:+49301234"));
  EXPECT_EQ(ipText(*literalAddress("2001:db8::1", 1)), "2001:db8::1");
  EXPECT_EQ(splitHostPort("[2001:db8::1]:5060").host, "[2001:db8::1]");
  EXPECT_EQ(splitHostPort("[2001:db8::1]").port, std::nullopt);
  EXPECT_EQ(splitHostPort("a.example:5080").port, 5080);
}

}  // namespace
}  // namespace parley::sip
