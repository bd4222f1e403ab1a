// What one worker shows in /metrics. Counted in plain numbers on the media path, published once a second.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/metrics.h"
#include "net/udp_socket.h"
#include "rtc/drop_reason.h"

namespace parley::broker {

class WorkerMetrics {
 public:
  explicit WorkerMetrics(unsigned worker);
  void countHandshake(bool connected, std::string_view reason);
  void countBytes(std::size_t received) { receivedBytes_ += received; }
  /// Totals since the start of the worker.
  void publish(const net::UdpStats& udp, const rtc::DropCounts& drops, std::size_t calls, std::size_t legs);
  void beat() const { beats_.add(); }
  std::uint64_t beats() const { return beats_.value(); }  ///< From any thread: the worker's loop still runs.

 private:
  base::Labels labels(base::Labels more = {}) const;
  std::string worker_;
  base::Counter beats_, received_, sent_, bytes_, truncated_, sendErrors_, sendDropped_, handshakes_;
  base::Gauge calls_, legs_;
  std::vector<base::Counter> drops_;
  std::map<std::string, base::Counter, std::less<>> failures_;
  net::UdpStats seen_;
  rtc::DropCounts seenDrops_{};
  std::uint64_t receivedBytes_ = 0;
};

}  // namespace parley::broker
