// Telephones over SIP: Phones (phones.h) on top of the SIP user agent, with the outbound servers of GW-4.
//
// Owns the user agent, its timer and the trunks. Whoever owns the network gives it datagrams and messages
// (receive) and a way to send (sip::Transport); the server does, and so do tests. Loop thread only.
//
// An outgoing call tries the outbound servers one after the other, and of each server (a name) one address
// after the other: the next one when an address does not answer at all within the server timeout, cannot be
// reached, or says 503. What another answer says, counts. Addresses that were silent lately come last. Where
// a 3xx leads is asked of the outbound servers, too, and of nobody else.
#pragma once
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/affinity.h"
#include "base/guard.h"
#include "base/metrics.h"
#include "base/random.h"
#include "base/secret.h"
#include "gateway/number_pattern.h"
#include "gateway/phones.h"
#include "gateway/strangers.h"
#include "gateway/trunk_account.h"
#include "gateway/trunks.h"
#include "net/endpoint.h"
#include "net/event_loop.h"
#include "sip/user_agent.h"

namespace parley::gateway {

/// Who may call besides the outbound servers.
struct AllowedPeer {
  proto::TransportAddress address;  ///< Port: not looked at.
  unsigned prefix = 128;            ///< Bits of the (IPv4-mapped) address that must be the same.
};
/// "192.0.2.1", "192.0.2.0/24", "2001:db8::/32". Nothing: it is none of them.
std::optional<AllowedPeer> parseAllowedPeer(std::string_view text);
bool covers(const AllowedPeer& peer, const proto::TransportAddress& address);

struct SipPhonesOptions {
  std::vector<std::string> servers;  ///< GW-4: sip:host, sips:host, sip:host;transport=tcp
  TrunkTimes times;
  bool rewriteUris = true;  ///< The request URI's host becomes the server's.
  std::string domain;       ///< In From; empty: our own address towards the server.
  /// Who calls, where it is nobody with a number or a name for others; empty: anonymous (RFC 3323).
  std::string callerWithoutNumber;
  std::vector<AllowedPeer> allowedPeers;
  bool silentToStrangers = false;      ///< Nothing instead of 403.
  std::vector<NumberPattern> refused;  ///< GW-13: nobody is led there by who is called either (3xx).
  sip::CallTimes callTimes;
  std::size_t maxLegs = 4'000;
};

class SipPhones final : public Phones,
                        private sip::UserAgentListener,
                        private sip::Admission,
                        private sip::Locator,
                        private sip::RedirectPolicy {
 public:
  using Located = std::function<void(std::vector<sip::Target>)>;
  /// Finds where a URI's host is; always answers, never inside the call. An empty list: nowhere.
  using Locate = std::function<void(const sip::Uri&, Located)>;

  SipPhones(net::EventLoop& loop, sip::Transport& transport, base::Random& random, Locate locate,
            sip::UserAgentOptions agent, SipPhonesOptions options, sip::Authenticator* authenticator);
  ~SipPhones() override;

  void start();  ///< Pings begin.
  void setOptions(SipPhonesOptions options);

  // What the network tells.
  void receive(sip::Message message, const sip::Source& source);
  /// Bytes that are no message; true: who sent them may hear why.
  bool onMalformed(const sip::ParseFailure& failure, const sip::Source& source);
  void onSendFailed(sip::SendToken token, std::string_view reason);

  void setListener(PhonesListener* listener) override { listener_ = listener; }
  bool available() const override { return !trunks_.empty(); }
  void invite(const PhoneInvite& invite) override;
  void ring(const std::string& leg, const std::string& sdp) override;
  void answer(const std::string& leg, const std::string& sdp) override;
  void reject(const std::string& leg, int status, const std::string& text) override;
  void hangUp(const std::string& leg, EndReason reason) override;
  void offer(const PhoneOffer& offer) override;
  void answerOffer(const std::string& leg, const std::string& sdp) override;
  void refuseOffer(const std::string& leg, int status) override;
  void sendDtmf(const std::string& leg, const std::string& digits) override;
  void refer(const PhoneRefer& refer) override;
  void referProgress(const std::string& leg, int status) override;
  std::string save(const std::string& leg) const override;
  bool restore(const std::string& leg, const std::string& saved) override;

  void drain() { agent_->drain(); }
  void shutDown();  ///< Hangs everything up; done when idle().
  bool idle() const { return legs_.empty() && agent_->idle(); }

  const Trunks& trunks() const { return trunks_; }
  /// The outbound server that this is an address of, whatever the port: it may call. Empty: of none.
  std::string serverAt(const proto::TransportAddress& address) const;
  /// The outbound server that asks for credentials: one that was found at this address, port and transport.
  /// In a dialog that was made with such a one, any port and transport of its hosts is it as well (a Contact,
  /// a Record-Route), and over TLS what its name leads to by now. A connection that somebody made to us may
  /// come from any program of the host: it proves no port. One over TLS from the server's host, with a
  /// certificate of the server's name, is the server's, but makes what it names the server over TLS only.
  /// Errors: sip.auth_other_port, sip.auth_other_host.
  base::Result<TrunkAccount::Server> serverAsking(const sip::Asker& asker) const;
  const Strangers& strangers() const { return strangers_; }
  std::size_t legs() const { return legs_.size(); }
  std::uint64_t messagesIn() const { return messagesIn_; }
  std::uint64_t messagesOut() const { return messagesOut_; }
  const sip::UserAgent& agent() const { return *agent_; }

 private:
  struct Leg;
  class CountingTransport;

  // sip::UserAgentListener
  void onCall(const sip::IncomingCall& call) override;
  void onReached(sip::SessionId session, const sip::Target& target) override;
  void onProgress(sip::SessionId session, const sip::Progress& progress,
                  const sip::Message& response) override;
  void onAnswered(sip::SessionId session, const std::string& sdp, const sip::Message& response) override;
  void onConfirmed(sip::SessionId session, const std::string& sdp) override;
  void onOffer(sip::SessionId session, const std::string& sdp) override;
  void onOfferAnswered(sip::SessionId session, const std::string& sdp) override;
  void onOfferFailed(sip::SessionId session, int status, const std::string& reason) override;
  void onDtmf(sip::SessionId session, const sip::DtmfSignal& signal) override;
  void onSessionMessage(sip::SessionId session, const sip::Message& request) override;
  void onRefer(const sip::IncomingRefer& refer) override;
  void onReferProgress(sip::SessionId session, int status, bool done) override;
  void onEnded(sip::SessionId session, const sip::Ending& ending) override;
  void onChanged(sip::SessionId session) override;
  void onTrace(sip::SessionId session, bool outgoing, const std::string& what) override;
  bool onRequest(sip::RequestId request, const sip::Message& message, const sip::Source& source) override;
  void onRequestDone(sip::RequestId request, const sip::RequestResult& result) override;
  bool onSubscribe(const sip::IncomingSubscription&) override { return false; }
  void onNotify(const sip::Notification&) override {}
  void onSubscriptionEnded(sip::SubscriptionId, int, const std::string&) override {}
  // sip::Admission
  sip::Verdict admit(const sip::Message& request, const sip::Source& source) override;
  // sip::Locator: of names in a Contact, a Record-Route.
  void locate(sip::LocateId id, const sip::Uri& uri) override;
  // sip::RedirectPolicy
  sip::Onward onRedirect(sip::SessionId session, const sip::Uri& contact) override;

  void tryServer(Leg& leg);
  void callServer(Leg& leg, std::vector<sip::Target> targets);
  void serverFailed(Leg& leg, int status, const std::string& reason, const std::string& text);
  void nextServer(Leg& leg, int status, const std::string& reason, const std::string& text);
  void failLater(const std::string& leg, int status, std::string reason, std::string text);
  sip::OutgoingCall outgoing(const Leg& leg, const sip::Uri& server, std::vector<sip::Target> targets) const;
  static std::string shown(const proto::TransportAddress& address);
  std::string domainOf(const Leg& leg) const;
  std::string domainTowards(const std::vector<sip::Target>& targets) const;
  void ping(const std::string& server);
  void schedulePings();
  void remember(const std::string& server, const std::vector<sip::Target>& targets);
  std::string nameAt(const proto::TransportAddress& address) const;
  std::string nameOfServer(const sip::Source& source) const;
  sip::Target named(const sip::Target& target) const;
  std::string serverFoundAt(sip::TransportKind kind, const proto::TransportAddress& address) const;
  std::string serverProved(const sip::Neighbour& neighbour) const;
  void noteAddresses(const std::string& server);
  bool mayCall(const proto::TransportAddress& address) const;
  void noteStranger(const sip::Source& source, std::string_view method);
  std::string serverNamed(const sip::Uri& uri, const std::string& redirecting) const;
  void countRefusals();

  Leg* find(const std::string& leg);
  const Leg* find(const std::string& leg) const;
  Leg* find(sip::SessionId session);
  void forget(Leg& leg);
  void arm();  ///< After everything that was asked of the user agent.

  net::EventLoop& loop_;
  base::Random& random_;
  Locate locate_;
  SipPhonesOptions options_;
  std::unique_ptr<CountingTransport> transport_;
  std::unique_ptr<sip::UserAgent> agent_;
  Trunks trunks_;
  PhonesListener* listener_ = nullptr;
  std::map<std::string, std::unique_ptr<Leg>> legs_;
  std::map<sip::SessionId, Leg*> bySession_;
  std::map<sip::RequestId, std::string> pings_;  ///< The server each goes to.
  /// Where an outbound server is, and was within kAddressMemory: names that lead to one address of several in
  /// turn are one server all the same.
  struct ServerAddresses {
    std::vector<sip::Target> now;
    struct Known {
      sip::Target target;
      base::Instant until;
    };
    std::vector<Known> known;  ///< With those of `now`, the latest first; at most kMaxKnown.
    bool hasHost(const proto::TransportAddress& address) const;
  };
  std::map<std::string, ServerAddresses> trunkAddresses_;
  net::Timer timer_, pingTimer_;
  std::uint64_t messagesIn_ = 0, messagesOut_ = 0;
  base::Counter strangerCount_;
  std::array<base::Counter, sip::kRefusals> refusalCounters_;
  sip::RefusalCounts refusalsCounted_{};  ///< Of the user agent's, those that the counters have.
  Strangers strangers_;
  base::ThreadAffinity affinity_;
  base::LifeGuard guard_;
};

}  // namespace parley::gateway
