#include "events/topics.h"

#include <fmt/format.h>

#include <algorithm>

#include "link/json.h"

namespace parley::events {
namespace {

using link::Json;

constexpr std::size_t kRememberedRequests = 20'000;
constexpr std::size_t kNewIdLength = 16;

std::string requestKey(const std::string& origin, const std::string& request) {
  return request.empty() ? std::string() : origin + "/" + request;
}

/// Topics and ids have dots of their own: the length keeps keys apart.
std::string keyOf(const std::string& topic, const std::string& id) {
  return fmt::format("{}.{}.{}", topic.size(), topic, id);
}

}  // namespace

bool Topics::restoreTopic(std::string_view stored, std::int64_t now) {
  const auto json = link::parseJson(stored);
  const std::string name = json && json->is_object() ? link::stringAt(*json, "topic").value_or("") : "";
  if (!isTopicName(name)) return false;
  topics_[name].emptySince = now;
  topics_[name].closed = link::boolAt(*json, "closed").value_or(false);
  return true;
}

bool Topics::restoreItem(std::string_view stored, std::int64_t now) {
  const auto json = link::parseJson(stored);
  if (!json || !json->is_object() || !json->contains("value") || !json->contains("by")) return false;
  const std::string name = link::stringAt(*json, "topic").value_or("");
  const auto version = link::integerAt(*json, "version");
  Item item;
  item.id = link::stringAt(*json, "id").value_or("");
  if (!isTopicName(name) || !isItemId(item.id) || !version || *version < 1) return false;
  item.version = static_cast<std::uint64_t>(*version);
  item.value = link::dumpJson((*json)["value"]);
  item.by = link::dumpJson((*json)["by"]);
  item.request = link::stringAt(*json, "request").value_or("");
  item.at = link::integerAt(*json, "at").value_or(0);
  Topic& topic = topics_[name];
  topic.emptySince = now;
  topic.last = std::max(topic.last, item.version);
  topic.told = topic.last;
  keep(topic, std::move(item));
  return true;
}

void Topics::addClient(const std::string& client, ClientInfo info) {
  clients_[client].info = std::move(info);
}

void Topics::removeClient(const std::string& id, std::int64_t now) {
  const auto at = clients_.find(id);
  if (at == clients_.end()) return;
  std::vector<std::string> names;
  for (const auto& [name, place] : at->second.places) names.push_back(name);
  for (const std::string& name : names) leave(id, name, now);
  clients_.erase(id);
  touched_.erase(id);
}

void Topics::leave(const std::string& client, const std::string& name, std::int64_t now) {
  clients_.at(client).places.erase(name);
  Topic& topic = topics_.at(name);
  topic.clients.erase(client);
  if (topic.clients.empty()) topic.emptySince = now;
  for (const std::string& other : topic.clients) clients_.at(other).places.at(name).countChanged = true;
  touch(topic);
}

void Topics::handle(const std::string& id, Request request, std::int64_t now) {
  const auto at = clients_.find(id);
  if (at == clients_.end()) return;
  Client& client = at->second;
  touched_.insert(id);
  switch (request.kind) {
    case Request::Kind::connect:
      return connect(client, id, request, now);
    case Request::Kind::disconnect:
      return disconnect(client, id, request, now);
    case Request::Kind::submit:
      return submit(client, request, now);
    case Request::Kind::remove:
      return remove(client, request, now);
    case Request::Kind::message:
      return message(client, id, request);
  }
}

void Topics::connect(Client& client, const std::string& id, const Request& request, std::int64_t now) {
  auto at = topics_.find(request.topic);
  const bool closed = at != topics_.end() && at->second.closed;
  if (!allows(client.info.rights, request.topic, Action::read, closed)) {
    return fail(client, request, "aed.not_allowed", "This topic may not be read.");
  }
  if (!client.places.contains(request.topic) && client.places.size() >= limits_.maxTopicsOfClient) {
    return fail(client, request, "aed.too_many_topics", "Too many topics are connected.");
  }
  if (at == topics_.end()) {
    if (const auto refused = refusalToMake(client, request)) {
      return fail(client, request, refused->reason.c_str(), refused->text.c_str());
    }
    at = make(client, request.topic, now);
  }
  Topic& topic = at->second;
  if (topic.clients.size() >= limits_.maxClientsOfTopic && !topic.clients.contains(id)) {
    return fail(client, request, "aed.full", "Too many clients are connected to this topic.");
  }
  if (topic.clients.insert(id).second) {
    for (const std::string& other : topic.clients) {
      if (other != id) clients_.at(other).places.at(request.topic).countChanged = true;
    }
  }
  // Whatever the client knows from before, it may know of what is gone since: everything comes anew.
  Place& place = client.places[request.topic] = Place{.reset = true};
  place.begun = topic.last;
  place.request = request.request;
  touch(topic);
}

std::optional<base::Error> Topics::refusalToMake(const Client& client, const Request& request) const {
  if (!request.create) return base::Error{"aed.unknown_topic", "There is no such topic."};
  if (!allows(client.info.rights, request.topic, Action::create)) {
    return base::Error{"aed.not_allowed", "This topic may not be created."};
  }
  const auto share = shares_.find(client.info.payer);
  const auto most = static_cast<std::int64_t>(std::max<std::size_t>(1, limits_.maxTopics / limits_.maxShare));
  if (topics_.size() >= limits_.maxTopics || (share != shares_.end() && share->second.topics >= most)) {
    return base::Error{"aed.full", "There are too many topics."};
  }
  return std::nullopt;
}

std::map<std::string, Topics::Topic>::iterator Topics::make(const Client& client, const std::string& name,
                                                            std::int64_t now) {
  const auto at = topics_.emplace(name, Topic{}).first;
  Topic& topic = at->second;
  topic.created = nextVersion(topic, now);
  topic.closed = makesClosed(client.info.rights, name);
  topic.payer = client.info.payer;
  pay(topic.payer, 1, 0);
  ops_.push_back({StoreOp::Where::topics, name,
                  link::dumpJson({{"topic", name}, {"at", now}, {"closed", topic.closed}}), name,
                  topic.created});
  return at;
}

void Topics::pay(const std::string& payer, std::int64_t topics, std::int64_t bytes) {
  if (payer.empty()) return;
  Share& share = shares_[payer];
  share.topics += topics;
  share.bytes += bytes;
  if (share.topics == 0) shares_.erase(payer);
}

bool Topics::overShare(const Topic& topic, std::size_t freed, std::size_t added) const {
  const auto share = shares_.find(topic.payer);
  if (share == shares_.end() || added <= freed) return false;
  const auto more = static_cast<std::int64_t>(added - freed);
  return share->second.bytes + more > static_cast<std::int64_t>(limits_.maxBytes / limits_.maxShare);
}

void Topics::disconnect(Client& client, const std::string& id, const Request& request, std::int64_t now) {
  if (client.places.contains(request.topic)) leave(id, request.topic, now);
  if (request.request.empty()) return;
  const Json out = {{"type", "done"}, {"topic", request.topic}, {"request", request.request}};
  answer(client, {.text = link::dumpJson(out)});
}

/// Null, and the client was told why: it may not write there.
Topics::Topic* Topics::writable(Client& client, const Request& request) {
  if (!client.places.contains(request.topic)) {
    fail(client, request, "aed.not_connected", "This topic is not connected.");
    return nullptr;
  }
  Topic& topic = topics_.at(request.topic);
  if (!allows(client.info.rights, request.topic, Action::write, topic.closed)) {
    fail(client, request, "aed.not_allowed", "This topic may not be written to.");
    return nullptr;
  }
  return &topic;
}

/// A request that was done before is answered again, and nothing else happens: the answer was lost, with the
/// connection, the session or the process. Of a process before this one the items know who wrote them.
bool Topics::repeated(Client& client, Topic& topic, const Request& request) {
  const std::string key = requestKey(client.info.origin, request.request);
  if (key.empty()) return false;
  if (const auto done = done_.find(key); done != done_.end() && done->second.topic == request.topic) {
    answer(client, done->second);
    return true;
  }
  const auto known = topic.requests.find(key);
  if (known == topic.requests.end()) return false;
  answer(client, {.kind = Answer::Kind::written,
                  .topic = request.topic,
                  .id = known->second,
                  .request = request.request,
                  .version = topic.items.at(known->second).version});
  return true;
}

void Topics::remember(const Client& client, const Request& request, const Answer& done) {
  std::string key = requestKey(client.info.origin, request.request);
  if (key.empty()) return;
  if (done_.insert_or_assign(key, done).second) doneOrder_.push_back(std::move(key));
  if (doneOrder_.size() <= kRememberedRequests) return;
  done_.erase(doneOrder_.front());
  doneOrder_.pop_front();
}

void Topics::submit(Client& client, const Request& request, std::int64_t now) {
  Topic* const topic = writable(client, request);
  if (topic == nullptr || repeated(client, *topic, request)) return;
  Item item;
  item.id = request.id.empty() ? random_.alphanumeric(kNewIdLength) : request.id;
  const auto before = topic->items.find(item.id);
  const std::uint64_t current = before == topic->items.end() ? 0 : before->second.version;
  if (current != request.version) {
    return answer(
        client,
        {.kind = Answer::Kind::conflict, .topic = request.topic, .id = item.id, .request = request.request});
  }
  item.value = request.value;
  item.by = client.info.by;
  item.request = requestKey(client.info.origin, request.request);
  item.at = now;
  const std::size_t freed = current == 0 ? 0 : before->second.bytes();
  const std::size_t added = item.bytes();
  if (current == 0 && topic->items.size() >= limits_.maxItems) {
    return fail(client, request, "aed.topic_full", "The topic has too many items.");
  }
  if (topic->bytes - freed + added > limits_.maxTopicBytes) {
    return fail(client, request, "aed.topic_full", "The topic's data is too large.");
  }
  if (bytes_ - freed + added > limits_.maxBytes || overShare(*topic, freed, added)) {
    return fail(client, request, "aed.full", "The data of all topics is too large.");
  }
  item.version = nextVersion(*topic, now);
  const Answer done{.kind = Answer::Kind::written,
                    .topic = request.topic,
                    .id = item.id,
                    .request = request.request,
                    .version = item.version};
  ops_.push_back(
      {StoreOp::Where::data, keyOf(request.topic, item.id),
       fmt::format(R"({{"topic":"{}","id":"{}","version":{},"at":{},"by":{},"request":{},"value":{}}})",
                   request.topic, item.id, item.version, item.at, item.by, link::dumpJson(item.request),
                   item.value),
       request.topic, item.version});
  if (current != 0) drop(*topic, before);
  keep(*topic, std::move(item));
  remember(client, request, done);
  client.places.at(request.topic).answered.insert(done.version);
  answer(client, done);
}

void Topics::remove(Client& client, const Request& request, std::int64_t now) {
  Topic* const topic = writable(client, request);
  if (topic == nullptr || repeated(client, *topic, request)) return;
  const auto at = topic->items.find(request.id);
  if (at == topic->items.end() || at->second.version != request.version) {
    return answer(client, {.kind = Answer::Kind::conflict,
                           .topic = request.topic,
                           .id = request.id,
                           .request = request.request});
  }
  const Answer done{.kind = Answer::Kind::deleted,
                    .topic = request.topic,
                    .id = request.id,
                    .request = request.request,
                    .version = nextVersion(*topic, now)};
  drop(*topic, at);
  topic->order[done.version] = request.id;
  topic->deletions[done.version] = client.info.by;
  forgetDeletions(*topic);
  ops_.push_back(
      {StoreOp::Where::data, keyOf(request.topic, request.id), std::nullopt, request.topic, done.version});
  remember(client, request, done);
  client.places.at(request.topic).answered.insert(done.version);
  answer(client, done);
}

void Topics::message(Client& client, const std::string& id, const Request& request) {
  const Topic* const topic = writable(client, request);
  if (topic == nullptr) return;
  const std::string text = fmt::format(R"({{"type":"message","topic":"{}","by":{},"value":{}}})",
                                       request.topic, client.info.by, request.value);
  for (const std::string& name : topic->clients) {
    if (name == id) continue;
    Client& other = clients_.at(name);
    other.messages.push_back(text);
    other.messageBytes += text.size();
    while (other.messages.size() > limits_.maxQueued || other.messageBytes > limits_.maxQueuedBytes) {
      other.messageBytes -= other.messages.front().size();
      other.messages.pop_front();
      ++messagesDropped_;
    }
    touched_.insert(name);
  }
  if (request.request.empty()) return;
  const Json out = {{"type", "done"}, {"topic", request.topic}, {"request", request.request}};
  answer(client, {.text = link::dumpJson(out)});
}

/// Rises over everything that ever happened in a topic, also over its end and a restart: not below the time.
std::uint64_t Topics::nextVersion(Topic& topic, std::int64_t now) {
  topic.last = std::max(topic.last + 1, static_cast<std::uint64_t>(std::max<std::int64_t>(now, 0)));
  return topic.last;
}

void Topics::keep(Topic& topic, Item item) {
  topic.order[item.version] = item.id;
  if (!item.request.empty()) topic.requests[item.request] = item.id;
  topic.bytes += item.bytes();
  bytes_ += item.bytes();
  pay(topic.payer, 0, static_cast<std::int64_t>(item.bytes()));
  std::string id = item.id;
  topic.items.insert_or_assign(std::move(id), std::move(item));
}

void Topics::drop(Topic& topic, std::map<std::string, Item>::iterator at) {
  const Item& item = at->second;
  topic.order.erase(item.version);
  topic.requests.erase(item.request);
  topic.bytes -= item.bytes();
  bytes_ -= item.bytes();
  pay(topic.payer, 0, -static_cast<std::int64_t>(item.bytes()));
  topic.items.erase(at);
}

void Topics::forgetDeletions(Topic& topic) {
  while (topic.deletions.size() > limits_.maxDeletions) {
    topic.forgotten = topic.deletions.begin()->first;
    topic.order.erase(topic.forgotten);
    topic.deletions.erase(topic.deletions.begin());
  }
}

void Topics::stored(const std::string& name, std::uint64_t version) {
  const auto at = topics_.find(name);
  if (at == topics_.end()) return;
  Topic& topic = at->second;
  topic.told = std::max(topic.told, std::min(version, topic.last));
  touch(topic);
}

void Topics::expire(std::int64_t now) {
  std::vector<std::string> over;
  for (const auto& [name, topic] : topics_) {
    if (topic.clients.empty() && topic.emptySince + limits_.timeToLive <= now) over.push_back(name);
  }
  for (const std::string& name : over) eraseTopic(name);
}

void Topics::eraseTopic(const std::string& name) {
  const auto at = topics_.find(name);
  for (const auto& [id, item] : at->second.items) {
    ops_.push_back({StoreOp::Where::data, keyOf(name, id), std::nullopt, name, 0});
  }
  ops_.push_back({StoreOp::Where::topics, name, std::nullopt, name, 0});
  bytes_ -= at->second.bytes;
  pay(at->second.payer, -1, -static_cast<std::int64_t>(at->second.bytes));
  topics_.erase(at);
}

}  // namespace parley::events
