// Sipwise's rtpengine as a peer of the media benchmark: one process, forwarding in user space, driven by its
// NG protocol (bencoded dictionaries over UDP).
#pragma once
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "broker/test_fake_browser.h"
#include "net/event_loop.h"
#include "net/udp_socket.h"

namespace parley::bench {

class Rtpengine {
 public:
  /// Nothing where it is not installed or does not answer.
  static std::unique_ptr<Rtpengine> start(net::EventLoop& loop) {
    if (::access(kProgram, X_OK) != 0) return nullptr;
    auto made = std::unique_ptr<Rtpengine>(new Rtpengine(loop));
    return made->answers() ? std::move(made) : nullptr;
  }
  Rtpengine(const Rtpengine&) = delete;
  Rtpengine& operator=(const Rtpengine&) = delete;
  ~Rtpengine() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  pid_t pid() const { return pid_; }

  /// ICE and DTLS-SRTP on both sides, as between two browsers. False: it refused.
  bool call(const std::string& id, broker::FakeBrowser& caller, broker::FakeBrowser& callee) {
    const auto offer = describe("offer", id, {{"from-tag", "f"}, {"sdp", caller.offer()}});
    if (!offer) return false;
    const auto answer =
        describe("answer", id, {{"from-tag", "f"}, {"sdp", callee.answer(*offer)}, {"to-tag", "t"}});
    if (!answer) return false;
    caller.apply(*answer);
    for (auto* browser : {&caller, &callee}) browser->connect(base::Millis{2500});
    return loop_.runUntil([&] { return caller.connected() && callee.connected(); }, base::Millis{20'000});
  }

 private:
  static constexpr const char* kProgram = "/usr/bin/rtpengine";
  using Fields = std::vector<std::pair<std::string, std::string>>;

  explicit Rtpengine(net::EventLoop& loop) : loop_(loop) {
    socket_ = *net::UdpSocket::open(loop, *net::Endpoint::parse("127.0.0.1", 0), {},
                                    [this](std::span<net::Datagram> batch, base::Instant) {
                                      for (const net::Datagram& datagram : batch)
                                        answer_ = std::string(base::asText(datagram.data));
                                    });
    // A port that was free a moment ago.
    auto free = *net::UdpSocket::open(loop, *net::Endpoint::parse("127.0.0.1", 0), {},
                                      [](std::span<net::Datagram>, base::Instant) {});
    control_ = free->localEndpoint();
    free.reset();
    const std::string listen = "--listen-ng=127.0.0.1:" + std::to_string(control_.port());
    pid_ = ::fork();
    if (pid_ == 0) {
      ::execl(kProgram, kProgram, "--foreground", "--log-stderr", "--log-level=1", "--table=-1",
              "--config-file=none", "--interface=127.0.0.1", listen.c_str(), "--port-min=20000",
              "--port-max=32000", nullptr);
      ::_exit(127);
    }
  }

  bool answers() {
    for (int i = 0; i < 200; ++i) {
      if (const auto pong = ask({{"command", "ping"}}, base::Millis{100}); pong) return true;
    }
    return false;
  }

  std::optional<std::string> describe(const std::string& command, const std::string& id, Fields more) {
    more.insert(more.end(), {{"command", command},
                             {"call-id", id},
                             {"ICE", "force"},
                             {"DTLS", "passive"},
                             {"transport-protocol", "UDP/TLS/RTP/SAVPF"}});
    const auto answer = ask(more, base::Millis{5000});
    if (!answer) return std::nullopt;
    const auto at = answer->find("3:sdp");
    if (at == std::string::npos) return std::nullopt;
    const auto colon = answer->find(':', at + 5);
    const auto size = base::parseNumber<std::size_t>(answer->substr(at + 5, colon - at - 5));
    return size ? std::optional(answer->substr(colon + 1, *size)) : std::nullopt;
  }

  /// One request; the answer without its cookie.
  std::optional<std::string> ask(const Fields& fields, base::Millis patience) {
    const auto text = [](const std::string& value) { return std::to_string(value.size()) + ":" + value; };
    const std::string cookie = std::to_string(++cookie_) + " ";
    std::string message = cookie + "d";
    for (const auto& [name, value] : fields) message += text(name) + text(value);
    message += text("rtcp-mux") + "l" + text("require") + "ee";
    answer_.clear();
    socket_->queueCopy(control_, {}, base::asBytes(message));
    socket_->flush();
    loop_.runUntil([&] { return answer_.rfind(cookie, 0) == 0; }, patience);
    if (answer_.rfind(cookie, 0) != 0) return std::nullopt;
    return answer_.substr(cookie.size());
  }

  net::EventLoop& loop_;
  std::unique_ptr<net::UdpSocket> socket_;
  net::Endpoint control_;
  std::string answer_;
  unsigned cookie_ = 0;
  pid_t pid_ = -1;
};

}  // namespace parley::bench
