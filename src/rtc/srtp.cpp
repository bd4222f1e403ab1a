#include "rtc/srtp.h"

#include <fmt/format.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "rtc/srtp_cipher.h"
#include "rtc/srtp_window.h"

namespace parley::rtc {
namespace {

constexpr std::size_t kMinRtpHeader = 12;
constexpr std::size_t kRtcpHeader = 8;
constexpr std::size_t kRtcpReplayWindow = 128;

/// What stays in the clear of an RTP packet: fixed header, CSRCs, header extension (RFC 3550 section 5).
/// Nothing when they do not fit.
std::optional<std::size_t> rtpHeaderBytes(base::Bytes packet) {
  if (packet.size() < kMinRtpHeader || packet[0] >> 6 != 2) return std::nullopt;
  std::size_t size = kMinRtpHeader + std::size_t{packet[0] & 0x0Fu} * 4;
  if ((packet[0] & 0x10) != 0) {
    if (packet.size() < size + 4) return std::nullopt;
    size += 4 + std::size_t{base::loadU16(&packet[size + 2])} * 4;
  }
  if (size > packet.size()) return std::nullopt;
  return size;
}

struct Stream {
  std::uint32_t ssrc = 0;
  std::uint32_t nextRtcpIndex = 0;  ///< Protecting only.
  std::uint64_t usedAt = 0;         ///< Unprotecting only: the context's count of packets.
  ReplayWindow<SrtpContext::kReplayWindow> rtp;
  ReplayWindow<kRtcpReplayWindow> rtcp;
};

/// How far a stream came that had to make room.
struct Retired {
  std::uint32_t ssrc = 0;
  std::optional<std::uint64_t> rtp, rtcp;
};

template <class Window>
std::optional<DropReason> refusal(const Window& window, std::uint64_t index) {
  switch (window.check(index)) {
    case Window::Verdict::fresh:
      return std::nullopt;
    case Window::Verdict::seen:
      return DropReason::srtpReplay;
    case Window::Verdict::tooOld:
      return DropReason::srtpTooOld;
  }
  return DropReason::srtpTooOld;
}

class Context final : public SrtpContext {
 public:
  Context(Direction direction, SrtpProfile profile, std::unique_ptr<SrtpCipher> rtp,
          std::unique_ptr<SrtpCipher> rtcp)
      : rtp_(std::move(rtp)),
        rtcp_(std::move(rtcp)),
        protect_(direction == Direction::protect),
        mayRepeat_(!isGcm(profile)) {}

  std::expected<void, DropReason> rtp(proto::Packet& packet) override {
    return protect_ ? protectRtp(packet) : unprotectRtp(packet);
  }
  std::expected<void, DropReason> rtcp(proto::Packet& packet) override {
    return protect_ ? protectRtcp(packet) : unprotectRtcp(packet);
  }
  bool mayRepeat() const override { return mayRepeat_; }

 private:
  std::expected<void, DropReason> protectRtp(proto::Packet& packet);
  std::expected<void, DropReason> unprotectRtp(proto::Packet& packet);
  std::expected<void, DropReason> protectRtcp(proto::Packet& packet);
  std::expected<void, DropReason> unprotectRtcp(proto::Packet& packet);

  Stream* find(std::uint32_t ssrc) {
    if (last_ < streams_.size() && streams_[last_].ssrc == ssrc) return &streams_[last_];
    for (std::size_t i = 0; i < streams_.size(); ++i) {
      if (streams_[i].ssrc != ssrc) continue;
      last_ = i;
      return &streams_[i];
    }
    return nullptr;
  }
  const Retired* retired(std::uint32_t ssrc) const {
    const auto at =
        std::find_if(retired_.begin(), retired_.end(), [&](const Retired& r) { return r.ssrc == ssrc; });
    return at == retired_.end() ? nullptr : &*at;
  }
  /// A place for a stream that was just authenticated.
  Stream& admit(std::uint32_t ssrc);
  void retire(const Stream& stream);

