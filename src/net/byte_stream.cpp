#include "net/byte_stream.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/check.h"
#include "net/internal_byte_stream.h"

namespace parley::net {
namespace {

/// So that a flood of tiny pieces is bounded, too.
constexpr std::size_t kPieceOverhead = 64;

void setDscp(int fd, int dscp) {
  if (fd < 0 || dscp <= 0) return;
  const int value = dscp << 2;
  // A dual-stack socket takes both; which one counts depends on the peer's address.
  setsockopt(fd, IPPROTO_IP, IP_TOS, &value, sizeof value);
  setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &value, sizeof value);
}

class Handle final : public ByteStream {
 public:
  explicit Handle(std::shared_ptr<ByteCore> core) : core_(std::move(core)) {}
  ~Handle() override { core_->dropped(); }
  void start(Handlers handlers) override { core_->start(std::move(handlers)); }
  bool write(std::string bytes) override { return core_->write(std::move(bytes)); }
  std::size_t queuedBytes() const override { return core_->queuedBytes(); }
  bool congested() const override { return core_->congested(); }
  void setReading(bool on) override { core_->setReading(on); }
  void close() override { core_->close(); }
  bool open() const override { return core_->open(); }
  bool secure() const override { return core_->secure(); }
  const Endpoint& remote() const override { return core_->remote(); }
  const Endpoint& local() const override { return core_->local(); }
  const PeerCertificate& peer() const override { return core_->peer(); }

 private:
  std::shared_ptr<ByteCore> core_;
};

}  // namespace

ByteCore::ByteCore(EventLoop& loop, std::shared_ptr<Stream> stream, const ByteStreamOptions& options,
                   ConnectionLimiter::Slot place)
    : loop_(loop),
      stream_(std::move(stream)),
      options_(options),
      place_(std::move(place)),
      local_(boundAddress(stream_->descriptor())),
      peer_(stream_->peerCertificate()),
      idleTimer_(loop),
      writeTimer_(loop),
      lastActivity_(loop.now()) {
  setDscp(stream_->descriptor(), options_.dscp);
}

/// Runs a handler of the holder, who may drop everything in it.
template <class Call>
void ByteCore::guarded(Call call) {
  const auto self = shared_from_this();
  ++inHandler_;
  call();
  if (--inHandler_ == 0 && dropped_) handlers_ = {};
}

void ByteCore::start(ByteStream::Handlers handlers) {
  PARLEY_CHECK(!started_);
  started_ = true;
  handlers_ = std::move(handlers);
  if (state_ == State::closed) {
    // It broke before anybody listened; the one report comes later, not inside this call.
    return loop_.post([self = shared_from_this()] { self->report(); });
  }
  watchIdle();
  read();
}

void ByteCore::read() {
  if (readPending_ || !reading_ || state_ != State::open) return;
  readPending_ = true;
  stream_->readSome(asio::buffer(input_), [self = shared_from_this()](ErrorCode error, std::size_t count) {
    self->onRead(error, count);
  });
}

void ByteCore::onRead(ErrorCode error, std::size_t count) {
  readPending_ = false;
  if (state_ != State::open) return;
  if (error) {
    // TLS without a close_notify ends the same way for most peers.
    if (error == asio::error::eof) return finish("net.closed", "the other side ended the connection");
    return finish("net.reset", error.message());
  }
  lastActivity_ = loop_.now();
  inputBytes_ = count;
  if (reading_) deliver();
}

void ByteCore::deliver() {
  const std::size_t count = std::exchange(inputBytes_, 0);
  guarded([&] {
    if (count > 0 && handlers_.onBytes) handlers_.onBytes(base::Bytes(input_).first(count));
  });
  read();
}

void ByteCore::setReading(bool on) {
  if (reading_ == on) return;
  reading_ = on;
  if (!on || !started_) return;
  loop_.post([self = shared_from_this()] {
    if (self->reading_ && !self->readPending_ && self->state_ == State::open) self->deliver();
  });
}

