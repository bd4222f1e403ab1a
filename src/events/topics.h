// Application events (AED): topics with versioned data, and the clients connected to them. A state machine
// without sockets, clock or store: requests and time come in; messages for clients, and what is to be stored,
// are taken out. docs/protocols/aed.md is the contract.
//
// Data is never queued for a client: it has a place in the topic's order of changes, and gets what lies
// behind it when it can take more. So a slow or absent client costs nothing, and gets of each item the last
// version only. Bounded: all of Limits.
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "events/request.h"
#include "events/rights.h"

namespace parley::events {

struct Limits {
  std::size_t maxItems = 1'000;  ///< In a topic.
  std::size_t maxTopicBytes = 4 << 20;
  std::size_t maxTopics = 10'000;
  std::size_t maxBytes = 256u << 20;  ///< Of all topics.
  std::size_t maxTopicsOfClient = 64;
  std::size_t maxClientsOfTopic = 100;
  std::size_t maxShare = 4;     ///< One payer may have this part of all topics and of all data: a quarter.
  std::size_t maxQueued = 256;  ///< Answers and messages that wait for a client, each.
  std::size_t maxQueuedBytes = 512 * 1024;
  std::size_t maxPartBytes = 128 * 1024;  ///< Of a `topic` message, one value more at most.
  std::size_t maxDeletions = 1'000;  ///< Remembered in a topic; who is further behind gets everything anew.
  std::int64_t timeToLive = 3'600'000;  ///< ms, of a topic without clients.
};

struct ClientInfo {
  std::string by;      ///< Who it is, for others: the text of a JSON object.
  std::string origin;  ///< Recognises requests that are sent again: the same over connections and sessions.
  Rights rights;
  std::string payer = {};  ///< For whom what it makes counts (its network); empty: for nobody in particular.
};

/// For the store: value absent = remove. `topic` and `version` go back to stored().
struct StoreOp {
  enum class Where { topics, data };
  Where where;
  std::string key;
  std::optional<std::string> value;
  std::string topic;
  std::uint64_t version = 0;
};

class Topics {
 public:
  Topics(base::Random& random, Limits limits) : random_(random), limits_(limits) {}
  void setTimeToLive(std::int64_t millis) { limits_.timeToLive = millis; }

  // What a process before this one stored, in any order, before any client. False: not understood.
  bool restoreTopic(std::string_view stored, std::int64_t now);
  bool restoreItem(std::string_view stored, std::int64_t now);

  void addClient(const std::string& client, ClientInfo info);
  void removeClient(const std::string& client, std::int64_t now);
  /// `now`: ms since 1970.
  void handle(const std::string& client, Request request, std::int64_t now);
  /// An answer of another kind, in its place among the others: an error.
  void refuse(const std::string& client, const base::Error& error, const std::string& request);

  /// The next message for a client (text of a JSON object), or nothing.
  std::optional<std::string> next(const std::string& client);
  /// More answers wait than a client that reads can cause: its session should end.
  bool overflowed(const std::string& client) const;
  /// Clients for whom there may be something new since the last call.
  std::set<std::string> takeTouched() { return std::exchange(touched_, {}); }
  std::vector<StoreOp> takeStoreOps() { return std::exchange(ops_, {}); }
  /// The store has it (or cannot have it): now it is told.
  void stored(const std::string& topic, std::uint64_t version);
  /// Forgets topics without clients whose time is over.
  void expire(std::int64_t now);

  std::size_t topics() const { return topics_.size(); }
  std::size_t clients() const { return clients_.size(); }
  std::size_t bytes() const { return bytes_; }
  /// Messages that were too many for their receivers.
  std::uint64_t messagesDropped() const { return messagesDropped_; }

