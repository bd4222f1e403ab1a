// Starts TLS handshakes one at a time, with all other work of the loop that is ready in between: a flood of
// them then delays a call's message by one signature, not by hundreds. For net/ only. Loop thread only.
#pragma once
#include <deque>
#include <functional>

#include "net/internal_asio.h"

namespace parley::net {

class HandshakePacer {
 public:
  using Task = std::move_only_function<void()>;

  /// `io` runs the tasks; what waits when it ends is dropped.
  explicit HandshakePacer(asio::io_context& io) : io_(io) {}
  /// Bounded by HandshakeLimiter: each task belongs to a slot.
  void add(Task start) {
    waiting_.push_back(std::move(start));
    if (waiting_.size() == 1) next();
  }

 private:
  void next() {
    asio::post(io_, [this] {
      Task task = std::move(waiting_.front());
      waiting_.pop_front();
      if (!waiting_.empty()) next();
      task();
    });
  }

  asio::io_context& io_;
  std::deque<Task> waiting_;
};

}  // namespace parley::net
