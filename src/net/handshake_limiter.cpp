#include "net/handshake_limiter.h"

#include <unordered_map>
#include <utility>

namespace parley::net {

struct HandshakeLimiter::State {
  Limits limits;
  std::size_t running = 0;
  std::unordered_map<Endpoint, std::size_t, EndpointHash> byNetwork;  ///< Only networks with running ones.

  void give(const Endpoint& network) {
    --running;
    const auto found = byNetwork.find(network);
    if (--found->second == 0) byNetwork.erase(found);
  }
};

HandshakeLimiter::Slot::Slot(std::shared_ptr<State> state, const Endpoint& network)
    : state_(std::move(state)), network_(network) {}

HandshakeLimiter::Slot::Slot(Slot&& other) noexcept
    : state_(std::move(other.state_)), network_(other.network_) {}

HandshakeLimiter::Slot& HandshakeLimiter::Slot::operator=(Slot&& other) noexcept {
  if (this == &other) return *this;
  release();
  state_ = std::move(other.state_);
  network_ = other.network_;
  return *this;
}

HandshakeLimiter::Slot::~Slot() { release(); }

void HandshakeLimiter::Slot::release() {
  if (const auto state = std::exchange(state_, nullptr)) state->give(network_);
}

HandshakeLimiter::HandshakeLimiter(Limits limits) : state_(std::make_shared<State>()) {
  state_->limits = limits;
}

void HandshakeLimiter::setLimits(Limits limits) { state_->limits = limits; }

HandshakeLimiter::Slot HandshakeLimiter::admit(const Endpoint& remote, Refusal& refusal) {
  const Endpoint network = remote.network();
  refusal = Refusal::none;
  if (running(remote) >= state_->limits.perNetwork) refusal = Refusal::perNetwork;
  if (state_->running >= state_->limits.total) refusal = Refusal::total;
  if (refusal != Refusal::none) return {};
  ++state_->running;
  ++state_->byNetwork[network];
  return {state_, network};
}

std::string_view HandshakeLimiter::reasonOf(Refusal refusal) {
  switch (refusal) {
    case Refusal::total:
      return "handshakes";
    case Refusal::perNetwork:
      return "handshakes_per_network";
    case Refusal::none:
      break;
  }
  return {};
}

std::size_t HandshakeLimiter::running() const { return state_->running; }

std::size_t HandshakeLimiter::running(const Endpoint& remote) const {
  const auto found = state_->byNetwork.find(remote.network());
  return found == state_->byNetwork.end() ? 0 : found->second;
}

}  // namespace parley::net
