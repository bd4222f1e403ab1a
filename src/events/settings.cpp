#include "events/settings.h"

#include "base/setting_declarer.h"
#include "base/text.h"

namespace parley::events {
namespace {

using base::SettingValue;

std::optional<std::string> notRights(const SettingValue& value) {
  const auto& list = std::get<std::vector<std::string>>(value);
  if (list.size() > kMaxRights) return "too many; at most " + std::to_string(kMaxRights);
  for (const std::string& text : list) {
    if (!parseRight(text)) {
      return "\"" + base::printable(text, 80) +
             "\" is not a topic with rights such as news.*=r or orders=rwc";
    }
  }
  return std::nullopt;
}

}  // namespace

void declareSettings(base::Settings& settings) {
  const base::SettingDeclarer events{settings, "Application Events"};
  events.number("aed.topic_ttl_seconds", 3'600, 1, 31'536'000, "s", false,
                "How long a topic and its data are kept after its last client left.");
  events.number("aed.max_topics", 10'000, 1, 100'000, "", true, "Topics at a time.");
  events.number("aed.max_data_bytes", 256 << 20, 1 << 20, std::int64_t{16} << 30, "bytes", true,
                "Data of all topics together.");
  events.number("aed.max_clients_per_topic", 100, 2, 10'000, "", true,
                "Clients that may be connected to one topic.");
  events.number("aed.max_clients", 10'000, 1, 1'000'000, "", true, "Clients at a time.");
  events.number("aed.resume_seconds", 60, 2, 600, "s", false,
                "How long a client that lost its connection may come back.");
  events.list(
      "aed.shared_topics", {}, false,
      "Topics that every client may use beside those of its own session, each with its rights: r connect, "
      "w write, c create, as in \"news.*=r\".",
      notRights);
}

Limits limitsOf(const base::Settings& settings) {
  const auto size = [&](const char* name) { return static_cast<std::size_t>(settings.integer(name)); };
  Limits limits;
  limits.timeToLive = settings.integer("aed.topic_ttl_seconds") * 1000;
  limits.maxTopics = size("aed.max_topics");
  limits.maxBytes = size("aed.max_data_bytes");
  limits.maxClientsOfTopic = size("aed.max_clients_per_topic");
  return limits;
}

Rights sharedRights(const base::Settings& settings) {
  Rights out;
  for (const std::string& text : settings.list("aed.shared_topics")) {
    if (auto right = parseRight(text)) out.push_back(std::move(*right));
  }
  return out;
}

}  // namespace parley::events