bool ByteCore::write(std::string bytes) {
  if (state_ != State::open) return false;
  if (bytes.empty()) return true;
  const std::size_t pieces = (queue_.size() + 1) * kPieceOverhead;
  if (queuedBytes_ + bytes.size() + pieces > options_.maxQueuedBytes) return false;
  queuedBytes_ += bytes.size();
  if (queuedBytes_ >= options_.highMark) congested_ = true;
  queue_.push_back(std::move(bytes));
  if (!writing_) writeMore();
  return true;
}

void ByteCore::writeMore() {
  if (state_ == State::closed) return;
  if (queue_.empty()) {
    writeTimer_.stop();
    if (state_ == State::closing) linger();
    return;
  }
  writing_ = true;
  BufferList list;
  std::size_t skip = frontWritten_;
  for (const auto& piece : queue_) {
    if (!list.add(asio::buffer(piece) + skip)) break;
    skip = 0;
  }
  if (state_ == State::open) {
    writeTimer_.start(options_.writeTimeout,
                      [this] { finish("net.slow_peer", "the other side does not read"); });
  }
  stream_->writeSome(list, [self = shared_from_this()](ErrorCode error, std::size_t count) {
    self->onWritten(error, count);
  });
}

void ByteCore::onWritten(ErrorCode error, std::size_t count) {
  writing_ = false;
  if (state_ == State::closed) return;
  if (error) return finish("net.reset", error.message());
  lastActivity_ = loop_.now();
  queuedBytes_ -= count;
  while (count > 0) {
    const std::size_t left = queue_.front().size() - frontWritten_;
    if (count < left) {
      frontWritten_ += count;
      break;
    }
    count -= left;
    queue_.pop_front();
    frontWritten_ = 0;
  }
  writeMore();
  if (congested_ && queuedBytes_ <= options_.lowMark) {
    congested_ = false;
    guarded([&] {
      if (handlers_.onDrained) handlers_.onDrained();
    });
  }
}

void ByteCore::close() {
  if (state_ != State::open) return;
  state_ = State::closing;
  idleTimer_.stop();
  writeTimer_.start(options_.closeTimeout, [this] { finish("net.closed", "closed"); });
  if (writing_) return;
  loop_.post([self = shared_from_this()] {
    if (self->state_ == State::closing && !self->writing_) self->writeMore();
  });
}

void ByteCore::linger() {
  if (std::exchange(lingering_, true)) return;
  // A read that is under way ends by the close.
  stream_->linger(options_.closeTimeout,
                  [self = shared_from_this()](ErrorCode) { self->finish("net.closed", "closed"); });
}

void ByteCore::watchIdle() {
  if (options_.idleTimeout.count() == 0 || state_ != State::open) return;
  const auto due = lastActivity_ + options_.idleTimeout;
  const auto now = loop_.now();
  if (due <= now) return finish("net.idle", "nothing was sent or received for too long");
  idleTimer_.start(std::chrono::ceil<base::Millis>(due - now), [this] { watchIdle(); });
}

void ByteCore::finish(std::string reason, std::string text) {
  if (state_ == State::closed) return;
  const auto self = shared_from_this();
  state_ = State::closed;
  idleTimer_.stop();
  writeTimer_.stop();
  stream_->close();
  place_.release();
  if (!writing_) queue_.clear();
  end_ = {std::move(reason), std::move(text)};
  if (started_) report();
}

void ByteCore::report() {
  guarded([&] {
    const auto closed = std::exchange(handlers_.onClosed, nullptr);
    if (!dropped_ && closed) closed(end_);
  });
}

void ByteCore::dropped() {
  dropped_ = true;
  if (state_ != State::closed) {
    state_ = State::closed;
    idleTimer_.stop();
    writeTimer_.stop();
    stream_->close();
    place_.release();
  }
  // Not here: this may run inside what one of the handlers owns.
  if (inHandler_ == 0) {
    loop_.post([self = shared_from_this(), old = std::exchange(handlers_, {})] {});
  }
}

std::unique_ptr<ByteStream> makeByteStream(EventLoop& loop, std::shared_ptr<Stream> stream,
                                           const ByteStreamOptions& options, ConnectionLimiter::Slot place) {
  return std::make_unique<Handle>(
      std::make_shared<ByteCore>(loop, std::move(stream), options, std::move(place)));
}

}  // namespace parley::net
