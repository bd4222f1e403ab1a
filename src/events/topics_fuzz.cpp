// Hostile clients of application events: each line is a client's letter and a message; "-" and a letter: it
// leaves; "+": time passes; "r": a new process with what is stored. Nothing may be left behind, and whoever
// reads everything must know of each topic exactly what is in it.
#include <cstdlib>
#include <map>
#include <memory>

#include "base/text.h"
#include "events/topics.h"
#include "link/json.h"

using namespace parley;
using namespace parley::events;

namespace {

struct World {
  World() { begin(); }
  void begin() {
    Limits limits;
    limits.maxItems = 20;
    limits.maxDeletions = 3;
    limits.maxPartBytes = 300;
    limits.maxQueued = 8;
    limits.timeToLive = 5'000;
    topics = std::make_unique<Topics>(random, limits);
    for (const auto& [key, value] : stored[0]) {
      if (!topics->restoreTopic(value, now)) std::abort();
    }
    for (const auto& [key, value] : stored[1]) {
      if (!topics->restoreItem(value, now)) std::abort();
    }
    known.clear();
    for (const char* name : {"a", "b", "c"}) join(name);
  }
  void join(const std::string& name) {
    known.erase(name);
    topics->addClient(name, {.by = "{}", .origin = name, .rights = {{"*", true, true, true}}});
  }
  void settle() {
    for (StoreOp& op : topics->takeStoreOps()) {
      auto& place = stored[op.where == StoreOp::Where::topics ? 0 : 1];
      if (op.value) {
        place[op.key] = *op.value;
      } else {
        place.erase(op.key);
      }
      topics->stored(op.topic, op.version);
    }
  }
  /// What a page would know after this message.
  void learn(const std::string& client, const std::string& text) {
    const auto json = link::parseJson(text);
    if (!json || !json->is_object()) std::abort();
    const auto type = (*json)["type"].get<std::string>();
    if (type != "topic" && type != "data") return;
    auto& topic = known[client][(*json)["topic"].get<std::string>()];
    const auto take = [&topic](const link::Json& item) {
      auto& held = topic[item["id"].get<std::string>()];
      const auto version = item["version"].get<std::uint64_t>();
      if (item.contains("value") && version >= held.first) held = {version, item["value"].dump()};
    };
    if (type == "topic") {
      if (json->contains("reset")) topic.clear();
      for (const auto& item : (*json)["data"]) take(item);
    } else if (json->contains("deleted")) {
      const auto at = topic.find((*json)["id"].get<std::string>());
      if (at != topic.end() && at->second.first < (*json)["version"].get<std::uint64_t>()) topic.erase(at);
    } else if (json->contains("value")) {
      take(*json);
    }
  }
  void read(const std::string& client) {
    for (int i = 0; i < 10'000; ++i) {
      const auto text = topics->next(client);
      if (!text) return;
      learn(client, *text);
    }
    std::abort();  // It never ends.
  }
  /// A client that reads everything knows what is stored of each topic that it is still connected to.
  void compare(const std::string& client) {
    read(client);
    const auto seen = known[client];
    for (const auto& [topic, items] : seen) {
      topics->handle(client,
                     {.kind = Request::Kind::message, .request = "probe", .topic = topic, .value = "0"}, now);
      const auto answer = topics->next(client);
      if (!answer || answer->find("\"type\":\"done\"") == std::string::npos) continue;
      std::map<std::string, std::pair<std::uint64_t, std::string>> there;
      for (const auto& [key, text] : stored[1]) {
        const auto item = *link::parseJson(text);
        if (item["topic"] == topic)
          there[item["id"].get<std::string>()] = {item["version"].get<std::uint64_t>(), item["value"].dump()};
      }
      if (there != items) std::abort();
    }
  }
  base::FakeRandom random;
  std::unique_ptr<Topics> topics;
  std::map<std::string, std::string> stored[2];
  std::map<std::string, std::map<std::string, std::map<std::string, std::pair<std::uint64_t, std::string>>>>
      known;
  std::int64_t now = 1'000;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 32 * 1024) return 0;
  World world;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  for (const std::string_view line : base::split(input, '\n')) {
    if (line.empty()) continue;
    ++world.now;
    const std::string client(1, static_cast<char>('a' + static_cast<unsigned char>(line.back()) % 3));
    if (line.front() == '+') {
      world.now += 2'000;
      world.topics->expire(world.now);
    } else if (line.front() == 'r') {
      world.begin();
    } else if (line.front() == '-') {
      world.topics->removeClient(client, world.now);
      world.join(client);
    } else if (line.front() == '?') {
      world.read(client);
    } else if (line.front() >= 'a' && line.front() <= 'c') {
      const auto json = link::parseJson(line.substr(1));
      if (!json) continue;
      const std::string who(1, line.front());
      if (auto request = parseRequest(*json)) {
        if (request->kind == Request::Kind::connect) world.known[who].erase(request->topic);
        world.topics->handle(who, std::move(*request), world.now);
      } else {
        world.topics->refuse(who, request.error(), "");
      }
    }
    if (line.front() != 's') world.settle();
  }
  for (const char* name : {"a", "b", "c"}) {
    if (!world.topics->overflowed(name)) world.compare(name);
  }
  for (const char* name : {"a", "b", "c"}) world.topics->removeClient(name, world.now);
  world.topics->expire(world.now + 10'000);
  world.settle();
  if (world.topics->topics() != 0 || world.topics->bytes() != 0 || world.topics->clients() != 0) std::abort();
  if (!world.stored[0].empty() || !world.stored[1].empty()) std::abort();
  return 0;
}
