#include "gateway/test_rig.h"

#include <algorithm>
#include <filesystem>

#include "base/check.h"

namespace parley::gateway::rig {

namespace {

std::string kindOf(BrokerOp op) {
  switch (op) {
    case BrokerOp::create:
      return "create";
    case BrokerOp::answerLocally:
      return "answer-locally";
    case BrokerOp::makeOffer:
      return "make-offer";
    case BrokerOp::addLeg:
      return "add-leg";
    case BrokerOp::removeLeg:
      return "remove-leg";
    default:
      return std::string(toString(op));
  }
}

}  // namespace

void FakeBrokers::later(const std::string& kind, std::function<void()> answer) {
  if (hold == kind) return held_.push_back(std::move(answer));
  loop_.post(std::move(answer));
}

void FakeBrokers::releaseHeld() {
  hold.clear();
  for (auto& answer : std::exchange(held_, {})) loop_.post(std::move(answer));
}

BrokerReply FakeBrokers::replyTo(const std::string& call, const BrokerRequest& r) {
  BrokerReply reply;
  switch (r.op) {
    case BrokerOp::create:
      calls.insert(call);
      reply.text = "b1";
      break;
    case BrokerOp::offer:
      offers_[call + " " + r.other] = r.leg;
      reply.text = "offer for " + r.other + " of " + r.sdp;
      break;
    case BrokerOp::answer: {
      const std::string asker = std::exchange(offers_[call + " " + r.leg], "");
      if (!asker.empty()) reply.text = "answer for " + asker + " of " + r.sdp;
      reply.renegotiate = std::exchange(renegotiate, {});
      break;
    }
    case BrokerOp::answerLocally:
      reply.text = "local answer of " + r.sdp;
      reply.peerHolds = r.sdp.find("a=sendonly") != std::string::npos;
      break;
    case BrokerOp::makeOffer:
      offers_[call + " " + r.leg] = "";
      reply.text = "broker's offer for " + r.leg + " towards " + r.other;
      break;
    case BrokerOp::bridge:
      reply.renegotiate = std::exchange(renegotiate, {});
      break;
    default:
      break;
  }
  return reply;
}

void FakeBrokers::ask(const std::string&, const std::string& call, const BrokerRequest& r, Done done) {
  const std::string kind = kindOf(r.op);
  std::string line = kind;
  if (!r.leg.empty()) line += " " + r.leg;
  if (r.op == BrokerOp::bridge) line += " " + r.other;
  if (r.op == BrokerOp::hold || r.op == BrokerOp::ringback) line += r.flag ? " on" : " off";
  log.push_back(line);
  base::Result<BrokerReply> result = base::fail("call.unknown", "no such call");
  if (const auto failure = failures.find(kind); failure != failures.end()) {
    result = std::unexpected(failure->second);
  } else if (r.op == BrokerOp::create || calls.contains(call)) {
    result = replyTo(call, r);
  }
  later(kind, [done = std::move(done), result] { done(result); });
}

bool FakeBrokers::has(const std::string& line) const { return std::ranges::find(log, line) != log.end(); }

void FakeBrokers::remove(const std::string&, const std::string& call, ReportDone done) {
  log.push_back("remove");
  calls.erase(call);
  later("remove", [done = std::move(done)] { done(std::string(R"({"legs":[]})")); });
}

void FakeBrokers::report(const std::string&, const std::string&, ReportDone done) {
  base::Result<std::string> result = reported;
  if (const auto failure = failures.find("report"); failure != failures.end()) {
    result = std::unexpected(failure->second);
  }
  later("report", [done = std::move(done), result] { done(result); });
}

void FakeBrokers::leg(const std::string& call, const std::string& leg, event::LegChange change,
                      std::string what) {
  loop_.post([this, call, change = event::LegChanged{leg, change, std::move(what), "{}", 0}] {
    if (listener_ != nullptr) listener_->onLegChanged(call, change);
  });
}

void FakeBrokers::key(const std::string& call, const std::string& leg, char key, std::int64_t millis) {
  loop_.post([this, call, leg, key, millis] {
    if (listener_ != nullptr) listener_->onLegKey(call, leg, key, millis);
  });
}

void FakeBrokers::comeBack(const std::string& broker) {
  loop_.post([this, broker] {
    if (listener_ != nullptr) listener_->onBrokerBack(broker);
  });
}

void FakeBrokers::lose(const std::string& broker) {
  calls.clear();
  loop_.post([this, broker] {
    if (listener_ != nullptr) listener_->onBrokerLost(broker);
  });
}

Page::Page(net::EventLoop& loop, Connect connect, std::string token)
    : loop_(loop), connect_(std::move(connect)), token_(std::move(token)) {}

Page::~Page() {
  guard_.reset();
  if (socket_) socket_->close(4999, "test over");
}

void Page::connect(Json hello) {
  guard_.reset();
  welcome = nullptr;
  error.clear();
  closeCode = 0;
  socket_ = connect_();
  PARLEY_CHECK(socket_ != nullptr);
  socket_->start(guard_.wrap([this](std::string_view text) { got(text); }), guard_.wrap([](base::Bytes) {}),
                 guard_.wrap([this](std::uint16_t code, std::string_view) { closeCode = code; }));
  socket_->sendText(dumpJson(hello));
}

bool Page::hello() {
  inbox_.clear();
  unacked_.clear();
  sent_ = received_ = 0;
  connect({{"type", "hello"}, {"version", 1}, {"token", token_}});
  loop_.runUntil([this] { return !welcome.is_null() || closeCode != 0; }, base::Millis{20'000});
  return !welcome.is_null();
}

bool Page::resume(bool newPage) {
  const Json before = welcome;
  Json wish = {{"session", before["session"]}, {"key", before["key"]}, {"ack", received_}};
  if (newPage) wish["fresh"] = true;
  connect({{"type", "hello"}, {"version", 1}, {"token", token_}, {"resume", wish}});
  loop_.runUntil([this] { return !welcome.is_null() || closeCode != 0; }, base::Millis{20'000});
  if (welcome.is_null()) return false;
  if (!welcome["resumed"].get<bool>()) return true;
  const auto has = welcome["ack"].get<std::int64_t>();
  while (!unacked_.empty() && unacked_.front().first <= has) unacked_.pop_front();
  for (const auto& [seq, text] : unacked_) socket_->sendText(text);
  return true;
}

void Page::send(const std::string& type, Json fields) {
  fields["type"] = type;
  fields["seq"] = ++sent_;
  fields["ack"] = received_;
  unacked_.emplace_back(sent_, dumpJson(fields));
  socket_->sendText(unacked_.back().second);
}

void Page::sendRaw(std::string text) { socket_->sendText(std::move(text)); }

void Page::got(std::string_view text) {
  Json message = Json::parse(text, nullptr, false);
  PARLEY_CHECK(message.is_object());
  const auto type = message["type"].get<std::string>();
  if (const auto ack = integerAt(message, "ack"); ack && type != "welcome") {
    while (!unacked_.empty() && unacked_.front().first <= *ack) unacked_.pop_front();
  }
  if (type == "ack") return;
  if (type == "welcome") {
    welcome = message;
    return;
  }
  if (type == "error" && message["fatal"].get<bool>()) {
    error = message["reason"].get<std::string>();
    return;
  }
  const auto seq = message["seq"].get<std::int64_t>();
  if (seq <= received_) return;
  received_ = seq;
  seqs.push_back(seq);
  inbox_.push_back(std::move(message));
  if (acking) socket_->sendText(dumpJson({{"type", "ack"}, {"ack", received_}}));
}

Json Page::expect(const std::string& type, const std::function<bool(const Json&)>& fits) {
  Json found;
  loop_.runUntil(
      [&] {
        while (!inbox_.empty() && found.is_null()) {
          Json message = std::move(inbox_.front());
          inbox_.pop_front();
          if (message["type"] == type && (!fits || fits(message))) found = std::move(message);
        }
        return !found.is_null();
      },
      base::Millis{20'000});
  return found;
}

Json Page::expectCall(const std::string& state) {
  return expect("call", [&](const Json& call) { return call["state"] == state; });
}

bool Page::silent(const std::string& type) {
  while (loop_.poll()) {
  }
  for (const Json& message : inbox_) {
    if (message["type"] == type) return false;
  }
  return true;
}

bool Page::waitClosed() {
  return loop_.runUntil([this] { return closeCode != 0; }, base::Millis{20'000});
}

void Page::breakOff() {
  if (auto* pipe = dynamic_cast<PipeEnd*>(socket_.get())) {
    pipe->breakOff();
  } else {
    socket_->close(4999, "broken off");
  }
}

void Page::close(std::uint16_t code) { socket_->close(code, "test"); }

Rig::Rig(Options options)
    : signer(base::Secret(std::string(32, 'k')), random), brokers(loop), phones(loop), options_(options) {
  std::string pattern = std::filesystem::temp_directory_path() / "parley-rig-XXXXXX";
  PARLEY_CHECK(mkdtemp(pattern.data()) != nullptr);
  directory_ = pattern;
  store = std::move(*store::openEmbeddedStore(loop, ":memory:"));
  users = std::make_unique<identity::Users>(loop, pool, *store, random,
                                            identity::Users::Options{{1 << 4, 8, 1}, {}});
  bool started = false;
  users->start(directory_, [&](base::Result<void> result) { started = result.has_value(); });
  PARLEY_CHECK(until([&] { return started; }));
  makeGateway();
}

void Rig::makeGateway() {
  sessions = std::make_unique<Sessions>(loop, signer, random, options_.sessions);
  calls = std::make_unique<Calls>(loop, *store, brokers, phones, records);
  desk = std::make_unique<CallDesk>(loop, *sessions, *calls, records, phones, *users, random, options_.desk);
}

void Rig::restartGateway() {
  settle();
  // Nothing is told to anybody: not what a stop would do.
  sessions->setListener(nullptr);
  calls->setListener(nullptr);
  desk.reset();
  calls.reset();
  sessions.reset();
  phones.legs.clear();
  settle();
  makeGateway();
  bool done = false;
  calls->recover([&](std::size_t) { done = true; });
  PARLEY_CHECK(until([&] { return done; }));
  brokers.comeBack();
  settle();
}

Rig::~Rig() {
  desk.reset();
  calls.reset();
  sessions.reset();
  settle();
  std::filesystem::remove_all(directory_);
}

void Rig::settle() {
  while (loop.poll()) {
  }
}

std::string Rig::consumerToken(const identity::CallToken& with) {
  identity::CallToken token = with;
  token.audience = "websocketcall";
  token.role = "consumer";
  token.user = random.alphanumeric(12);
  return signer.sign(token, base::wallNow(), base::Millis{300'000});
}

std::string Rig::agentToken(const std::string& user) {
  identity::CallToken token;
  token.audience = "websocketcall";
  token.role = "agent";
  token.user = user;
  token.name = user;
  return signer.sign(token, base::wallNow(), base::Millis{60'000});
}

Page::Connect Rig::connector() {
  return [this]() -> std::shared_ptr<net::WebSocket> {
    auto [client, server] = PipeEnd::make(loop);
    sessions->accept(server);
    return client;
  };
}

std::unique_ptr<Page> Rig::consumer(const identity::CallToken& with) {
  return std::make_unique<Page>(loop, connector(), consumerToken(with));
}

std::unique_ptr<Page> Rig::agent(const std::string& user) {
  return std::make_unique<Page>(loop, connector(), agentToken(user));
}

std::size_t Rig::storedCalls() {
  std::optional<std::size_t> count;
  store->bucket("calls", {})->list("", [&](auto found) { count = found->size(); });
  until([&] { return count.has_value(); });
  return *count;
}

void Rig::mediaUp(const std::string& call) {
  brokers.leg(call, Side::consumer, event::LegChange::dtlsUp);
  brokers.leg(call, Side::agent, event::LegChange::dtlsUp);
}

std::string Rig::connectedCall(Page& consumer, Page& agent) {
  consumer.send("dial", {{"destination", "agent1"}, {"sdp", "v=0 consumer"}});
  const Json incoming = agent.expect("incoming");
  if (incoming.is_null()) return "";
  const auto id = incoming["call"].get<std::string>();
  agent.send("answer", {{"call", id}, {"sdp", "v=0 agent"}});
  if (consumer.expect("sdp").is_null()) return "";
  mediaUp(id);
  const bool both = !consumer.expectCall("connected").is_null() && !agent.expectCall("connected").is_null();
  return both ? id : "";
}

}  // namespace parley::gateway::rig
