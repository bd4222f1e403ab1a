#include "gateway/settings.h"

#include "base/log_settings.h"
#include "base/setting_declarer.h"
#include "base/text.h"
#include "gateway/hunt_group_setting.h"
#include "gateway/sip_settings.h"

namespace parley::gateway {
namespace {

using base::SettingType;
using base::SettingValue;
using Names = std::vector<std::string>;
using Declarer = base::SettingDeclarer;

std::string shown(const std::string& text) { return "\"" + base::printable(text, 80) + "\""; }

std::optional<std::string> notAddresses(const SettingValue& value) {
  for (const std::string& text : std::get<Names>(value)) {
    if (!net::Endpoint::parse(text, 0))
      return shown(text) + " is not an IP address such as 192.0.2.1 or 2001:db8::1";
  }
  return std::nullopt;
}

std::optional<std::string> notBrokers(const SettingValue& value) {
  for (const std::string& url : std::get<Names>(value)) {
    const std::string_view host = url.starts_with("https://") ? std::string_view(url).substr(8) : "";
    if (host.empty() || host.find_first_of("/?# @") != std::string_view::npos) {
      return shown(url) + " is not a broker's address such as https://broker.example.com:8092";
    }
  }
  return std::nullopt;
}

std::optional<std::string> notPattern(const SettingValue& value) {
  const auto compiled = NumberPattern::compile(std::get<std::string>(value));
  if (compiled) return std::nullopt;
  return "is not a regular expression that is understood here: " + compiled.error().text;
}

std::optional<std::string> notPatterns(const SettingValue& value) {
  for (const std::string& text : std::get<Names>(value)) {
    if (const auto compiled = NumberPattern::compile(text); !compiled) {
      return shown(text) + " is not a regular expression that is understood here: " + compiled.error().text;
    }
  }
  return std::nullopt;
}

std::optional<std::string> notGroups(const SettingValue& value) {
  for (const std::string& text : std::get<Names>(value)) {
    if (const auto group = parseHuntGroup(text); !group) return shown(text) + ": " + group.error().text;
  }
  return std::nullopt;
}

std::optional<std::string> notOrigins(const SettingValue& value) {
  for (const std::string& origin : std::get<Names>(value)) {
    const bool good = origin == "*" || origin.starts_with("https://") || origin.starts_with("http://");
    if (!good || origin.ends_with('/'))
      return shown(origin) + " is not an origin such as https://www.example.com";
  }
  return std::nullopt;
}

std::optional<std::string> notLabel(const SettingValue& value) {
  constexpr std::size_t kMaxLabelBytes = 64;
  if (std::get<std::string>(value).size() <= kMaxLabelBytes) return std::nullopt;
  return "is longer than 64 characters";
}

void declareServer(const Declarer& server) {
  server.number("server.https_port", 8443, 0, 65535, "", true,
                "Port for pages and WebSockets; 0 takes a free one.");
  server.list("server.bind", {}, true, "Addresses at which the server listens; empty: all.", notAddresses);
  server.text(
      "server.state_directory", SettingType::text, "", true,
      "Folder for certificates, secrets and the store; empty: the service manager's, else /var/lib/parley.");
  server.text("server.web_root", SettingType::text, "/usr/share/parley/web", true,
              "Folder of the built web pages; a path in it is the path in the address.");
  server.list("server.names", {}, true,
              "Names and addresses in the server's own certificate; empty: those of the machine.");
  server.list("server.trusted_proxies", {}, true,
              "Reverse proxies whose X-Forwarded-For and X-Forwarded-Proto are believed.", notAddresses);
  server.list("server.metrics_from", {}, false,
              "Addresses that may read /metrics besides this machine and signed-in administrators.",
              notAddresses);
  server.number("server.max_handshakes", 256, 1, 100'000, "", false,
                "TLS handshakes that may run at a time; more connections are closed.");
  server.number("server.max_handshakes_per_address", 64, 1, 100'000, "", false,
                "Of these, from one IPv4 address or IPv6 /64 network that is no trusted proxy.");
  server.number("server.drain_seconds", 300, 0, 86'400, "s", false,
                "How long running calls may go on after the server was told to stop.");
}

void declareAccess(const Declarer& gateway) {
  gateway.text("assist.agent_name", SettingType::text, "", false,
               "Shown to customers instead of the agents' names, in calls, shared sessions and application "
               "events; empty: their names.",
               notLabel);
  gateway.choice("gateway.anonymous_consumer_access", {"enabled", "disabled", "trusted"}, false,
                 "Who gets a session token: anyone (enabled), only applications with an id (disabled), or "
                 "anyone, whose User-to-User information is accepted too (trusted).");
  gateway.list("gateway.application_ids", {}, false,
               "Ids with which applications get session tokens when anonymous access is disabled.");
  gateway.text("gateway.consumer_access_number_regex", SettingType::text, "", false,
               "What a page asks to call must match this regular expression as a whole; blank allows all but "
               "telephones.",
               notPattern);
  gateway.add({.name = "gateway.anonymous_phone_calls",
               .type = SettingType::boolean,
               .fallback = false,
               .sentence =
                   "Consumers' pages may call telephones although the regular expression is blank. They "
                   "always may with the token of an application that has an id, and the default "
                   "destination may be a telephone."});
  gateway.text("gateway.default_destination", SettingType::text, "agent1", false,
               "Called when neither the page nor the session token names a destination.");
  gateway.list("gateway.allowed_origins", {}, false,
               "Origins of other web sites whose pages may ask for session tokens; * allows all.",
               notOrigins);
  gateway.number("gateway.tokens_per_minute", 600, 1, 1'000'000, "", false,
                 "Session tokens that one address may ask for in a minute.");
}

void declareAgents(const Declarer& gateway) {
  gateway.list(
      "gateway.hunt_groups", {}, false,
      "Groups of agents behind one name or number, one each: \"sales: agent1 agent2; "
      "strategy=sequential; number=8000; ring=15; overflow=60; auto-answer\". Strategies: simultaneous, "
      "sequential, longest-idle.",
      notGroups);
  gateway.list("gateway.auto_answer_agents", {}, false, "Agents whose page answers by itself after a tone.");
  gateway.list(
      "gateway.refused_destinations", {"(tel:|sip:)?(110|112|911|999)(@.*)?"}, false,
      "What is never called, as regular expressions over the whole: emergency numbers above all, which "
      "a page cannot serve.",
      notPatterns);
  gateway.list("gateway.phone_transfer_destinations", {}, false,
               "Telephones that a phone in an agent's place may pass its customer on to (REFER), as regular "
               "expressions over the whole number; agents and hunt groups it always may.",
               notPatterns);
  gateway.number("gateway.dials_per_minute", 120, 1, 1'000'000, "", false,
                 "Calls that consumers' pages of one address may begin in a minute.");
}

void declareCalls(const Declarer& gateway) {
  gateway.number("gateway.ring_seconds", 30, 1, 600, "s", false, "How long an agent's page rings.");
  gateway.number("gateway.resume_seconds", 60, 1, 600, "s", false,
                 "How long a page that lost its connection, or a call that lost its media, may come back.");
  gateway.number("gateway.next_page_seconds", 15, 0, 120, "s", false,
                 "How long a customer in a call who leaves the page may take to come to the next page of the "
                 "site (or the same again), which goes on with the call; 0: the call ends with the page.");
  gateway.number("gateway.media_timeout_seconds", 20, 1, 600, "s", false,
                 "Time from the answer to media on both sides.");
  gateway.number("gateway.phone_silence_seconds", 60, 0, 86'400, "s", false,
                 "A call ends when nothing was heard of its telephone for so long, except on hold; at least "
                 "media.rtp_timeout_seconds; 0: it does not.");
  gateway.number("gateway.max_calls", 2'000, 1, 1'000'000, "", false, "Calls at a time.");
  gateway.number("gateway.max_sessions", 10'000, 1, 1'000'000, "", false, "Pages at a time.");
  gateway.number("gateway.max_video_bitrate", 2'500'000, 50'000, 100'000'000, "bit/s", false,
                 "What a page may send as video.");
  gateway.list("gateway.brokers", {"https://localhost:8092"}, true, "Control addresses of the media brokers.",
               notBrokers);
  gateway.text(
      "gateway.broker_secret", SettingType::secret, "", true,
      "Control secret of the media brokers; empty: the one in the state folder, shared on one machine.");
  gateway.text("gateway.broker_authorities", SettingType::text, "", true,
               "File with further authorities (PEM) that the brokers' certificates may come from.");
  gateway.number("gateway.sdp_control_timeout_ms", 3'000, 100, 60'000, "ms", true,
                 "How long a media broker may take to answer.");
}

std::size_t sizeOf(const base::Settings& settings, std::string_view name) {
  return static_cast<std::size_t>(settings.integer(name));
}

}  // namespace

void declareSettings(base::Settings& settings) {
  declareServer({settings, "Server"});
  base::declareLogSettings(settings, "Server");
  declareAccess({settings, "Expert Assist"});
  declareAgents({settings, "Gateway"});
  declareCalls({settings, "Gateway"});
  declareSipSettings({settings, "Gateway"});
}

std::vector<net::Endpoint> bindEndpoints(const base::Settings& settings) {
  const auto port = static_cast<std::uint16_t>(settings.integer("server.https_port"));
  std::vector<net::Endpoint> out;
  for (const std::string& address : settings.list("server.bind")) {
    if (const auto endpoint = net::Endpoint::parse(address, port)) out.push_back(*endpoint);
  }
  if (out.empty()) out.push_back(net::Endpoint().withPort(port));
  return out;
}

SessionsOptions sessionsOptions(const base::Settings& settings) {
  SessionsOptions options;
  options.resume = base::Millis{settings.integer("gateway.resume_seconds") * 1000};
  options.nextPage = base::Millis{settings.integer("gateway.next_page_seconds") * 1000};
  options.maxSessions = sizeOf(settings, "gateway.max_sessions");
  options.maxConnections = options.maxSessions + options.maxSessions / 5;
  options.maxVideoBitrate = settings.integer("gateway.max_video_bitrate");
  return options;
}

net::HandshakeLimiter::Limits handshakeLimits(const base::Settings& settings) {
  return {.total = sizeOf(settings, "server.max_handshakes"),
          .perNetwork = sizeOf(settings, "server.max_handshakes_per_address")};
}

namespace {

std::vector<NumberPattern> patternsOf(const std::vector<std::string>& texts) {
  std::vector<NumberPattern> out;
  for (const std::string& text : texts) {
    if (auto pattern = NumberPattern::compile(text)) out.push_back(std::move(*pattern));
  }
  return out;
}

}  // namespace

std::vector<NumberPattern> refusedDestinations(const base::Settings& settings) {
  return patternsOf(settings.list("gateway.refused_destinations"));
}

CallDeskOptions callDeskOptions(const base::Settings& settings) {
  CallDeskOptions options;
  // The setting's own check saw to it that it compiles.
  if (auto pattern = NumberPattern::compile(settings.text("gateway.consumer_access_number_regex"))) {
    options.destinations.allowed = std::move(*pattern);
  }
  options.destinations.phones = settings.boolean("gateway.anonymous_phone_calls") ||
                                !base::trim(settings.text("gateway.consumer_access_number_regex")).empty();
  options.destinations.fallback = settings.text("gateway.default_destination");
  options.times = {settings.integer("gateway.ring_seconds") * 1000,
                   settings.integer("gateway.media_timeout_seconds") * 1000,
                   settings.integer("gateway.resume_seconds") * 1000};
  options.times.silence = settings.integer("gateway.phone_silence_seconds") * 1000;
  options.maxCalls = sizeOf(settings, "gateway.max_calls");
  for (const std::string& line : settings.list("gateway.hunt_groups")) {
    if (auto group = parseHuntGroup(line)) options.groups.push_back(std::move(*group));
  }
  options.destinations.refused = refusedDestinations(settings);
  auto transfers = settings.list("gateway.phone_transfer_destinations");
  // A blank pattern matches everything: where it is allowed what matches, that is a slip.
  std::erase_if(transfers, [](const std::string& text) { return base::trim(text).empty(); });
  options.destinations.transfers = patternsOf(transfers);
  for (std::string& agent : settings.list("gateway.auto_answer_agents"))
    options.autoAnswer.insert(std::move(agent));
  options.agentLabel = settings.text("assist.agent_name");
  options.dialsPerMinute = settings.integer("gateway.dials_per_minute");
  return options;
}

AnonymousAccess anonymousAccess(const base::Settings& settings) {
  const std::string value = settings.text("gateway.anonymous_consumer_access");
  if (value == "trusted") return AnonymousAccess::trusted;
  return value == "disabled" ? AnonymousAccess::disabled : AnonymousAccess::enabled;
}

}  // namespace parley::gateway
