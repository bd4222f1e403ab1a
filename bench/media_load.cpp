// CPU, memory and set-up cost of a real parley-media process under calls of two browsers each, on loopback,
// beside a bare forwarder in the same run (SRTP over one socket in batches, no ICE, no DTLS, no bridge): the
// practical limit; and, for audio, beside rtpengine, where it is installed. Prints a table.
//
//   media_load --program build/bench/src/parley-media --calls 50,200 --seconds 5 [--video]
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "broker/test_fake_browser.h"
#include "net/http_client.h"
#include "rtpengine.h"

namespace {

using namespace parley;
using broker::FakeBrowser;
using nlohmann::json;
namespace fs = std::filesystem;

constexpr base::Millis kPatience{120'000};
constexpr int kAudioEveryMs = 20, kVideoEveryMs = 10;

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "media_load: %s\n", what.c_str());
  std::exit(1);
}

/// User and system time of a process so far.
double cpuSeconds(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/stat");
  std::string line;
  std::getline(file, line);
  const std::string rest = line.substr(line.rfind(')') + 2);  // Field 3 on.
  const auto fields = base::split(rest, ' ');
  const auto ticks =
      base::parseNumber<long>(fields.at(11)).value() + base::parseNumber<long>(fields.at(12)).value();
  return static_cast<double>(ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

double pssKilobytes(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/smaps_rollup");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("Pss:", 0) == 0) return std::stod(line.substr(4));
  }
  return 0;
}

struct Pairs {
  std::vector<std::unique_ptr<FakeBrowser>> browsers;  ///< Consumer and agent of each call, in turn.
};

Pairs makeBrowsers(net::EventLoop& loop, int calls, bool video) {
  Pairs pairs;
  for (int i = 0; i < 2 * calls; ++i) {
    pairs.browsers.push_back(
        std::make_unique<FakeBrowser>(loop, 100'000u + 1000u * static_cast<unsigned>(i), video));
    pairs.browsers.back()->keepReceived = false;
  }
  return pairs;
}

/// Media at a steady pace, spread over the milliseconds; the count that arrived.
std::size_t runMedia(net::EventLoop& loop, Pairs& pairs, bool video, int seconds) {
  const std::string audio(160, 'a'), picture = std::string("\x10\x00", 2) + std::string(998, 'v');
  std::size_t before = 0;
  for (const auto& browser : pairs.browsers) before += browser->receivedPackets;
  const auto start = base::steadyNow();
  int done = 0;
  net::Timer timer(loop);
  timer.startEvery(base::Millis{1}, [&] {
    const auto due = static_cast<int>((base::steadyNow() - start) / base::Millis{1});
    for (; done < std::min(due, seconds * 1000); ++done) {
      for (std::size_t i = 0; i < pairs.browsers.size(); ++i) {
        const int phase = static_cast<int>(i % kAudioEveryMs);
        if (done % kAudioEveryMs == phase) pairs.browsers[i]->sendRtp(FakeBrowser::kOpus, audio);
        if (video && done % kVideoEveryMs == phase % kVideoEveryMs) {
          pairs.browsers[i]->sendRtp(FakeBrowser::kVp8, picture);
        }
      }
    }
  });
  loop.runUntil([&] { return done >= seconds * 1000; }, base::Millis{seconds * 1000 + 60'000});
  timer.stop();
  bool settled = false;
  net::Timer settle(loop);
  settle.start(base::Millis{200}, [&] { settled = true; });
  loop.runUntil([&] { return settled; }, kPatience);
  std::size_t after = 0;
  for (const auto& browser : pairs.browsers) after += browser->receivedPackets;
  return after - before;
}

std::size_t sentPackets(const Pairs& pairs, bool video, int seconds) {
  return pairs.browsers.size() * static_cast<std::size_t>(seconds) * (video ? 150 : 50);
}

struct Row {
  std::string what;
  int calls = 0;
  double microsPerPacket = 0, lossPercent = 0, kilobytesPerCall = 0, setupMillis = 0;
};

void measure(Row& row, net::EventLoop& loop, Pairs& pairs, bool video, int seconds, pid_t process) {
  runMedia(loop, pairs, video, 1);  // Warm.
  const double before = cpuSeconds(process);
  const std::size_t arrived = runMedia(loop, pairs, video, seconds);
  const double used = cpuSeconds(process) - before;
  const std::size_t sent = sentPackets(pairs, video, seconds);
  row.microsPerPacket = arrived > 0 ? used * 1e6 / static_cast<double>(arrived) : 0;
  row.lossPercent = 100.0 - 100.0 * static_cast<double>(arrived) / static_cast<double>(sent);
}

// --- the bare forwarder ---------------------------------------------------------------------------------

struct FloorEntry {
  net::Endpoint to;
  std::unique_ptr<rtc::SrtpContext> unprotect, protect;
};

std::unique_ptr<rtc::SrtpContext> context(rtc::SrtpContext::Direction direction, std::uint8_t seed) {
  const auto profile = rtc::SrtpProfile::aeadAes128Gcm;
  const base::Buffer key(rtc::srtpKeyBytes(profile), seed), salt(rtc::srtpSaltBytes(profile), seed);
  return *rtc::SrtpContext::create(direction, profile, key, salt);
}

/// The forwarder's process: never returns.
[[noreturn]] void runFloor(std::map<net::Endpoint, FloorEntry> table, int reportTo) {
  net::EventLoop loop("floor");
  std::unique_ptr<net::UdpSocket> socket;
  socket = *net::UdpSocket::open(
      loop, *net::Endpoint::parse("127.0.0.1", 0), {}, [&](std::span<net::Datagram> batch, base::Instant) {
        for (net::Datagram& datagram : batch) {
          const auto at = table.find(datagram.remote);
          if (at == table.end()) continue;
          const auto offset = static_cast<std::size_t>(datagram.data.data() - datagram.storage.data());
          proto::Packet packet{datagram.storage, offset, datagram.data.size()};
          if (!at->second.unprotect->rtp(packet)) continue;
          if (!at->second.protect->rtp(packet)) continue;
          socket->queue(at->second.to, datagram.local, packet.data());
        }
      });
  const std::uint16_t port = socket->localEndpoint().port();
  if (::write(reportTo, &port, sizeof port) != sizeof port) ::_exit(1);
  loop.run();
  ::_exit(0);
}

Row measureFloor(int calls, bool video, int seconds) {
  net::EventLoop loop("load");
  Pairs pairs = makeBrowsers(loop, calls, video);
  using Direction = rtc::SrtpContext::Direction;
  std::map<net::Endpoint, FloorEntry> table;
  for (std::size_t i = 0; i < pairs.browsers.size(); ++i) {
    const auto up = static_cast<std::uint8_t>(i * 2), down = static_cast<std::uint8_t>(i * 2 + 1);
    pairs.browsers[i]->adopt(context(Direction::protect, up), context(Direction::unprotect, down));
    const std::size_t other = i ^ 1;
    table[pairs.browsers[i]->local()] = {
        pairs.browsers[other]->local(), context(Direction::unprotect, up),
        context(Direction::protect, static_cast<std::uint8_t>(other * 2 + 1))};
  }
  int channel[2];
  if (::pipe(channel) != 0) die("pipe");
  const pid_t child = ::fork();
  if (child == 0) runFloor(std::move(table), channel[1]);
  std::uint16_t port = 0;
  if (::read(channel[0], &port, sizeof port) != sizeof port) die("the forwarder did not start");
  for (const auto& browser : pairs.browsers) browser->target = *net::Endpoint::parse("127.0.0.1", port);
  Row row{"bare forwarder", calls};
  measure(row, loop, pairs, video, seconds, child);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(channel[0]);
  ::close(channel[1]);
  return row;
}

// --- parley-media ---------------------------------------------------------------------------------------

class Media {
 public:
  explicit Media(const std::string& program) {
    std::string pattern = fs::temp_directory_path() / "parley-bench-XXXXXX";
    state_ = ::mkdtemp(pattern.data());
    int channel[2];
    if (::pipe(channel) != 0) die("pipe");
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(channel[1], 2);
      ::execl(program.c_str(), program.c_str(), "--state", state_.c_str(), "--set", "media.control_port=0",
              "--set", "media.first_port=0", "--set", "media.workers=1", "--set",
              "media.bind_addresses=127.0.0.1", "--set", "media.max_load_factor=0", nullptr);
      ::_exit(127);
    }
    ::close(channel[1]);
    waitUntilReady(channel[0]);
  }
  Media(const Media&) = delete;
  Media& operator=(const Media&) = delete;
  ~Media() {
    ::kill(pid_, SIGTERM);
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
    fs::remove_all(state_);
  }
  std::string read(const std::string& name) const {
    std::ifstream file(state_ / name);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  pid_t pid() const { return pid_; }
  const std::string& url() const { return url_; }

 private:
  void waitUntilReady(int from) {
    std::string log;
    char part[512];
    for (ssize_t count = 0; (count = ::read(from, part, sizeof part)) > 0;) {
      log.append(part, static_cast<std::size_t>(count));
      const auto at = log.find("control=https://");
      if (at == std::string::npos || log.find(" media=", at) == std::string::npos) continue;
      url_ = log.substr(at + 8, log.find(' ', at) - at - 8);
      return;  // The pipe stays open: the process may write on.
    }
    die("parley-media did not start:\n" + log);
  }
  fs::path state_;
  pid_t pid_ = -1;
  std::string url_;
};

/// The application server's part: creates calls and carries descriptions.
class Controller {
 public:
  Controller(net::EventLoop& loop, const Media& media) : loop_(loop), url_(media.url()) {
    net::HttpClientOptions options;
    options.tls = *net::TlsClientContext::create(media.read("ca.pem"), false);
    client_ = std::make_unique<net::HttpClient>(loop, options);
    const std::string secret(base::trim(media.read("broker-control.secret")));
    headers_.set("Authorization", net::HttpClient::basicAuthorization("parley", base::Secret(secret)));
  }
  json send(const std::string& method, const std::string& path, const json& body) {
    std::optional<base::Result<net::HttpResponse>> result;
    client_->request({method, url_ + "/v1/calls/" + path, headers_, body.dump()},
                     [&](auto response) { result = std::move(response); });
    loop_.runUntil([&] { return result.has_value(); }, kPatience);
    if (!result || !*result || (*result)->status >= 300) {
      die(method + " " + path + ": " + (result && *result ? (*result)->body : "no answer"));
    }
    return json::parse((*result)->body);
  }
  void call(const std::string& id, FakeBrowser& consumer, FakeBrowser& agent) {
    send("PUT", id, {{"legs", {{{"id", "c"}, {"kind", "webrtc"}}, {{"id", "a"}, {"kind", "webrtc"}}}}});
    const json offer = send("POST", id + "/offer", {{"from", "c"}, {"to", "a"}, {"sdp", consumer.offer()}});
    const json answer = send("POST", id + "/answer",
                             {{"from", "a"}, {"sdp", agent.answer(offer["offer"].get<std::string>())}});
    consumer.apply(answer["answer"].get<std::string>());
    consumer.connect(base::Millis{2500});
    agent.connect(base::Millis{2500});
    if (!loop_.runUntil([&] { return consumer.connected() && agent.connected(); }, kPatience))
      die("no connection");
  }

 private:
  net::EventLoop& loop_;
  std::string url_;
  std::unique_ptr<net::HttpClient> client_;
  net::HttpHeaders headers_;
};

Row measureMedia(const std::string& program, int calls, bool video, int seconds) {
  const Media media(program);
  net::EventLoop loop("load");
  Controller controller(loop, media);
  Pairs pairs = makeBrowsers(loop, calls + 1, video);
  // The first call pays for what is made once.
  controller.call("warm", *pairs.browsers[0], *pairs.browsers[1]);
  const double memoryBefore = pssKilobytes(media.pid()), cpuBefore = cpuSeconds(media.pid());
  for (int i = 1; i <= calls; ++i) {
    const auto at = static_cast<std::size_t>(2 * i);
    controller.call("c" + std::to_string(i), *pairs.browsers[at], *pairs.browsers[at + 1]);
  }
  Row row{"parley-media", calls};
  row.setupMillis = (cpuSeconds(media.pid()) - cpuBefore) * 1000 / calls;
  pairs.browsers.erase(pairs.browsers.begin(), pairs.browsers.begin() + 2);
  measure(row, loop, pairs, video, seconds, media.pid());
  row.kilobytesPerCall = (pssKilobytes(media.pid()) - memoryBefore) / calls;
  return row;
}

/// Nothing where it is not installed.
std::optional<Row> measureRtpengine(int calls, int seconds) {
  net::EventLoop loop("load");
  const auto engine = bench::Rtpengine::start(loop);
  if (!engine) return std::nullopt;
  Pairs pairs = makeBrowsers(loop, calls + 1, false);
  const auto call = [&](int i) {
    const auto at = static_cast<std::size_t>(2 * i);
    if (!engine->call("c" + std::to_string(i), *pairs.browsers[at], *pairs.browsers[at + 1]))
      die("rtpengine: no connection");
  };
  call(0);
  const double memoryBefore = pssKilobytes(engine->pid()), cpuBefore = cpuSeconds(engine->pid());
  for (int i = 1; i <= calls; ++i) call(i);
  Row row{"rtpengine", calls};
  row.setupMillis = (cpuSeconds(engine->pid()) - cpuBefore) * 1000 / calls;
  pairs.browsers.erase(pairs.browsers.begin(), pairs.browsers.begin() + 2);
  measure(row, loop, pairs, false, seconds, engine->pid());
  row.kilobytesPerCall = (pssKilobytes(engine->pid()) - memoryBefore) / calls;
  return row;
}

void print(const Row& row, bool video) {
  std::printf("| %-14s | %-5s | %5d | %9.2f | %6.2f |", row.what.c_str(), video ? "A/V" : "audio", row.calls,
              row.microsPerPacket, row.lossPercent);
  if (row.setupMillis > 0) {
    std::printf(" %11.1f | %12.2f |\n", row.kilobytesPerCall, row.setupMillis);
  } else {
    std::printf("           – |            – |\n");
  }
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Load on parley-media");
  std::string program;
  std::vector<int> calls{50, 200};
  int seconds = 5;
  bool video = false;
  app.add_option("--program", program, "parley-media")->required()->check(CLI::ExistingFile);
  app.add_option("--calls", calls, "Numbers of calls")->delimiter(',');
  app.add_option("--seconds", seconds, "Length of each measurement");
  app.add_flag("--video", video, "Video (100 packets of 1,000 bytes a second each way) beside audio");
  CLI11_PARSE(app, argc, argv);
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  ::signal(SIGPIPE, SIG_IGN);
  std::printf("| what           | media | calls | µs/packet | loss %% | PSS kB/call | set-up ms/call |\n");
  std::printf("|---|---|---|---|---|---|---|\n");
  for (const int count : calls) {
    print(measureFloor(count, video, seconds), video);
    print(measureMedia(program, count, video, seconds), video);
    // It has a port for each kind of media, a browser of the test one for all.
    if (video) continue;
    if (const auto row = measureRtpengine(count, seconds)) {
      print(*row, video);
    } else {
      std::fprintf(stderr, "media_load: rtpengine is not installed or does not start\n");
    }
  }
}
