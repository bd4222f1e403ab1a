// The user agent (src/sip/user_agent.h) over real transports (src/sipnet), for tests against other people's
// telephones. RTP that it gets goes back to where it came from: who calls it hears themselves.
//   sip-call-agent OWN-ADDRESS [USER PASSWORD]
// Incoming calls ring and are answered. Lines on standard input: "call URI", "hang up", "hold", "resume",
// "digit 5", "quit". Says what happens, a line each: "incoming", "ringing 180", "answered", "confirmed",
// "offered", "ended REASON STATUS", "sizes …".
#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "base/random.h"
#include "base/text.h"
#include "net/endpoint.h"
#include "net/event_loop.h"
#include "net/udp_socket.h"
#include "sip/digest_client.h"
#include "sipnet/test_quiet_agent.h"

using namespace parley;

namespace {

constexpr std::uint16_t kSipPort = 5060, kRtpPort = 40'000;

class Account final : public sip::Authenticator {
 public:
  Account(std::string user, std::string password, base::Random& random)
      : client_({{.realm = {}, .user = std::move(user), .password = base::Secret(std::move(password))}},
                random) {}
  std::optional<sip::Message> answer(const sip::Message& challenge, const sip::Message& request,
                                     sip::Asker& /*from*/) override {
    sip::Message again = request;
    if (!client_.answer(challenge, again)) return std::nullopt;
    return again;
  }

 private:
  sip::DigestClient client_;
};

class Agent final : public sipnet::rig::QuietAgent {
 public:
  Agent(net::EventLoop& loop, std::string own, sip::Authenticator* account)
      : QuietAgent(loop, {.product = "Parley test"}, account), own_(std::move(own)) {}

  base::Result<void> listen() {
    const auto at = net::Endpoint::parse(own_, kSipPort);
    if (!at) return base::fail("usage", "no address");
    for (const auto kind : {sip::TransportKind::udp, sip::TransportKind::tcp}) {
      if (const auto bound = transport_.listen(kind, *at); !bound) return std::unexpected(bound.error());
    }
    auto echo = net::UdpSocket::open(loop_, at->withPort(kRtpPort), {},
                                     [this](std::span<net::Datagram> batch, base::Instant) {
                                       for (const auto& one : batch)
                                         echo_->queue(one.remote, one.local, one.data);
                                     });
    if (!echo) return std::unexpected(echo.error());
    echo_ = std::move(*echo);
    say("listening");
    return {};
  }

  void obey(std::string_view line) {
    const base::Instant now = loop_.now();
    if (line.starts_with("call ")) {
      if (auto to = sip::Uri::parse(line.substr(5))) {
        sip::OutgoingCall call;
        call.to = std::move(*to);
        call.from.uri = sip::Uri::sip("agent", own_);
        call.sdp = description("sendrecv");
        call_ = agent_.invite(std::move(call), now);
        calls_.insert(*call_);
      }
    } else if (line == "hang up") {
      for (const auto session : calls_) agent_.hangUp(session, {}, now);
      calls_.clear();
      say("hung up");
    } else if (line == "hold" && call_) {
      agent_.offer(*call_, description("sendonly"), now);
    } else if (line == "resume" && call_) {
      agent_.offer(*call_, description("sendrecv"), now);
    } else if (line.starts_with("digit ") && line.size() > 6 && call_) {
      agent_.sendDtmf(*call_, {line[6], 160}, now);
    } else if (line == "sizes") {
      const auto sizes = agent_.sizes();
      say(fmt::format("sizes sessions {} dialogs {} transactions {}", sizes.sessions, sizes.dialogs,
                      sizes.serverTransactions + sizes.clientTransactions));
    } else if (line == "quit") {
      loop_.stop();
    }
    arm();
  }

 private:
  void onCall(const sip::IncomingCall& call) override {
    say("incoming " + call.request.requestUri().toString());
    call_ = call.session;
    calls_.insert(call.session);
    agent_.ring(call.session, {}, loop_.now());
    agent_.answer(call.session, description("sendrecv"), loop_.now());
  }
  void onProgress(sip::SessionId, const sip::Progress& progress, const sip::Message&) override {
    say(fmt::format("ringing {}{}", progress.status, progress.sdp.empty() ? "" : " with media"));
  }
  void onAnswered(sip::SessionId, const std::string&, const sip::Message&) override { say("answered"); }
  void onConfirmed(sip::SessionId, const std::string&) override { say("confirmed"); }
  void onOffer(sip::SessionId session, const std::string& sdp) override {
    say("offered");
    const bool held =
        sdp.find("a=sendonly") != std::string::npos || sdp.find("a=inactive") != std::string::npos;
    agent_.answerOffer(session, description(held ? "recvonly" : "sendrecv"), loop_.now());
  }
  void onOfferAnswered(sip::SessionId, const std::string&) override { say("offer answered"); }
  void onOfferFailed(sip::SessionId, int status, const std::string& reason) override {
    say(fmt::format("offer failed {} {}", status, reason));
  }
  void onDtmf(sip::SessionId, const sip::DtmfSignal& signal) override {
    say(std::string("digit ") + signal.digit);
  }
  void onEnded(sip::SessionId session, const sip::Ending& ending) override {
    calls_.erase(session);
    if (call_ == session) call_.reset();
    say(fmt::format("ended {} {}", ending.reason, ending.status));
  }
  std::string description(std::string_view direction) {
    return fmt::format(
        "v=0\r\no=- 1 {} IN IP4 {}\r\ns=-\r\nc=IN IP4 {}\r\nt=0 0\r\nm=audio {} RTP/AVP 0 101\r\na=rtpmap:0 "
        "PCMU/8000\r\n"
        "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na={}\r\n",
        ++version_, own_, own_, kRtpPort, direction);
  }
  static void say(const std::string& line) { std::cout << base::printable(line, 300) << std::endl; }

  std::string own_;
  std::unique_ptr<net::UdpSocket> echo_;
  std::optional<sip::SessionId> call_;  ///< The newest.
  std::set<sip::SessionId> calls_;
  int version_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 && argc != 4) {
    std::cerr << "usage: sip-call-agent OWN-ADDRESS [USER PASSWORD]\n";
    return 2;
  }
  base::SystemRandom random;
  net::EventLoop loop("agent");
  std::optional<Account> account;
  if (argc == 4) account.emplace(argv[2], argv[3], random);
  Agent agent(loop, argv[1], account ? &*account : nullptr);
  loop.post([&] {
    if (const auto listening = agent.listen(); !listening) {
      std::cerr << listening.error().text << std::endl;
      loop.stop();
    }
  });
  std::jthread input([&] {
    std::string line;
    while (std::getline(std::cin, line)) {
      const bool last = line == "quit";
      loop.post([&agent, line] { agent.obey(line); });
      if (last) return;
    }
    loop.post([&loop] { loop.stop(); });
  });
  loop.run();
  return 0;
}
