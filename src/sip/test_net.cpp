#include "sip/test_net.h"

#include <algorithm>

#include "base/check.h"
#include "sip/address_text.h"

namespace parley::sip::rig {
namespace {

std::string firstLine(const std::string& bytes) { return bytes.substr(0, bytes.find('\r')); }

}  // namespace

Node::Node(FakeNet& net, std::string ip)
    : net_(net), ip_(std::move(ip)), address_(literalAddress(ip_, 5060).value()) {
  before_ = std::exchange(net_.nodes_[address_], this);
}

Node::~Node() {
  if (before_ != nullptr)
    net_.nodes_[address_] = before_;
  else
    net_.nodes_.erase(address_);
}

Target Node::target(TransportKind kind) const { return {kind, address_, ip_, {}}; }

void Node::transmit(std::string bytes, const Target& to, SendToken token) {
  net_.send(*this, std::move(bytes), to, token);
}

bool Node::withdraw(SendToken token) { return net_.waiting_.erase(token) != 0; }

void FakeNet::push(Wire wire) {
  wire.order = ++order_;
  wires_.push(std::move(wire));
}

void FakeNet::send(Node& from, std::string bytes, const Target& to, SendToken token) {
  log.push_back(from.ip() + " > " + ipText(to.address) + " " + std::string(toString(to.kind)) + " " +
                firstLine(bytes));
  if (filter && !filter(bytes, from)) return;
  const bool stream = isReliable(to.kind);
  const auto node = nodes_.find(to.address);
  if (stream && dropTcp) {
    waiting_.insert(token);
    return;
  }
  if (stream && (refuseTcp || node == nodes_.end())) {
    if (token != SendToken{}) push({now + delay, 0, {}, from.address(), {}, token});
    return;
  }
  Source source;
  source.kind = to.kind;
  source.remote = from.address();
  source.local = to.address;
  if (stream) source.flow = FlowId{1 + from.address().ip[15] * 256U + to.address.ip[15]};
  if (isSecure(to.kind)) source.verified = true;
  unsigned copies = 1;
  if (!stream && lossPercent > 0 && random.u32() % 100 < lossPercent) copies = 0;
  if (!stream && duplicatePercent > 0 && random.u32() % 100 < duplicatePercent) ++copies;
  for (unsigned i = 0; i < copies; ++i) {
    const auto extra = !stream && jitter.count() > 0
                           ? base::Millis{random.u32() % static_cast<std::uint32_t>(jitter.count())}
                           : base::Millis{0};
    push({now + delay + extra, 0, bytes, to.address, source, {}});
  }
}

bool FakeNet::step(base::Instant until) {
  base::Instant due = wires_.empty() ? base::Instant::max() : wires_.top().due;
  Node* timer = nullptr;
  for (const auto& [address, node] : nodes_)
    if (node->nextTimer() < due) {
      due = node->nextTimer();
      timer = node;
    }
  if (due > until) return false;
  now = std::max(now, due);
  if (timer != nullptr) {
    timer->onTimer();
    return true;
  }
  const Wire wire = wires_.top();
  wires_.pop();
  const auto node = nodes_.find(wire.to);
  if (node == nodes_.end()) return true;
  if (wire.failed != SendToken{})
    node->second->onSendFailed(wire.failed, "sip.transport_refused");
  else
    node->second->receive(wire.bytes, wire.source);
  return true;
}

void FakeNet::run(base::Millis duration) {
  const base::Instant until = now + duration;
  while (step(until)) {
  }
  now = until;
}

bool FakeNet::runUntil(const std::function<bool()>& done, base::Millis limit) {
  const base::Instant until = now + limit;
  while (!done())
    if (!step(until)) return done();
  return true;
}

std::size_t FakeNet::count(std::string_view part) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(log, [&](const auto& line) { return line.find(part) != std::string::npos; }));
}

Agent::Agent(FakeNet& net, const std::string& ip, UserAgentOptions options, Admission* admission,
             Authenticator* authenticator, Locator* locator, RedirectPolicy* redirects)
    : Node(net, ip),
      random(std::hash<std::string>{}(ip)),
      ua(std::move(options), {*this, random, *this, admission, authenticator, locator, redirects}) {}

Agent::~Agent() = default;

OutgoingCall Agent::callTo(const Node& other, std::string sdp, TransportKind kind) const {
  OutgoingCall call;
  call.to = Uri::sip("bob", other.ip());
  call.from.uri = Uri::sip("alice", ip());
  call.targets = {other.target(kind)};
  call.sdp = std::move(sdp);
  return call;
}

SessionId Agent::dial(const Node& other, std::string sdp, TransportKind kind) {
  return ua.invite(callTo(other, std::move(sdp), kind), net().now);
}

bool Agent::has(std::string_view event) const { return std::ranges::find(events, event) != events.end(); }

std::size_t Agent::count(std::string_view part) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(events, [&](const auto& event) { return event.starts_with(part); }));
}

bool Agent::empty() const { return ua.sizes() == UserAgent::Sizes{}; }

void Agent::receive(const std::string& bytes, const Source& source) { ua.receive(bytes, source, net().now); }
base::Instant Agent::nextTimer() const { return ua.nextTimer(); }
void Agent::onTimer() { ua.onTimer(net().now); }
void Agent::onSendFailed(SendToken token, std::string_view reason) {
  ua.onSendFailed(token, reason, net().now);
}
void Agent::send(std::string bytes, const Target& to, SendToken token) {
  transmit(std::move(bytes), to, token);
}
std::string Agent::sentBy(const Target&) const { return ip() + ":5060"; }