 private:
  struct Item {
    std::string id;
    std::uint64_t version = 0;
    std::string value, by, request;  // `request`: origin and id of the request that wrote it.
    std::int64_t at = 0;
    std::size_t bytes() const { return id.size() + value.size() + by.size() + 128; }
  };
  struct Topic {
    std::map<std::string, Item> items;
    std::map<std::uint64_t, std::string> order;      // Version → id, of items and of deletions.
    std::map<std::uint64_t, std::string> deletions;  // Version → who.
    std::map<std::string, std::string> requests;     // Origin and request → id, of the items there are.
    std::uint64_t created = 0;                       // Told when the store has it.
    std::uint64_t last = 0;                          // Highest version given.
    std::uint64_t told = 0;                          // What the store has: up to here is told.
    std::uint64_t forgotten = 0;                     // Highest deletion that is not remembered.
    std::size_t bytes = 0;
    std::int64_t emptySince = 0;
    bool closed = false;  // Not for sessions that are called like it.
    std::string payer;
    std::set<std::string> clients;
  };
  /// A client's place in a topic.
  struct Place {
    std::uint64_t begun = 0;  // Deletions up to here are none to the client.
    std::uint64_t sent = 0;   // Changes up to here are told.
    bool whole = true;        // The first telling is not over.
    bool first = true;        // Nothing of it was told.
    bool reset = false;
    bool countChanged = false;
    std::string request = {};               // Of the connect.
    std::set<std::uint64_t> answered = {};  // Versions that the answer to the client's own request told.
  };
  /// Small: values are looked up when it is told.
  struct Answer {
    enum class Kind { text, written, deleted, conflict };
    Kind kind = Kind::text;
    std::string text = {};
    std::string topic = {}, id = {}, request = {};
    std::uint64_t version = 0;  // Told when the store has it.
  };
  struct Client {
    ClientInfo info;
    std::map<std::string, Place> places;
    std::deque<Answer> answers;
    std::deque<std::string> messages;
    std::size_t answerBytes = 0, messageBytes = 0;
    std::string turn;  // The topic that was told last: the others come first.
    bool overflowed = false;
  };

  void connect(Client& client, const std::string& id, const Request& request, std::int64_t now);
  void disconnect(Client& client, const std::string& id, const Request& request, std::int64_t now);
  void submit(Client& client, const Request& request, std::int64_t now);
  void remove(Client& client, const Request& request, std::int64_t now);
  void message(Client& client, const std::string& id, const Request& request);
  std::optional<base::Error> refusalToMake(const Client& client, const Request& request) const;
  std::map<std::string, Topic>::iterator make(const Client& client, const std::string& name,
                                              std::int64_t now);
  bool overShare(const Topic& topic, std::size_t freed, std::size_t added) const;
  void pay(const std::string& payer, std::int64_t topics, std::int64_t bytes);
  Topic* writable(Client& client, const Request& request);
  bool repeated(Client& client, Topic& topic, const Request& request);
  void remember(const Client& client, const Request& request, const Answer& done);
  void leave(const std::string& client, const std::string& topic, std::int64_t now);
  void keep(Topic& topic, Item item);
  void drop(Topic& topic, std::map<std::string, Item>::iterator at);
  void forgetDeletions(Topic& topic);
  void eraseTopic(const std::string& name);
  void answer(Client& client, Answer answer);
  void fail(Client& client, const Request& request, const char* reason, const char* text,
            const std::string& more = {});
  std::optional<std::string> tell(Client& client, const std::string& name, Topic& topic, Place& place);
  std::string part(const std::string& name, Topic& topic, Place& place);
  std::string textOf(const Answer& answer) const;
  std::string deletionText(const std::string& name, const Topic& topic, std::uint64_t version) const;
  std::uint64_t nextVersion(Topic& topic, std::int64_t now);
  void touch(const Topic& topic) { touched_.insert(topic.clients.begin(), topic.clients.end()); }

  base::Random& random_;
  Limits limits_;
  std::map<std::string, Topic> topics_;
  std::map<std::string, Client> clients_;
  struct Share {
    std::int64_t topics = 0, bytes = 0;
  };
  std::map<std::string, Share> shares_;  // By payer.
  std::map<std::string, Answer> done_;   // What was answered, by origin and request, for when it comes again.
  std::deque<std::string> doneOrder_;
  std::set<std::string> touched_;
  std::vector<StoreOp> ops_;
  std::size_t bytes_ = 0;
  std::uint64_t messagesDropped_ = 0;
};

}  // namespace parley::events
