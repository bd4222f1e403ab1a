#include "net/udp_socket.h"

#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <cstring>
#include <deque>

#include "base/affinity.h"
#include "base/check.h"
#include "base/log.h"
#include "net/internal_log.h"
#include "net/internal_loop.h"
#include "net/internal_socket.h"

namespace parley::net {
namespace {

/// Batches read before other work of the loop gets its turn.
constexpr int kMaxBatchesPerTurn = 8;
constexpr std::size_t kMaxBatch = 256;
/// Queued datagrams; at the mark they are sent at once.
constexpr std::size_t kMaxQueued = 256;
constexpr std::size_t kMessagesPerCall = 64;
/// A run this long to one peer goes out as one segmented send (UDP_SEGMENT): below it the kernel's
/// work for the segmentation eats the gain.
constexpr std::size_t kSegmentRun = 3;
constexpr std::size_t kSegmentMaxRun = 64;
constexpr std::size_t kSegmentMaxBytes = 64'000;
constexpr int kSegmentMaxFailures = 8;

/// Room for one packet-info and one segment-size control message.
struct alignas(cmsghdr) ControlSpace {
  std::byte bytes[CMSG_SPACE(sizeof(in6_pktinfo)) + CMSG_SPACE(sizeof(std::uint16_t))];
};

void setOption(int fd, int level, int name, int value) { setsockopt(fd, level, name, &value, sizeof value); }

void setBuffer(int fd, int force, int plain, std::size_t bytes) {
  const int wanted = static_cast<int>(std::min<std::size_t>(bytes, 1u << 30));
  if (setsockopt(fd, SOL_SOCKET, force, &wanted, sizeof wanted) == 0) return;
  setOption(fd, SOL_SOCKET, plain, wanted);
}

/// The destination address of a received datagram, from its control messages.
Endpoint destinationOf(msghdr& message, const Endpoint& bound) {
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info{};
      std::memcpy(&info, CMSG_DATA(c), sizeof info);
      sockaddr_in6 address{};
      address.sin6_family = AF_INET6;
      address.sin6_addr = info.ipi6_addr;
      return Endpoint::fromSockaddr(reinterpret_cast<const sockaddr*>(&address)).withPort(bound.port());
    }
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
      in_pktinfo info{};
      std::memcpy(&info, CMSG_DATA(c), sizeof info);
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_addr = info.ipi_addr;
      return Endpoint::fromSockaddr(reinterpret_cast<const sockaddr*>(&address)).withPort(bound.port());
    }
  }
  return bound;
}

class UdpSocketImpl final : public UdpSocket {
 public:
  UdpSocketImpl(EventLoop& loop, OpenSocket socket, const Endpoint& bound, const UdpOptions& options,
                BatchHandler handler)
      : descriptor_(ioOf(loop), socket.fd.get()),
        fd_(socket.fd.release()),
        ipv6_(socket.ipv6),
        bound_(bound),
        maxDatagram_(options.maxDatagram),
        batch_(std::clamp<std::size_t>(options.batch, 1, kMaxBatch)),
        handler_(std::move(handler)) {
    prepareReceive();
    outgoing_.reserve(std::min(kMaxQueued, 4 * batch_));
    wait();
  }

  ~UdpSocketImpl() override {
    PARLEY_CHECK(!inHandler_);
    *alive_ = false;
  }

  void queue(const Endpoint& remote, const Endpoint& local, base::Bytes data) override {
    outgoing_.push_back({remote, local, data});
    if (outgoing_.size() >= kMaxQueued) flush();
  }

  void queueCopy(const Endpoint& remote, const Endpoint& local, base::Bytes data) override {
    if (copies_.size() == copiesUsed_) copies_.emplace_back();
    base::Buffer& copy = copies_[copiesUsed_++];
    copy.assign(data.begin(), data.end());
    queue(remote, local, copy);
  }

  void flush() override {
    affinity_.assertHere();
    std::size_t at = 0;
    while (at < outgoing_.size()) at += sendSome(at);
    outgoing_.clear();
    copiesUsed_ = 0;
  }

  Endpoint localEndpoint() const override { return bound_; }
  const UdpStats& stats() const override { return stats_; }

 private:
  struct Outgoing {
    Endpoint remote, local;
    base::Bytes data;
  };

  std::size_t slotBytes() const { return Datagram::kHeadroom + maxDatagram_ + Datagram::kTailroom; }
  base::MutableBytes slot(std::size_t i) { return {slots_.data() + i * slotBytes(), slotBytes()}; }

