// For tests and fuzz targets: a pipe instead of a WebSocket.
#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "net/event_loop.h"
#include "net/websocket.h"

namespace parley::link::rig {

/// One end of a connection in memory. What one end sends the other gets by the loop.
class PipeEnd final : public net::WebSocket, public std::enable_shared_from_this<PipeEnd> {
 public:
  static std::pair<std::shared_ptr<PipeEnd>, std::shared_ptr<PipeEnd>> make(net::EventLoop& loop);
  explicit PipeEnd(net::EventLoop& loop) : loop_(loop) {}

  void start(std::function<void(std::string_view)> onText, std::function<void(base::Bytes)> onBinary,
             std::function<void(std::uint16_t, std::string_view)> onClose) override;
  void sendText(std::string text) override;
  void sendBinary(base::Buffer bytes) override;
  void close(std::uint16_t code, std::string_view reason) override;
  std::size_t bufferedBytes() const override { return 0; }
  net::Endpoint remote() const override { return *net::Endpoint::parse("192.0.2.1", 1000); }
  bool open() const override { return open_; }
  void breakOff() { close(1006, "broke"); }  ///< As when the network goes.

 private:
  void got(std::string text);
  void closed(std::uint16_t code, std::string reason);
  net::EventLoop& loop_;
  std::weak_ptr<PipeEnd> peer_;
  std::shared_ptr<PipeEnd> self_;  // A socket lives until it is closed, as a real one does.
  bool open_ = true;
  std::function<void(std::string_view)> onText_;
  std::function<void(base::Bytes)> onBinary_;
  std::function<void(std::uint16_t, std::string_view)> onClose_;
  std::deque<std::string> early_;
};

}  // namespace parley::link::rig
