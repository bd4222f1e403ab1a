#include "proto/sdp_attributes.h"

#include <algorithm>

#include "base/text.h"

namespace parley::proto::sdp_detail {
namespace {

using base::parseNumber;

std::unexpected<const char*> expected(const char* what) { return std::unexpected(what); }

bool isAlphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// RFC 8839 section 5.4: ice-char = ALPHA / DIGIT / "+" / "/"
bool isIceText(std::string_view text, std::size_t min, std::size_t max) {
  return text.size() >= min && text.size() <= max &&
         std::ranges::all_of(text, [](char c) { return isAlphanumeric(c) || c == '+' || c == '/'; });
}

std::optional<std::uint8_t> payloadType(std::string_view text) {
  const auto value = parseNumber<std::uint8_t>(text);
  return value && *value <= 127 ? value : std::nullopt;
}

std::optional<SdpDirection> direction(std::string_view name) {
  for (const auto d :
       {SdpDirection::sendrecv, SdpDirection::sendonly, SdpDirection::recvonly, SdpDirection::inactive})
    if (name == toString(d)) return d;
  return std::nullopt;
}

struct Parts {
  std::string_view name;
  std::optional<std::string_view> value;
  std::string_view text() const { return value.value_or(std::string_view{}); }
  SdpAttribute owned() const {
    return {std::string(name), value ? std::optional<std::string>(*value) : std::nullopt};
  }
};

Parts splitAttribute(std::string_view line) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return {line, std::nullopt};
  return {line.substr(0, colon), line.substr(colon + 1)};
}

Expected readWords(std::string_view text, std::size_t max, std::vector<std::string>& out) {
  while (!text.empty()) {
    if (out.size() >= max) return expected("fewer words");
    const auto word = takeWord(text);
    if (!isToken(word)) return expected("tokens separated by spaces");
    out.emplace_back(word);
  }
  return {};
}

Expected readGroup(std::string_view text, std::vector<SdpGroup>& out, const SdpLimits& limits) {
  SdpGroup group;
  group.semantics = takeWord(text);
  if (!isToken(group.semantics)) return expected("a=group:<semantics> <mid> ...");
  if (auto done = readWords(text, limits.maxFormats, group.mids); !done) return done;
  out.push_back(std::move(group));
  return {};
}

Expected readExtmap(std::string_view text, std::vector<SdpExtmap>& out) {
  constexpr auto kWanted = "a=extmap:<id>[/<direction>] <URI>, id 1..255 or 4096..4351";
  std::string_view first = takeWord(text);
  SdpExtmap extmap;
  if (const auto slash = first.find('/'); slash != std::string_view::npos) {
    extmap.direction = direction(first.substr(slash + 1));
    if (!extmap.direction) return expected(kWanted);
    first = first.substr(0, slash);
  }
  const auto id = parseNumber<std::uint16_t>(first);
  if (!id || *id == 0 || (*id > 255 && *id < 4096) || *id > 4351) return expected(kWanted);
  extmap.id = *id;
  extmap.uri = takeWord(text);
  if (extmap.uri.empty()) return expected(kWanted);
  extmap.attributes = text;
  out.push_back(std::move(extmap));
  return {};
}

std::size_t hashBytes(std::string_view algorithm) {
  if (algorithm == "sha-1") return 20;
  if (algorithm == "sha-224") return 28;
  if (algorithm == "sha-256") return 32;
  if (algorithm == "sha-384") return 48;
  if (algorithm == "sha-512") return 64;
  return 0;
}

Expected readFingerprint(std::string_view text, std::vector<SdpFingerprint>& out) {
  constexpr auto kWanted = "a=fingerprint:<hash function> <pairs of hex digits with colons>";
  SdpFingerprint fingerprint{base::toLower(takeWord(text)), std::string(text)};
  if (!isToken(fingerprint.algorithm) || text.size() % 3 != 2) return expected(kWanted);
  for (std::size_t i = 0; i < text.size(); ++i) {
    char& c = fingerprint.value[i];
    if (i % 3 == 2) {
      if (c != ':') return expected(kWanted);
      continue;
    }
    if (c >= 'a' && c <= 'f') c = static_cast<char>(c - 'a' + 'A');
    if (!(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'F')) return expected(kWanted);
  }
  const std::size_t wanted = hashBytes(fingerprint.algorithm);
  if (wanted != 0 && text.size() != wanted * 3 - 1)
    return expected("as many bytes as the hash function makes");
  out.push_back(std::move(fingerprint));
  return {};
}

Expected readSetup(std::string_view text, std::optional<SdpSetup>& out) {
  if (out) return expected("one a=setup only");
  for (const auto s : {SdpSetup::active, SdpSetup::passive, SdpSetup::actpass, SdpSetup::holdconn})
    if (text == toString(s)) out = s;
  if (!out) return expected("a=setup:active, passive, actpass or holdconn");
  return {};
}

Expected readCandidate(std::string_view text, std::vector<SdpCandidate>& out) {
  constexpr auto kWanted =
      "a=candidate:<foundation> <component> <transport> <priority> <address> <port> typ <type>";
  SdpCandidate candidate;
  candidate.foundation = takeWord(text);
  const auto component = parseNumber<std::uint16_t>(takeWord(text));
  candidate.transport = takeWord(text);
  const auto priority = parseNumber<std::uint32_t>(takeWord(text));
  candidate.address = takeWord(text);
  const auto port = parseNumber<std::uint16_t>(takeWord(text));
  const auto typ = takeWord(text);
  candidate.type = takeWord(text);
  // Some stacks write foundations with '-' or '{}': any visible text of the length is taken.
  if (candidate.foundation.empty() || candidate.foundation.size() > 32 || !component || *component == 0 ||
      *component > 256 || !isToken(candidate.transport) || !priority || candidate.address.empty() || !port ||
      typ != "typ" || !isToken(candidate.type))
    return expected(kWanted);
  candidate.component = *component;
  candidate.priority = *priority;
  candidate.port = *port;
  candidate.extensions = text;
  out.push_back(std::move(candidate));
  return {};
}

Expected readOnce(std::string_view text, bool good, const char* wanted, std::optional<std::string>& out) {
  if (out || !good) return expected(wanted);
  out = text;
  return {};
}

/// Nothing when the attribute is none of the transport's.
std::optional<Expected> readTransport(const Parts& a, SdpTransport& transport, const SdpLimits& limits) {
  const std::string_view text = a.text();
  if (a.name == "ice-ufrag")
    return readOnce(text, isIceText(text, 4, 256), "one a=ice-ufrag of 4..256 ice-chars", transport.iceUfrag);
  if (a.name == "ice-pwd")
    return readOnce(text, isIceText(text, 22, 256), "one a=ice-pwd of 22..256 ice-chars", transport.icePwd);
  if (a.name == "ice-options") return readWords(text, limits.maxFormats, transport.iceOptions);
  if (a.name == "fingerprint") return readFingerprint(text, transport.fingerprints);
  if (a.name == "setup") return readSetup(text, transport.setup);
  if (a.name == "tls-id")
    return readOnce(text, text.size() >= 20 && text.size() <= 255 && text.find(' ') == std::string_view::npos,
                    "one a=tls-id of 20..255 characters", transport.tlsId);
  if (a.name == "candidate") return readCandidate(text, transport.candidates);
  if (a.name == "end-of-candidates") {
    transport.endOfCandidates = true;
    return Expected{};
  }
  return std::nullopt;
}

/// Nothing when it is no direction. A second, different one is an error.
std::optional<Expected> readDirection(const Parts& a, std::optional<SdpDirection>& out) {
  const auto found = direction(a.name);
  if (!found || a.value) return std::nullopt;
  if (out && *out != *found) return expected("one direction only");
  out = found;
  return Expected{};
}

Expected readRtpmap(std::string_view text, std::vector<SdpRtpmap>& out) {
  constexpr auto kWanted = "a=rtpmap:<payload type 0..127> <encoding>/<clock rate>[/<channels>]";
  const auto type = payloadType(takeWord(text));
  const auto fields = base::split(base::trim(text), '/');
  if (!type || fields.size() < 2 || fields.size() > 3 || !isToken(fields[0])) return expected(kWanted);
  const auto rate = parseNumber<std::uint32_t>(fields[1]);
  const auto channels = fields.size() == 3 ? parseNumber<std::uint32_t>(fields[2]) : 1u;
  if (!rate || *rate == 0 || !channels || *channels == 0 || *channels > 255) return expected(kWanted);
  if (std::ranges::any_of(out, [&](const SdpRtpmap& m) { return m.payloadType == *type; }))
    return expected("one a=rtpmap for each payload type");
  out.push_back({*type, std::string(fields[0]), *rate, *channels});
  return {};
}

Expected readFmtp(std::string_view text, std::vector<SdpFmtp>& out) {
  const auto type = payloadType(takeWord(text));
  if (!type || text.empty()) return expected("a=fmtp:<payload type 0..127> <parameters>");
  out.push_back({*type, std::string(text)});
  return {};
}

Expected readRtcpFb(std::string_view text, std::vector<SdpRtcpFb>& out) {
  const auto first = takeWord(text);
  SdpRtcpFb feedback{payloadType(first), std::string(text)};
  if ((first != "*" && !feedback.payloadType) || text.empty())
    return expected("a=rtcp-fb:<payload type 0..127 or *> <feedback>");
  out.push_back(std::move(feedback));
  return {};
}

Expected readMsid(std::string_view text, std::vector<SdpMsid>& out) {
  SdpMsid msid;
  msid.stream = takeWord(text);
  msid.track = takeWord(text);
  if (msid.stream.empty() || !text.empty()) return expected("a=msid:<stream> [<track>]");
  out.push_back(std::move(msid));
  return {};
}

Expected readSsrc(std::string_view text, std::vector<SdpSsrc>& out) {
  const auto ssrc = parseNumber<std::uint32_t>(takeWord(text));
  const Parts parts = splitAttribute(text);
  if (!ssrc || !isToken(parts.name)) return expected("a=ssrc:<ssrc> <attribute>[:<value>]");
  out.push_back({*ssrc, parts.owned()});
  return {};
}

Expected readSsrcGroup(std::string_view text, std::vector<SdpSsrcGroup>& out, const SdpLimits& limits) {
  constexpr auto kWanted = "a=ssrc-group:<semantics> <ssrc> ...";
  SdpSsrcGroup group;
  group.semantics = takeWord(text);
  if (!isToken(group.semantics)) return expected(kWanted);
  while (!text.empty()) {
    const auto ssrc = parseNumber<std::uint32_t>(takeWord(text));
    if (!ssrc || group.ssrcs.size() >= limits.maxFormats) return expected(kWanted);
    group.ssrcs.push_back(*ssrc);
  }
  out.push_back(std::move(group));
  return {};
}

/// Attributes about payload types; other protocols than RTP use the same names in other ways.
std::optional<Expected> readRtpAttribute(const Parts& a, SdpMedia& media) {
  if (!media.isRtp()) return std::nullopt;
  if (a.name == "rtpmap") return readRtpmap(a.text(), media.rtpmaps);
  if (a.name == "fmtp") return readFmtp(a.text(), media.fmtps);
  if (a.name == "rtcp-fb") return readRtcpFb(a.text(), media.rtcpFbs);
  return std::nullopt;
}

bool setFlag(const Parts& a, std::string_view name, bool& flag) {
  if (a.name != name || a.value) return false;
  flag = true;
  return true;
}

}  // namespace

