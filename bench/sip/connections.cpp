// Opens and closes many SIP TLS connections against the real transport, several times, and says what a
// connection costs and what stays behind: sip_connections [connections [rounds]]. The clients live in a
// process of their own.
#include <dirent.h>
#include <fmt/core.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "net/byte_stream.h"
#include "net/internal_test_support.h"
#include "process.h"
#include "sipnet/transport.h"

namespace {

using namespace parley;

constexpr std::size_t kAtOnce = 64;  ///< Handshakes that run.
constexpr base::Millis kDeadline{300'000};
constexpr base::Millis kSettle{3'000};  ///< Memory goes back when the crowd has gone.

const std::string kRequest =
    "OPTIONS sip:bench@example.com SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1:5061;branch=z9hG4bK1\r\n"
    "Max-Forwards: 70\r\nFrom: <sip:a@example.com>;tag=1\r\nTo: <sip:bench@example.com>\r\nCall-ID: 1\r\n"
    "CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";

struct Sink final : sipnet::TransportSink {
  void onMessage(sip::Message, const sip::Source&) override { ++messages; }
  void onFlowClosed(sip::FlowId, std::string_view) override { ++closed; }
  void onSendFailed(sip::SendToken, std::string_view) override {}
  void onRefused(const sip::Source&, std::string_view reason) override {
    fmt::print("refused: {}\n", reason);
  }
  std::size_t messages = 0, closed = 0;
};

std::size_t descriptors() {
  std::size_t count = 0;
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir("/proc/self/fd"), closedir);
  while (readdir(dir.get()) != nullptr) ++count;
  return count;
}

/// What is allocated, in kB: what the allocator keeps for later does not count.
std::size_t heapKilobytes() {
  const auto info = mallinfo2();
  return (info.uordblks + info.hblkhd) / 1024;
}

/// Opens on 'o', closes on 'c', ends with the pipe.
void runClients(int commands, const net::Endpoint& to, const std::string& authority, std::size_t wanted) {
  net::EventLoop loop("clients");
  const auto tls = *net::TlsClientContext::create(authority, false);
  std::vector<std::unique_ptr<net::ByteStream>> streams;
  std::vector<std::unique_ptr<net::ByteConnecting>> attempts;
  for (char command = 0; read(commands, &command, 1) == 1;) {
    attempts.clear();
    if (command == 'c') {
      streams.clear();
      loop.poll();
      continue;
    }
    std::size_t failed = 0;
    while (streams.size() < wanted && failed == 0) {
      attempts.clear();
      const std::size_t goal = std::min(wanted, streams.size() + kAtOnce);
      for (std::size_t i = streams.size(); i < goal; ++i) {
        attempts.push_back(net::connectBytes(loop, to, "localhost", tls, {}, [&](auto stream) {
          if (!stream) return void(++failed);
          (*stream)->start({});
          (*stream)->write(kRequest);
          streams.push_back(std::move(*stream));
        }));
      }
      loop.runUntil([&] { return streams.size() == goal || failed > 0; }, kDeadline);
    }
    loop.runUntil(
        [&] {
          return std::all_of(streams.begin(), streams.end(),
                             [](const auto& s) { return s->queuedBytes() == 0; });
        },
        kDeadline);
    if (failed > 0) fmt::print("a client could not connect\n");
  }
}

int runServer(int commands, const std::function<void(const net::Endpoint&)>& ready,
              const net::rig::TestCertificate& own, std::size_t wanted, int rounds) {
  net::EventLoop loop("server");
  Sink sink;
  sipnet::TransportOptions options;
  options.maxConnections = options.maxConnectionsPerNetwork = wanted + kAtOnce;
  options.maxHandshakesPerNetwork = options.maxHandshakes = 2 * kAtOnce;
  options.handshakeTimeout = base::Millis{60'000};
  sipnet::SipTransport transport(loop, options, sink);
  const auto bound = transport.listen(sip::TransportKind::tls, *net::Endpoint::parse("127.0.0.1", 0),
                                      *net::TlsServerContext::create(own.certificate, own.key));
  if (!bound) return 1;
  ready(*bound);
  constexpr const char* kRow = "{:>6} {:>11} {:>13} {:>15} {:>19} {:>18} {:>12}\n";
  fmt::print(fmt::runtime(kRow), "round", "connections", "CPU us each", "memory kB each",
             "heap kB when closed", "PSS kB when closed", "descriptors");
  fmt::print(fmt::runtime(kRow), 0, 0, "", "", heapKilobytes(), bench::pssKilobytes(getpid()), descriptors());
  for (int round = 1; round <= rounds; ++round) {
    const std::size_t before = heapKilobytes();
    const double cpu = bench::cpuMicros(getpid());
    sink.messages = 0;
    if (write(commands, "o", 1) != 1) return 1;
    if (!loop.runUntil([&] { return sink.messages == wanted; }, kDeadline)) return 1;
    const double spent = bench::cpuMicros(getpid()) - cpu;
    const std::size_t full = heapKilobytes();
    if (write(commands, "c", 1) != 1) return 1;
    if (!loop.runUntil([&] { return transport.connections() == 0; }, kDeadline)) return 1;
    loop.runUntil([] { return false; }, kSettle);
    fmt::print(fmt::runtime(kRow), round, wanted, fmt::format("{:.0f}", spent / static_cast<double>(wanted)),
               fmt::format("{:.1f}", static_cast<double>(full - before) / static_cast<double>(wanted)),
               heapKilobytes(), bench::pssKilobytes(getpid()), descriptors());
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t wanted = argc > 1 ? std::stoul(argv[1]) : 5000;
  const int rounds = argc > 2 ? std::stoi(argv[2]) : 3;
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  const auto own = net::rig::makeCertificate("DNS:localhost");
  int commands[2], where[2];
  if (pipe(commands) != 0 || pipe(where) != 0) return 1;
  const pid_t child = fork();
  if (child == 0) {
    close(commands[1]);
    std::uint16_t port = 0;
    if (read(where[0], &port, sizeof port) == sizeof port) {
      runClients(commands[0], *net::Endpoint::parse("127.0.0.1", port), own.certificate, wanted);
    }
    _exit(0);
  }
  close(commands[0]);
  const int result = runServer(
      commands[1],
      [&](const net::Endpoint& bound) {
        const std::uint16_t port = bound.port();
        if (write(where[1], &port, sizeof port) != sizeof port) std::exit(1);
      },
      own, wanted, rounds);
  close(commands[1]);
  waitpid(child, nullptr, 0);
  return result;
}
