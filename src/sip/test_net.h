// A network in one thread for tests of the SIP engine: datagrams with delay, loss, reordering and repetition;
// time moves only when told. User agents that keep what they were told, and a raw peer whose messages are
// written by hand.
#pragma once
#include <functional>
#include <map>
#include <queue>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "sip/user_agent.h"

namespace parley::sip::rig {

class FakeNet;

class Node {
 public:
  Node(FakeNet& net, std::string ip);
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  virtual ~Node();
  virtual void receive(const std::string& bytes, const Source& source) = 0;
  virtual void onSendFailed(SendToken, std::string_view) {}
  virtual base::Instant nextTimer() const { return base::Instant::max(); }
  virtual void onTimer() {}

  Target target(TransportKind kind = TransportKind::udp) const;
  const std::string& ip() const { return ip_; }
  const proto::TransportAddress& address() const { return address_; }
  FakeNet& net() { return net_; }

 protected:
  void transmit(std::string bytes, const Target& to, SendToken token);
  bool withdraw(SendToken token);

 private:
  FakeNet& net_;
  std::string ip_;
  proto::TransportAddress address_;
  Node* before_ = nullptr;  ///< Had this address, and has it again afterwards.
};

class FakeNet {
 public:
  base::Instant now{base::Millis{1'000}};
  base::FakeRandom random{7};
  base::Millis delay{10};
  base::Millis jitter{0};                          ///< More than 0: datagrams overtake each other.
  unsigned lossPercent = 0, duplicatePercent = 0;  ///< Of datagrams.
  bool refuseTcp = false;                          ///< Streams fail with sip.transport_refused.
  bool dropTcp = false;                            ///< Streams wait for a connection that never comes.
  /// Sees each message before it leaves; false: it is lost.
  std::function<bool(const std::string& bytes, const Node& from)> filter;
  std::vector<std::string> log;  ///< "10.0.0.1 > 10.0.0.2 INVITE sip:… SIP/2.0"

  void run(base::Millis duration);
  /// False: `limit` passed first.
  bool runUntil(const std::function<bool()>& done, base::Millis limit = base::Millis{60'000});
  std::size_t count(std::string_view part) const;  ///< Lines of the log with this in it.

 private:
  friend class Node;
  struct Wire {
    base::Instant due;
    std::uint64_t order;
    std::string bytes;
    proto::TransportAddress to;
    Source source;
    SendToken failed;
    bool operator>(const Wire& other) const {
      return due != other.due ? due > other.due : order > other.order;
    }
  };
  void send(Node& from, std::string bytes, const Target& to, SendToken token);
  void push(Wire wire);
  bool step(base::Instant until);
  std::map<proto::TransportAddress, Node*> nodes_;
  std::priority_queue<Wire, std::vector<Wire>, std::greater<>> wires_;
  std::uint64_t order_ = 0;
  std::set<SendToken> waiting_;  ///< For a connection (dropTcp).
};

/// A user agent with an address; `events` has a line for each event, in order.
class Agent final : public Node, public Transport, public UserAgentListener {
 public:
  Agent(FakeNet& net, const std::string& ip, UserAgentOptions options = {}, Admission* admission = nullptr,
        Authenticator* authenticator = nullptr, Locator* locator = nullptr,
        RedirectPolicy* redirects = nullptr);
  ~Agent() override;

  SessionId dial(const Node& other, std::string sdp = "offer", TransportKind kind = TransportKind::udp);
  OutgoingCall callTo(const Node& other, std::string sdp = "offer",
                      TransportKind kind = TransportKind::udp) const;
  bool has(std::string_view event) const;
  std::size_t count(std::string_view part) const;
  bool empty() const;  ///< All tables.

  base::FakeRandom random;
  std::vector<std::string> events;
  std::vector<IncomingCall> calls;
  std::vector<IncomingRefer> refers;
  std::vector<RequestResult> results;
  std::vector<IncomingSubscription> subscribers;
  std::vector<Notification> notifications;
  std::map<std::uint64_t, Ending> endings;
  std::vector<DtmfSignal> digits;
  std::vector<std::string> traces;
  std::vector<Target> reached;
  std::vector<Message> answers, progresses, messages;
  std::size_t changes = 0;
  bool takesRequests = false, takesSubscribers = false;
  std::function<void(const IncomingCall&)> onCallHook;
  std::function<void(SessionId, const std::string&)> onOfferHook;
  UserAgent ua;

  void receive(const std::string& bytes, const Source& source) override;
  base::Instant nextTimer() const override;
  void onTimer() override;
  void onSendFailed(SendToken token, std::string_view reason) override;

  void send(std::string bytes, const Target& target, SendToken token) override;
  bool takeBack(const Target&, SendToken token) override { return withdraw(token); }
  std::string sentBy(const Target& target) const override;

  void onCall(const IncomingCall& call) override;
  void onReached(SessionId session, const Target& target) override;
  void onProgress(SessionId session, const Progress& progress, const Message& response) override;
  void onAnswered(SessionId session, const std::string& sdp, const Message& response) override;
  void onConfirmed(SessionId session, const std::string& sdp) override;
  void onOffer(SessionId session, const std::string& sdp) override;
  void onOfferAnswered(SessionId session, const std::string& sdp) override;
  void onOfferFailed(SessionId session, int status, const std::string& reason) override;
  void onDtmf(SessionId session, const DtmfSignal& signal) override;
  void onSessionMessage(SessionId session, const Message& request) override;
  void onRefer(const IncomingRefer& refer) override;
  void onReferProgress(SessionId session, int status, bool done) override;
  void onEnded(SessionId session, const Ending& ending) override;
  void onChanged(SessionId session) override;
  void onTrace(SessionId session, bool outgoing, const std::string& what) override;
  bool onRequest(RequestId request, const Message& message, const Source& source) override;
  void onRequestDone(RequestId request, const RequestResult& result) override;
  bool onSubscribe(const IncomingSubscription& subscription) override;
  void onNotify(const Notification& notification) override;
  void onSubscriptionEnded(SubscriptionId subscription, int status, const std::string& reason) override;
  std::vector<RequestId> requests;
};

/// Whatever a test wants to say.
class RawPeer final : public Node {
 public:
  using Node::Node;
  void receive(const std::string& bytes, const Source& source) override;
  void send(const std::string& bytes, const Target& to) { transmit(bytes, to, {}); }
  void send(const Message& message, const Target& to) { transmit(message.write(), to, {}); }
  /// Response to the last request with that method.
  Message respond(std::string_view method, int status, const std::string& tag, const std::string& sdp = {},
                  const Headers& headers = {});
  /// A request outside of dialogs towards `to`, with all it needs.
  Message request(Method method, const Node& to, const std::string& sdp = {});
  const Message* last(std::string_view method) const;  ///< Request received; null: none.
  std::size_t count(std::string_view method) const;
  std::size_t countStatus(int status) const;
  std::vector<Message> received;
  Source from;

 private:
  std::uint32_t next_ = 0;
};

}  // namespace parley::sip::rig
