// For tests and fuzz targets: the gateway without a network. A pipe instead of a WebSocket, scripted media
// brokers, a page that speaks the protocol. Everything real in between.
#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "gateway/call_desk.h"
#include "gateway/json.h"
#include "gateway/media_brokers.h"
#include "gateway/sessions.h"
#include "gateway/test_fake_phones.h"
#include "identity/tokens.h"
#include "link/test_pipe.h"
#include "net/websocket.h"

namespace parley::gateway::rig {

using link::rig::PipeEnd;

/// Brokers that answer at once, unless told otherwise.
class FakeBrokers final : public MediaBrokers {
 public:
  explicit FakeBrokers(net::EventLoop& loop) : loop_(loop) {}
  void setListener(MediaBrokersListener* listener) override { listener_ = listener; }
  void ask(const std::string&, const std::string& call, const BrokerRequest& request, Done done) override;
  void remove(const std::string&, const std::string& call, ReportDone done) override;
  void report(const std::string&, const std::string& call, ReportDone done) override;

  /// What a request of this kind ("create", "offer", "answer", "answer-locally") fails with.
  std::map<std::string, base::Error> failures;
  /// Requests of this kind are kept until releaseHeld().
  std::string hold;
  void releaseHeld();
  std::set<std::string> calls;
  std::vector<std::string> log;  ///< "create", "offer consumer", "bridge consumer page1" …
  bool has(const std::string& line) const;
  void leg(const std::string& call, const std::string& leg, event::LegChange change,
           std::string what = "test");
  void leg(const std::string& call, Side side, event::LegChange change, std::string what = "test") {
    this->leg(call, std::string(toString(side)), change, std::move(what));
  }
  void key(const std::string& call, const std::string& leg, char key, std::int64_t millis);
  void lose(const std::string& broker = "b1");
  void comeBack(const std::string& broker = "b1");
  std::string reported = R"({"legs":[{"id":"consumer"}]})";  ///< Answer to report().
  std::vector<std::string> renegotiate;                      ///< With the next answer or bridge.
  MediaBrokersListener* listener() { return listener_; }

 private:
  BrokerReply replyTo(const std::string& call, const BrokerRequest& request);
  void later(const std::string& kind, std::function<void()> answer);
  net::EventLoop& loop_;
  MediaBrokersListener* listener_ = nullptr;
  std::vector<std::function<void()>> held_;
  std::map<std::string, std::string> offers_;  // Leg that is to answer → who offered, "" the broker.
};

/// A page: speaks hello, numbers its messages, acknowledges.
class Page {
 public:
  using Connect = std::function<std::shared_ptr<net::WebSocket>()>;
  Page(net::EventLoop& loop, Connect connect, std::string token);
  ~Page();

  /// Connects and waits for the welcome (or the refusal); false when refused.
  bool hello();
  /// `newPage`: one that was loaded since.
  bool resume(bool newPage = false);
  /// Sends a request; `fields` gets type, seq, ack.
  void send(const std::string& type, Json fields = Json::object());
  void sendRaw(std::string text);
  /// The next message of that type that fits, waiting for it; null when none comes. What is passed over is
  /// gone.
  Json expect(const std::string& type, const std::function<bool(const Json&)>& fits = nullptr);
  Json expectCall(const std::string& state);
  /// True if no such message is waiting, after everything that is ready has run.
  bool silent(const std::string& type);
  bool waitClosed();
  void breakOff();
  void close(std::uint16_t code);
  void setToken(std::string token) { token_ = std::move(token); }

  Json welcome;
  std::string error;               ///< Reason of the last fatal error.
  std::uint16_t closeCode = 0;     ///< 0: open.
  std::vector<std::int64_t> seqs;  ///< Of everything handled, in order.
  bool acking = true;

 private:
  void connect(Json hello);
  void got(std::string_view text);
  net::EventLoop& loop_;
  Connect connect_;
  std::string token_;
  std::shared_ptr<net::WebSocket> socket_;
  std::deque<Json> inbox_;
  std::deque<std::pair<std::int64_t, std::string>> unacked_;
  std::int64_t sent_ = 0;
  std::int64_t received_ = 0;
  base::LifeGuard guard_;
};

/// Pages may call telephones.
inline CallDeskOptions openDesk() {
  CallDeskOptions options;
  options.destinations.phones = true;
  return options;
}

struct RigOptions {
  SessionsOptions sessions{};
  CallDeskOptions desk = openDesk();
};

/// The gateway's middle with its real parts.
class Rig {
 public:
  using Options = RigOptions;
  explicit Rig(Options options = {});
  ~Rig();

  std::string consumerToken(const identity::CallToken& with = {});
  std::string agentToken(const std::string& user = "agent1");
  std::unique_ptr<Page> consumer(const identity::CallToken& with = {});
  std::unique_ptr<Page> agent(const std::string& user = "agent1");
  Page::Connect connector();
  bool until(const std::function<bool()>& done) { return loop.runUntil(done, base::Millis{20'000}); }
  void settle();
  /// Keys in the store's bucket of calls.
  std::size_t storedCalls();
  /// Dials and answers; gives the call's id with both sides connected.
  std::string connectedCall(Page& consumer, Page& agent);
  void mediaUp(const std::string& call);
  /// The process dies without a word, and a new one takes the store over.
  void restartGateway();

  net::EventLoop loop{"rig"};
  base::SystemRandom random;
  net::WorkPool pool{"rig", 1, 64};
  std::unique_ptr<store::Store> store;
  std::unique_ptr<identity::Users> users;
  identity::TokenSigner signer;
  FakeBrokers brokers;
  FakePhones phones;
  CallRecords records;
  std::unique_ptr<Sessions> sessions;
  std::unique_ptr<Calls> calls;
  std::unique_ptr<CallDesk> desk;

 private:
  void makeGateway();
  const Options options_;
  std::string directory_;
};

}  // namespace parley::gateway::rig
