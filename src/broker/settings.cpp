#include "broker/settings.h"

#include <algorithm>
#include <thread>

#include "base/log_settings.h"
#include "base/setting_declarer.h"
#include "base/text.h"

namespace parley::broker {
namespace {

using base::SettingType;
using base::SettingValue;
using Names = std::vector<std::string>;
using Declarer = base::SettingDeclarer;

const char* const kPage = "Media broker";

std::optional<std::string> notAddresses(const SettingValue& value) {
  for (const std::string& text : std::get<Names>(value)) {
    if (!net::Endpoint::parse(text, 0)) {
      return "\"" + base::printable(text, 80) + "\" is not an IP address such as 192.0.2.1 or 2001:db8::1";
    }
  }
  return std::nullopt;
}

std::optional<std::string> notAddressOrEmpty(const SettingValue& value) {
  const auto& text = std::get<std::string>(value);
  return text.empty() ? std::nullopt : notAddresses(Names{text});
}

struct PortRange {
  std::uint16_t first = 0, last = 0;
};

/// "17000-17999", or "0" for any free ports.
std::optional<PortRange> portRange(std::string_view text) {
  if (base::trim(text) == "0") return PortRange{};
  const auto parts = base::split(text, '-');
  if (parts.size() != 2) return std::nullopt;
  const auto first = base::parseNumber<std::uint16_t>(base::trim(parts[0]));
  const auto last = base::parseNumber<std::uint16_t>(base::trim(parts[1]));
  if (!first || !last || *first < 1024 || *last <= *first) return std::nullopt;
  return PortRange{*first, *last};
}

std::optional<std::string> notPortRange(const SettingValue& value) {
  if (portRange(std::get<std::string>(value))) return std::nullopt;
  return "must be two ports from 1024 to 65535 such as 17000-17999, or 0";
}

constexpr std::pair<std::string_view, std::uint32_t> kResolutions[] = {
    {"none", 0}, {"cif", 396}, {"nhd", 920}, {"vga", 1200}, {"720p", 3600}, {"1080p", 8160}};

std::optional<std::string> noItems(const SettingValue& value) {
  if (std::get<Names>(value).empty()) return "must name at least one codec";
  return std::nullopt;
}

void declareNetwork(const Declarer& media) {
  media.list("media.bind_addresses", {}, true, "Addresses at which media is received; empty: all.",
             notAddresses);
  media.list(
      "media.advertised_addresses", {}, true,
      "Addresses that browsers are told, best first, e.g. the public one of a NAT; empty: the bound ones.",
      notAddresses);
  media.number("media.first_port", 16000, 0, 65535, "", true,
               "UDP port of the first worker; each further one takes the next port. 0: any free ones.");
  media.number("media.workers", 0, 0, 64, "", true,
               "Worker threads, each with its UDP port. 0: one per core, at most 5.");
  media.number("media.dscp", 0, 0, 63, "", true, "DSCP mark of media packets, e.g. 46 for EF.");
  media.text("media.management_address", SettingType::text, "", true,
             "This machine's address in the management network, where there is one: the broker is controlled "
             "there.",
             notAddressOrEmpty);
  media.text(
      "media.control_bind", SettingType::text, "", true,
      "Address at which the application server controls the broker. Empty: media.management_address, "
      "else the first media.rtp_address (internal), else the first media.bind_addresses (external), and "
      "127.0.0.1 in any case.",
      notAddressOrEmpty);
  media.number("media.control_port", 8092, 0, 65535, "", true, "Its port. 0: any free one.");
  media.text(
      "media.control_secret", SettingType::secret, "", true,
      "Password of the control interface; empty: the one in broker-control.secret of the state folder.");
  media.text("media.state_directory", SettingType::text, "", true,
             "Folder of certificates and secrets; empty: $STATE_DIRECTORY, else /var/lib/parley.");
}

void declareRtp(const Declarer& media) {
  media.text(
      "media.rtp_port_range", SettingType::text, "17000-17099", true,
      "UDP ports for plain RTP with SIP devices, an even one and the next for each audio or video of a "
      "leg; shared out among the workers. A hundred ports are 50 voices, or 25 calls with video: give more "
      "where there are more. 0: any free ones.",
      notPortRange);
  media.list(
      "media.rtp_address", {}, true,
      "Address at which RTP of SIP devices is received; empty: as media.bind_addresses. With several: all.",
      notAddresses);
  media.list(
      "media.rtp_advertised_address", {}, true,
      "Addresses that SIP devices are told, one of each family, the preferred one first; empty: the bound "
      "one, else the first that is not loopback.",
      notAddresses);
  media.choice(
      "media.rtp_latch", {"signalled", "any"}, true,
      "From where RTP of SIP devices is taken: the address that their SDP names, whatever the port; or "
      "any (devices behind a NAT that nothing mends), the first that sends.");
  media.number("media.rtp_timeout_seconds", 20, 0, 3600, "s", true,
               "After so long without RTP and RTCP from a SIP device that should send, its call gets an "
               "event. 0: never.");
}

void declareLimits(const Declarer& media) {
  media.number("media.max_load_factor", 75, 0, 100, "%", false,
               "At or above this load a new call is refused. 0: never.");
  media.number("media.max_calls", 4000, 1, 100'000, "calls", true, "Most calls at the same time.");
  media.number(
      "media.idle_seconds", 90, 5, 86'400, "s", false,
      "A call without media and requests for this long is removed, if its creator set no other time.");
  media.number("media.drain_seconds", 3600, 0, 604'800, "s", false,
               "Longest time that running calls may go on after the request to stop.");
}

void declareMedia(const Declarer& media) {
  const rtc::NegotiatorOptions codecs;
  media.list("media.audio_codecs", codecs.audioCodecs, false, "Audio codecs that are offered on.", noItems);
  media.list("media.video_codecs", codecs.videoCodecs, false, "Video codecs that are offered on.");
  media.list(
      "media.banned_codecs", codecs.bannedCodecs, false,
      "Codecs never offered on. The guides ban G722, too; here it is wanted: wide-band sound with phones "
      "without transcoding.");
  media.number("media.max_video_bitrate", codecs.maxVideoBitrate, 0, 100'000'000, "bit/s", false,
               "Most that a browser may send as video. 0: no limit.");
  media.list("media.sip_codec_order", {}, false,
             "Codecs that go first in offers to SIP devices, best first; empty: the browser's order.");
  media.list("media.webrtc_codec_order", {}, false,
             "Codecs that go first in offers to browsers, best first; empty: the SIP device's order.");
  media.choice("media.max_video_resolution", {"none", "cif", "nhd", "vga", "720p", "1080p"}, false,
               "Largest picture that peers are told they may send (VP8 and H264); a hint that not every peer "
               "follows. cif 352×288, nhd 640×360, vga 640×480.");
  const rtc::BridgeOptions bridge;
  media.number("media.retransmit_packets", static_cast<std::int64_t>(bridge.maxStoredPackets), 0, 8192,
               "packets", false, "Video packets of a stream kept for retransmission.");
  media.number("media.retransmit_ms", bridge.storeFor.count(), 0, 5000, "ms", false,
               "How long they are kept.");
  media.number("media.key_frame_interval_ms", bridge.pliInterval.count(), 50, 10'000, "ms", false,
               "At most one key frame request to a sender per this time.");
}

std::vector<net::Endpoint> parsed(const Names& texts, std::uint16_t port) {
  std::vector<net::Endpoint> result;
  for (const std::string& text : texts) {
    if (const auto endpoint = net::Endpoint::parse(text, port)) result.push_back(*endpoint);
  }
  return result;
}

}  // namespace

void declareSettings(base::Settings& settings) {
  const Declarer media{settings, kPage};
  declareNetwork(media);
  declareRtp(media);
  declareLimits(media);
  declareMedia(media);
  base::declareLogSettings(settings, kPage);
}

rtc::NegotiatorOptions negotiatorOptions(const base::Settings& settings) {
  rtc::NegotiatorOptions options;
  options.audioCodecs = settings.list("media.audio_codecs");
  options.videoCodecs = settings.list("media.video_codecs");
  options.bannedCodecs = settings.list("media.banned_codecs");
  options.maxVideoBitrate = static_cast<std::uint32_t>(settings.integer("media.max_video_bitrate"));
  options.sipOrder = settings.list("media.sip_codec_order");
  options.webrtcOrder = settings.list("media.webrtc_codec_order");
  options.maxFrameBlocks = frameBlocksOf(settings.text("media.max_video_resolution")).value_or(0);
  return options;
}

std::optional<std::uint32_t> frameBlocksOf(std::string_view resolution) {
  for (const auto& [name, blocks] : kResolutions)
    if (name == resolution) return blocks;
  return std::nullopt;
}

rtc::BridgeOptions bridgeOptions(const base::Settings& settings) {
  rtc::BridgeOptions options;
  options.maxVideoBitrate = static_cast<std::uint32_t>(settings.integer("media.max_video_bitrate"));
  options.maxStoredPackets = static_cast<std::size_t>(settings.integer("media.retransmit_packets"));
  options.storeFor = settings.millis("media.retransmit_ms");
  options.pliInterval = settings.millis("media.key_frame_interval_ms");
  return options;
}

unsigned workerCount(const base::Settings& settings) {
  if (const auto wanted = settings.integer("media.workers"); wanted > 0) return static_cast<unsigned>(wanted);
  return std::clamp(std::thread::hardware_concurrency(), 1u, kDefaultWorkers);
}

std::vector<net::Endpoint> bindEndpoints(const base::Settings& settings, std::uint16_t port) {
  auto endpoints = parsed(settings.list("media.bind_addresses"), port);
  if (endpoints.empty()) endpoints.push_back(net::Endpoint().withPort(port));
  return endpoints;
}

std::vector<net::Endpoint> advertisedAddresses(const base::Settings& settings) {
  for (const char* name : {"media.advertised_addresses", "media.bind_addresses"}) {
    auto addresses = parsed(settings.list(name), 0);
    const bool any = std::ranges::any_of(addresses, [](const net::Endpoint& e) { return e.isAny(); });
    if (!addresses.empty() && !any) return addresses;
  }
  auto addresses = net::localAddresses(true);
  std::erase_if(addresses, [](const net::Endpoint& e) { return e.isLinkLocal(); });
  std::ranges::stable_partition(addresses, [](const net::Endpoint& e) { return !e.isLoopback(); });
  return addresses;
}

std::vector<net::Endpoint> controlEndpoints(const base::Settings& settings) {
  const auto port = static_cast<std::uint16_t>(settings.integer("media.control_port"));
  if (const auto set = net::Endpoint::parse(settings.text("media.control_bind"), port)) return {*set};
  const net::Endpoint loopback = *net::Endpoint::parse("127.0.0.1", port);
  auto candidates = parsed(Names{settings.text("media.management_address")}, port);
  for (const char* name : {"media.rtp_address", "media.bind_addresses"}) {
    std::ranges::copy(parsed(settings.list(name), port), std::back_inserter(candidates));
  }
  // "All addresses" names no network: the control interface is never opened to all of them unasked.
  const auto chosen = std::ranges::find_if_not(candidates, &net::Endpoint::isAny);
  if (chosen == candidates.end() || *chosen == loopback) return {loopback};
  return {*chosen, loopback};
}

RtpPortOptions rtpPortOptions(const base::Settings& settings, unsigned index, unsigned count) {
  RtpPortOptions options;
  const PortRange range = portRange(settings.text("media.rtp_port_range")).value_or(PortRange{});
  if (range.first != 0) {
    const unsigned even = range.first + range.first % 2u;
    const unsigned pairs = (range.last + 1u - even) / 2, share = pairs / count;
    options.first = static_cast<std::uint16_t>(even + 2 * share * index);
    options.last = static_cast<std::uint16_t>(options.first + 2 * share - 1);
    if (share == 0) options.last = options.first;  // Too few for so many workers: none here.
  }
  auto bound = parsed(settings.list("media.rtp_address"), 0);
  if (bound.empty()) bound = parsed(settings.list("media.bind_addresses"), 0);
  if (bound.size() == 1) options.bind = bound.front();
  options.advertised = parsed(settings.list("media.rtp_advertised_address"), 0);
  const bool known = !bound.empty() && std::ranges::none_of(bound, &net::Endpoint::isAny);
  if (options.advertised.empty()) options.advertised = known ? bound : advertisedAddresses(settings);
  options.dscp = static_cast<int>(settings.integer("media.dscp"));
  options.latch = settings.text("media.rtp_latch") == "any" ? RtpLatch::any : RtpLatch::signalled;
  options.timeout = std::chrono::seconds{settings.integer("media.rtp_timeout_seconds")};
  return options;
}

}  // namespace parley::broker
