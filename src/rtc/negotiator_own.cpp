// Offers of our own (transfer, hold, refresh, another codec), and when one is needed.
#include <algorithm>

#include "base/text.h"
#include "rtc/negotiator_plan.h"

namespace parley::rtc::negotiation {
namespace {

bool contains(const std::vector<Codec>& list, const Codec& codec) {
  return std::ranges::any_of(list, [&](const Codec& c) { return sameCodec(c, codec); });
}

/// An H264 answer may name baseline where constrained baseline was offered; the bridge takes them for one.
bool isMatched(const std::vector<Codec>& list, const Codec& codec) {
  if (contains(list, codec)) return true;
  return base::equalsIgnoreCase(codec.name, "H264") && std::ranges::any_of(list, [&](const Codec& c) {
           return base::equalsIgnoreCase(c.name, codec.name) &&
                  fmtpValue(c.fmtp, "packetization-mode").value_or("0") ==
                      fmtpValue(codec.fmtp, "packetization-mode").value_or("0");
         });
}

/// Media codecs of `a` that `b` has not.
std::vector<Codec> extras(const MediaSection& a, const MediaSection& b) {
  std::vector<Codec> found;
  for (const Codec& codec : a.codecs)
    if (!isTelephoneEvent(codec) && !isMatched(b.codecs, codec)) found.push_back(codec);
  return found;
}

bool refuses(const Leg& leg, std::size_t section, const Codec& codec) {
  const auto ability = leg.abilities.find(section);
  if (ability == leg.abilities.end()) return false;
  return contains(ability->second.refused, codec) ||
         (ability->second.offered && !contains(ability->second.codecs, codec));
}

/// What every browser speaks, for an offer before anybody said anything.
std::vector<Codec> defaultAudio(const NegotiatorOptions& options) {
  struct Known {
    const char* name;
    std::uint8_t number;
    std::uint32_t clockRate, channels;
    const char* fmtp;
  };
  static constexpr Known kKnown[] = {{"opus", 111, 48000, 2, "minptime=10;useinbandfec=1"},
                                     {"G722", 9, 8000, 1, ""},
                                     {"PCMU", 0, 8000, 1, ""},
                                     {"PCMA", 8, 8000, 1, ""},
                                     {"telephone-event", 110, 48000, 1, "0-16"},
                                     {"telephone-event", 101, 8000, 1, "0-16"}};
  const auto named = [](const std::vector<std::string>& list, const char* name) {
    return std::ranges::any_of(list, [&](const auto& n) { return base::equalsIgnoreCase(n, name); });
  };
  std::vector<Codec> codecs;
  for (const auto& name : options.audioCodecs)
    for (const Known& known : kKnown) {
      if (!base::equalsIgnoreCase(name, known.name) || named(options.bannedCodecs, known.name)) continue;
      Codec codec;
      codec.payloadType = PayloadType{known.number};
      codec.name = known.name;
      codec.clockRate = known.clockRate;
      codec.channels = known.channels;
      codec.fmtp = known.fmtp;
      codecs.push_back(std::move(codec));
    }
  return codecs;
}

/// What `towards` settled; a device that is new here may also take what else `towards` speaks.
std::vector<Codec> codecsFor(const Leg& to, const Leg& towards, std::size_t section) {
  const MediaSection* there = towards.settled(section);
  std::vector<Codec> codecs = there->codecs;
  const auto able = towards.abilities.find(section);
  if (to.kind != LegKind::rtp || to.settled(section) != nullptr || able == towards.abilities.end())
    return codecs;
  for (const Codec& codec : able->second.codecs)
    if (!contains(codecs, codec)) codecs.push_back(codec);
  return codecs;
}

struct Wanted {
  std::vector<Codec> codecs;
  Direction direction{.send = true, .receive = true};
  std::uint32_t maxBitrate = 0;
};

/// Nothing: the section is not offered.
std::optional<Wanted> wantedOf(const Leg& to, const Leg* towards, std::size_t section, MediaKind kind) {
  const MediaSection* here = to.settled(section);
  const MediaSection* there = towards == nullptr ? nullptr : towards->settled(section);
  Wanted wanted;
  if (there == nullptr) {
    if (here == nullptr) return std::nullopt;
    wanted.codecs = here->codecs;
    // A browser's camera waits for somebody who wants it; closing its m-line would end it for good.
    const bool idle = towards != nullptr && towards->met;
    if (idle) wanted.direction = {};
    return wanted;
  }
  // What a device closed stays closed: only an offer of the other side opens it anew.
  const bool closed = here == nullptr && to.met && to.kind == LegKind::rtp &&
                      std::ranges::any_of(to.lines, [&](const Line& l) { return l.section == section; });
  if (closed) return std::nullopt;
  wanted.codecs = codecsFor(to, *towards, section);
  wanted.maxBitrate = there->maxBitrate;
  const bool apart = to.kind == LegKind::rtp || towards->kind == LegKind::rtp;
  if (kind != MediaKind::audio || !apart) wanted.direction = {there->peerSends, there->peerReceives};
  return wanted;
}

void addLine(Pending& next, std::size_t section, MediaKind kind, const Wanted& wanted, bool held) {
  RemoteLine line;
  line.kind = kind;
  line.open = true;
  line.codecs = wanted.codecs;
  line.direction = wanted.direction;
  if (held) line.direction.receive = false;
  line.maxBitrate = wanted.maxBitrate;
  next.remote.lines.push_back(std::move(line));
  next.fromLeg.lines.emplace_back().section = section;
}

}  // namespace

Pending planOwn(const LegId& id, const Leg& to, const Leg* towards, const std::vector<Section>& sections,
                const NegotiatorOptions& options) {
  Pending next;
  next.to = id;
  next.toLeg = to;
  next.sections = sections;
  for (std::size_t s = 0; s < sections.size(); ++s)
    if (const auto wanted = wantedOf(to, towards, s, sections[s].kind))
      addLine(next, s, sections[s].kind, *wanted, to.held);
  if (!next.remote.lines.empty()) return next;
  // Nobody settled anything: voice.
  const auto audio = std::ranges::find(next.sections, MediaKind::audio, &Section::kind);
  const auto index = static_cast<std::size_t>(audio - next.sections.begin());
  if (audio == next.sections.end()) next.sections.push_back({.kind = MediaKind::audio, .agreed = {}});
  addLine(next, index, MediaKind::audio, {.codecs = defaultAudio(options)}, to.held);
  return next;
}

std::optional<bool> secondNeedsOffer(const Leg& first, const Leg& second) {
  if (!first.description || !second.description) return std::nullopt;
  for (std::size_t s = 0; s < first.description->sections.size(); ++s) {
    const MediaSection* a = first.settled(s);
    const MediaSection* b = second.settled(s);
    if (a == nullptr || b == nullptr) continue;
    const auto onlyA = extras(*a, *b), onlyB = extras(*b, *a);
    if (onlyA.empty() && onlyB.empty()) continue;
    // Who gets the offer must drop what only it has, or may learn what it lacks. Browsers are asked first:
    // for them it costs nothing.
    const bool preferSecond = second.kind == LegKind::webrtc && first.kind != LegKind::webrtc;
    const auto helps = [&](const Leg& leg, const std::vector<Codec>& own, const std::vector<Codec>& lacking) {
      return !own.empty() ||
             std::ranges::any_of(lacking, [&](const Codec& c) { return !refuses(leg, s, c); });
    };
    if (preferSecond) return helps(second, onlyB, onlyA);
    return !helps(first, onlyA, onlyB);
  }
  return std::nullopt;
}

}  // namespace parley::rtc::negotiation
