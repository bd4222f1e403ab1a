// What the negotiator remembers: of the call, of each leg, of a pending offer. Plain values, copied before a
// step and kept only if it succeeds.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "rtc/media_config.h"
#include "rtc/negotiator.h"
#include "rtc/negotiator_codecs.h"
#include "rtc/negotiator_local.h"
#include "rtc/negotiator_remote.h"

namespace parley::rtc::negotiation {

/// A section of the call; every leg may have an m-line for it.
struct Section {
  MediaKind kind = MediaKind::audio;
  std::vector<Codec> agreed;  ///< By the last answer; numbers are of no meaning here.
};

/// An m-line of a leg's session, at its position for as long as the peer connection lives.
struct Line {
  std::optional<std::size_t> section;  ///< Nothing: never of use here (data channel, unknown kind).
  bool open = false;
  std::string kind, protocol, mid;
  std::vector<std::string> formats;  ///< Last used, for when it is closed.
  std::optional<proto::SdpRtpmap> firstMap;
};

/// Our side towards one peer. Outlives offers that come to nothing.
struct LocalSession {
  struct Ssrcs {
    Ssrc media, rtx;
  };
  std::uint64_t id = 0, version = 0;  ///< id 0: nothing was written yet.
  std::string lastText;               ///< The SDP with that version.
  IceParameters ice;
  std::string cname, stream;
  std::map<std::size_t, Ssrcs> ssrcs;  ///< By section.
  // Of rtp legs:
  std::map<std::size_t, proto::TransportAddress> addresses;          ///< By section.
  std::map<std::pair<std::size_t, SrtpProfile>, base::Secret> keys;  ///< The same as long as the leg.
};

/// A codec as it was offered on, with what it is called on the side that it came from.
struct OfferedCodec {
  Codec here, there;
};

/// One m-line of an offer of ours, at its position on the leg that was given it.
struct OfferedLine {
  bool open = false;
  std::size_t section = 0;
  std::size_t source = 0;  ///< Position on the offerer's leg, if open.
  std::string mid;
  std::vector<OfferedCodec> codecs;
  Extensions extensions;
  bool reducedRtcp = false;
  Direction direction;
};

/// What a peer is known to speak of a section, whatever is settled.
struct Ability {
  std::vector<Codec> codecs;   ///< As it numbers them.
  std::vector<Codec> refused;  ///< It was offered these and did not take them.
  bool offered = false;        ///< By an offer of its own: what is not listed it does not speak.
};

struct Leg {
  LegKind kind = LegKind::webrtc;
  LocalTransport transport;
  LocalSession local;
  std::optional<LegId> partner;  ///< The other leg of the last offer and answer.

  bool met = false;  ///< An SDP of the peer was taken: what follows is of it.
  std::string peerId, tlsId;
  std::vector<Line> lines;
  Numbers numbers;
  std::map<std::size_t, Numbers> sectionNumbers;  ///< Instead, of an rtp leg: each m-line counts for itself.
  std::optional<LegDescription> description;
  std::map<std::size_t, Ability> abilities;  ///< By section.
  std::vector<OfferedLine> answered;         ///< The offer of ours that the peer answered last.
  bool held = false;                         ///< By us.
  bool holds = false;                        ///< Its last description lets us send no audio.

