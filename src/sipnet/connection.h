// One SIP connection: TCP, TLS or WebSocket, taken or made. It cuts the stream into messages, answers what
// is none, keeps alive, and holds deadlines. For sipnet/ only.
#pragma once
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "net/byte_stream.h"
#include "net/http_client.h"
#include "net/websocket.h"
#include "sip/stream_framer.h"
#include "sipnet/meters.h"
#include "sipnet/options.h"

namespace parley::sipnet {

class Connection;

/// What finds a connection again: transport, remote address, and for TLS the name that was checked.
struct ConnectionKey {
  sip::TransportKind kind;
  proto::TransportAddress address;
  std::string host;
  friend auto operator<=>(const ConnectionKey&, const ConnectionKey&) = default;
};
ConnectionKey keyOf(const sip::Target& target);

/// What connections share and ask for; the transport's inside.
struct Hub {
  Hub(net::EventLoop& l, TransportOptions o, TransportSink& s) : loop(l), options(std::move(o)), sink(s) {}
  virtual ~Hub() = default;
  virtual void addKey(Connection& connection, ConnectionKey key) = 0;
  /// It ended. An empty reason: it never became a flow.
  virtual void gone(Connection& connection, std::string_view reason) = 0;
  virtual void failLater(sip::TransportKind kind, sip::SendToken token, std::string_view reason) = 0;
  virtual void refused(const sip::Source& source, std::string_view reason) = 0;

  net::EventLoop& loop;
  const TransportOptions options;
  TransportSink& sink;
  Meters meters;
  base::SystemRandom random;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Hub& hub, sip::FlowId id, sip::TransportKind kind);
  ~Connection();
  void connect(const sip::Target& target, const net::ByteStreamOptions& options);
  void connectWebSocket(const sip::Target& target, net::HttpClient& client);
  void attach(std::unique_ptr<net::ByteStream> stream);
  void attach(std::shared_ptr<net::WebSocket> socket, const net::Endpoint& local);

  /// Empty: taken. Else why not.
  std::string_view send(std::string bytes, sip::SendToken token);
  /// Drops what waits for the connection; false: that is none of it.
  bool takeBack(sip::SendToken token);
  /// Ends it when what is queued was written.
  void end(std::string_view reason);
  /// What a missing pong ends: the connection to a peer that answered one on it before, or that agreed to.
  enum class Pongs { ifShown, agreed };
  void setKeepAlive(base::Millis interval, Pongs pongs);
  sip::FlowId id() const { return source_.flow; }
  const sip::Source& source() const { return source_; }
  bool outgoing() const { return outgoing_; }
  bool usable() const { return state_ == State::connecting || state_ == State::open; }
  std::vector<ConnectionKey> keys;  ///< The hub's: where it is registered.

 private:
  enum class State { connecting, open, closing, closed };
  struct Pending {
    std::string bytes;
    sip::SendToken token;
  };

  void onConnected(base::Result<std::unique_ptr<net::ByteStream>> result);
  void onConnectFailed(std::string_view reason);
  void opened();
  void onBytes(base::Bytes bytes);
  void onFrame(std::string_view bytes);
  void onClosed(std::string_view reason);
  void take(std::string_view bytes);
  void noteAlias(const sip::Message& message);
  void refuse(const sip::ParseFailure& failure);
  void write(std::string bytes);
  void watchMessage();
  void watchKeepAlive();
  void ping();
  void forgetWritten();

  Hub& hub_;
  sip::Source source_;
  std::string host_;  ///< Outgoing: whom we meant.
  bool outgoing_ = false;
  State state_ = State::connecting;
  std::string_view ending_;  ///< Why we end it.
  std::unique_ptr<net::ByteConnecting> connecting_;
  std::unique_ptr<net::ByteStream> stream_;
  std::shared_ptr<net::WebSocket> socket_;
  std::deque<Pending> pending_;
  std::size_t pendingBytes_ = 0;
  sip::StreamFramer framer_;
  int bad_ = 0;
  bool aliased_ = false;

  // What was handed to the stream and is not known to be written: where each message ends.
  std::uint64_t submitted_ = 0;
  std::deque<std::pair<std::uint64_t, sip::SendToken>> unsent_;

  net::Timer firstTimer_;  ///< Runs until a taken connection showed that it speaks SIP.
  net::Timer messageTimer_;
  net::Timer keepAliveTimer_;
  base::Millis keepAlive_{0};
  base::Instant lastReceived_, lastPinged_;
  bool pongs_ = false;  ///< The peer answers pings: it did, or it agreed to.
};

}  // namespace parley::sipnet
