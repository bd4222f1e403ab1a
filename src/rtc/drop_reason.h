// Why a media packet went no further: counter label, log field and what the call page shows (decision 8).
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

namespace parley::rtc {

enum class DropReason : std::uint8_t {
  notClassified,  ///< First bytes fit no protocol.
  stunMalformed,
  stunUnknownUser,       ///< USERNAME names no transport here.
  stunBadIntegrity,      ///< MESSAGE-INTEGRITY or FINGERPRINT wrong.
  stunUnknownAttribute,  ///< One that must be understood; answered with 420.
  stunRoleConflict,      ///< The peer says that it is controlled; answered with 487.
  stunReplay,            ///< A check that was seen before, from elsewhere.
  stunNotRequest,        ///< A response or indication that nobody waits for.
  stunTableFull,         ///< More candidate addresses than one transport may have.
  stunAddressTaken,      ///< The address pair carries another leg's media at this moment.
  dtlsUncheckedAddress,  ///< The address passed no ICE check.
  dtlsMalformed,
  dtlsQueueFull,          ///< More handshake datagrams than can wait; the peer repeats them.
  dtlsBadFingerprint,     ///< The peer's certificate is not the one in its SDP.
  mediaUncheckedAddress,  ///< RTP or RTCP from an address that passed no ICE check.
  srtpNoKeys,             ///< Before the DTLS handshake was done.
  srtpAuthentication,
  srtpReplay,
  srtpTooOld,        ///< Outside the replay window.
  srtpKeyExhausted,  ///< 2^48 packets under one key.
  rtpOtherSource,    ///< Plain RTP: not from where the peer said, or was heard before, that it sends.
  rtpMalformed,
  rtcpMalformed,
  rtpUnknownSsrc,  ///< Fits no media section.
  rtpSsrcTableFull,
  rtpUnknownPayloadType,  ///< Not negotiated.
  rtpDirection,           ///< The section does not allow the peer to send.
  rtpDuplicate,
  rtpTooLate,      ///< Retransmission that is no longer wanted.
  rtxUnusable,     ///< RTX packet without original or with an unknown association.
  resendNeedsRtx,  ///< A packet was asked for again that AES-GCM lets nobody send twice, without RTX.
  rtpPaddingOnly,  ///< Probing; counted, not forwarded.
  noPeer,          ///< No other leg yet, or it was closed, or this one waits.
  onHold,          ///< One of the two legs is held.
  peerNotReady,    ///< The other leg's DTLS is not done.
  peerDirection,   ///< The other leg does not want this media.
  peerNoCodec,     ///< The other leg did not negotiate this codec.
  packetTooLarge,
  consentExpired,  ///< The peer's address stopped answering for it (RFC 7675).
  callClosed,
  count_
};

constexpr std::size_t kDropReasons = static_cast<std::size_t>(DropReason::count_);
using DropCounts = std::array<std::uint64_t, kDropReasons>;

/// Stable snake_case token, e.g. "srtp_replay".
std::string_view toString(DropReason reason);

}  // namespace parley::rtc
