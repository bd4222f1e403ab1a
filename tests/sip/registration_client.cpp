// The registration engine (src/sip/registration.h) over a plain UDP socket, for tests against real
// registrars.
//   sip-registration-client OWN-ADDRESS REGISTRAR-ADDRESS USER PASSWORD EXPIRES
// Says on standard output what happens ("registered 600", "waiting sip.auth_rejected …", "stopped"), takes
// "refresh" and "stop" as lines on standard input, and ends when it is stopped or input ends.
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <iostream>
#include <optional>
#include <string>

#include "base/random.h"
#include "base/text.h"
#include "base/time.h"
#include "sip/registration.h"

using namespace parley;
using namespace parley::sip;
using namespace std::chrono_literals;

namespace {

constexpr std::uint16_t kPort = 5060;
constexpr base::Millis kT1{500}, kT2{4'000}, kTimeout{8'000};

struct Out {
  std::string bytes, branch;
  base::Instant repeatAt, endAt;
  base::Millis interval = kT1;
};

class Client {
 public:
  Client(const char* own, const char* registrar, std::string user, std::string password,
         std::uint32_t expires)
      : own_(own), digest_({{"", user, base::Secret(std::move(password))}}, random_) {
    socket_ = ::socket(AF_INET, SOCK_DGRAM, 0);
    sockaddr_in local = addressOf(own), remote = addressOf(registrar);
    ok_ = ::bind(socket_, reinterpret_cast<sockaddr*>(&local), sizeof local) == 0 &&
          ::connect(socket_, reinterpret_cast<sockaddr*>(&remote), sizeof remote) == 0;
    RegistrationOptions options;
    options.registrar = Uri::sip({}, registrar);
    options.address.uri = Uri::sip(user, registrar);
    options.contacts = {{Uri::sip(user, own, kPort), {}, {}}};
    options.expires = expires;
    options.timeout = kTimeout;
    registration_.emplace(std::move(options), digest_, random_);
    registration_->start(base::steadyNow());
  }
  ~Client() { ::close(socket_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  int run() {
    if (!ok_) return std::perror("socket"), 1;
    while (registration_->state().phase != RegistrationPhase::stopped) {
      step(base::steadyNow());
      report();
    }
    return 0;
  }

 private:
  static sockaddr_in addressOf(const char* text) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(kPort);
    inet_pton(AF_INET, text, &address.sin_addr);
    return address;
  }

  void step(base::Instant now) {
    if (auto request = registration_->poll(now)) send(*request, now);
    if (out_ && now >= out_->endAt) {
      out_.reset();
      registration_->onResult({.status = 408, .reason = "sip.timeout", .response = {}, .target = {}}, now);
    } else if (out_ && now >= out_->repeatAt) {
      out_->interval = std::min(out_->interval * 2, kT2);
      out_->repeatAt = now + out_->interval;
      (void)::send(socket_, out_->bytes.data(), out_->bytes.size(), 0);
    }
    std::array<pollfd, 2> ready{{{socket_, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}}};
    ::poll(ready.data(), ready.size(), 50);
    if (ready[0].revents != 0) receive(base::steadyNow());
    if (ready[1].revents != 0) obey(base::steadyNow());
  }

  void send(const OutgoingRequest& request, base::Instant now) {
    Message message = Message::request(request.method, request.to);
    Via via;
    via.host = own_;
    via.port = kPort;
    const std::string branch = "z9hG4bK" + random_.alphanumeric(16);
    via.params.set("branch", branch);
    via.params.set("rport");
    message.pushVia(std::move(via));
    message.setMaxForwards(70);
    message.from() = request.from;
    message.from().params.set("tag", random_.alphanumeric(10));
    message.to() = *request.toHeader;
    message.setCallId(request.callId);
    message.setCSeq(*request.cseq, Method::registration);
    for (const Header& header : request.headers) message.add(header.id, header.value);
    out_ = Out{message.write(), branch, now + kT1, now + kTimeout};
    (void)::send(socket_, out_->bytes.data(), out_->bytes.size(), 0);
  }

  void receive(base::Instant now) {
    std::array<char, 65'536> bytes;
    const auto size = ::recv(socket_, bytes.data(), bytes.size(), 0);
    if (size <= 0 || !out_) return;
    auto message = Message::parse({bytes.data(), static_cast<std::size_t>(size)});
    if (!message || message->status() < 200 || message->topVia() == nullptr ||
        message->topVia()->branch() != out_->branch)
      return;
    out_.reset();
    const int status = message->status();
    registration_->onResult(
        {.status = status, .reason = "sip.answered", .response = std::move(*message), .target = {}}, now);
  }

  void obey(base::Instant now) {
    std::string line;
    if (!std::getline(std::cin, line)) return registration_->stop(now);
    if (line == "stop") registration_->stop(now);
    if (line == "refresh") registration_->refresh(now);
  }

  void report() {
    const auto& state = registration_->state();
    std::string line(toString(state.phase));
    if (state.phase == RegistrationPhase::registered)
      line += " " + std::to_string(state.granted) + " cseq " + std::to_string(state.cseq);
    if (state.phase == RegistrationPhase::waiting)
      line += " " + state.reason + " " + base::printable(state.text, 200);
    if (line == last_) return;
    last_ = line;
    std::cout << line << std::endl;
  }

  std::string own_, last_;
  base::SystemRandom random_;
  DigestClient digest_;
  std::optional<Registration> registration_;
  std::optional<Out> out_;
  int socket_ = -1;
  bool ok_ = false;
};

}  // namespace

int main(int argc, char** argv) {
  const auto expires = argc == 6 ? base::parseNumber<std::uint32_t>(argv[5]) : std::nullopt;
  if (!expires) {
    std::cerr << "usage: sip-registration-client OWN-ADDRESS REGISTRAR-ADDRESS USER PASSWORD EXPIRES\n";
    return 2;
  }
  return Client(argv[1], argv[2], argv[3], argv[4], *expires).run();
}