  Numbers& numbersOf(std::size_t section) { return kind == LegKind::rtp ? sectionNumbers[section] : numbers; }
  const MediaSection* settled(std::size_t section) const;
};

struct Pending {
  LegId from, to;   ///< `from` is empty in an offer of ours.
  std::string sdp;  ///< As it came.
  RemoteSdp remote;
  Leg fromLeg, toLeg;  ///< As they are to be once answered.
  std::vector<Section> sections;
  std::vector<OfferedLine> offered;
  bool stale = false;                  ///< A leg moved on meanwhile: offer() must be repeated.
  LegKind fromKind = LegKind::webrtc;  ///< Of an offer of ours: of the leg whose codecs it has.
  bool own() const { return from.value().empty(); }
};

/// Fills what `local` lacks; ICE credentials are made anew with `restart`.
void prepareLocal(LocalSession& local, bool restart, base::Random& random);
LocalSession::Ssrcs ssrcsFor(Leg& leg, std::size_t section, base::Random& random);
/// Writes with the version that RFC 3264 section 8 asks for: one more if anything changed.
std::string writeVersioned(LocalSdp sdp, Leg& leg);

/// Is this SDP from another peer connection than the last one (page reloaded)?
bool isNewPeer(const Leg& leg, const RemoteSdp& remote);
bool isIceRestart(const Leg& leg, const RemoteSdp& remote);
/// Our DTLS role after this offer or answer of the peer.
DtlsRole roleAfter(const Leg& leg, const RemoteSdp& remote, SdpType type);
/// Takes over ICE, DTLS and numbers of the peer. An offer that restarts ICE counts iceGeneration up.
void takeTransport(Leg& leg, const RemoteSdp& remote, SdpType type);

/// Gives each m-line of an offer its section: the one it had, or (new peer connection, new line) the first of
/// its kind that this leg has no line for, `preferred` ones first. With `create`, else a new one.
/// Errors: sdp.malformed (m-lines fewer or of another kind), sdp.too_many_sections.
base::Result<void> mapLines(Leg& leg, const RemoteSdp& remote, std::vector<Section>& sections,
                            const std::vector<bool>& preferred, bool create, std::size_t maxSections);

/// Combines two limits where 0 is none.
inline std::uint32_t lowerLimit(std::uint32_t a, std::uint32_t b) {
  if (a == 0 || b == 0) return a + b;
  return a < b ? a : b;
}

/// The m-line with what was last said of it.
void noteLine(Line& line, const proto::SdpMedia& media);
LocalLine closedLine(const Line& line);

/// What an m-line of an offer gets for an answer.
struct Accepted {
  struct Agreed {
    Codec peer;  ///< As the peer offered it.
    Codec ours;  ///< As we answer: the same number, the parameters of the other side.
  };
  std::vector<Agreed> codecs;  ///< In the order of preference.
  Direction direction;         ///< Ours.
  Extensions elsewhere;        ///< In use on the other leg; those that are not per hop need it.
  std::uint32_t maxBitrate = 0;
  std::optional<std::uint32_t> ptime, maxptime;
};

/// Notes what an offer, or an answer to `offered`, says of what the peer speaks.
void noteAbility(Leg& leg, std::size_t section, const std::vector<Codec>& codecs,
                 const std::vector<OfferedCodec>* offered);
/// Asks for our address of a section of an rtp leg. Error: sdp.no_ports.
base::Result<void> takeAddress(Leg& leg, std::size_t section, const RemoteLine* peer);
/// What an offer of ours carries of keys; nothing with plain RTP.
std::vector<SdesLine> offeredKeys(Leg& leg, std::size_t section, base::Random& random);
/// The path to the peer, with the keys of its first a=crypto. An answer of ours then carries what is put into
/// `answer`.
RtpPath pathOf(Leg& leg, std::size_t section, const RemoteLine& peer, base::Random& random,
               std::vector<SdesLine>* answer);

/// Takes an offer whose lines are mapped (mapLines) and writes the answer to it. `accepted` has an entry for
/// each m-line; nothing rejects it.
std::string answerPeer(Leg& leg, const RemoteSdp& remote, const std::vector<Section>& sections,
                       const std::vector<std::optional<Accepted>>& accepted, const NegotiatorOptions& options,
                       base::Random& random);

/// One entry for each section of the call, all rejected.
std::vector<MediaSection> rejectedSections(const std::vector<Section>& sections, const Leg& leg);
/// The entry for an m-line in use, as far as the peer decides it.
MediaSection sectionOf(std::size_t index, const RemoteLine& remote, LocalSession::Ssrcs ours);

}  // namespace parley::rtc::negotiation
