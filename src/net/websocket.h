// One WebSocket (RFC 6455), server's or client's side. Shared ownership: the holder keeps it; dropping the
// last reference closes it with 1001. Loop thread only.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/time.h"
#include "net/endpoint.h"

namespace parley::net {

struct WebSocketOptions {
  std::size_t maxMessageBytes = 256 * 1024;        ///< A larger one closes with 1009.
  std::size_t maxBufferedBytes = 4 * 1024 * 1024;  ///< Unsent beyond this closes with 1013: a slow peer.
  base::Millis pingInterval{10'000};               ///< Sent when nothing came for that long.
  base::Millis pongTimeout{10'000};                ///< No byte after a ping for that long: closed, 1006.
  bool compress = true;                            ///< permessage-deflate for texts, if the peer offers it.
  std::string subprotocol;                         ///< Chosen one, if any.
};

class WebSocket {
 public:
  virtual ~WebSocket() = default;
  /// Set once, right after the socket came; messages wait until then. Text is valid UTF-8 (else 1007).
  /// `onClose` comes exactly once, also after close(): 1006 and a reason when the connection just broke.
  virtual void start(std::function<void(std::string_view text)> onText,
                     std::function<void(base::Bytes)> onBinary,
                     std::function<void(std::uint16_t code, std::string_view reason)> onClose) = 0;
  virtual void sendText(std::string text) = 0;
  virtual void sendBinary(base::Buffer bytes) = 0;
  /// The same without a copy, for bytes that go to many; they stay unchanged and alive until they are sent.
  virtual void sendShared(std::shared_ptr<const base::Buffer> bytes) { sendBinary(*bytes); }
  /// Sends a close frame, waits at most 5 s for the peer's. Idempotent.
  virtual void close(std::uint16_t code, std::string_view reason) = 0;
  virtual std::size_t bufferedBytes() const = 0;
  virtual Endpoint remote() const = 0;
  virtual bool open() const = 0;
};

}  // namespace parley::net
