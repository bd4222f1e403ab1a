#include "sipnet/udp_side.h"

namespace parley::sipnet {
namespace {

/// What IPv4 can carry; IPv6 carries 20 more, which nobody misses.
constexpr std::size_t kMaxDatagram = 65'507;
/// Slots of 64 KB each: enough to empty a burst, little enough to keep.
constexpr std::size_t kBatch = 16;

}  // namespace

bool reaches(const net::Endpoint& bound, const net::Endpoint& to) {
  if (bound.isV4()) return to.isV4();
  return bound.isAny() || !to.isV4();
}

std::size_t UdpSide::Hash::operator()(const Heard& heard) const noexcept {
  const net::EndpointHash hash;
  return hash(heard.remote) * 31 + hash(heard.local) + heard.socket;
}

UdpSide::UdpSide(net::EventLoop& loop, Settings settings, std::function<sip::FlowId()> newFlow,
                 OnDatagram onDatagram)
    : loop_(loop), settings_(settings), newFlow_(std::move(newFlow)), onDatagram_(std::move(onDatagram)) {}

base::Result<net::Endpoint> UdpSide::listen(const net::Endpoint& bind) {
  net::UdpOptions options;
  options.maxDatagram = kMaxDatagram;
  options.batch = kBatch;
  options.dscp = settings_.dscp;
  const std::size_t index = sockets_.size();
  auto opened = net::UdpSocket::open(
      loop_, bind, options,
      [this, index](std::span<net::Datagram> batch, base::Instant) { onBatch(index, batch); });
  if (!opened) return std::unexpected(opened.error());
  const net::Endpoint bound = (*opened)->localEndpoint();
  sockets_.push_back({std::move(*opened), bound});
  return bound;
}

void UdpSide::onBatch(std::size_t socket, std::span<net::Datagram> batch) {
  inBatch_ = true;
  for (const auto& datagram : batch) {
    sip::Source source;
    source.kind = sip::TransportKind::udp;
    source.remote = addressOf(datagram.remote);
    source.local = addressOf(datagram.local);
    onDatagram_(base::asText(datagram.data), std::move(source), {socket, datagram.remote, datagram.local});
  }
  inBatch_ = false;
}

sip::FlowId UdpSide::remember(const Heard& heard) {
  if (const auto found = byPeer_.find(heard); found != byPeer_.end()) {
    flows_.splice(flows_.begin(), flows_, found->second);
    return flows_.front().id;
  }
  while (!flows_.empty() && flows_.size() >= settings_.maxFlows) {
    const Flow& oldest = flows_.back();
    byId_.erase(oldest.id);
    byPeer_.erase(oldest.heard);
    flows_.pop_back();
  }
  flows_.push_front({newFlow_(), heard});
  byPeer_.emplace(heard, flows_.begin());
  byId_.emplace(flows_.front().id, flows_.begin());
  return flows_.front().id;
}

const UdpSide::Socket* UdpSide::pick(const net::Endpoint& to) const {
  for (const auto& each : sockets_) {
    if (reaches(each.bound, to)) return &each;
  }
  return nullptr;
}

std::string_view UdpSide::send(std::string_view bytes, const sip::Target& target) {
  if (bytes.size() > kMaxDatagram) return "sip.transport_too_large";
  const net::Endpoint to = endpointOf(target.address);
  net::Endpoint local;
  const Socket* socket = nullptr;
  if (const auto flow = byId_.find(target.flow); flow != byId_.end()) {
    socket = &sockets_[flow->second->heard.socket];
    if (!reaches(socket->bound, to)) socket = nullptr;
    if (socket != nullptr) local = flow->second->heard.local;
  }
  if (socket == nullptr) socket = pick(to);
  if (socket == nullptr || to.port() == 0) return "sip.transport_unavailable";
  socket->socket->queueCopy(to, local, base::asBytes(bytes));
  if (!inBatch_) socket->socket->flush();
  return {};
}

const net::Endpoint* UdpSide::boundFor(const sip::Target& target) const {
  if (const auto flow = byId_.find(target.flow); flow != byId_.end()) {
    return &sockets_[flow->second->heard.socket].bound;
  }
  const Socket* socket = pick(endpointOf(target.address));
  return socket == nullptr ? nullptr : &socket->bound;
}

const net::Endpoint* UdpSide::localOf(sip::FlowId flow) const {
  const auto found = byId_.find(flow);
  return found == byId_.end() ? nullptr : &found->second->heard.local;
}

}  // namespace parley::sipnet
