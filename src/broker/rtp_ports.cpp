#include "broker/rtp_ports.h"

#include <utility>

namespace parley::broker {
namespace {

// A socket each for many calls: small, for packets that come one by one.
constexpr std::size_t kBatch = 4;
constexpr std::size_t kBufferBytes = 256 * 1024;
constexpr int kAnyPortTries = 16;

void addTo(net::UdpStats& sum, const net::UdpStats& each) {
  sum.received += each.received;
  sum.sent += each.sent;
  sum.truncated += each.truncated;
  sum.sendErrors += each.sendErrors;
  sum.sendDropped += each.sendDropped;
}

std::size_t pairsIn(const RtpPortOptions& options) {
  if (options.first == 0) return 0;
  const std::size_t even = options.first + options.first % 2u;
  return even + 1 > options.last ? 0 : (options.last + 1 - even) / 2;
}

}  // namespace

RtpPorts::Pair::~Pair() {
  for (const auto* socket : {rtp.get(), rtcp.get()})
    if (socket != nullptr) addTo(owner_.stats, socket->stats());
  if (!rtp) return;
  --owner_.inUse_;
  if (slot_) owner_.taken_[*slot_] = false;
}

RtpPorts::RtpPorts(net::EventLoop& loop, RtpPortOptions options)
    : loop_(loop), options_(std::move(options)), taken_(pairsIn(options_)) {}

bool RtpPorts::bind(Pair& pair, std::uint16_t port, net::UdpSocket::BatchHandler& onRtp,
                    net::UdpSocket::BatchHandler& onRtcp) {
  net::UdpOptions udp;
  udp.batch = kBatch;
  udp.receiveBufferBytes = udp.sendBufferBytes = kBufferBytes;
  udp.dscp = options_.dscp;
  auto rtp = net::UdpSocket::open(loop_, options_.bind.withPort(port), udp, onRtp);
  if (!rtp) return false;
  const std::uint16_t bound = (*rtp)->localEndpoint().port();
  if (bound % 2 != 0 || bound == 65534) return false;
  auto rtcp =
      net::UdpSocket::open(loop_, options_.bind.withPort(static_cast<std::uint16_t>(bound + 1)), udp, onRtcp);
  if (!rtcp) return false;
  pair.rtp = std::move(*rtp);
  pair.rtcp = std::move(*rtcp);
  ++inUse_;
  return true;
}

std::unique_ptr<RtpPorts::Pair> RtpPorts::open(net::UdpSocket::BatchHandler onRtp,
                                               net::UdpSocket::BatchHandler onRtcp) {
  if (options_.first == 0) {
    for (int i = 0; i < kAnyPortTries; ++i) {
      auto pair = std::make_unique<Pair>(*this, std::nullopt);
      if (bind(*pair, 0, onRtp, onRtcp)) return pair;
    }
    return nullptr;
  }
  const std::size_t first = options_.first + options_.first % 2u;
  for (std::size_t i = 0; i < taken_.size(); ++i) {
    const std::size_t slot = (next_ + i) % taken_.size();
    if (taken_[slot]) continue;
    auto pair = std::make_unique<Pair>(*this, slot);
    // Another program may sit on one of them.
    if (!bind(*pair, static_cast<std::uint16_t>(first + 2 * slot), onRtp, onRtcp)) continue;
    taken_[slot] = true;
    next_ = slot + 1;
    return pair;
  }
  return nullptr;
}

}  // namespace parley::broker