  void prepareReceive() {
    slots_.resize(batch_ * slotBytes());
    messages_.resize(batch_);
    vectors_.resize(batch_);
    names_.resize(batch_);
    controls_.resize(batch_);
    datagrams_.reserve(batch_);
    for (std::size_t i = 0; i < batch_; ++i) {
      vectors_[i] = {slot(i).data() + Datagram::kHeadroom, maxDatagram_};
    }
  }

  void wait() {
    descriptor_.async_wait(asio::posix::stream_descriptor::wait_read,
                           [this, alive = alive_](ErrorCode error) {
                             if (!*alive || error) return;
                             receive();
                             wait();
                           });
  }

  void receive() {
    affinity_.assertHere();
    const auto now = base::steadyNow();
    for (int turn = 0; turn < kMaxBatchesPerTurn; ++turn) {
      const std::size_t count = receiveBatch();
      if (!datagrams_.empty()) {
        inHandler_ = true;
        handler_(datagrams_, now);
        inHandler_ = false;
      }
      flush();
      if (count < batch_) return;  // Drained; what comes later wakes the loop anew.
    }
  }

  std::size_t receiveBatch() {
    datagrams_.clear();
    for (std::size_t i = 0; i < batch_; ++i) {
      msghdr& header = messages_[i].msg_hdr;
      header = {};
      header.msg_name = &names_[i];
      header.msg_namelen = sizeof names_[i];
      header.msg_iov = &vectors_[i];
      header.msg_iovlen = 1;
      header.msg_control = controls_[i].bytes;
      header.msg_controllen = sizeof controls_[i].bytes;
    }
    const int got = recvmmsg(fd_, messages_.data(), static_cast<unsigned>(batch_), MSG_DONTWAIT, nullptr);
    if (got <= 0) {
      // An error other than "nothing there" belongs to an earlier send and was cleared by this call.
      return got < 0 && errno != EAGAIN && errno != EWOULDBLOCK ? batch_ : 0;
    }
    for (std::size_t i = 0; i < static_cast<std::size_t>(got); ++i) take(i);
    return static_cast<std::size_t>(got);
  }

  void take(std::size_t i) {
    msghdr& header = messages_[i].msg_hdr;
    if ((header.msg_flags & MSG_TRUNC) != 0) {
      ++stats_.truncated;
      return;
    }
    ++stats_.received;
    Datagram d;
    d.remote = Endpoint::fromSockaddr(reinterpret_cast<const sockaddr*>(&names_[i]));
    d.local = destinationOf(header, bound_);
    d.storage = slot(i);
    d.data = d.storage.subspan(Datagram::kHeadroom, messages_[i].msg_len);
    datagrams_.push_back(d);
  }

  /// How many datagrams from `at` on go out as one segmented message: equal sizes, the last may be shorter.
  std::size_t runLength(std::size_t at) const {
    const Outgoing& first = outgoing_[at];
    std::size_t total = first.data.size();
    std::size_t n = 1;
    if (segmentFailures_ >= kSegmentMaxFailures || total == 0) return n;
    while (at + n < outgoing_.size() && n < kSegmentMaxRun) {
      const Outgoing& next = outgoing_[at + n];
      total += next.data.size();
      const bool fits = next.remote == first.remote && next.local == first.local && !next.data.empty() &&
                        next.data.size() <= first.data.size() && total <= kSegmentMaxBytes;
      if (!fits) break;
      ++n;
      if (next.data.size() < first.data.size()) break;
    }
    return n >= kSegmentRun ? n : 1;
  }

  struct Call {
    mmsghdr messages[kMessagesPerCall];
    iovec vectors[kMaxQueued];
    sockaddr_storage names[kMessagesPerCall];
    ControlSpace controls[kMessagesPerCall];
    std::size_t runs[kMessagesPerCall];  ///< Datagrams in each message.
  };

  /// One for all sockets of a thread: nothing of it is needed between two calls.
  static Call& callOfThread() {
    static thread_local Call call;
    return call;
  }

  void fill(Call& call, std::size_t m, std::size_t at, std::size_t run, iovec* vectors) {
    const Outgoing& first = outgoing_[at];
    msghdr& header = call.messages[m].msg_hdr;
    header = {};
    header.msg_name = &call.names[m];
    header.msg_namelen = toFamily(first.remote, ipv6_, call.names[m]);
    header.msg_iov = vectors;
    header.msg_iovlen = run;
    for (std::size_t i = 0; i < run; ++i) {
      const base::Bytes data = outgoing_[at + i].data;
      vectors[i] = {const_cast<std::uint8_t*>(data.data()), data.size()};
    }
    header.msg_control = call.controls[m].bytes;
    std::size_t used = addSource(call.controls[m].bytes, first.local);
    if (run > 1) {
      const auto size = static_cast<std::uint16_t>(first.data.size());
      used += addControl(call.controls[m].bytes + used, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof size);
    }
    header.msg_controllen = used;
    if (used == 0) header.msg_control = nullptr;
    call.runs[m] = run;
  }

