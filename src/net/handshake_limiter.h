// How many TLS handshakes may run at once, in all and for one network. A handshake costs the server a
// signature before the peer has shown anything, so whoever opens many and finishes none would have the
// processor and the connection slots of all others.
//
// One limiter serves any number of listeners on one loop. Loop thread only; slots may outlive it.
#pragma once
#include <memory>
#include <string_view>

#include "net/endpoint.h"

namespace parley::net {

class HandshakeLimiter {
 public:
  struct Limits {
    std::size_t total = 256;
    std::size_t perNetwork = 32;  ///< Of Endpoint::network().
  };

  struct State;

  /// One running handshake: held from the accept until it succeeded or failed, given back when destroyed.
  class Slot {
   public:
    Slot() = default;
    Slot(std::shared_ptr<State> state, const Endpoint& network);
    Slot(Slot&& other) noexcept;
    Slot& operator=(Slot&& other) noexcept;
    ~Slot();
    void release();  ///< Idempotent.
    bool held() const { return state_ != nullptr; }

   private:
    std::shared_ptr<State> state_;
    Endpoint network_;
  };

  explicit HandshakeLimiter(Limits limits);
  /// Changes the limits; what runs already goes on.
  void setLimits(Limits limits);

  enum class Refusal { none, total, perNetwork };
  /// A slot for a handshake with `remote`, or none and why.
  Slot admit(const Endpoint& remote, Refusal& refusal);
  /// The counter label of a refusal: "handshakes", "handshakes_per_network"; empty for none.
  static std::string_view reasonOf(Refusal refusal);

  std::size_t running() const;
  std::size_t running(const Endpoint& remote) const;  ///< In its network.

 private:
  std::shared_ptr<State> state_;
};

}  // namespace parley::net
