// The SIP engine in one process, without sockets: CPU of a call that comes in (INVITE, 180, 200, ACK, BYE,
// 200), of an OPTIONS, and memory of a confirmed dialog and of a finished UDP transaction that waits its 32
// s. `allocs` counts heap allocations per call. Time in the engine is made up: 2,000 calls a second.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <string>

#include "allocations.h"
#include "sip/user_agent.h"

namespace {

using namespace parley;
using namespace parley::sip;

const std::string kSdp =
    "v=0\r\no=- 1 1 IN IP4 10.0.0.9\r\ns=-\r\nc=IN IP4 10.0.0.9\r\nt=0 0\r\n"
    "m=audio 17000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n";

class Bench final : public Transport, public UserAgentListener {
 public:
  explicit Bench(TransportKind kind) : ua(options(), {*this, random, *this}) {
    source.kind = kind;
    source.remote.ip[10] = source.remote.ip[11] = 0xff;
    source.remote.ip[12] = 10;
    source.remote.ip[15] = 9;
    source.remote.port = 5060;
    source.flow = FlowId{7};
  }
  static UserAgentOptions options() {
    UserAgentOptions out;
    out.maxSessions = 200'000;
    out.maxTransactions = 1'000'000;
    return out;
  }

  std::string message(const char* method, std::uint64_t call, unsigned cseq, bool tagged,
                      const std::string& body) const {
    const std::string number = std::to_string(call);
    std::string text =
        std::string(method) + " sip:8000@10.0.0.1:5060 SIP/2.0\r\nVia: SIP/2.0/" +
        std::string(toString(source.kind)) + " 10.0.0.9:5060;rport;branch=z9hG4bK" + number + "-" + method +
        "\r\nMax-Forwards: 70\r\nFrom: \"Customer\" <sip:+4930123@10.0.0.9>;tag=f" + number +
        "\r\nTo: <sip:8000@10.0.0.1>" + (tagged ? ";tag=" + tag : std::string()) +
        "\r\nCall-ID: 843817637684230-" + number + "@10.0.0.9\r\nCSeq: " + std::to_string(cseq) + " " +
        method + "\r\nContact: <sip:customer@10.0.0.9:5060>\r\n";
    text +=
        "User-Agent: A call manager\r\nAllow: INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO\r\n"
        "Supported: timer\r\n";
    if (!body.empty()) text += "Content-Type: application/sdp\r\n";
    return text + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  void tell(const std::string& bytes) { ua.receive(bytes, source, now); }
  void pass(base::Micros time) {
    now += time;
    if (ua.nextTimer() <= now) ua.onTimer(now);
  }
  void startCall(std::uint64_t call) {
    tell(message("INVITE", call, 1, false, kSdp));
    ua.ring(last, {}, now);
    ua.answer(last, kSdp, now);
    tell(message("ACK", call, 1, true, {}));
  }

  void send(std::string bytes, const Target&, SendToken) override {
    const std::size_t to = bytes.find("\r\nTo: ");
    const std::size_t at = bytes.find(";tag=", to);
    if (to != std::string::npos && at != std::string::npos)
      tag = bytes.substr(at + 5, bytes.find('\r', at) - at - 5);
    ++sent;
  }
  std::string sentBy(const Target&) const override { return "10.0.0.1:5060"; }
  void onCall(const IncomingCall& call) override { last = call.session; }
  void onProgress(SessionId, const Progress&, const Message&) override {}
  void onAnswered(SessionId, const std::string&, const Message&) override {}
  void onConfirmed(SessionId, const std::string&) override { ++confirmed; }
  void onOffer(SessionId, const std::string&) override {}
  void onOfferAnswered(SessionId, const std::string&) override {}
  void onOfferFailed(SessionId, int, const std::string&) override {}
  void onDtmf(SessionId, const DtmfSignal&) override {}
  void onSessionMessage(SessionId, const Message&) override {}
  void onRefer(const IncomingRefer&) override {}
  void onReferProgress(SessionId, int, bool) override {}
  void onEnded(SessionId, const Ending&) override { ++ended; }
  void onChanged(SessionId) override {}
  void onReached(SessionId, const Target&) override {}
  void onTrace(SessionId, bool, const std::string&) override {}
  bool onRequest(RequestId, const Message&, const Source&) override { return false; }
  void onRequestDone(RequestId, const RequestResult&) override {}
  bool onSubscribe(const IncomingSubscription&) override { return false; }
  void onNotify(const Notification&) override {}
  void onSubscriptionEnded(SubscriptionId, int, const std::string&) override {}

  base::SystemRandom random;
  Source source;
  base::Instant now{base::Millis{1}};
  SessionId last;
  std::string tag;
  std::uint64_t sent = 0, confirmed = 0, ended = 0;
  UserAgent ua;
};

void uasCall(benchmark::State& state) {
  Bench bench(state.range(0) == 0 ? TransportKind::udp : TransportKind::tcp);
  std::uint64_t call = 0;
  const std::uint64_t before = allocations.load();
  for (auto _ : state) {
    bench.startCall(++call);
    bench.tell(bench.message("BYE", call, 2, true, {}));
    bench.pass(base::Micros{500});
  }
  if (bench.ended != call || bench.confirmed != call) state.SkipWithError("a call failed");
  state.counters["allocs"] =
      static_cast<double>(allocations.load() - before) / static_cast<double>(state.iterations());
}
BENCHMARK(uasCall)->ArgName("tcp")->Arg(0)->Arg(1)->Unit(benchmark::kMicrosecond);

void options(benchmark::State& state) {
  Bench bench(TransportKind::udp);
  std::uint64_t call = 0;
  for (auto _ : state) {
    bench.tell(bench.message("OPTIONS", ++call, 1, false, {}));
    bench.pass(base::Micros{500});
  }
  if (bench.sent < call) state.SkipWithError("not answered");
}
BENCHMARK(options)->Unit(benchmark::kMicrosecond);

std::uint64_t heapBytes() { return mallinfo2().uordblks; }

void dialogMemory(benchmark::State& state) {
  constexpr std::uint64_t kCalls = 20'000;
  double each = 0;
  for (auto _ : state) {
    Bench bench(TransportKind::udp);
    bench.startCall(0);
    const std::uint64_t before = heapBytes();
    for (std::uint64_t call = 1; call <= kCalls; ++call) bench.startCall(call);
    for (int i = 0; i < 50; ++i) bench.pass(base::Micros{1'000'000});  // all transactions are gone
    each = static_cast<double>(heapBytes() - before) / kCalls;
    if (bench.ua.sizes().dialogs != kCalls + 1 || bench.ua.sizes().serverTransactions != 0)
      state.SkipWithError("not what was to be measured");
  }
  state.counters["bytes_per_dialog"] = each;
}
BENCHMARK(dialogMemory)->Iterations(1)->Unit(benchmark::kMillisecond);

void finishedTransactionMemory(benchmark::State& state) {
  constexpr std::uint64_t kRequests = 20'000;
  double each = 0;
  for (auto _ : state) {
    Bench bench(TransportKind::udp);
    const std::uint64_t before = heapBytes();
    for (std::uint64_t call = 1; call <= kRequests; ++call) {
      bench.tell(bench.message("OPTIONS", call, 1, false, {}));
      bench.pass(base::Micros{100});
    }
    each = static_cast<double>(heapBytes() - before) / kRequests;
    if (bench.ua.sizes().serverTransactions != kRequests) state.SkipWithError("not what was to be measured");
  }
  state.counters["bytes_per_transaction"] = each;
}
BENCHMARK(finishedTransactionMemory)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
