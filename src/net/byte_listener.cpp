#include <unordered_map>

#include "base/affinity.h"
#include "net/internal_byte_stream.h"

namespace parley::net {
namespace {

class Connecting final : public ByteConnecting {
 public:
  using Done = std::function<void(base::Result<std::unique_ptr<ByteStream>>)>;

  struct State : std::enable_shared_from_this<State> {
    State(EventLoop& l, std::shared_ptr<Stream> s, const ByteStreamOptions& o, Done d)
        : loop(l), stream(std::move(s)), options(o), done(std::move(d)), timer(l) {}

    void onConnected(ErrorCode error) {
      if (!done) return;
      if (error) return fail("net.connect_failed", error.message());
      timer.start(options.handshakeTimeout, [this] { fail("net.timeout", "no TLS handshake in time"); });
      stream->handshake([self = shared_from_this()](ErrorCode problem) { self->onHandshake(problem); });
    }
    void onHandshake(ErrorCode error) {
      if (!done) return;
      if (error) {
        const std::string refused = stream->verifyProblem();
        return fail("net.tls_failed", refused.empty() ? error.message() : refused);
      }
      timer.stop();
      const auto call = std::exchange(done, nullptr);
      call(makeByteStream(loop, std::exchange(stream, nullptr), options, {}));
    }
    void fail(std::string reason, std::string text) {
      const auto self = shared_from_this();
      const auto call = std::exchange(done, nullptr);
      cancel();
      if (call) call(base::fail(std::move(reason), remote.toString() + ": " + text));
    }
    void cancel() {
      done = nullptr;
      timer.stop();
      if (stream) stream->close();
    }

    EventLoop& loop;
    std::shared_ptr<Stream> stream;
    ByteStreamOptions options;
    Done done;
    Timer timer;
    Endpoint remote;
  };

  explicit Connecting(std::shared_ptr<State> state) : state_(std::move(state)) {}
  ~Connecting() override { state_->cancel(); }

 private:
  std::shared_ptr<State> state_;
};

class ByteListenerImpl final : public ByteListener {
 public:
  struct Shared : std::enable_shared_from_this<Shared> {
    /// Between accept and the end of the handshake.
    struct Pending {
      std::shared_ptr<Stream> stream;
      std::unique_ptr<Timer> timer;
      ConnectionLimiter::Slot place;
      HandshakeLimiter::Slot handshake;
    };

    Shared(EventLoop& l, std::shared_ptr<TlsServerContext> t, ByteListenerOptions o, OnConnection connection,
           OnRefused refusal)
        : loop(l),
          tls(std::move(t)),
          options(std::move(o)),
          onConnection(std::move(connection)),
          onRefused(std::move(refusal)) {
      if (!options.connections) {
        options.connections =
            std::make_shared<ConnectionLimiter>(ConnectionLimiter::Limits{.total = 4096, .perNetwork = 512});
      }
      if (!options.handshakes) {
        options.handshakes = std::make_shared<HandshakeLimiter>(HandshakeLimiter::Limits{});
      }
    }

    void refuse(const Endpoint& remote, std::string_view reason) {
      if (onRefused) onRefused(remote, reason);
    }

    void onAccept(FileDescriptor fd, const Endpoint& remote) {
      affinity.assertHere();
      const auto self = shared_from_this();
      HandshakeLimiter::Refusal refusal{};
      Pending pending;
      pending.place = options.connections->admit(remote, refusal);
      if (!pending.place.held()) {
        return refuse(
            remote, refusal == HandshakeLimiter::Refusal::total ? "connections" : "connections_per_network");
      }
      if (tls) {
        pending.handshake = options.handshakes->admit(remote, refusal);
        if (!pending.handshake.held()) return refuse(remote, HandshakeLimiter::reasonOf(refusal));
      }
      pending.stream = makeServerStream(loop, std::move(fd), remote, tls);
      if (!tls) {
        return onConnection(
            makeByteStream(loop, std::move(pending.stream), options.stream, std::move(pending.place)));
      }
      const std::uint64_t id = ++lastId;
      pending.timer = std::make_unique<Timer>(loop);
      pending.timer->start(options.stream.handshakeTimeout, [this, id] { end(id, "handshake_timeout"); });
      const auto stream = pending.stream;
      handshakes.emplace(id, std::move(pending));
      stream->handshake([weak = weak_from_this(), id](ErrorCode error) {
        if (const auto shared = weak.lock()) shared->onHandshake(id, error);
      });
    }

