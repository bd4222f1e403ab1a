// A user agent whose peer, owner and clock do what the input says: responses and requests that fit what it
// sent (or nearly), any bytes, any operation at any time. At the end all is hung up and time passes: then
// every table must be empty.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "sip/user_agent.h"

namespace {

using namespace parley;
using namespace parley::sip;

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  bool empty() const { return at_ >= size_; }
  std::uint8_t byte() { return empty() ? std::uint8_t{0} : data_[at_++]; }
  std::string text(std::size_t length) {
    length = std::min(length, size_ - std::min(at_, size_));
    std::string out(reinterpret_cast<const char*>(data_) + at_, length);
    at_ += length;
    return out;
  }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
  std::size_t at_ = 0;
};

class World final : public Transport,
                    public UserAgentListener,
                    public Admission,
                    public Authenticator,
                    public Locator {
 public:
  World() : ua(options(), {*this, random, *this, this, this, this}) {
    peer.kind = TransportKind::udp;
    peer.remote.ip[10] = peer.remote.ip[11] = 0xff;
    peer.remote.ip[12] = 10;
    peer.remote.port = 5060;
  }
  static UserAgentOptions options() {
    UserAgentOptions out;
    out.maxSessions = 20;
    out.maxSubscriptions = 20;
    out.maxTransactions = 100;
    return out;
  }

  void run(base::Millis duration) {
    const base::Instant until = now + duration;
    for (int i = 0; ua.nextTimer() <= until; ++i) {
      now = std::max(now, ua.nextTimer());
      ua.onTimer(now);
      if (i > 200'000) std::abort();  // a timer that never rests
    }
    now = until;
  }
  void receive(const Message& message) { ua.receive(message.write(), peer, now); }
  SessionId session(std::uint8_t which) const {
    return sessions.empty() ? SessionId{} : sessions[which % sessions.size()];
  }
  void operate(std::uint8_t which, Input& input);
  void respond(Input& input);
  void request(Input& input);
  void checkNumber(const Message& request);

  void send(std::string bytes, const Target& target, SendToken token) override {
    auto message = Message::parse(bytes);
    if (!message) {
      if (!wild) std::abort();  // what we write can be read, but for the answer to what could not
      return;
    }
    if (message->isRequest()) {
      lastRequest = *message;
      checkNumber(*message);
    }
    if (message->isResponse()) lastResponse = *message;
    lastToken = token;
    lastTarget = target;
  }
  bool takeBack(const Target&, SendToken) override { return random.u32() % 2 == 0; }
  std::string sentBy(const Target&) const override { return "10.0.0.1:5060"; }
  Verdict admit(const Message&, const Source&) override {
    return door == 6 ? Verdict::refused() : door == 7 ? Verdict::silent() : Verdict::allowed();
  }
  std::optional<Message> answer(const Message&, const Message& request, Asker&) override { return request; }
  void locate(LocateId id, const Uri&) override { located = id; }

  void note(SessionId id) {
    if (sessions.size() < 64) sessions.push_back(id);
  }
  void onCall(const IncomingCall& call) override { note(call.session); }
  void onProgress(SessionId, const Progress&, const Message&) override {}
  void onAnswered(SessionId, const std::string&, const Message&) override {}
  void onConfirmed(SessionId, const std::string&) override {}
  void onOffer(SessionId session, const std::string& sdp) override {
    if (sdp == "auto") ua.answerOffer(session, "answer", now);
  }
  void onOfferAnswered(SessionId, const std::string&) override {}
  void onOfferFailed(SessionId, int, const std::string&) override {}
  void onDtmf(SessionId, const DtmfSignal&) override {}
  void onSessionMessage(SessionId, const Message&) override {}
  void onRefer(const IncomingRefer&) override {}
  void onReferProgress(SessionId, int, bool) override {}
  void onEnded(SessionId session, const Ending&) override {
    if (std::ranges::find(ended, session) != ended.end()) std::abort();  // once
    ended.push_back(session);
  }
  void onChanged(SessionId session) override { saved = ua.save(session); }
  void onReached(SessionId, const Target&) override {}
  void onTrace(SessionId, bool, const std::string&) override {}
  bool onRequest(RequestId request, const Message&, const Source&) override {
    pending = request;
    return true;
  }
  void onRequestDone(RequestId, const RequestResult&) override {}
  bool onSubscribe(const IncomingSubscription& subscription) override {
    subscriptions.push_back(subscription.subscription);
    return subscription.expires % 2 == 0;
  }
  void onNotify(const Notification&) override {}
  void onSubscriptionEnded(SubscriptionId, int, const std::string&) override {}

  base::FakeRandom random;
  base::Instant now{base::Millis{1}};
  Source peer;
  std::optional<Message> lastRequest, lastResponse;
  SendToken lastToken;
  Target lastTarget;
  LocateId located;
  RequestId pending;
  std::string saved;
  std::vector<SessionId> sessions, ended;
  std::vector<SubscriptionId> subscriptions;
  std::uint32_t branches = 0;
  std::set<std::string> sent;                    ///< Branches.
  std::map<std::string, std::uint32_t> numbers;  ///< The last CSeq in each dialog of ours.
  bool wild = false;
  int door = 0;  ///< 6, 7: the peer may not ask for anything new.
  UserAgent ua;
};

/// RFC 3261 section 12.2.1.1: no new request in a dialog has a number that was used there.
void World::checkNumber(const Message& request) {
  if (request.method() == Method::ack || request.method() == Method::cancel) return;
  if (!sent.insert(std::string(request.topVia()->params.get("branch").value_or(""))).second) return;
  const std::string call = request.callId() + " " + std::string(request.from().tag()) + " ";
  const std::string tag(request.to().tag());
  if (tag.empty()) {
    // The dialogs of the INVITE before are no more; what is asked outside of dialogs may go to several
    // servers.
    if (request.method() != Method::invite) return;
    std::erase_if(numbers, [&](const auto& each) { return each.first.starts_with(call); });
    numbers[call] = request.cseq().number;
    return;
  }
  std::uint32_t& last = numbers.try_emplace(call + tag, numbers[call]).first->second;
  if (request.cseq().number <= last) std::abort();
  last = request.cseq().number;
}

void World::operate(std::uint8_t which, Input& input) {
  const SessionId one = session(input.byte());
  const SubscriptionId subscription = subscriptions.empty() ? SubscriptionId{} : subscriptions.back();
  OutgoingCall call;
  call.to = Uri::sip("bob", which % 2 == 0 ? "10.0.0.2" : "name.example");
  call.from.uri = Uri::sip("alice", "10.0.0.1");
  if (which % 4 < 2) call.sdp = "offer";
  switch (which % 20) {
    case 0:
    case 1:
    case 2:
    case 3:
      return note(ua.invite(std::move(call), now));
    case 4:
      return ua.ring(one, input.byte() % 2 == 0 ? "" : "early", now);
    case 5:
    case 6:
      return ua.answer(one, "answer", now);
    case 7:
      return ua.reject(one, 300 + 2 * input.byte(), now);
    case 8:
      return ua.hangUp(one, "SIP;cause=200", now);
    case 9:
      return ua.offer(one, "auto", now);
    case 10:
      return ua.answerOffer(one, "answer", now);
    case 11:
      return ua.refuseOffer(one, 488, now);
    case 12:
      return ua.sendDtmf(one, {'1', 100}, now);
    case 13:
      return ua.refer(one, {Uri::sip("c", "10.0.0.3"), session(input.byte()), {}}, now);
    case 14:
      return ua.referProgress(one, 100 + 3 * input.byte(), now);
    case 15:
      numbers.clear();  // What was saved may be older than what left since.
      if (const auto id = ua.restore(saved, now)) note(*id);
      return;
    case 16:
      subscriptions.push_back(ua.subscribe({call.to, call.from, {lastTarget}, "dialog", 600, {}}, now));
      return;
    case 17:
      ua.acceptSubscription(subscription, now);
      return ua.notify(subscription, input.byte() % 2 == 0 ? "active" : "terminated", "x", "text/plain", now);
    case 18:
      return ua.onLocated(located, {lastTarget, lastTarget}, now);
    default:
      ua.respond(pending, 200, now);
      return ua.onSendFailed(lastToken, "sip.transport_refused", now);
  }
}

/// To the last request of ours: any status, reliable or not, from one of a few phones.
void World::respond(Input& input) {
  if (!lastRequest) return;
  const int status = 100 + std::min<int>(input.byte() * 3, 599);
  const std::uint8_t flags = input.byte();
  const std::string tag = "t" + std::to_string(flags % 3);
  Message response = Message::responseTo(*lastRequest, status, status == 100 ? "" : tag);
  if ((flags & 4U) == 0) response.set(HeaderId::contact, "<sip:peer@10.0.0.2>");
  if ((flags & 8U) != 0) {
    response.set(HeaderId::require, "100rel");
    response.set(HeaderId::rseq, std::to_string(1 + input.byte() % 3));
  }
  if ((flags & 16U) != 0) response.set(HeaderId::allow, "INVITE, UPDATE");
  if ((flags & 32U) != 0) response.set(HeaderId::sessionExpires, "100;refresher=uac");
  if ((flags & 64U) != 0) response.set(HeaderId::retryAfter, "1");
  if (status == 422) response.set(HeaderId::minSe, "5000");
  if ((flags & 128U) != 0) response.setBody("auto", "application/sdp");
  receive(response);
}

/// A request in the dialog of the last message of ours, or outside of it.
void World::request(Input& input) {
  static constexpr Method kMethods[] = {Method::invite, Method::ack,       Method::bye,     Method::cancel,
                                        Method::info,   Method::prack,     Method::update,  Method::refer,
                                        Method::notify, Method::subscribe, Method::message, Method::options};
  const Method method = kMethods[input.byte() % std::size(kMethods)];
  const std::uint8_t flags = input.byte();
  Message out = Message::request(method, Uri::sip("a", "10.0.0.1"));
  Via via;
  via.host = "10.0.0.2";
  if ((flags & 1U) == 0) ++branches;
  via.params.set("branch", "z9hG4bK" + std::to_string(branches));
  out.pushVia(via);
  out.setCallId("call" + std::to_string(flags & 2U));
  out.from().uri = Uri::sip("peer", "10.0.0.2");
  out.from().params.set("tag", "p");
  out.to().uri = Uri::sip("a", "10.0.0.1");
  if ((flags & 4U) != 0 && lastResponse) {
    out.from() = lastResponse->from();
    out.to() = lastResponse->to();
    out.setCallId(lastResponse->callId());
  } else if ((flags & 8U) != 0 && lastRequest) {
    out.from() = lastRequest->to();
    out.to() = lastRequest->from();
    out.setCallId(lastRequest->callId());
  }
  out.setCSeq(input.byte(), method);
  out.setMaxForwards(flags & 16U ? 0 : 70);
  out.set(HeaderId::contact, "<sip:peer@10.0.0.2>");
  if ((flags & 32U) != 0) {
    out.set(HeaderId::require, "100rel");
    out.set(HeaderId::supported, "timer, 100rel");
    out.set(HeaderId::sessionExpires, "200");
  }
  out.set(HeaderId::event, method == Method::notify && (flags & 64U) == 0 ? "refer" : "dialog");
  out.set(HeaderId::subscriptionState, (flags & 64U) == 0 ? "active" : "terminated");
  out.set(HeaderId::expires, std::to_string(input.byte()));
  out.set(HeaderId::referTo, "<sip:c@10.0.0.3?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc>");
  if (lastResponse) {
    const std::string rseq(lastResponse->header(HeaderId::rseq).value_or("1"));
    out.set(HeaderId::rack, rseq + " " + std::to_string(lastResponse->cseq().number) + " INVITE");
  }
  if ((flags & 128U) != 0) out.setBody("auto", "application/sdp");
  receive(out);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 2'000) return 0;
  Input input(data, size);
  World world;
  while (!input.empty()) {
    const std::uint8_t what = input.byte();
    switch (what % 8) {
      case 0:
        world.run(base::Millis{20 * input.byte()});
        break;
      case 1: {
        const std::uint8_t time = input.byte();
        world.run(base::Millis{2'000 * time});
        world.door = time % 8;
        break;
      }
      case 2:
        world.wild = true;
        world.ua.receive(input.text(input.byte() * 4U), world.peer, world.now);
        world.wild = false;
        break;
      case 3:
      case 4:
        world.respond(input);
        break;
      case 5:
        world.request(input);
        break;
      default:
        world.operate(input.byte(), input);
        break;
    }
    const auto sizes = world.ua.sizes();
    if (sizes.sessions > 20 || sizes.serverTransactions > 100 || sizes.subscriptions > 20) std::abort();
  }
  world.ua.shutDown(world.now);
  world.run(base::Millis{400'000});
  if (!(world.ua.sizes() == UserAgent::Sizes{})) std::abort();
  return 0;
}
