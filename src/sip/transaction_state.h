// The inside of the transaction layer, for its own sources.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sip/keyed_hash.h"
#include "sip/server_locator.h"
#include "sip/transaction.h"

namespace parley::sip {

constexpr base::Instant kNever = base::Instant::max();

enum class ServerPhase : std::uint8_t {
  trying,      ///< No response yet.
  proceeding,  ///< Provisional response sent.
  accepted,    ///< INVITE, 2xx sent (RFC 6026): timer L.
  completed,   ///< Final response sent: timers G, H, J.
  confirmed,   ///< INVITE, ACK of a refusal was there: timer I.
};

struct TransactionLayer::Server final : Timed {
  Server(TransactionLayer::State& layer_) : layer(layer_) {}
  void onDue(base::Instant now) override;

  TransactionLayer::State& layer;
  TransactionId id;
  std::string key;  ///< What the table's view points into.
  std::uint64_t mergeKey = 0;
  std::string localTag;
  Target replyTo;
  std::shared_ptr<const Message>
      request;           ///< Until the final response (who is told of it may hold it longer).
  std::string response;  ///< The last one, as bytes.
  base::Instant repeatAt = kNever, endAt = kNever, tryingAt = kNever;
  base::Millis interval{0};
  ServerPhase phase = ServerPhase::trying;
  bool invite = false;
  bool reliable1xx = false;  ///< What is repeated is a provisional response.
  bool repeats2xx = false;
};

enum class ClientPhase : std::uint8_t {
  calling,     ///< INVITE calling, others trying: nothing heard yet.
  proceeding,  ///< A provisional response was there.
  accepted,    ///< INVITE, 2xx (RFC 6026): timer M.
  completed,   ///< Final response: timers D, K.
};

struct TransactionLayer::Client final : Timed {
  Client(TransactionLayer::State& layer_) : layer(layer_) {}
  void onDue(base::Instant now) override;

  struct Ack {
    std::string toTag;
    std::string bytes;
    Target target;
    /// It goes over TCP for its size; this in its place where there is no TCP.
    struct Large {
      SendToken token;
      std::string datagram;
      Target target;
    };
    std::unique_ptr<Large> large{};
  };
  TransactionLayer::State& layer;
  TransactionId id;
  std::string key;
  std::unique_ptr<Message> request;  ///< Until the final response: for CANCEL, ACK and sending over UDP.
  std::string bytes;                 ///< What is repeated: the request, later the ACK of a refusal.
  Target target;
  std::unique_ptr<Target> back;  ///< Over TCP since it is too long for UDP: where it goes when TCP fails.
  std::vector<Ack> acks;         ///< Of 2xx, one for each fork.
  /// Authorization and Proxy-Authorization of an INVITE that has its 2xx; null: it had none.
  std::unique_ptr<std::vector<Header>> credentials;
  std::string cancelReason;
  base::Instant repeatAt = kNever, endAt = kNever;
  base::Millis interval{0};
  ClientPhase phase = ClientPhase::calling;
  bool invite = false;
  bool wantsCancel = false;  ///< Cancelled, and CANCEL was not sent yet.
  bool cancelled = false;    ///< CANCEL was sent.
  bool forgotten = false;
  bool pinned = false;  ///< Stays on its transport whatever its size.
};

/// At most so many forks of one INVITE are acknowledged.
constexpr std::size_t kMaxAcks = 16;

struct TransactionLayer::State {
  State(TransactionOptions o, Transport& t, base::Random& r, TimerHeap& h, RefusalCounts& c)
      : options(std::move(o)),
        transport(t),
        random(r),
        timers(h),
        refusals(c),
        hash(r),
        serverByKey(16, hash),
        clientByKey(16, hash) {}

  TransactionOptions options;
  Transport& transport;
  base::Random& random;
  TimerHeap& timers;
  RefusalCounts& refusals;
  TransactionUser* user = nullptr;
  KeyedHash hash;
  std::uint64_t lastId = 0;
  std::unordered_map<TransactionId, std::unique_ptr<Server>> servers;
  std::unordered_map<TransactionId, std::unique_ptr<Client>> clients;
  std::unordered_map<std::string_view, Server*, KeyedHash> serverByKey;
  std::unordered_map<std::string_view, Client*, KeyedHash> clientByKey;
  std::unordered_map<SendToken, TransactionId> largeAcks;  ///< Of whose INVITE.
  DeadTargets streamless;                                  ///< Addresses of UDP that have no TCP.
  /// Requests outside of dialogs by Call-ID, From tag and CSeq: a 64-bit keyed hash is enough of a name.
  std::unordered_map<std::uint64_t, TransactionId> merges;

  base::Millis t64() const { return 64 * options.t1; }
  void refuse(Refusal refusal) { ++refusals[static_cast<std::size_t>(refusal)]; }
  Via ourVia(const Target& target);

  // Server side (transaction_server.cpp).
  void receiveRequest(Message request, const Source& source, base::Instant now);
  void receiveAck(const Message& ack, const Source& source, base::Instant now);
  void receiveCancel(Message cancel, const Source& source, base::Instant now);
  bool again(const std::string& key, base::Instant now);
  bool hasRoomFor(const Message& request) const;
  Server& addServer(Message request, std::string key, const Source& source, base::Instant now);
  std::string statelessTag(std::string_view key) const;
  void answerStateless(const Message& request, const Source& source, int status,
                       std::span<const Header> extra);
  void sendResponse(Server& server);
  bool respond(Server& server, const Message& response, base::Instant now, bool reliable);
  void finish(Server& server, int status, base::Instant now);
  void arm(Server& server);
  void onDue(Server& server, base::Instant now);
  void onSendFailed(Server& server, std::string_view reason, base::Instant now);
  void remove(Server& server);

  // Client side (transaction_client.cpp).
  void receiveResponse(Message response, const Source& source, base::Instant now);
  void receiveInviteResponse(Client& client, const Message& response, const Source& source,
                             base::Instant now);
  Client& addClient(Message request, const Target& target);
  /// Where a request of that size goes for RFC 3261 section 18.1.1: over TCP, where we have it and the other
  /// side may have it. Nothing: as it was meant to.
  std::optional<Target> streamFor(const Target& target, std::size_t bytes, base::Instant now);
  void sendFirst(Client& client, base::Instant now);
  void sendAsDatagram(Client& client, base::Instant now);
  void writeFor(Client& client);
  void repeatAck(Client::Ack& ack, base::Instant now);
  void onAckFailed(SendToken token, base::Instant now);
  void start(Client& client, base::Instant now, std::optional<base::Millis> firstResponse);
  static void keepCredentials(Client& client);
  void acknowledgeRefusal(Client& client, const Message& response);
  void sendCancel(Client& client, base::Instant now);
  void arm(Client& client);
  void onDue(Client& client, base::Instant now);
  void onSendFailed(Client& client, std::string_view reason, base::Instant now);
  void settle(TransactionId id, base::Instant now);
  void fail(Client& client, int status, std::string_view reason);
  void remove(Client& client);
};

}  // namespace parley::sip
