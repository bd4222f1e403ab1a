// A call as a value (design decision 3): plain data with a serialised form, so that it can be stored,
// compared and carried on by another process or node. Nothing here points anywhere.
//
// A call joins two *parties*, each at a page or at a phone. Beside them there may be pages that ring and do
// not belong to it yet, and the target of a transfer until it takes the place of the one who transfers.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/call_reason.h"

namespace parley::gateway {

enum class CallPhase {
  idle,        ///< Made, nothing happened yet.
  allocating,  ///< The broker is asked for a call.
  offering,    ///< The broker turns the caller's offer into the other side's.
  ringing,     ///< Pages ring, or a phone was invited.
  answering,   ///< The broker turns the answer into the caller's.
  connecting,  ///< Answered; media is coming up.
  connected,
  ended,
};
constexpr std::size_t kCallPhases = static_cast<std::size_t>(CallPhase::ended) + 1;
std::string_view toString(CallPhase phase);

enum class PartyKind { page, phone };

/// One end of a call.
struct Party {
  std::string session;  ///< Page: the session it talks through.
  std::string user;     ///< Agent: the user's name. Consumer: the token's subject.
  std::string name;     ///< For people.
  std::string address;  ///< As dialled or shown: "agent1", "sip:8000@host", "consumer".
  PartyKind kind = PartyKind::page;
  std::string leg;      ///< The broker's leg; of a phone also the dialog.
  std::string number;   ///< Phone: what can be called back.
  bool agent = false;   ///< A page of an agent: may transfer.
  bool called = false;  ///< Was called, by the caller or in a transfer.
  bool told = false;    ///< Page: knows of the call.
  bool dialog = false;  ///< Phone: there is a dialog, or an invitation, to be ended.
  bool sessionUp = true;
  bool iceUp = false;
  bool dtlsUp = false;
  bool pageLeft = false;       ///< Lost because its page was left: the next one may take its place.
  bool awaitingMedia = false;  ///< A new page without its media yet: until its own DTLS is up.
  bool mutedAudio = false;
  bool mutedVideo = false;
  bool holds = false;  ///< Has put the other side on hold.
  /// Its page mixes this call with that one (a conference of three), and who is there, for people. Empty: no.
  std::string conference, conferenceWith;
  bool video = false;           ///< Its last description had video.
  bool telephoneEvent = false;  ///< Phone: takes digits in the media (RFC 4733).
  /// Phone: nothing is heard since then although it should be; 0: it is, or it need not.
  std::int64_t silentSince = 0;

  bool isPhone() const { return kind == PartyKind::phone; }
  /// A phone that is silent is no phone that is gone: its dialog tells (RFC 4028).
  bool legGood() const { return isPhone() || (iceUp && dtlsUp && !awaitingMedia); }
  friend bool operator==(const Party&, const Party&) = default;
};

/// An agent's page that is asked to take the call.
struct RingingPage {
  std::string user, name, session;
  bool sessionUp = true;
  bool autoAnswer = false;
  friend bool operator==(const RingingPage&, const RingingPage&) = default;
};

/// How a hunt group is called (GW-6).
struct Hunt {
  std::string group;              ///< Empty: no group, one agent.
  bool oneByOne = false;          ///< Sequential and longest idle; else all at once.
  std::int64_t memberMillis = 0;  ///< One by one: how long each rings.
  std::vector<std::string> tried;
  friend bool operator==(const Hunt&, const Hunt&) = default;
};

enum class OfferKind {
  none,
  carried,  ///< One side's offer goes to the other.
  made,     ///< Ours, by the broker.
  asked,    ///< Ours, because the phone sent a re-INVITE without one.
};
enum class OfferStage { atBroker, atPeer, answering };

/// The one exchange of offer and answer (RFC 3264) that runs in an answered call.
struct Negotiation {
  OfferKind kind = OfferKind::none;
  OfferStage stage = OfferStage::atBroker;
  std::string from;     ///< carried: leg of who offers.
  std::string to;       ///< Leg of who answers.
  std::string request;  ///< carried, page: its request.
  std::string sdp;      ///< carried, phone: its offer, to be answered without video if the page refuses.
  bool video = false;
  friend bool operator==(const Negotiation&, const Negotiation&) = default;
};

enum class TransferStage {
  none,
  referring,  ///< The customer's phone was asked to call the target itself (RFC 3515).
  adding,     ///< The broker makes a leg for the target.
  offering,   ///< The broker makes an offer for it.
  ringing,
  answering,
  media,     ///< Answered by a page; its media is coming up.
  bridging,  ///< The broker joins customer and target.
  failed,    ///< Until the next try, for the transferrer's page.
};
constexpr std::size_t kTransferStages = static_cast<std::size_t>(TransferStage::failed) + 1;

struct Transfer {
  TransferStage stage = TransferStage::none;
  Side by = Side::agent;   ///< Who transfers, and goes.
  Party target;            ///< Takes that place.
  std::string to;          ///< For people.
  std::string text;        ///< failed: why.
  std::string otherCall;   ///< Consult: the call with the target, which ends when this succeeds.
  std::string replaces;    ///< Replaces (RFC 3891) value that a REFER named.
  std::string sdp;         ///< pickup: the offer that came with the INVITE.
  bool byRefer = false;    ///< A phone asked by REFER and is told by NOTIFY.
  bool pickup = false;     ///< An INVITE with Replaces takes the place by itself.
  bool alerted = false;    ///< The target rings.
  bool held = false;       ///< The customer waits.
  bool legMade = false;    ///< The broker has, or was asked for, the target's leg.
  bool byGone = false;     ///< Who asked by REFER has hung up already (RFC 5589 section 6.1).
  bool described = false;  ///< The broker was given the target's early description (183).
  bool early = false;      ///< The customer hears the target before it answers (RFC 3960).

