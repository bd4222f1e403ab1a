#include "rtc/drop_reason.h"

namespace parley::rtc {

std::string_view toString(DropReason reason) {
  switch (reason) {
    case DropReason::notClassified:
      return "not_classified";
    case DropReason::stunMalformed:
      return "stun_malformed";
    case DropReason::stunUnknownUser:
      return "stun_unknown_user";
    case DropReason::stunBadIntegrity:
      return "stun_bad_integrity";
    case DropReason::stunUnknownAttribute:
      return "stun_unknown_attribute";
    case DropReason::stunRoleConflict:
      return "stun_role_conflict";
    case DropReason::stunReplay:
      return "stun_replay";
    case DropReason::stunNotRequest:
      return "stun_not_request";
    case DropReason::stunTableFull:
      return "stun_table_full";
    case DropReason::stunAddressTaken:
      return "stun_address_taken";
    case DropReason::dtlsUncheckedAddress:
      return "dtls_unchecked_address";
    case DropReason::dtlsMalformed:
      return "dtls_malformed";
    case DropReason::dtlsQueueFull:
      return "dtls_queue_full";
    case DropReason::dtlsBadFingerprint:
      return "dtls_bad_fingerprint";
    case DropReason::mediaUncheckedAddress:
      return "media_unchecked_address";
    case DropReason::srtpNoKeys:
      return "srtp_no_keys";
    case DropReason::srtpAuthentication:
      return "srtp_authentication";
    case DropReason::srtpReplay:
      return "srtp_replay";
    case DropReason::srtpTooOld:
      return "srtp_too_old";
    case DropReason::srtpKeyExhausted:
      return "srtp_key_exhausted";
    case DropReason::rtpOtherSource:
      return "rtp_other_source";
    case DropReason::rtpMalformed:
      return "rtp_malformed";
    case DropReason::rtcpMalformed:
      return "rtcp_malformed";
    case DropReason::rtpUnknownSsrc:
      return "rtp_unknown_ssrc";
    case DropReason::rtpSsrcTableFull:
      return "rtp_ssrc_table_full";
    case DropReason::rtpUnknownPayloadType:
      return "rtp_unknown_payload_type";
    case DropReason::rtpDirection:
      return "rtp_direction";
    case DropReason::rtpDuplicate:
      return "rtp_duplicate";
    case DropReason::rtpTooLate:
      return "rtp_too_late";
    case DropReason::rtxUnusable:
      return "rtx_unusable";
    case DropReason::resendNeedsRtx:
      return "resend_needs_rtx";
    case DropReason::rtpPaddingOnly:
      return "rtp_padding_only";
    case DropReason::noPeer:
      return "no_peer";
    case DropReason::onHold:
      return "on_hold";
    case DropReason::peerNotReady:
      return "peer_not_ready";
    case DropReason::peerDirection:
      return "peer_direction";
    case DropReason::peerNoCodec:
      return "peer_no_codec";
    case DropReason::packetTooLarge:
      return "packet_too_large";
    case DropReason::consentExpired:
      return "consent_expired";
    case DropReason::callClosed:
      return "call_closed";
    case DropReason::count_:
      break;
  }
  return "unknown";
}

}  // namespace parley::rtc
