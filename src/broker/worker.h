// One media worker: a thread's loop, its UDP port and all calls on it. Everything here happens on that loop;
// the main loop posts requests and gets events.
//
// The way of a datagram: onBatch → classify → onStun | onDtls | onRtp | onRtcp, each with its guards in
// order of cost; what goes no further is counted under its DropReason (docs/paths/media-packet.md).
#pragma once
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/affinity.h"
#include "base/guard.h"
#include "base/random.h"
#include "base/result.h"
#include "broker/call.h"
#include "broker/events.h"
#include "broker/rtp_ports.h"
#include "broker/webrtc_leg.h"
#include "broker/worker_metrics.h"
#include "net/event_loop.h"
#include "net/udp_socket.h"

namespace parley::broker {

struct WorkerOptions {
  unsigned index = 0;
  std::vector<net::Endpoint> bind;        ///< Same port on each.
  std::vector<net::Endpoint> advertised;  ///< Port 0; peers are told the bound port.
  int dscp = 0;
  std::size_t maxCalls = 4000;
  RtpPortOptions rtp;
  std::shared_ptr<rtc::DtlsCertificate> certificate;
};

class Worker final : public LegHost {
 public:
  /// Errors: net.bind_failed. `emit` is called on the worker's thread.
  static base::Result<std::unique_ptr<Worker>> open(net::EventLoop& loop, WorkerOptions options,
                                                    EmitEvent emit);
  ~Worker() override;

  // Requests. Errors: call.unknown, call.exists, broker.full, those of Call and the negotiator's.
  base::Result<void> create(CallSpec spec);
  /// Runs `work(call, now)` and then what follows of any change: timers, datagrams that are queued.
  template <class Work>
  auto change(std::string_view call, Work work) -> decltype(work(std::declval<Call&>(), base::Instant{})) {
    Call* found = find(call);
    if (found == nullptr) return std::unexpected(unknownCall(call));
    const std::size_t legs = found->legCount();
    auto result = work(*found, loop_.now());
    legs_ += found->legCount();
    legs_ -= legs;
    touch(*found);
    rescheduleTouched();
    flush();
    return result;
  }
  base::Result<std::string> offer(std::string_view call, std::string_view from, std::string_view sdp,
                                  std::string_view to);
  base::Result<std::string> answer(std::string_view call, std::string_view from, std::string_view sdp);
  base::Result<std::string> answerLocally(std::string_view call, std::string_view from, std::string_view sdp);
  base::Result<void> rollback(std::string_view call, std::string_view from);
  base::Result<CallReport> report(std::string_view call);
  base::Result<CallReport> remove(std::string_view call);
  void removeAll(std::string_view reason);  ///< Each with an event.

  std::uint16_t port() const { return port_; }
  net::EventLoop& loop() { return loop_; }

  /// Once a second by itself: silence, idle calls, metrics. With a later `now` in tests.
  void tick(base::Instant now);

  struct Sizes {  ///< Of every table, for tests and metrics.
    std::size_t calls = 0, legs = 0, ufrags = 0, pairs = 0, timers = 0, queuedDtls = 0, rtpPorts = 0;
    friend bool operator==(const Sizes&, const Sizes&) = default;
  };
  Sizes sizes() const;
  const rtc::DropCounts& drops() const { return drops_; }

  static constexpr std::size_t kMaxQueuedDtls = 1024;
  static constexpr std::size_t kMaxQueuedDtlsPerLeg = 16;
  /// Handshake work between two looks at the socket.
  static constexpr base::Micros kDtlsSlice{2000};
  /// Timers of calls are rounded up to this, so that many calls wake the thread together.
  static constexpr base::Millis kTimerGrain{5};

 private:
  struct PairHash {
    std::size_t operator()(const Pair& pair) const noexcept;
  };
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };
  struct QueuedDtls {
    Pair from;
    base::Buffer datagram;
    std::shared_ptr<std::size_t> count;  ///< The leg's that it was queued for.
  };

  Worker(net::EventLoop& loop, WorkerOptions options, EmitEvent emit);
  base::Result<void> bind();

  void onBatch(std::span<net::Datagram> batch, base::Instant now);
  void onDatagram(net::Datagram& datagram, base::Instant now);
  void onStun(const net::Datagram& datagram, base::Instant now);
  void onDtls(const net::Datagram& datagram);
  void onMedia(net::Datagram& datagram, bool rtcp, base::Instant now);
  void runDtls();
  WebrtcLeg* legAt(const Pair& pair);
  void drop(rtc::DropReason reason) { countDrop(reason); }

  void touch(Call& call);
  void rescheduleTouched();
  void schedule(Call& call);
  void unschedule(Call& call);
  void armTimer();
  void onTimer(base::Instant now);
  void flush();

  Call* find(std::string_view call);
  CallReport erase(Call& call, base::Instant now);

  static base::Error unknownCall(std::string_view call);

  void addUfrag(const std::string& ufrag, WebrtcLeg& leg) override;
  void removeUfrag(const std::string& ufrag, const WebrtcLeg& leg) override;
  void addPair(const Pair& pair, WebrtcLeg& leg) override;
  void removePair(const Pair& pair, const WebrtcLeg& leg) override;
  net::UdpSocket& socketFor(const net::Endpoint& local) override;
  RtpPorts& rtpPorts() override { return rtpPorts_; }
  void queued(net::UdpSocket& socket) override;
  void forget(const net::UdpSocket& socket) override;
  void batchDone(Call& call) override;
  void countReceived(std::size_t bytes) override { metrics_.countBytes(bytes); }
  void countDrop(rtc::DropReason reason) override { ++drops_[static_cast<std::size_t>(reason)]; }
  void countHandshake(bool connected, std::string_view reason) override;
  void emit(WorkerEvent event) override { emit_(std::move(event)); }

  net::EventLoop& loop_;
  WorkerOptions options_;
  EmitEvent emit_;
  base::SystemRandom random_;
  std::vector<std::unique_ptr<net::UdpSocket>> sockets_;
  std::uint16_t port_ = 0;
  rtc::LocalTransport transport_;
  base::ThreadAffinity affinity_;
  RtpPorts rtpPorts_;
  std::vector<net::UdpSocket*> queuedSockets_;  ///< Of rtp legs, to be flushed.

  std::unordered_map<std::string, std::unique_ptr<Call>, TextHash, std::equal_to<>> calls_;
  std::unordered_map<std::string, WebrtcLeg*, TextHash, std::equal_to<>> ufrags_;
  std::unordered_map<Pair, WebrtcLeg*, PairHash> pairs_;
  std::size_t legs_ = 0;
  std::deque<QueuedDtls> dtlsQueue_;
  bool dtlsPosted_ = false;

  std::set<std::pair<base::Instant, Call*>> timers_;
  std::vector<Call*> touched_;
  net::Timer timer_, tickTimer_;
  base::Instant timerAt_ = base::Instant::max();

  rtc::DropCounts drops_{};
  WorkerMetrics metrics_;
  unsigned ticks_ = 0;
  base::LifeGuard guard_;
};

}  // namespace parley::broker
