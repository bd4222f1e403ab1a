// Every operation in every phase of a call: what leaves at once, and that nothing is left when all is over.
#include <array>
#include <functional>

#include "sip/test_pair.h"

namespace parley::sip {
namespace {

using base::Millis;
using rig::Agent;
using rig::FakeNet;
using rig::RawPeer;

enum Phase { calling, proceeding, incoming, answered, confirmed, ended, kPhases };

struct World {
  FakeNet net;
  Agent us{net, "10.0.0.1"};
  RawPeer peer{net, "10.0.0.9"};
  SessionId session;
  Message invite;

  void run(int ms) { net.run(Millis{ms}); }
  void dial() {
    session = us.dial(peer);
    run(20);
  }
  void ring() {
    invite = peer.request(Method::invite, us, "offer");
    peer.send(invite, us.target());
    run(20);
    session = us.calls.at(0).session;
  }
  explicit World(Phase phase) {
    switch (phase) {
      case calling:
        dial();
        break;
      case proceeding:
        dial();
        peer.send(peer.respond("INVITE", 180, "t"), us.target());
        break;
      case incoming:
        ring();
        us.ua.ring(session, {}, net.now);  // so that the peer knows our tag
        break;
      case answered:
        ring();
        us.ua.answer(session, "answer", net.now);
        break;
      case confirmed:
      case ended:
        dial();
        peer.send(peer.respond("INVITE", 200, "t", "answer"), us.target());
        run(30);
        if (phase == ended) us.ua.hangUp(session, {}, net.now);
        break;
      case kPhases:
        break;
    }
    run(30);
    for (const Message& message : peer.received)
      if (message.isRequest() && message.method() == Method::invite)
        sent = message;
      else if (!message.to().tag().empty())
        ourTag = message.to().tag();
    peer.received.clear();
  }
  /// A request of the peer in the dialog, or what would be one if there was a dialog.
  Message inDialog(Method method) {
    Message request = peer.request(method, us);
    if (invite.topVia() != nullptr) {
      request.from() = invite.from();
      request.to().params.set("tag", ourTag.empty() ? "none" : ourTag);
      request.setCallId(invite.callId());
    } else {
      request.from() = sent.to();
      request.from().params.set("tag", "t");
      request.to() = sent.from();
      request.setCallId(sent.callId());
    }
    request.setCSeq(method == Method::ack ? 1 : 10, method);
    return request;
  }
  Message sent;
  std::string ourTag;
};

std::string nameOf(const Message& message) {
  return message.isRequest() ? std::string(message.methodName()) : std::to_string(message.status());
}

struct Row {
  const char* name;
  std::function<void(UserAgent&, SessionId, base::Instant)> operation;
  std::array<const char*, kPhases> sent;  ///< The first message; empty: none.
};

TEST(SessionTableTest, EveryOperationInEveryPhase) {
  const Uri carol = Uri::sip("carol", "10.0.0.3");
  const Row rows[] = {
      {"ring", [](auto& ua, auto id, auto now) { ua.ring(id, {}, now); }, {"", "", "180", "", "", ""}},
      {"early media",
       [](auto& ua, auto id, auto now) { ua.ring(id, "x", now); },
       {"", "", "183", "", "", ""}},
      {"answer", [](auto& ua, auto id, auto now) { ua.answer(id, "x", now); }, {"", "", "200", "", "", ""}},
      {"reject", [](auto& ua, auto id, auto now) { ua.reject(id, 486, now); }, {"", "", "486", "", "", ""}},
      {"reject oddly",
       [](auto& ua, auto id, auto now) { ua.reject(id, 7, now); },
       {"", "", "480", "", "", ""}},
      {"redirect",
       [&](auto& ua, auto id, auto now) { ua.redirect(id, carol, now); },
       {"", "", "302", "", "", ""}},
      {"hang up",
       [](auto& ua, auto id, auto now) { ua.hangUp(id, {}, now); },
       {"", "CANCEL", "480", "", "BYE", ""}},
      {"offer", [](auto& ua, auto id, auto now) { ua.offer(id, "x", now); }, {"", "", "", "", "INVITE", ""}},
      {"answer offer",
       [](auto& ua, auto id, auto now) { ua.answerOffer(id, "x", now); },
       {"", "", "", "", "", ""}},
      {"refuse offer",
       [](auto& ua, auto id, auto now) { ua.refuseOffer(id, 488, now); },
       {"", "", "", "", "", ""}},
      {"key",
       [](auto& ua, auto id, auto now) {
         ua.sendDtmf(id, {'1', 100}, now);
       },
       {"", "", "", "INFO", "INFO", ""}},
      {"refer",
       [&](auto& ua, auto id, auto now) {
         ua.refer(id, {carol, {}, {}}, now);
       },
       {"", "", "", "", "REFER", ""}},
      {"refer progress",
       [](auto& ua, auto id, auto now) { ua.referProgress(id, 200, now); },
       {"", "", "", "", "", ""}},
      {"subscribe",
       [](auto& ua, auto, auto now) { ua.acceptSubscription(SubscriptionId{1}, now); },
       {"", "", "", "", "", ""}},
  };
  for (const Row& row : rows) {
    for (int phase = calling; phase < kPhases; ++phase) {
      World world(static_cast<Phase>(phase));
      row.operation(world.us.ua, world.session, world.net.now);
      world.run(30);
      const std::string sent = world.peer.received.empty() ? "" : nameOf(world.peer.received.front());
      EXPECT_EQ(sent, row.sent[static_cast<std::size_t>(phase)]) << row.name << " in phase " << phase;
      world.us.ua.shutDown(world.net.now);
      world.run(400'000);
      EXPECT_TRUE(world.us.empty()) << row.name << " in phase " << phase;
    }
  }
}

/// What the other side may do, in every phase: the status of our answer (0: none).
TEST(SessionTableTest, EveryRequestInEveryPhase) {
  struct Request {
    Method method;
    std::array<int, kPhases> status;
  };
  // In the phases of a caller the peer's dialog has the tag "t"; before a tag was heard there is none.
  const Request rows[] = {
      {Method::bye, {481, 200, 200, 200, 200, 481}},     {Method::info, {481, 200, 200, 200, 200, 481}},
      {Method::update, {481, 200, 200, 200, 200, 481}},  {Method::prack, {481, 400, 400, 400, 400, 481}},
      {Method::options, {481, 200, 200, 200, 200, 481}}, {Method::message, {481, 200, 200, 200, 200, 481}},
      {Method::notify, {481, 489, 489, 489, 489, 481}},  {Method::refer, {481, 400, 400, 400, 400, 481}},
      {Method::publish, {481, 405, 405, 405, 405, 481}}, {Method::ack, {0, 0, 0, 0, 0, 0}},
      {Method::invite, {481, 491, 500, 491, 0, 481}},  // 0: its owner is asked
      {Method::cancel, {481, 481, 481, 481, 481, 481}},
  };
  for (const Request& row : rows) {
    for (int phase = calling; phase < kPhases; ++phase) {
      World world(static_cast<Phase>(phase));
      const Message request = world.inDialog(row.method);
      world.peer.send(request, world.us.target());
      world.run(30);
      int status = 0;
      for (const Message& message : world.peer.received)
        if (message.isResponse() && message.cseq() == request.cseq()) status = message.status();
      EXPECT_EQ(status, row.status[static_cast<std::size_t>(phase)])
          << request.methodName() << " in phase " << phase;
      world.us.ua.shutDown(world.net.now);
      world.run(400'000);
      EXPECT_TRUE(world.us.empty()) << request.methodName() << " in phase " << phase;
    }
  }
}

}  // namespace
}  // namespace parley::sip