  static std::size_t addControl(std::byte* to, int level, int type, const void* data, std::size_t length) {
    auto* header = reinterpret_cast<cmsghdr*>(to);
    header->cmsg_level = level;
    header->cmsg_type = type;
    header->cmsg_len = CMSG_LEN(length);
    std::memcpy(CMSG_DATA(header), data, length);
    return CMSG_SPACE(length);
  }

  std::size_t addSource(std::byte* to, const Endpoint& local) const {
    if (local.isAny()) return 0;
    sockaddr_storage storage{};
    if (toFamily(local, ipv6_, storage) == 0) return 0;
    if (ipv6_) {
      in6_pktinfo info{};
      info.ipi6_addr = reinterpret_cast<const sockaddr_in6&>(storage).sin6_addr;
      return addControl(to, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
    }
    in_pktinfo info{};
    info.ipi_spec_dst = reinterpret_cast<const sockaddr_in&>(storage).sin_addr;
    return addControl(to, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
  }

  /// Sends from `at` on with one system call; returns how many datagrams are dealt with.
  std::size_t sendSome(std::size_t at) {
    Call& call = callOfThread();
    std::size_t next = at;
    std::size_t m = 0;
    for (; m < kMessagesPerCall && next < outgoing_.size(); ++m) {
      const std::size_t run = noRuns_ ? 1 : runLength(next);
      fill(call, m, next, run, &call.vectors[next - at]);
      next += run;
    }
    const int sent = sendmmsg(fd_, call.messages, static_cast<unsigned>(m), MSG_DONTWAIT);
    if (sent <= 0) return onSendError(at, errno, call.runs[0]);
    std::size_t done = 0;
    for (int i = 0; i < sent; ++i) done += call.runs[i];
    stats_.sent += done;
    noRuns_ = false;
    return done;
  }

  std::size_t onSendError(std::size_t at, int error, std::size_t firstRun) {
    if (error == EINTR) return 0;
    if (error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS) {
      stats_.sendDropped += outgoing_.size() - at;
      return outgoing_.size() - at;
    }
    if (firstRun > 1) {  // No segmentation on this way (old kernel, odd path MTU): one by one then.
      if (++segmentFailures_ == kSegmentMaxFailures) {
        logger.info("segmented UDP sends switched off", {{"error", errnoText(error)}});
      }
      noRuns_ = true;
      return 0;
    }
    ++stats_.sendErrors;
    return 1;
  }

  asio::posix::stream_descriptor descriptor_;  ///< Owns the descriptor.
  int fd_;
  bool ipv6_;
  Endpoint bound_;
  std::size_t maxDatagram_;
  std::size_t batch_;
  BatchHandler handler_;
  bool inHandler_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  base::ThreadAffinity affinity_;
  UdpStats stats_;

  std::vector<std::uint8_t> slots_;
  std::vector<mmsghdr> messages_;
  std::vector<iovec> vectors_;
  std::vector<sockaddr_storage> names_;
  std::vector<ControlSpace> controls_;
  std::vector<Datagram> datagrams_;

  std::vector<Outgoing> outgoing_;
  std::deque<base::Buffer> copies_;  ///< Reused; a deque keeps queued copies where they are.
  std::size_t copiesUsed_ = 0;
  int segmentFailures_ = 0;
  bool noRuns_ = false;
};

}  // namespace

base::Result<std::unique_ptr<UdpSocket>> UdpSocket::open(EventLoop& loop, const Endpoint& bind,
                                                         const UdpOptions& options, BatchHandler handler) {
  auto socket = openSocket(SOCK_DGRAM, bind);
  if (!socket) return std::unexpected(socket.error());
  const int fd = socket->fd.get();
  setBuffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, options.receiveBufferBytes);
  setBuffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, options.sendBufferBytes);
  if (socket->ipv6) {
    setOption(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    setOption(fd, IPPROTO_IPV6, IPV6_TCLASS, options.dscp << 2);
  } else {
    setOption(fd, IPPROTO_IP, IP_PKTINFO, 1);
  }
  setOption(fd, IPPROTO_IP, IP_TOS, options.dscp << 2);
  const auto bound = bindSocket(*socket, bind);
  if (!bound) return std::unexpected(bound.error());
  return std::make_unique<UdpSocketImpl>(loop, std::move(*socket), *bound, options, std::move(handler));
}

}  // namespace parley::net