    void onHandshake(std::uint64_t id, ErrorCode error) {
      if (error) return end(id, "handshake_failed");
      auto node = handshakes.extract(id);
      if (node.empty()) return;
      Pending& pending = node.mapped();
      pending.timer->stop();
      pending.handshake.release();
      onConnection(makeByteStream(loop, std::move(pending.stream), options.stream, std::move(pending.place)));
    }

    void end(std::uint64_t id, std::string_view reason) {
      const auto self = shared_from_this();
      auto node = handshakes.extract(id);
      if (node.empty()) return;
      node.mapped().stream->close();
      refuse(node.mapped().stream->remote(), reason);
    }

    EventLoop& loop;
    std::shared_ptr<TlsServerContext> tls;
    ByteListenerOptions options;
    OnConnection onConnection;
    OnRefused onRefused;
    std::unordered_map<std::uint64_t, Pending> handshakes;
    std::uint64_t lastId = 0;
    base::ThreadAffinity affinity;
  };

  explicit ByteListenerImpl(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
  ~ByteListenerImpl() override {
    listener_.reset();
    for (const auto& [id, pending] : shared_->handshakes) pending.stream->close();
    shared_->handshakes.clear();
    // The handlers go later: one of them may be running.
    shared_->loop.post([shared = shared_] {});
  }
  base::Result<void> listen(const Endpoint& bind) {
    auto opened = Listener::open(shared_->loop, bind,
                                 [shared = shared_.get()](FileDescriptor fd, const Endpoint& remote) {
                                   shared->onAccept(std::move(fd), remote);
                                 });
    if (!opened) return std::unexpected(opened.error());
    listener_ = std::move(*opened);
    return {};
  }
  Endpoint localEndpoint() const override { return listener_->localEndpoint(); }

 private:
  std::shared_ptr<Shared> shared_;
  std::unique_ptr<Listener> listener_;
};

}  // namespace

std::unique_ptr<ByteConnecting> connectBytes(
    EventLoop& loop, const Endpoint& to, const std::string& host,
    const std::shared_ptr<TlsClientContext>& tls, const ByteStreamOptions& options,
    std::function<void(base::Result<std::unique_ptr<ByteStream>>)> done) {
  auto state =
      std::make_shared<Connecting::State>(loop, makeClientStream(loop, tls, host), options, std::move(done));
  state->remote = to;
  state->timer.start(options.connectTimeout,
                     [raw = state.get()] { raw->fail("net.timeout", "no connection in time"); });
  state->stream->connect(to, [state](ErrorCode error) { state->onConnected(error); });
  return std::make_unique<Connecting>(state);
}

base::Result<std::unique_ptr<ByteListener>> ByteListener::open(EventLoop& loop, const Endpoint& bind,
                                                               std::shared_ptr<TlsServerContext> tls,
                                                               ByteListenerOptions options,
                                                               OnConnection onConnection,
                                                               OnRefused onRefused) {
  auto listener = std::make_unique<ByteListenerImpl>(std::make_shared<ByteListenerImpl::Shared>(
      loop, std::move(tls), std::move(options), std::move(onConnection), std::move(onRefused)));
  if (auto listening = listener->listen(bind); !listening) return std::unexpected(listening.error());
  return listener;
}

}  // namespace parley::net
