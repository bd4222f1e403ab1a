// Hostile pages: each line of the input is a message, of a consumer ("c…") or an agent ("a…"). A line that
// goes on with '{' is numbered as a page would, "$CALL" stands for the running call; anything else is sent as
// it is. Lines of "p" are phones: a letter for what they do and their description ("pc" calls an agent, "pa"
// answers, "po" offers, "pr" refers to what follows, "pe" ends …). Everything behind the sockets is real,
// brokers and phones are scripted. Afterwards nothing may be left.
#include <cstdlib>
#include <string>

#include "base/log.h"
#include "base/text.h"
#include "gateway/http_users.h"
#include "gateway/test_rig.h"

using namespace parley;
using namespace parley::gateway;

namespace {

rig::Rig& sharedRig() {
  base::setLogLevel("", base::LogLevel::off);
  static rig::Rig rig([] {
    rig::RigOptions options{.sessions = {.messagesPerSecond = 1e9, .burst = 1e6}, .desk = rig::openDesk()};
    options.desk.dialsPerMinute = 1'000'000'000;
    return options;
  }());
  return rig;
}

struct Client {
  explicit Client(rig::Rig& rig, const std::string& token) : socket(rig.connector()()) {
    socket->start([](std::string_view) {}, [](base::Bytes) {}, [](std::uint16_t, std::string_view) {});
    socket->sendText(dumpJson({{"type", "hello"}, {"version", 1}, {"token", token}}));
    rig.settle();
  }
  void say(rig::Rig& rig, std::string_view line) {
    if (!line.starts_with('{')) return socket->sendText(std::string(line));
    std::string text = "{\"seq\":" + std::to_string(++seq) + "," + std::string(line.substr(1));
    const auto ids = rig.calls->ids();
    const auto at = text.find("$CALL");
    if (at != std::string::npos && !ids.empty()) text.replace(at, 5, ids.back());
    socket->sendText(std::move(text));
  }
  std::shared_ptr<net::WebSocket> socket;
  int seq = 0;
};

/// One thing that a phone does: the last that was invited, or the one that called.
void phoneDoes(rig::Rig& rig, std::string_view line) {
  static int calls = 0;
  rig::FakePhones& phones = rig.phones;
  const std::string leg = phones.legs.empty() ? std::string("none") : *phones.legs.begin();
  const std::string rest(line.substr(1));
  switch (line.front()) {
    case 'c':
      phones.call({.leg = "in" + std::to_string(++calls),
                   .to = "agent1",
                   .toAddress = rest,
                   .fromAddress = rest,
                   .fromName = rest,
                   .sdp = rest,
                   .uui = rest,
                   .correlationId = rest,
                   .replacesLeg = {},
                   .trunk = {}});
      break;
    case 'R':
      phones.call({.leg = "in" + std::to_string(++calls),
                   .to = "agent1",
                   .toAddress = {},
                   .fromAddress = rest,
                   .fromName = {},
                   .sdp = rest,
                   .uui = {},
                   .correlationId = {},
                   .replacesLeg = leg,
                   .trunk = {}});
      break;
    case 'p':
      phones.progress(leg, 183, rest);
      break;
    case 'a':
      phones.answers(leg, rest);
      break;
    case 'f':
      phones.fails(leg, 486);
      break;
    case 'o':
      phones.reinvites(leg, rest);
      break;
    case 'A':
      phones.answersOffer(leg, rest);
      break;
    case 'F':
      phones.failsOffer(leg, 488);
      break;
    case 'd':
      phones.presses(leg, rest);
      break;
    case 'r':
      phones.refers(leg, rest);
      break;
    case 'q':
      phones.tellsRefer(leg, 202);
      break;
    case 't':
      phones.traces(leg, rest);
      break;
    default:
      phones.ends(leg);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 64 * 1024) return 0;
  rig::Rig& rig = sharedRig();
  Client consumer(rig, rig.consumerToken());
  Client agent(rig, rig.agentToken());
  Client second(rig, rig.agentToken("agent2"));
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  static_cast<void>(parseUserChange(input));
  for (const auto line : base::split(input, '\n')) {
    if (line.starts_with('c') && base::isUtf8(line)) consumer.say(rig, line.substr(1));
    if (line.starts_with('a') && base::isUtf8(line)) agent.say(rig, line.substr(1));
    if (line.starts_with('b') && base::isUtf8(line)) second.say(rig, line.substr(1));
    if (line.starts_with('p') && line.size() > 1 && base::isUtf8(line)) phoneDoes(rig, line.substr(1));
    if (line.starts_with('m')) {
      for (const auto& id : rig.calls->ids()) {
        rig.mediaUp(id);
        for (const auto* leg : {"page1", "page2", "page3"})
          rig.brokers.leg(id, leg, event::LegChange::dtlsUp);
      }
    }
    rig.settle();
  }
  consumer.socket->close(1001, "");
  agent.socket->close(1001, "");
  second.socket->close(1001, "");
  rig.settle();
  // A connection that was refused leaves its session to its grace time: end these, too.
  rig.desk->stopCalls();
  rig.settle();
  rig.sessions->closeAll();
  for (const auto* user : {"agent1", "agent2"}) {
    if (rig.desk->agents().presence(user) == Presence::busy) std::abort();
  }
  if (rig.calls->size() != 0 || rig.sessions->connections() != 0 || !rig.brokers.calls.empty()) std::abort();
  // A dialog that nobody ended would be a line that is charged for ever.
  if (!rig.phones.legs.empty()) std::abort();
  rig.brokers.log.clear();
  rig.phones.log.clear();
  return 0;
}
