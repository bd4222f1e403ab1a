// The connection behind a ByteStream. For net/ only.
#pragma once
#include <array>
#include <deque>
#include <memory>
#include <string>

#include "net/byte_stream.h"
#include "net/internal_stream.h"

namespace parley::net {

/// Takes over a stream whose handshake is done. `place` is given back when the connection ends.
std::unique_ptr<ByteStream> makeByteStream(EventLoop& loop, std::shared_ptr<Stream> stream,
                                           const ByteStreamOptions& options, ConnectionLimiter::Slot place);

/// Lives as long as an operation of the stream is under way.
class ByteCore : public std::enable_shared_from_this<ByteCore> {
 public:
  ByteCore(EventLoop& loop, std::shared_ptr<Stream> stream, const ByteStreamOptions& options,
           ConnectionLimiter::Slot place);
  void start(ByteStream::Handlers handlers);
  bool write(std::string bytes);
  void setReading(bool on);
  void close();
  void dropped();  ///< By its holder.

  std::size_t queuedBytes() const { return queuedBytes_; }
  bool congested() const { return congested_; }
  bool open() const { return state_ == State::open; }
  bool secure() const { return stream_->secure(); }
  const Endpoint& remote() const { return stream_->remote(); }
  const Endpoint& local() const { return local_; }
  const PeerCertificate& peer() const { return peer_; }

 private:
  enum class State { open, closing, closed };

  void read();
  void onRead(ErrorCode error, std::size_t count);
  void deliver();
  void writeMore();
  void onWritten(ErrorCode error, std::size_t count);
  void linger();
  void watchIdle();
  void finish(std::string reason, std::string text);
  void report();
  template <class Call>
  void guarded(Call call);

  EventLoop& loop_;
  std::shared_ptr<Stream> stream_;
  ByteStreamOptions options_;
  ConnectionLimiter::Slot place_;
  Endpoint local_;
  PeerCertificate peer_;
  Timer idleTimer_;
  Timer writeTimer_;
  ByteStream::Handlers handlers_;
  State state_ = State::open;
  bool started_ = false;
  bool dropped_ = false;
  int inHandler_ = 0;
  base::Instant lastActivity_;
  base::Error end_;

  std::array<std::uint8_t, 8192> input_;
  std::size_t inputBytes_ = 0;  ///< Read, but held back by setReading(false).
  bool reading_ = true;
  bool readPending_ = false;

  std::deque<std::string> queue_;
  std::size_t frontWritten_ = 0;
  std::size_t queuedBytes_ = 0;
  bool congested_ = false;
  bool writing_ = false;
  bool lingering_ = false;
};

}  // namespace parley::net