void Agent::onCall(const IncomingCall& call) {
  calls.push_back(call);
  events.push_back("call " + call.sdp);
  if (onCallHook) onCallHook(call);
}
void Agent::onReached(SessionId, const Target& target) { reached.push_back(target); }
void Agent::onProgress(SessionId, const Progress& progress, const Message& response) {
  progresses.push_back(response);
  events.push_back("progress " + std::to_string(progress.status) + " " + progress.sdp +
                   (progress.reliable ? " reliable" : ""));
}
void Agent::onAnswered(SessionId, const std::string& sdp, const Message& response) {
  answers.push_back(response);
  events.push_back("answered " + sdp);
}
void Agent::onConfirmed(SessionId, const std::string& sdp) { events.push_back("confirmed " + sdp); }
void Agent::onOffer(SessionId session, const std::string& sdp) {
  events.push_back("offer " + sdp);
  if (onOfferHook) onOfferHook(session, sdp);
}
void Agent::onOfferAnswered(SessionId, const std::string& sdp) { events.push_back("offer answered " + sdp); }
void Agent::onOfferFailed(SessionId, int status, const std::string& reason) {
  events.push_back("offer failed " + std::to_string(status) + " " + reason);
}
void Agent::onDtmf(SessionId, const DtmfSignal& signal) {
  digits.push_back(signal);
  events.push_back(std::string("dtmf ") + signal.digit);
}
void Agent::onSessionMessage(SessionId, const Message& request) {
  messages.push_back(request);
  events.push_back("message " + request.body());
}
void Agent::onRefer(const IncomingRefer& refer) {
  refers.push_back(refer);
  events.push_back("refer " + refer.target.uri.toString());
}
void Agent::onReferProgress(SessionId, int status, bool done) {
  events.push_back("refer progress " + std::to_string(status) + (done ? " done" : ""));
}
void Agent::onEnded(SessionId session, const Ending& ending) {
  PARLEY_CHECK(!endings.contains(session.value()));  // exactly once
  endings[session.value()] = ending;
  events.push_back("ended " + std::to_string(ending.status) + " " + ending.reason);
}
void Agent::onChanged(SessionId) { ++changes; }
void Agent::onTrace(SessionId, bool outgoing, const std::string& what) {
  traces.push_back((outgoing ? "> " : "< ") + what);
}
bool Agent::onRequest(RequestId request, const Message& message, const Source&) {
  if (!takesRequests) return false;
  requests.push_back(request);
  events.push_back("request " + std::string(message.methodName()));
  return true;
}
void Agent::onRequestDone(RequestId, const RequestResult& result) {
  results.push_back(result);
  events.push_back("done " + std::to_string(result.status) + " " + result.reason);
}
bool Agent::onSubscribe(const IncomingSubscription& subscription) {
  subscribers.push_back(subscription);
  events.push_back("subscribe " + subscription.event);
  return takesSubscribers;
}
void Agent::onNotify(const Notification& notification) {
  notifications.push_back(notification);
  events.push_back("notify " + notification.state + " " + notification.body);
}
void Agent::onSubscriptionEnded(SubscriptionId, int status, const std::string& reason) {
  events.push_back("subscription ended " + std::to_string(status) + " " + reason);
}

void RawPeer::receive(const std::string& bytes, const Source& source) {
  auto message = Message::parse(bytes);
  PARLEY_CHECK(message.has_value());  // what we write can be read
  received.push_back(std::move(*message));
  from = source;
}

const Message* RawPeer::last(std::string_view method) const {
  for (auto message = received.rbegin(); message != received.rend(); ++message)
    if (message->isRequest() && message->methodName() == method) return &*message;
  return nullptr;
}

std::size_t RawPeer::count(std::string_view method) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      received, [&](const Message& m) { return m.isRequest() && m.methodName() == method; }));
}

std::size_t RawPeer::countStatus(int status) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(received, [&](const Message& m) { return m.status() == status; }));
}

Message RawPeer::respond(std::string_view method, int status, const std::string& tag, const std::string& sdp,
                         const Headers& headers) {
  const Message* request = last(method);
  PARLEY_CHECK(request != nullptr);
  Message response = Message::responseTo(*request, status, tag);
  if (status > 100 && status < 300) response.set(HeaderId::contact, "<sip:peer@" + ip() + ":5060>");
  for (const Header& header : headers) response.add(header.id, header.value);
  if (!sdp.empty()) response.setBody(sdp, "application/sdp");
  return response;
}

Message RawPeer::request(Method method, const Node& to, const std::string& sdp) {
  const std::string number = std::to_string(++next_);
  Message message = Message::request(method, Uri::sip("alice", to.ip()));
  Via via;
  via.host = ip();
  via.port = 5060;
  via.params.set("branch", "z9hG4bK-raw-" + number);
  message.pushVia(via);
  message.from().uri = Uri::sip("raw", ip());
  message.from().params.set("tag", "raw" + number);
  message.to().uri = Uri::sip("alice", to.ip());
  message.setCallId("raw-" + number);
  message.setCSeq(1, method);
  message.setMaxForwards(70);
  message.set(HeaderId::contact, "<sip:raw@" + ip() + ":5060>");
  if (!sdp.empty()) message.setBody(sdp, "application/sdp");
  return message;
}

}  // namespace parley::sip::rig
