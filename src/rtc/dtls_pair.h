// Test only: two DTLS endpoints, a link between them that may lose, double, reorder and corrupt, and a clock.
#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/random.h"
#include "rtc/dtls.h"

namespace parley::rtc {

/// What the link does to one direction.
struct LinkFaults {
  unsigned lossPercent = 0, duplicatePercent = 0, reorderPercent = 0;
};

/// Two endpoints, a link between and a clock that moves only when nothing is on the way.
class DtlsPair {
 public:
  /// Micros since the epoch that OpenSSL's retransmission timers are to see; nothing = the real clock.
  static inline thread_local std::optional<long long> fakeWall;

  /// Made at first use; the client shows number 0, the server number 1.
  static std::shared_ptr<DtlsCertificate> certificate(int which) {
    static const std::array<std::shared_ptr<DtlsCertificate>, 3> made{DtlsCertificate::generate().value(),
                                                                      DtlsCertificate::generate().value(),
                                                                      DtlsCertificate::generate().value()};
    return made.at(static_cast<std::size_t>(which));
  }

  explicit DtlsPair(LinkFaults faults = {}, std::uint64_t seed = 1) : faults_(faults), random_(seed) {
    fakeWall = 1'700'000'000'000'000;
  }
  ~DtlsPair() { fakeWall.reset(); }

  void make(std::vector<Fingerprint> clientExpects = {certificate(1)->fingerprint()},
            std::vector<Fingerprint> serverExpects = {certificate(0)->fingerprint()}) {
    client = DtlsEndpoint::create(certificate(0), DtlsRole::client, std::move(clientExpects),
                                  [this](base::Bytes d) { put(toServer_, d); })
                 .value();
    server = DtlsEndpoint::create(certificate(1), DtlsRole::server, std::move(serverExpects),
                                  [this](base::Bytes d) { put(toClient_, d); })
                 .value();
  }
  void start() {
    server->start(now);
    client->start(now);
  }
  /// Delivers and lets time pass until neither end wants a timer, or `limit` is over.
  void run(base::Millis limit = base::Millis{60'000}) {
    const base::Instant end = now + limit;
    while (true) {
      deliverAll();
      std::optional<base::Instant> next;
      for (const auto& end1 : {client.get(), server.get()}) {
        const auto at = end1->nextTimer();
        if (at && (!next || *at < *next)) next = at;
      }
      if (!next || *next > end) return;
      advance(std::max(*next - now, base::Instant::duration::zero()));
      client->onTimer(now);
      server->onTimer(now);
    }
  }
  void advance(base::Instant::duration by) {
    now += by;
    *fakeWall += std::chrono::duration_cast<std::chrono::microseconds>(by).count();
  }
  void deliverAll() {
    while (!toServer_.empty() || !toClient_.empty()) {
      deliver(toServer_, *server);
      deliver(toClient_, *client);
    }
  }
  void deliverOne() {
    deliver(toServer_, *server);
    deliver(toClient_, *client);
  }
  /// The `which`-th datagram of all is lost / gets one bit changed.
  void loseOnly(int which) { lose_ = which; }
  void corrupt(std::size_t which, std::size_t at) { corrupt_ = {which, at}; }
  void loseLastFlightOfServer(int times) { loseFinished_ = times; }
  void dropAll() {
    toServer_.clear();
    toClient_.clear();
  }

  std::unique_ptr<DtlsEndpoint> client, server;
  base::Instant now{std::chrono::hours{1}};
  std::vector<base::Buffer> sent;                ///< All, both ways.
  std::function<void(DtlsEndpoint&)> onDeliver;  ///< Called before each delivery.

 private:
  void put(std::deque<base::Buffer>& queue, base::Bytes datagram) {
    sent.emplace_back(datagram.begin(), datagram.end());
    EXPECT_LE(datagram.size(), DtlsEndpoint::kMtu);
    if (chance(faults_.lossPercent) || lose_ == static_cast<int>(sent.size()) - 1) return;
    base::Buffer copy = sent.back();
    if (corrupt_ && corrupt_->first == sent.size() - 1 && corrupt_->second < copy.size())
      copy[corrupt_->second] ^= 0x10;
    if (&queue == &toClient_ && copy[0] == 20 && loseFinished_ > 0) {  // begins with ChangeCipherSpec
      --loseFinished_;
      return;
    }
    const int copies = chance(faults_.duplicatePercent) ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
      auto at = queue.end();
      if (chance(faults_.reorderPercent))
        at -= static_cast<std::ptrdiff_t>(random_.u32() % (queue.size() + 1));
      queue.insert(at, copy);
    }
  }
  void deliver(std::deque<base::Buffer>& queue, DtlsEndpoint& to) {
    if (queue.empty()) return;
    const base::Buffer datagram = std::move(queue.front());
    queue.pop_front();
    if (onDeliver) onDeliver(to);
    to.onDatagram(datagram, now);
  }
  bool chance(unsigned percent) { return random_.u32() % 100 < percent; }

  LinkFaults faults_;
  int lose_ = -1, loseFinished_ = 0;
  std::optional<std::pair<std::size_t, std::size_t>> corrupt_;
  base::FakeRandom random_;
  std::deque<base::Buffer> toServer_, toClient_;
};

}  // namespace parley::rtc
