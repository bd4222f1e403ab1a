// What a datagram on a shared WebRTC port is: RFC 7983 by first byte, RFC 5761 for RTP or RTCP.
#pragma once
#include "base/bytes.h"

namespace parley::proto {

enum class PacketKind { stun, dtls, turnChannel, rtp, rtcp, unknown };

/// Looks at the first two bytes only; anything shorter than its protocol's smallest header is unknown.
///   0…3 STUN | 20…63 DTLS | 64…79 TURN channel | 128…191 RTP/RTCP (RTCP: payload type byte 192…223)
inline PacketKind classify(base::Bytes packet) {
  if (packet.empty()) return PacketKind::unknown;
  const std::uint8_t first = packet[0];
  if (first <= 3) return packet.size() >= 20 ? PacketKind::stun : PacketKind::unknown;
  if (first >= 20 && first <= 63) return packet.size() >= 13 ? PacketKind::dtls : PacketKind::unknown;
  if (first >= 64 && first <= 79) return packet.size() >= 4 ? PacketKind::turnChannel : PacketKind::unknown;
  if (first >= 128 && first <= 191) {
    if (packet.size() < 8) return PacketKind::unknown;
    if (packet[1] >= 192 && packet[1] <= 223) return PacketKind::rtcp;
    return packet.size() >= 12 ? PacketKind::rtp : PacketKind::unknown;
  }
  return PacketKind::unknown;
}

}  // namespace parley::proto
