// Many registrations of one client at one registrar, over UDP and with digest (SHA-256), first made and then
// refreshed: CPU and memory of both sides. sip_registrations [HOW-MANY [REFRESHES [COMMAND …]]]. The
// registrar lives in a process of its own: ours, or what the command starts (see registrar.cfg).
#include <fmt/core.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <deque>
#include <memory>
#include <thread>
#include <unordered_map>

#include "agent.h"
#include "process.h"
#include "sip/digest_client.h"
#include "sip/digest_server.h"
#include "sip/registrar.h"
#include "sip/registration.h"

using namespace parley;

namespace {

constexpr std::uint16_t kRegistrar = 5086, kClient = 5087;
constexpr std::size_t kAtOnce = 32;
constexpr base::Millis kDeadline{120'000};

std::string userOf(std::size_t i) { return "phone" + std::to_string(i); }

class RegistrarSide final : public bench::Agent {
 public:
  RegistrarSide(net::EventLoop& loop, std::size_t users)
      : Agent(loop),
        registrar_({}, random_),
        digest_({.realm = "bench", .algorithms = {{sip::DigestHash::sha256, false}}},
                base::Secret("0123456789abcdef"), random_) {
    for (std::size_t i = 0; i < users; ++i)
      users_[userOf(i)] =
          sip::StoredDigest::make(userOf(i), "bench", base::Secret("secret"), {sip::DigestHash::sha256});
  }
  bool onRequest(sip::RequestId id, const sip::Message& message, const sip::Source& source) override {
    const base::Instant now = loop_.now();
    const auto let = digest_.check(
        message, false,
        [this](std::string_view name, bool, sip::DigestHash) -> std::optional<sip::StoredDigest> {
          const auto at = users_.find(std::string(name));
          return at == users_.end() ? std::nullopt : std::optional(at->second);
        },
        base::wallNow());
    if (!let) {
      agent_.respond(id, 401, now, digest_.challenge(false, let.stale(), base::wallNow()));
      return true;
    }
    const sip::Message answer = registrar_.onRegister(message, source, now);
    agent_.respond(id, answer.status(), now, answer.headers());
    return true;
  }

 private:
  sip::Registrar registrar_;
  sip::DigestServer digest_;
  std::unordered_map<std::string, sip::StoredDigest> users_;
};

class Clients final : public bench::Agent {
 public:
  Clients(net::EventLoop& loop, std::size_t count) : Agent(loop) {
    for (std::size_t i = 0; i < count; ++i) {
      const std::string user = userOf(i);
      auto& one = all_.emplace_back();
      one.digest = std::make_unique<sip::DigestClient>(
          std::vector<sip::DigestCredentials>{{"", user, base::Secret("secret")}}, random_);
      sip::RegistrationOptions options;
      options.registrar = sip::Uri::sip({}, "127.0.0.1", kRegistrar);
      options.address.uri = sip::Uri::sip(user, "127.0.0.1");
      options.contacts = {{sip::Uri::sip(user, "127.0.0.1", kClient), {}, {}}};
      options.targets = {neighbour(sip::TransportKind::udp, kRegistrar)};
      one.registration = std::make_unique<sip::Registration>(std::move(options), *one.digest, random_);
    }
  }
  /// All of them once, a few at a time. False: one failed.
  bool round() {
    waiting_.clear();
    for (std::size_t i = 0; i < all_.size(); ++i) waiting_.push_back(i);
    done_ = 0;
    next();
    return loop_.runUntil([&] { return done_ == all_.size(); }, kDeadline) &&
           std::ranges::all_of(all_, [&](const One& one) {
             return one.registration->state().phase == sip::RegistrationPhase::registered;
           });
  }
  void onRequestDone(sip::RequestId id, const sip::RequestResult& result) override {
    const auto at = running_.find(id);
    if (at == running_.end()) return;
    const std::size_t index = at->second;
    running_.erase(at);
    auto& registration = *all_[index].registration;
    registration.onResult(result, loop_.now());
    ++requests;
    if (!poll(index)) ++done_;
    next();
  }
  std::size_t requests = 0;

 private:
  struct One {
    std::unique_ptr<sip::DigestClient> digest;
    std::unique_ptr<sip::Registration> registration;
  };
  bool poll(std::size_t index) {
    auto request = all_[index].registration->poll(loop_.now());
    if (!request) return false;
    running_[agent_.request(std::move(*request), loop_.now())] = index;
    return true;
  }
  void next() {
    while (running_.size() < kAtOnce && !waiting_.empty()) {
      const std::size_t index = waiting_.front();
      waiting_.pop_front();
      auto& registration = *all_[index].registration;
      if (registration.state().phase == sip::RegistrationPhase::idle) {
        registration.start(loop_.now());
      } else {
        registration.refresh(loop_.now());
      }
      if (!poll(index)) ++done_;
    }
    arm();
  }
  std::deque<One> all_;
  std::deque<std::size_t> waiting_;
  std::unordered_map<sip::RequestId, std::size_t> running_;
  std::size_t done_ = 0;
};

int runRegistrar(std::size_t users) {
  net::EventLoop loop("registrar");
  RegistrarSide registrar(loop, users);
  if (!registrar.listen(kRegistrar)) return 1;
  loop.run();
  return 0;
}

/// Until it listens; false: it has ended, or takes too long.
bool listens(pid_t registrar) {
  for (int i = 0; i < 1500; ++i) {
    if (bench::udpBound(kRegistrar)) return true;
    if (waitpid(registrar, nullptr, WNOHANG) != 0) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

int runClients(pid_t registrar, std::size_t count, int refreshes) {
  net::EventLoop loop("clients");
  const auto held = [](pid_t process) { return static_cast<double>(bench::pssKilobytes(process)); };
  const auto ofAll = [registrar](auto what) {
    double sum = 0;
    for (const pid_t process : bench::processesOf(registrar)) sum += what(process);
    return sum;
  };
  const double clientBefore = held(getpid()), registrarBefore = ofAll(held);
  Clients clients(loop, count);
  if (!clients.listen(kClient)) return 1;
  const auto each = [&](double value) { return value / static_cast<double>(count); };
  fmt::print("{:<9} {:>6} {:>9} {:>19} {:>22}\n", "round", "count", "requests", "client CPU us each",
             "registrar CPU us each");
  for (int i = 0; i <= refreshes; ++i) {
    const double client = bench::cpuMicros(getpid()), other = ofAll(bench::cpuMicros);
    clients.requests = 0;
    if (!clients.round()) return fmt::print("a registration failed\n"), 1;
    fmt::print("{:<9} {:>6} {:>9} {:>19.0f} {:>22.0f}\n", i == 0 ? "first" : "refresh", count,
               clients.requests, each(bench::cpuMicros(getpid()) - client),
               each(ofAll(bench::cpuMicros) - other));
  }
  fmt::print(
      "memory of a registration, kB: client {:.1f}, registrar {:.1f} (its finished transactions of 32 s "
      "included)\n",
      each(held(getpid()) - clientBefore), each(ofAll(held) - registrarBefore));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t count = argc > 1 ? std::stoul(argv[1]) : 2'500;
  const int refreshes = argc > 2 ? std::stoi(argv[2]) : 3;
  if (bench::udpBound(kRegistrar)) return fmt::print("port {} is in use\n", kRegistrar), 1;
  const pid_t child = fork();
  if (child == 0) {
    setsid();
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (argc <= 3) _exit(runRegistrar(count));
    dup2(STDERR_FILENO, STDOUT_FILENO);  // what it says is no part of the report
    execvp(argv[3], argv + 3);
    _exit(1);
  }
  const int result = listens(child) ? runClients(child, count, refreshes) : 1;
  kill(-child, SIGKILL);
  waitpid(child, nullptr, 0);
  return result;
}
