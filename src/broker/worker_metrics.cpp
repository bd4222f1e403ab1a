#include "broker/worker_metrics.h"

#include <utility>

namespace parley::broker {
namespace {
/// Reasons are tokens of ours; the bound is against a bug, not a peer.
constexpr std::size_t kMaxFailureReasons = 32;
}  // namespace

WorkerMetrics::WorkerMetrics(unsigned worker) : worker_(std::to_string(worker)) {
  auto& metrics = base::Metrics::instance();
  beats_ = metrics.counter("parley_media_worker_seconds_total", "Seconds in which the worker's loop ran.",
                           labels());
  received_ = metrics.counter("parley_media_datagrams_received_total", "Datagrams received.", labels());
  sent_ = metrics.counter("parley_media_datagrams_sent_total", "Datagrams sent.", labels());
  bytes_ = metrics.counter("parley_media_received_bytes_total", "Bytes received.", labels());
  truncated_ =
      metrics.counter("parley_media_datagrams_truncated_total", "Datagrams too long to be ours.", labels());
  sendErrors_ = metrics.counter("parley_media_send_errors_total", "Datagrams the kernel refused.", labels());
  sendDropped_ =
      metrics.counter("parley_media_send_dropped_total", "Datagrams lost to a full send buffer.", labels());
  handshakes_ = metrics.counter("parley_media_dtls_handshakes_total", "DTLS handshakes completed.", labels());
  calls_ = metrics.gauge("parley_media_calls", "Calls present.", labels());
  legs_ = metrics.gauge("parley_media_legs", "Legs present.", labels());
  drops_.resize(rtc::kDropReasons);
  for (std::size_t i = 0; i < rtc::kDropReasons; ++i) {
    drops_[i] =
        metrics.counter("parley_media_dropped_total", "Packets that went no further, by reason.",
                        labels({{"reason", std::string(rtc::toString(static_cast<rtc::DropReason>(i)))}}));
  }
}

base::Labels WorkerMetrics::labels(base::Labels more) const {
  more.insert(more.begin(), {"worker", worker_});
  return more;
}

void WorkerMetrics::countHandshake(bool connected, std::string_view reason) {
  if (connected) return handshakes_.add();
  auto at = failures_.find(reason);
  if (at == failures_.end()) {
    if (failures_.size() >= kMaxFailureReasons) return;
    at = failures_
             .emplace(reason, base::Metrics::instance().counter("parley_media_dtls_failures_total",
                                                                "DTLS handshakes failed, by reason.",
                                                                labels({{"reason", std::string(reason)}})))
             .first;
  }
  at->second.add();
}

void WorkerMetrics::publish(const net::UdpStats& udp, const rtc::DropCounts& drops, std::size_t calls,
                            std::size_t legs) {
  received_.add(udp.received - seen_.received);
  sent_.add(udp.sent - seen_.sent);
  truncated_.add(udp.truncated - seen_.truncated);
  sendErrors_.add(udp.sendErrors - seen_.sendErrors);
  sendDropped_.add(udp.sendDropped - seen_.sendDropped);
  seen_ = udp;
  bytes_.add(std::exchange(receivedBytes_, 0));
  for (std::size_t i = 0; i < drops.size(); ++i) {
    if (drops[i] != seenDrops_[i]) drops_[i].add(drops[i] - seenDrops_[i]);
  }
  seenDrops_ = drops;
  calls_.set(static_cast<std::int64_t>(calls));
  legs_.set(static_cast<std::int64_t>(legs));
}

}  // namespace parley::broker
