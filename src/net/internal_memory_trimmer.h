// Gives memory back to the system after many connections ended. For net/ only. Loop thread only.
//
// A TLS connection has some 30 kB in pieces of many sizes, with longer-lived ones in between: glibc keeps all
// of it for later, and the process stays as large as it was at its peak. One malloc_trim() when a crowd has
// gone makes it flat; it takes about 0.1 ms a megabyte, so it is neither done for a few nor often.
#pragma once
#include <malloc.h>

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>

#include "net/internal_asio.h"

namespace parley::net {

class MemoryTrimmer {
 public:
  static constexpr std::size_t kCrowd = 256;         ///< Connections.
  static constexpr std::chrono::seconds kSettle{1};  ///< The rest of the crowd goes, too.

  explicit MemoryTrimmer(asio::io_context& io) : timer_(io) {}
  /// A TLS connection's memory was freed.
  void onConnectionGone() {
    if (++gone_ < kCrowd || waiting_) return;
    waiting_ = true;
    timer_.expires_after(kSettle);
    timer_.async_wait([this](ErrorCode error) {
      if (error) return;
      waiting_ = false;
      gone_ = 0;
      ++trims_;
      malloc_trim(0);
    });
  }
  bool waiting() const { return waiting_; }
  std::size_t trims() const { return trims_; }

 private:
  asio::steady_timer timer_;
  std::size_t gone_ = 0, trims_ = 0;
  bool waiting_ = false;
};

}  // namespace parley::net
