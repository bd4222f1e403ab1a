// The mutations of every header in front of a user agent: as requests of many kinds, and as responses to its
// own call. Whatever comes, its tables keep their bounds and are empty when all timers have run.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <vector>

#include "base/text.h"
#include "sip/test_mutations.h"
#include "sip/test_net.h"

namespace parley::sip {
namespace {

using base::Millis;

constexpr std::size_t kMaxSessions = 8, kMaxTransactions = 96;
/// Longer than any timer of a call that nobody ends.
constexpr Millis kAllTimers{400'000};

constexpr std::array kMethods{"OPTIONS", "REGISTER", "SUBSCRIBE", "NOTIFY",  "REFER", "MESSAGE",
                              "INFO",    "UPDATE",   "PRACK",     "PUBLISH", "BYE",   "CANCEL"};
constexpr std::array kAnswers{"180 Ringing",
                              "183 Session Progress",
                              "200 OK",
                              "302 Moved",
                              "401 Unauthorized",
                              "407 Proxy Authentication Required",
                              "420 Bad Extension",
                              "422 Session Interval Too Small",
                              "503 Service Unavailable"};

UserAgentOptions smallTables() {
  UserAgentOptions options;
  options.maxSessions = options.maxSubscriptions = kMaxSessions;
  options.maxTransactions = kMaxTransactions;
  return options;
}

/// Whoever sends all this. What it is sent can be read; but an answer to a request that cannot be has of it
/// what is needed to find the way back.
class TormentingPeer final : public rig::Node {
 public:
  using Node::Node;
  void receive(const std::string& bytes, const Source& source) override {
    auto message = Message::parse(bytes);
    if (!message) {
      EXPECT_TRUE(bytes.starts_with("SIP/2.0 4") || bytes.starts_with("SIP/2.0 513"))
          << message.error().text << "\n"
          << bytes.substr(0, 1'000);
    } else if (message->isRequest() && message->method() == Method::invite) {
      asked = std::move(*message);
    } else if (message->isRequest() && message->method() != Method::ack) {
      transmit(Message::responseTo(*message, 200, "far").write(), source.target(), {});
    }
  }
  void send(const std::string& bytes, const Target& to) { transmit(bytes, to, {}); }
  std::optional<Message> asked;  ///< The last INVITE.
};

class TortureAgentTest : public ::testing::Test {
 protected:
  void expectBounded(const rig::Agent& agent) {
    const UserAgent::Sizes sizes = agent.ua.sizes();
    EXPECT_LE(sizes.sessions, kMaxSessions);
    EXPECT_LE(sizes.dialogs, kMaxSessions * 16);
    EXPECT_LE(sizes.subscriptions, kMaxSessions);
    EXPECT_LE(sizes.serverTransactions, kMaxTransactions);
    // Calls can end in a full table: a tenth more for requests in dialogs, and a CANCEL for each call.
    EXPECT_LE(sizes.clientTransactions, kMaxTransactions + kMaxTransactions / 10 + kMaxSessions);
  }
  /// A request that would be served but for its `line`, which takes `name`'s place.
  std::string request(std::string_view method, std::string_view name, const std::string& line) {
    ++number_;
    const std::array<std::pair<std::string_view, std::string>, rig::kMandatoryHeaders + 2> must{{
        {"Via", fmt::format("SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK{}", number_)},
        {"From", "\"A\" <sip:a@example.com>;tag=1"},
        {"To", "<sip:b@example.com>"},
        {"Call-ID", fmt::format("torture-{}", number_)},
        {"CSeq", fmt::format("1 {}", method)},
        {"Max-Forwards", "70"},
        {"Contact", "<sip:a@10.0.0.9>"},
    }};
    std::string out = fmt::format("{} sip:b@10.0.0.1 SIP/2.0\r\n{}", method, line);
    for (const auto& [header, value] : must)
      if (header != name) out += fmt::format("{}: {}\r\n", header, value);
    return out + "\r\n";
  }
  /// An answer to what the peer was asked last.
  static std::string answer(const Message& asked, std::string_view status, std::string_view name,
                            const std::string& line) {
    const std::array<std::pair<std::string_view, std::string>, rig::kMandatoryHeaders + 1> must{{
        {"Via", asked.topVia()->toString()},
        {"From", asked.from().toString()},
        {"To", asked.to().toString() + ";tag=far"},
        {"Call-ID", asked.callId()},
        {"CSeq", asked.cseq().toString()},
        {"Contact", "<sip:far@10.0.0.9>"},
    }};
    std::string out = fmt::format("SIP/2.0 {}\r\n{}", status, line);
    for (const auto& [header, value] : must)
      if (header != name) out += fmt::format("{}: {}\r\n", header, value);
    return out + "\r\n";
  }
  /// Every third, others for the next header: the parser's test has them all.
  std::vector<std::string> some(std::string_view value) {
    const auto all = rig::mutationsOf(value);
    std::vector<std::string> out;
    for (std::size_t i = turn_++ % 3; i < all.size(); i += 3) out.push_back(all[i]);
    return out;
  }

  std::uint64_t number_ = 0;
  std::size_t turn_ = 0;
};

TEST_F(TortureAgentTest, MutatedRequests) {
  std::size_t calls = 0;
  for (const auto& [header, value] : rig::sampleHeaders()) {
    SCOPED_TRACE(header);
    rig::FakeNet net;
    rig::Agent agent(net, "10.0.0.1", smallTables());
    TormentingPeer peer(net, "10.0.0.9");
    agent.onCallHook = [&](const IncomingCall& call) {
      ++calls;
      // Some ring until they are given up.
      if (calls % 16 != 0) agent.ua.reject(call.session, 486, net.now);
    };
    for (const auto& mutation : some(value)) {
      const auto line = fmt::format("{}: {}\r\n", header, mutation);
      // Every second one is a call.
      const auto method = number_ % 2 == 0 ? "INVITE" : kMethods[number_ / 2 % kMethods.size()];
      peer.send(request(method, header, line), agent.target());
      net.run(Millis{300});
      expectBounded(agent);
      if (HasFailure()) FAIL() << base::printable(mutation, 200);
    }
    net.run(kAllTimers);
    EXPECT_TRUE(agent.empty());
  }
  EXPECT_GT(calls, 300u) << "hardly any was served";
}

TEST_F(TortureAgentTest, MutatedResponses) {
  std::size_t ended = 0;
  for (const auto& [header, value] : rig::sampleHeaders()) {
    SCOPED_TRACE(header);
    rig::FakeNet net;
    rig::Agent agent(net, "10.0.0.1", smallTables());
    TormentingPeer peer(net, "10.0.0.9");
    for (const auto& mutation : some(value)) {
      const SessionId session = agent.dial(peer);
      net.run(Millis{20});
      if (peer.asked) {
        const auto status = kAnswers[number_++ % kAnswers.size()];
        peer.send(answer(*peer.asked, status, header, fmt::format("{}: {}\r\n", header, mutation)),
                  agent.target());
        net.run(Millis{20});
      }
      expectBounded(agent);
      if (HasFailure()) FAIL() << base::printable(mutation, 200);
      if (agent.endings.contains(session.value())) ++ended;
      agent.ua.hangUp(session, {}, net.now);
      net.run(Millis{1'000});
      peer.asked.reset();
    }
    net.run(kAllTimers);
    EXPECT_TRUE(agent.empty());
  }
  EXPECT_GT(ended, 300u) << "hardly any was understood";
}

}  // namespace
}  // namespace parley::sip
