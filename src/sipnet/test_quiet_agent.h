// The user agent over real sockets, for tests and benchmarks that add what they are about: timers armed, what
// comes handed over, events that nobody asked for taken. Loop thread only; in no program.
#pragma once
#include <string>
#include <utility>

#include "base/random.h"
#include "net/event_loop.h"
#include "sip/user_agent.h"
#include "sipnet/transport.h"

namespace parley::sipnet::rig {

class QuietAgent : public sip::UserAgentListener, public TransportSink {
 public:
  /// `authenticator` answers challenges, if it is there, and outlives this.
  explicit QuietAgent(net::EventLoop& loop, sip::UserAgentOptions options = {},
                      sip::Authenticator* authenticator = nullptr)
      : loop_(loop),
        transport_(loop, {}, *this),
        timer_(loop),
        agent_(
            std::move(options),
            {.transport = transport_, .random = random_, .listener = *this, .authenticator = authenticator}) {
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
  void onReached(sip::SessionId, const sip::Target&) override {}
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
  SipTransport transport_;
  net::Timer timer_;
  base::Instant armed_ = base::Instant::max();
  sip::UserAgent agent_;
};

}  // namespace parley::sipnet::rig
