// What is inside an EventLoop. For net/ only.
#pragma once
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>

#include "net/event_loop.h"
#include "net/internal_asio.h"
#include "net/internal_handshake_pacer.h"
#include "net/internal_memory_trimmer.h"

namespace parley::net {

struct EventLoop::Impl {
  explicit Impl(std::string n) : name(std::move(n)) {}

  std::string name;
  std::atomic<bool> stopped{false};
  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
  asio::steady_timer lagTimer{io};
  std::unique_ptr<asio::signal_set> signals, hangUps;
  HandshakePacer handshakes{io};  ///< Of all TLS servers on this loop.
  MemoryTrimmer memory{io};
};

inline asio::io_context& ioOf(EventLoop& loop) { return loop.impl().io; }

}  // namespace parley::net