  Stream* add(std::uint32_t ssrc) {
    if (streams_.size() >= kMaxStreams) return nullptr;
    last_ = streams_.size();
    streams_.emplace_back().ssrc = ssrc;
    return &streams_.back();
  }
  std::unique_ptr<SrtpCipher> rtp_, rtcp_;
  std::vector<Stream> streams_;
  std::vector<Retired> retired_;
  std::size_t nextRetired_ = 0;
  std::uint64_t packets_ = 0;
  std::size_t last_ = 0;
  bool protect_;
  bool mayRepeat_;
};

std::expected<void, DropReason> Context::protectRtp(proto::Packet& packet) {
  const base::MutableBytes data = packet.data();
  const auto header = rtpHeaderBytes(data);
  if (!header) return std::unexpected(DropReason::rtpMalformed);
  if (packet.tailroom() < kMaxOverhead) return std::unexpected(DropReason::packetTooLarge);
  const std::uint32_t ssrc = base::loadU32(&data[8]);
  Stream* stream = find(ssrc);
  if (stream == nullptr) stream = add(ssrc);
  if (stream == nullptr) return std::unexpected(DropReason::rtpSsrcTableFull);
  const auto index = estimateRtpIndex(
      stream->rtp.started() ? std::optional(stream->rtp.highest()) : std::nullopt, base::loadU16(&data[2]));
  if (!index) return std::unexpected(DropReason::srtpKeyExhausted);
  const auto refused = refusal(stream->rtp, *index);
  if (refused && !mayRepeat_) return std::unexpected(*refused);
  if (!rtp_->sealRtp(data, *header, ssrc, *index)) return std::unexpected(DropReason::srtpAuthentication);
  if (!refused) stream->rtp.accept(*index);
  packet.size += rtp_->tagBytes();
  return {};
}

std::expected<void, DropReason> Context::unprotectRtp(proto::Packet& packet) {
  const base::MutableBytes data = packet.data();
  if (data.size() < kMinRtpHeader + rtp_->tagBytes()) return std::unexpected(DropReason::rtpMalformed);
  const auto header = rtpHeaderBytes(data.first(data.size() - rtp_->tagBytes()));
  if (!header) return std::unexpected(DropReason::rtpMalformed);
  const std::uint32_t ssrc = base::loadU32(&data[8]);
  Stream* stream = find(ssrc);
  const bool started = stream != nullptr && stream->rtp.started();
  std::optional<std::uint64_t> highest = started ? std::optional(stream->rtp.highest()) : std::nullopt;
  const Retired* before = stream == nullptr ? retired(ssrc) : nullptr;
  if (before != nullptr) highest = before->rtp;
  const auto index = estimateRtpIndex(highest, base::loadU16(&data[2]));
  if (!index) return std::unexpected(DropReason::srtpKeyExhausted);
  if (started) {
    if (const auto refused = refusal(stream->rtp, *index)) return std::unexpected(*refused);
  }
  if (before != nullptr && before->rtp && *index <= *before->rtp)
    return std::unexpected(DropReason::srtpTooOld);
  if (!rtp_->openRtp(data, *header, ssrc, *index)) return std::unexpected(DropReason::srtpAuthentication);
  if (stream == nullptr) stream = &admit(ssrc);
  stream->usedAt = ++packets_;
  stream->rtp.accept(*index);
  packet.size -= rtp_->tagBytes();
  return {};
}

std::expected<void, DropReason> Context::protectRtcp(proto::Packet& packet) {
  const base::MutableBytes data = packet.data();
  if (data.size() < kRtcpHeader || data[0] >> 6 != 2) return std::unexpected(DropReason::rtcpMalformed);
  if (packet.tailroom() < kMaxOverhead) return std::unexpected(DropReason::packetTooLarge);
  const std::uint32_t ssrc = base::loadU32(&data[4]);
  Stream* stream = find(ssrc);
  if (stream == nullptr) stream = add(ssrc);
  if (stream == nullptr) return std::unexpected(DropReason::rtpSsrcTableFull);
  if (stream->nextRtcpIndex > kMaxRtcpIndex) return std::unexpected(DropReason::srtpKeyExhausted);
  if (!rtcp_->sealRtcp(data, ssrc, stream->nextRtcpIndex))
    return std::unexpected(DropReason::srtpAuthentication);
  ++stream->nextRtcpIndex;
  packet.size += rtcp_->tagBytes() + SrtpCipher::kRtcpTrailer;
  return {};
}

std::expected<void, DropReason> Context::unprotectRtcp(proto::Packet& packet) {
  const base::MutableBytes data = packet.data();
  const std::size_t overhead = rtcp_->tagBytes() + SrtpCipher::kRtcpTrailer;
  if (data.size() < kRtcpHeader + overhead || data[0] >> 6 != 2)
    return std::unexpected(DropReason::rtcpMalformed);
  const std::uint32_t ssrc = base::loadU32(&data[4]);
  const std::uint32_t index = rtcp_->rtcpTrailer(data) & ~SrtpCipher::kRtcpEncrypted;
  Stream* stream = find(ssrc);
  if (stream != nullptr) {
    if (const auto refused = refusal(stream->rtcp, index)) return std::unexpected(*refused);
  } else if (const Retired* before = retired(ssrc);
             before != nullptr && before->rtcp && index <= *before->rtcp) {
    return std::unexpected(DropReason::srtpTooOld);
  }
  if (!rtcp_->openRtcp(data, ssrc)) return std::unexpected(DropReason::srtpAuthentication);
  if (stream == nullptr) stream = &admit(ssrc);
  stream->usedAt = ++packets_;
  stream->rtcp.accept(index);
  packet.size -= overhead;
  return {};
}

void Context::retire(const Stream& stream) {
  Retired was{stream.ssrc, std::nullopt, std::nullopt};
  if (stream.rtp.started()) was.rtp = stream.rtp.highest();
  if (stream.rtcp.started()) was.rtcp = stream.rtcp.highest();
  if (retired_.size() < kMaxRetired) return retired_.push_back(was);
  retired_[nextRetired_++ % kMaxRetired] = was;
}

Stream& Context::admit(std::uint32_t ssrc) {
  const Retired* known = retired(ssrc);
  const std::optional<Retired> before = known != nullptr ? std::optional(*known) : std::nullopt;
  if (before) std::erase_if(retired_, [&](const Retired& r) { return r.ssrc == ssrc; });
  Stream* stream = add(ssrc);
  if (stream == nullptr) {
    const auto idle = std::min_element(streams_.begin(), streams_.end(),
                                       [](const Stream& a, const Stream& b) { return a.usedAt < b.usedAt; });
    retire(*idle);
    *idle = Stream{};
    idle->ssrc = ssrc;
    stream = &*idle;
    last_ = static_cast<std::size_t>(idle - streams_.begin());
  }
  if (!before) return *stream;
  // Nothing of what it sent before is fresh again.
  if (before->rtp) {
    const std::uint64_t first = *before->rtp - std::min<std::uint64_t>(*before->rtp, kReplayWindow - 1);
    for (std::uint64_t i = first; i <= *before->rtp; ++i) stream->rtp.accept(i);
  }
  if (before->rtcp) {
    const std::uint64_t first = *before->rtcp - std::min<std::uint64_t>(*before->rtcp, kRtcpReplayWindow - 1);
    for (std::uint64_t i = first; i <= *before->rtcp; ++i) stream->rtcp.accept(i);
  }
  return *stream;
}

void wipe(SrtpSessionKeys& keys) {
  for (base::Buffer* buffer : {&keys.encryption, &keys.authentication, &keys.salt})
    OPENSSL_cleanse(buffer->data(), buffer->size());
}

}  // namespace

std::size_t srtpKeyBytes(SrtpProfile profile) { return profile == SrtpProfile::aeadAes256Gcm ? 32 : 16; }
std::size_t srtpSaltBytes(SrtpProfile profile) { return isGcm(profile) ? 12 : 14; }

std::string_view toString(SrtpProfile profile) {
  switch (profile) {
    case SrtpProfile::aes128CmSha1_80:
      return "SRTP_AES128_CM_SHA1_80";
    case SrtpProfile::aes128CmSha1_32:
      return "SRTP_AES128_CM_SHA1_32";
    case SrtpProfile::aeadAes128Gcm:
      return "SRTP_AEAD_AES_128_GCM";
    case SrtpProfile::aeadAes256Gcm:
      return "SRTP_AEAD_AES_256_GCM";
  }
  return "?";
}

base::Result<std::unique_ptr<SrtpContext>> SrtpContext::create(Direction direction, SrtpProfile profile,
                                                               base::Bytes masterKey,
                                                               base::Bytes masterSalt) {
  if (masterKey.size() != srtpKeyBytes(profile) || masterSalt.size() != srtpSaltBytes(profile)) {
    return base::fail(
        "srtp.bad_key",
        fmt::format("{} wants a key of {} and a salt of {} bytes, not {} and {}", toString(profile),
                    srtpKeyBytes(profile), srtpSaltBytes(profile), masterKey.size(), masterSalt.size()));
  }
  std::unique_ptr<SrtpCipher> ciphers[2];
  for (const bool rtcp : {false, true}) {
    SrtpSessionKeys keys = deriveSrtpKeys(profile, rtcp, masterKey, masterSalt);
    ciphers[rtcp] = SrtpCipher::create(profile, direction, rtcp, keys);
    wipe(keys);
    if (!ciphers[rtcp]) return base::fail("srtp.bad_key", "OpenSSL refused the session keys");
  }
  return std::make_unique<Context>(direction, profile, std::move(ciphers[0]), std::move(ciphers[1]));
}

}  // namespace parley::rtc