  bool running() const { return stage != TransferStage::none && stage != TransferStage::failed; }
  friend bool operator==(const Transfer&, const Transfer&) = default;
};

/// How long things may take, in milliseconds; fixed when the call begins.
struct CallTimes {
  std::int64_t ring = 30'000;
  std::int64_t media = 20'000;    ///< From the answer to media on both legs.
  std::int64_t lost = 60'000;     ///< A leg without media in a connected call.
  std::int64_t offer = 20'000;    ///< For an answer to an offer in a call.
  std::int64_t silence = 60'000;  ///< Of a phone, until the call ends; 0: it does not.
  friend bool operator==(const CallTimes&, const CallTimes&) = default;
};

struct CallState {
  std::string id;
  CallPhase phase = CallPhase::idle;
  std::string broker;  ///< The media broker that has it; empty before.
  Party consumer, agent;
  Side caller = Side::consumer;
  bool audio = true;
  bool video = true;
  std::string offer;      ///< The caller's, until the broker has it; empty: a phone that wants ours.
  std::string ringOffer;  ///< While pages ring: what they may answer.
  std::vector<RingingPage> ringing;
  Hunt hunt;
  bool early = false;         ///< The caller hears the phone before it is answered (RFC 3960).
  bool delayedOffer = false;  ///< A phone calls without an offer: ours goes in the 200.
  Negotiation negotiation;
  std::vector<std::string> wanted;  ///< Legs that are to get an offer of ours next.
  Transfer transfer;
  std::string transferredBy;        ///< Name of who passed the call on last.
  std::vector<std::string> agents;  ///< All that had it or were called, for their histories.
  bool mayRefer = true;             ///< Two phones may be joined without us.
  std::int64_t legs = 0;            ///< How many were numbered.
  std::string uui, uuiElement;      ///< As in IncomingPhoneCall; of a page's call the first only.
  std::string correlationId;
  std::string assist;  ///< The shared session that the customer's page opened beside the call; empty: none.
  std::string agentLabel;  ///< What customers read instead of an agent's name (CON-4); empty: the name.
  CallTimes times;
  /// Milliseconds since 1970; 0 = not yet.
  std::int64_t startedAt = 0, answeredAt = 0, connectedAt = 0, endedAt = 0;
  EndReason reason = EndReason::none;
  EndedBy by = EndedBy::system;

  Party& party(Side side) { return side == Side::consumer ? consumer : agent; }
  const Party& party(Side side) const { return side == Side::consumer ? consumer : agent; }
  bool live() const { return phase != CallPhase::idle && phase != CallPhase::ended; }
  bool answered() const { return answeredAt != 0; }
  friend bool operator==(const CallState&, const CallState&) = default;
};

constexpr std::size_t kMaxRinging = 64;

std::string serialise(const CallState& state);
/// Nothing for what is not a whole call of this version.
std::optional<CallState> deserialise(std::string_view text);

/// The ids of the phone legs it has, the transfer's target included.
std::vector<std::string> phoneLegs(const CallState& state);

}  // namespace parley::gateway
