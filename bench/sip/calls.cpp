// Takes calls for load.mjs: sip_calls PORT answers them; sip_calls PORT NEXT-PORT calls that port for each
// and joins the two, as a back-to-back user agent does, over the transport that the call came by.
#include <cstdlib>
#include <unordered_map>

#include "agent.h"

using namespace parley;

namespace {

class Calls final : public bench::Agent {
 public:
  Calls(net::EventLoop& loop, std::uint16_t next) : Agent(loop), next_(next) {}

  void onCall(const sip::IncomingCall& call) override {
    const base::Instant now = loop_.now();
    if (next_ == 0) {
      agent_.ring(call.session, {}, now);
      return agent_.answer(call.session, call.sdp, now);
    }
    sip::OutgoingCall out;
    out.to = sip::Uri::sip(call.request.requestUri().user, "127.0.0.1", next_);
    out.from.uri = call.request.from().uri;
    out.sdp = call.sdp;
    out.targets = {neighbour(call.source.kind, next_)};
    const auto other = agent_.invite(std::move(out), now);
    peers_[call.session] = other;
    peers_[other] = call.session;
    arm();
  }
  void onProgress(sip::SessionId session, const sip::Progress&, const sip::Message&) override {
    if (const auto peer = peers_.find(session); peer != peers_.end())
      agent_.ring(peer->second, {}, loop_.now());
  }
  void onAnswered(sip::SessionId session, const std::string& sdp, const sip::Message&) override {
    if (const auto peer = peers_.find(session); peer != peers_.end())
      agent_.answer(peer->second, sdp, loop_.now());
  }
  void onEnded(sip::SessionId session, const sip::Ending& ending) override {
    const auto peer = peers_.find(session);
    if (peer == peers_.end()) return;
    if (ending.status >= 300) {
      agent_.reject(peer->second, ending.status, loop_.now());
    } else {
      agent_.hangUp(peer->second, {}, loop_.now());
    }
    peers_.erase(peer->second);
    peers_.erase(session);
  }

 private:
  std::uint16_t next_;
  std::unordered_map<sip::SessionId, sip::SessionId> peers_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return std::fprintf(stderr, "usage: sip_calls PORT [NEXT-PORT]\n"), 2;
  net::EventLoop loop("calls");
  Calls calls(loop, static_cast<std::uint16_t>(argc > 2 ? std::atoi(argv[2]) : 0));
  if (!calls.listen(static_cast<std::uint16_t>(std::atoi(argv[1])))) return 1;
  net::onTerminationSignals(loop, [&](int) { loop.stop(); });
  loop.run();
  return 0;
}
