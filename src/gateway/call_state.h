// A call as a value (design decision 3): plain data with a serialised form, so that it can be stored,
// compared and carried on by another node. Nothing here points anywhere.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/call_reason.h"

namespace parley::gateway {

enum class CallPhase {
  idle,        ///< Made, nothing happened yet.
  allocating,  ///< The broker is asked for a call.
  offering,    ///< The broker turns the consumer's offer into the agent's.
  ringing,     ///< The agent's page rings.
  answering,   ///< The broker turns the agent's answer into the consumer's.
  connecting,  ///< Answered; media is coming up.
  connected,
  ended,
};
constexpr std::size_t kCallPhases = static_cast<std::size_t>(CallPhase::ended) + 1;
std::string_view toString(CallPhase phase);

/// One end of a call.
struct Party {
  std::string session;  ///< The session it talks through.
  std::string user;     ///< Agent: the user's name. Consumer: the token's subject.
  std::string name;     ///< For people.
  std::string address;  ///< As dialled or shown: "agent1", "sip:8000@host", "consumer".
  bool sessionUp = true;
  bool iceUp = false;
  bool dtlsUp = false;
  bool awaitingMedia = false;  ///< A new page without its media yet: until the leg's ICE or DTLS comes up.
  bool mutedAudio = false;
  bool mutedVideo = false;

  bool legGood() const { return iceUp && dtlsUp && !awaitingMedia; }
  friend bool operator==(const Party&, const Party&) = default;
};

/// How long things may take, in milliseconds; fixed when the call begins.
struct CallTimes {
  std::int64_t ring = 30'000;
  std::int64_t media = 20'000;  ///< From the answer to media on both legs.
  std::int64_t lost = 60'000;   ///< A leg without media in a connected call.
  friend bool operator==(const CallTimes&, const CallTimes&) = default;
};

struct CallState {
  std::string id;
  CallPhase phase = CallPhase::idle;
  std::string broker;  ///< The media broker that has it; empty before.
  Party consumer, agent;
  bool audio = true;
  bool video = true;
  std::string offer;          ///< The consumer's, until the broker has it.
  std::string offerForAgent;  ///< While it rings: a reloaded page gets it again.
  std::string uui;
  std::string correlationId;
  CallTimes times;
  bool agentTold = false;  ///< The agent's page knows of the call.
  /// Milliseconds since 1970; 0 = not yet.
  std::int64_t startedAt = 0, answeredAt = 0, connectedAt = 0, endedAt = 0;
  EndReason reason = EndReason::none;
  EndedBy by = EndedBy::system;

  Party& party(Side side) { return side == Side::consumer ? consumer : agent; }
  const Party& party(Side side) const { return side == Side::consumer ? consumer : agent; }
  bool live() const { return phase != CallPhase::idle && phase != CallPhase::ended; }
  friend bool operator==(const CallState&, const CallState&) = default;
};

std::string serialise(const CallState& state);
/// Nothing for what is not a whole call of this version.
std::optional<CallState> deserialise(std::string_view text);

/// A call as one side sees it: the `call` message.
struct CallView {
  std::string state;  ///< ringing, connecting, connected, reconnecting, ended
  bool peerLost = false;
  bool peerMutedAudio = false, peerMutedVideo = false;
  std::int64_t answeredAt = 0;
  EndReason reason = EndReason::none;
  friend bool operator==(const CallView&, const CallView&) = default;
};
CallView viewOf(const CallState& state, Side side);
/// The fields of the `call` message as a JSON object's text, without type and numbers.
std::string callFields(const CallState& state, Side side);

}  // namespace parley::gateway
