// Dialogs over TLS with servers that connect to us without a certificate: requests of ours when that
// connection is gone. Real sockets.
#include <gtest/gtest.h>

#include "gateway/sip_phones.h"
#include "gateway/test_quiet_listener.h"
#include "sipnet/test_rig.h"

namespace parley::gateway {
namespace {

using sip::Method;
using sipnet::rig::clientTls;
using sipnet::rig::serverTls;
using sipnet::rig::Side;
using sipnet::rig::targetOf;
constexpr auto kOverTls = sip::TransportKind::tls;

constexpr auto kDescription = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n";

/// Telephones of a gateway with a transport of their own; it takes each call.
struct TlsGateway final : sipnet::TransportSink, rig::QuietListener {
  TlsGateway(net::EventLoop& loop, std::shared_ptr<net::TlsClientContext> tls, SipPhonesOptions options,
             std::vector<sip::Target> targets)
      : transport(loop, with(std::move(tls)), *this),
        phones(
            loop, transport, random,
            [&loop, targets](const sip::Uri&, SipPhones::Located located) {
              loop.post([targets, located = std::move(located)] { located(targets); });
            },
            {}, std::move(options), nullptr) {
    phones.setListener(this);
    phones.start();
  }
  static sipnet::TransportOptions with(std::shared_ptr<net::TlsClientContext> tls) {
    sipnet::TransportOptions options;
    options.tls = std::move(tls);
    return options;
  }

  void onMessage(sip::Message message, const sip::Source& source) override {
    phones.receive(std::move(message), source);
  }
  void onFlowClosed(sip::FlowId, std::string_view) override {}
  void onSendFailed(sip::SendToken token, std::string_view reason) override {
    failed.emplace_back(reason);
    phones.onSendFailed(token, reason);
  }
  void onPhoneCall(const IncomingPhoneCall& call) override {
    leg = call.leg;
    phones.answer(leg, kDescription);
  }
  void onPhoneTrace(const std::string&, bool outgoing, const std::string& what, const std::string&) override {
    acknowledged = acknowledged || (!outgoing && what.starts_with("ACK"));
  }

  base::SystemRandom random;
  sipnet::SipTransport transport;
  SipPhones phones;
  std::string leg;
  bool acknowledged = false;
  std::vector<std::string> failed;
};

class SipPhonesTlsTest : public testing::Test {
 protected:
  /// How a BYE of ours ends when nothing is connected any more: "BYE" at the server, or why not.
  struct Case {
    bool set = true;         ///< The peer is an outbound server, else one that may call.
    bool restarted = false;  ///< Another process hangs up; it has found no server yet.
    const char* contact = "127.0.0.1";
  };
  std::string byeOf(const Case& what) {
    const auto tls = clientTls(sbc_);
    Side sbc(loop_, TlsGateway::with(clientTls(own_)));
    const auto main = sbc.listen(kOverTls, serverTls(sbc_));
    const auto other = sbc.listen(kOverTls, serverTls(sbc_), *net::Endpoint::parse("127.0.0.2", main.port()));
    sbc.listen(kOverTls, serverTls(sbc_), *net::Endpoint::parse("127.0.0.3", main.port()));
    SipPhonesOptions options;
    if (what.set) options.servers = {"sip:sbc.example;transport=tls"};
    if (!what.set) options.allowedPeers = {*parseAllowedPeer("127.0.0.1")};
    TlsGateway gateway(loop_, tls, options,
                       {targetOf(kOverTls, main, "sbc.example"), targetOf(kOverTls, other, "sbc.example")});
    const auto where = gateway.transport.listen(kOverTls, sipnet::rig::kLoopback, serverTls(own_));
    if (what.set && !sbc.got(1)) return "no ping";
    call(sbc, *where, main.port(), what.contact, "INVITE", "1", "");
    const auto accepted = [&] {
      return std::ranges::find_if(sbc.messages, [](const auto& each) {
        return !each.first.isRequest() && each.first.status() == 200 &&
               each.first.has(sip::HeaderId::contact);
      });
    };
    if (!sbc.until([&] { return accepted() != sbc.messages.end(); })) return "no answer";
    call(sbc, *where, main.port(), what.contact, "ACK", "2",
         ";tag=" + std::string(accepted()->first.to().tag()));
    if (!sbc.until([&] { return gateway.acknowledged; })) return "no ACK";
    for (const auto& [message, source] : sbc.messages) sbc.transport.closeFlow(source.flow);
    if (!sbc.until([&] { return sbc.transport.connections() + gateway.transport.connections() == 0; }))
      return "still connected";
    if (!what.restarted) return hangUp(sbc, gateway, gateway.leg);
    TlsGateway next(loop_, tls, {}, {});
    if (!next.phones.restore(gateway.leg, gateway.phones.save(gateway.leg))) return "not restored";
    return hangUp(sbc, next, gateway.leg);
  }

 private:
  static void call(Side& sbc, const net::Endpoint& to, std::uint16_t port, const std::string& contact,
                   const std::string& method, const std::string& branch, const std::string& tag) {
    const std::string body = method == "INVITE" ? kDescription : "";
    sbc.transport.send(method + " sip:8000@" + to.toString() + " SIP/2.0\r\nVia: SIP/2.0/TLS " + contact +
                           ":" + std::to_string(port) + ";branch=z9hG4bK" + branch +
                           "\r\nMax-Forwards: 70\r\nFrom: <sip:a@sbc.example>;tag=1\r\nTo: "
                           "<sip:8000@parley.example>" +
                           tag + "\r\nCall-ID: call-1\r\nCSeq: 1 " + method + "\r\nContact: <sip:sbc@" +
                           contact + ":" + std::to_string(port) +
                           ";transport=tls>\r\nContent-Type: application/sdp\r\nContent-Length: " +
                           std::to_string(body.size()) + "\r\n\r\n" + body,
                       targetOf(kOverTls, to, "parley.example"), sipnet::rig::kToken);
  }
  static std::string hangUp(const Side& sbc, TlsGateway& gateway, const std::string& leg) {
    gateway.failed.clear();
    gateway.phones.hangUp(leg, EndReason::hungUp);
    const auto came = [&] {
      return std::ranges::any_of(sbc.messages, [](const auto& each) {
        return each.first.isRequest() && each.first.method() == Method::bye;
      });
    };
    sbc.until([&] { return came() || !gateway.failed.empty(); });
    if (came()) return "BYE";
    return gateway.failed.empty() ? "nothing" : gateway.failed.front();
  }

  net::EventLoop loop_{"test"};
  const sipnet::rig::TestCertificate own_ = net::rig::makeCertificate("DNS:parley.example");
  const sipnet::rig::TestCertificate sbc_ = net::rig::makeCertificate("DNS:sbc.example");
};

TEST_F(SipPhonesTlsTest, AServerIsReachedByItsNameWhenItsConnectionIsGone) {
  EXPECT_EQ(byeOf({}), "BYE");
  EXPECT_EQ(byeOf({.restarted = true}), "BYE") << "the name is saved with the dialog";
  EXPECT_EQ(byeOf({.contact = "127.0.0.2"}), "BYE") << "another address of the server";
}

TEST_F(SipPhonesTlsTest, AnybodyElseProvesTheAddressItself) {
  EXPECT_EQ(byeOf({.set = false}), "sip.transport_tls_failed");
  EXPECT_EQ(byeOf({.contact = "127.0.0.3"}), "sip.transport_tls_failed") << "no address of the server";
}

}  // namespace
}  // namespace parley::gateway
