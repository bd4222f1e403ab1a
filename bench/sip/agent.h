// The user agent over real sockets, as the programs of this folder need it: UDP and TCP on one port of
// 127.0.0.1, timers armed, events that nobody asked for taken.
#pragma once
#include <cstdio>
#include <string>

#include "base/random.h"
#include "net/endpoint.h"
#include "net/event_loop.h"
#include "sip/user_agent.h"
#include "sipnet/transport.h"

namespace parley::bench {

class Agent : public sip::UserAgentListener, public sipnet::TransportSink {
 public:
  explicit Agent(net::EventLoop& loop)
      : loop_(loop),
        transport_(loop, transportOptions(), *this),
        timer_(loop),
        agent_(agentOptions(), parts()) {}

  bool listen(std::uint16_t port) {
    const auto at = net::Endpoint::parse("127.0.0.1", port);
    for (const auto kind : {sip::TransportKind::udp, sip::TransportKind::tcp}) {
      const auto bound = transport_.listen(kind, *at);
      if (!bound) return std::fprintf(stderr, "%s\n", bound.error().text.c_str()), false;
    }
    return true;
  }
  static sip::Target neighbour(sip::TransportKind kind, std::uint16_t port) {
    sip::Target target;
    target.kind = kind;
    target.address = {net::Endpoint::parse("127.0.0.1", port)->bytes(), port};
    return target;
  }

  void onMessage(sip::Message message, const sip::Source& source) override {
    agent_.receive(std::move(message), source, loop_.now());
    arm();
  }
  void onFlowClosed(sip::FlowId, std::string_view) override {}
  void onSendFailed(sip::SendToken token, std::string_view reason) override {
    agent_.onSendFailed(token, reason, loop_.now());
    arm();
  }
  void onCall(const sip::IncomingCall& call) override { agent_.reject(call.session, 486, loop_.now()); }
  void onProgress(sip::SessionId, const sip::Progress&, const sip::Message&) override {}
  void onAnswered(sip::SessionId, const std::string&, const sip::Message&) override {}
  void onConfirmed(sip::SessionId, const std::string&) override {}
  void onOffer(sip::SessionId session, const std::string&) override {
    agent_.refuseOffer(session, 488, loop_.now());
  }
  void onOfferAnswered(sip::SessionId, const std::string&) override {}
  void onOfferFailed(sip::SessionId, int, const std::string&) override {}
  void onDtmf(sip::SessionId, const sip::DtmfSignal&) override {}
  void onSessionMessage(sip::SessionId, const sip::Message&) override {}
  void onRefer(const sip::IncomingRefer& refer) override {
    agent_.referProgress(refer.session, 603, loop_.now());
  }
  void onReferProgress(sip::SessionId, int, bool) override {}
  void onEnded(sip::SessionId, const sip::Ending&) override {}
  void onChanged(sip::SessionId) override {}
  void onTrace(sip::SessionId, bool, const std::string&) override {}
  bool onRequest(sip::RequestId, const sip::Message&, const sip::Source&) override { return false; }
  void onRequestDone(sip::RequestId, const sip::RequestResult&) override {}
  bool onSubscribe(const sip::IncomingSubscription&) override { return false; }
  void onNotify(const sip::Notification&) override {}
  void onSubscriptionEnded(sip::SubscriptionId, int, const std::string&) override {}

 protected:
  void arm() {
    const base::Instant next = agent_.nextTimer(), now = loop_.now();
    if (next == base::Instant::max()) return timer_.stop();
    if (timer_.running() && next >= armed_) return;
    armed_ = next;
    const auto wait = next <= now ? base::Millis{0} : std::chrono::ceil<base::Millis>(next - now);
    timer_.start(wait, [this] {
      armed_ = base::Instant::max();
      agent_.onTimer(loop_.now());
      arm();
    });
  }

  net::EventLoop& loop_;
  base::SystemRandom random_;
  sipnet::SipTransport transport_;
  net::Timer timer_;
  base::Instant armed_ = base::Instant::max();
  sip::UserAgent agent_;

 private:
  static sipnet::TransportOptions transportOptions() { return {}; }
  static sip::UserAgentOptions agentOptions() {
    sip::UserAgentOptions out;
    out.maxSessions = 100'000;
    return out;
  }
  sip::UserAgentParts parts() { return {.transport = transport_, .random = random_, .listener = *this}; }
};

}  // namespace parley::bench
