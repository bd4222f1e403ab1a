// Hostile pages: each line of the input is a message, of a consumer ("c…") or an agent ("a…"). A line that
// goes on with '{' is numbered as a page would, "$CALL" stands for the running call; anything else is sent as
// it is. Everything behind the sockets is real, the brokers are scripted. Afterwards nothing may be left.
#include <cstdlib>
#include <string>

#include "base/log.h"
#include "base/text.h"
#include "gateway/test_rig.h"

using namespace parley;
using namespace parley::gateway;

namespace {

rig::Rig& sharedRig() {
  base::setLogLevel("", base::LogLevel::off);
  static rig::Rig rig(rig::RigOptions{.sessions = {.messagesPerSecond = 1e9, .burst = 1e6}, .desk = {}});
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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 64 * 1024) return 0;
  rig::Rig& rig = sharedRig();
  Client consumer(rig, rig.consumerToken());
  Client agent(rig, rig.agentToken());
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  for (const auto line : base::split(input, '\n')) {
    if (line.starts_with('c') && base::isUtf8(line)) consumer.say(rig, line.substr(1));
    if (line.starts_with('a') && base::isUtf8(line)) agent.say(rig, line.substr(1));
    if (line.starts_with('m')) {
      for (const auto& id : rig.calls->ids()) rig.mediaUp(id);
    }
    rig.settle();
  }
  consumer.socket->close(1001, "");
  agent.socket->close(1001, "");
  rig.settle();
  // A connection that was refused leaves its session to its grace time: end these, too.
  rig.desk->stopCalls();
  rig.settle();
  rig.sessions->closeAll();
  for (const auto* user : {"agent1", "agent2"}) {
    if (rig.desk->agents().presence(user) == Presence::busy) std::abort();
  }
  if (rig.calls->size() != 0 || rig.sessions->connections() != 0 || !rig.brokers.calls.empty()) std::abort();
  rig.brokers.log.clear();
  return 0;
}