std::string_view takeWord(std::string_view& text) {
  const auto end = std::min(text.find(' '), text.size());
  const auto word = text.substr(0, end);
  text.remove_prefix(end);
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  return word;
}

bool isToken(std::string_view text) {
  constexpr std::string_view kSigns = "!#$%&'*+-.^_`{|}~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return isAlphanumeric(c) || kSigns.find(c) != std::string_view::npos;
  });
}

Expected readSessionAttribute(std::string_view line, SdpSession& session, const SdpLimits& limits) {
  const Parts a = splitAttribute(line);
  if (!isToken(a.name)) return expected("a=<name>[:<value>]");
  if (setFlag(a, "ice-lite", session.iceLite)) return {};
  if (a.name == "group") return readGroup(a.text(), session.groups, limits);
  if (a.name == "extmap") return readExtmap(a.text(), session.extmaps);
  if (auto done = readDirection(a, session.direction)) return *done;
  if (auto done = readTransport(a, session.transport, limits)) return *done;
  session.others.push_back(a.owned());
  return {};
}

Expected readMediaAttribute(std::string_view line, SdpMedia& media, const SdpLimits& limits) {
  const Parts a = splitAttribute(line);
  if (!isToken(a.name)) return expected("a=<name>[:<value>]");
  if (setFlag(a, "rtcp-mux", media.rtcpMux) || setFlag(a, "rtcp-rsize", media.rtcpRsize) ||
      setFlag(a, "bundle-only", media.bundleOnly))
    return {};
  if (a.name == "mid") return readOnce(a.text(), isToken(a.text()), "one a=mid:<token>", media.mid);
  if (a.name == "extmap") return readExtmap(a.text(), media.extmaps);
  if (a.name == "msid") return readMsid(a.text(), media.msids);
  if (a.name == "ssrc") return readSsrc(a.text(), media.ssrcs);
  if (a.name == "ssrc-group") return readSsrcGroup(a.text(), media.ssrcGroups, limits);
  if (auto done = readRtpAttribute(a, media)) return *done;
  if (auto done = readDirection(a, media.direction)) return *done;
  if (auto done = readTransport(a, media.transport, limits)) return *done;
  media.others.push_back(a.owned());
  return {};
}

}  // namespace parley::proto::sdp_detail
