// What clients are told: answers first, then messages, then what changed in their topics.
#include <fmt/format.h>

#include "events/topics.h"
#include "link/json.h"

namespace parley::events {
namespace {

std::string withRequest(std::string text, const std::string& request) {
  if (request.empty()) return text;
  text.pop_back();
  return text + ",\"request\":" + link::dumpJson(request) + "}";
}

/// id, version, at, by, value: as in `data` of a topic message.
std::string fieldsOf(const std::string& id, std::uint64_t version, std::int64_t at, const std::string& by,
                     const std::string& value) {
  return fmt::format(R"("id":"{}","version":{},"at":{},"by":{},"value":{})", id, version, at, by, value);
}

}  // namespace

void Topics::answer(Client& client, Answer answer) {
  client.answerBytes += answer.text.size();
  client.answers.push_back(std::move(answer));
  if (client.answers.size() > limits_.maxQueued || client.answerBytes > limits_.maxQueuedBytes) {
    client.overflowed = true;
  }
}

void Topics::fail(Client& client, const Request& request, const char* reason, const char* text,
                  const std::string& more) {
  std::string out = fmt::format(R"({{"type":"error","fatal":false,"reason":"{}","text":{},"topic":"{}"{}}})",
                                reason, link::dumpJson(text), request.topic, more);
  answer(client, {.text = withRequest(std::move(out), request.request)});
}

void Topics::refuse(const std::string& id, const base::Error& error, const std::string& request) {
  const auto at = clients_.find(id);
  if (at == clients_.end()) return;
  link::Json out = {{"type", "error"}, {"fatal", false}, {"reason", error.reason}, {"text", error.text}};
  if (!request.empty()) out["request"] = request;
  answer(at->second, {.text = link::dumpJson(out)});
  touched_.insert(id);
}

bool Topics::overflowed(const std::string& client) const {
  const auto at = clients_.find(client);
  return at != clients_.end() && at->second.overflowed;
}

std::string Topics::textOf(const Answer& answer) const {
  if (answer.kind == Answer::Kind::text) return answer.text;
  const auto topic = topics_.find(answer.topic);
  const Item* item = nullptr;
  if (topic != topics_.end()) {
    const auto at = topic->second.items.find(answer.id);
    if (at != topic->second.items.end()) item = &at->second;
  }
  std::string out;
  if (answer.kind == Answer::Kind::conflict) {
    const std::string current =
        item == nullptr ? "null"
                        : "{" + fieldsOf(item->id, item->version, item->at, item->by, item->value) + "}";
    out = fmt::format(
        R"({{"type":"error","fatal":false,"reason":"aed.conflict","text":"The item was changed meanwhile.","topic":"{}","id":"{}","item":{}}})",
        answer.topic, answer.id, current);
  } else if (answer.kind == Answer::Kind::written && item != nullptr && item->version == answer.version) {
    out = fmt::format(R"({{"type":"data","topic":"{}",{}}})", answer.topic,
                      fieldsOf(item->id, item->version, item->at, item->by, item->value));
  } else {
    // Deleted; or changed again meanwhile: who asked knows the value, and the newer one comes.
    out = fmt::format(R"({{"type":"data","topic":"{}","id":"{}","version":{}{}}})", answer.topic, answer.id,
                      answer.version, answer.kind == Answer::Kind::deleted ? ",\"deleted\":true" : "");
  }
  return withRequest(std::move(out), answer.request);
}

std::string Topics::deletionText(const std::string& name, const Topic& topic, std::uint64_t version) const {
  return fmt::format(R"({{"type":"data","topic":"{}","id":"{}","version":{},"deleted":true,"by":{}}})", name,
                     topic.order.at(version), version, topic.deletions.at(version));
}

std::optional<std::string> Topics::next(const std::string& id) {
  const auto found = clients_.find(id);
  if (found == clients_.end()) return std::nullopt;
  Client& client = found->second;
  if (!client.answers.empty()) {
    const Answer& first = client.answers.front();
    const auto topic = topics_.find(first.topic);
    if (topic == topics_.end() || first.version <= topic->second.told) {
      std::string out = textOf(first);
      client.answerBytes -= first.text.size();
      client.answers.pop_front();
      return out;
    }
  }
  if (!client.messages.empty()) {
    std::string out = std::move(client.messages.front());
    client.messages.pop_front();
    client.messageBytes -= out.size();
    return out;
  }
  // Each topic in its turn, so that a busy one does not keep the others waiting.
  auto at = client.places.upper_bound(client.turn);
  for (std::size_t i = 0; i < client.places.size(); ++i, ++at) {
    if (at == client.places.end()) at = client.places.begin();
    if (auto out = tell(client, at->first, topics_.at(at->first), at->second)) {
      client.turn = at->first;
      return out;
    }
  }
  return std::nullopt;
}

std::optional<std::string> Topics::tell(Client&, const std::string& name, Topic& topic, Place& place) {
  if (topic.told < topic.created) return std::nullopt;
  if (!place.first && place.sent < topic.forgotten && place.begun < topic.forgotten) {
    // Some of what was deleted is not known any more.
    place = Place{.begun = topic.last, .reset = true};
  }
  if (place.first) return part(name, topic, place);
  for (auto at = topic.order.upper_bound(place.sent); at != topic.order.end() && at->first <= topic.told;
       ++at) {
    const std::uint64_t version = at->first;
    const bool deletion = topic.deletions.contains(version);
    const bool known = place.answered.contains(version) || (deletion && version <= place.begun);
    if (place.whole && !deletion) return part(name, topic, place);
    place.sent = version;
    place.answered.erase(place.answered.begin(), place.answered.upper_bound(version));
    if (known) continue;
    if (deletion) return deletionText(name, topic, version);
    const Item& item = topic.items.at(at->second);
    return fmt::format(R"({{"type":"data","topic":"{}",{}}})", name,
                       fieldsOf(item.id, item.version, item.at, item.by, item.value));
  }
  if (place.whole) return part(name, topic, place);
  if (!place.countChanged) return std::nullopt;
  place.countChanged = false;
  return fmt::format(R"({{"type":"clients","topic":"{}","clients":{}}})", name, topic.clients.size());
}

/// As much of the topic as fits into a message, up to a deletion that the client has to know of.
std::string Topics::part(const std::string& name, Topic& topic, Place& place) {
  std::string data;
  auto at = topic.order.upper_bound(place.sent);
  for (; at != topic.order.end() && at->first <= topic.told && data.size() < limits_.maxPartBytes; ++at) {
    if (topic.deletions.contains(at->first)) {
      if (at->first > place.begun) break;
    } else {
      const Item& item = topic.items.at(at->second);
      data +=
          (data.empty() ? "{" : ",{") + fieldsOf(item.id, item.version, item.at, item.by, item.value) + "}";
    }
    place.sent = at->first;
  }
  place.answered.erase(place.answered.begin(), place.answered.upper_bound(place.sent));
  const bool more = at != topic.order.end() && at->first <= topic.told;
  std::string out = fmt::format(
      R"({{"type":"topic","topic":"{}","data":[{}],"clients":{},"revision":{},"more":{}{}}})", name, data,
      topic.clients.size(), topic.told, more, place.first && place.reset ? ",\"reset\":true" : "");
  if (place.first) out = withRequest(std::move(out), place.request);
  if (place.first) place.countChanged = false;
  place.first = false;
  place.whole = more;
  return out;
}

}  // namespace parley::events
