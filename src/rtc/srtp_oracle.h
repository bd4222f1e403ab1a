// Test only: libsrtp2 as the other implementation of SRTP.
#pragma once
#include <srtp2/srtp.h>

#include <gtest/gtest.h>

#include "rtc/srtp.h"

namespace parley::rtc {

class SrtpOracle {
 public:
  SrtpOracle(SrtpContext::Direction direction, SrtpProfile profile, base::Bytes key, base::Bytes salt) {
    [[maybe_unused]] static const srtp_err_status_t started = srtp_init();
    joined_.assign(key.begin(), key.end());
    joined_.insert(joined_.end(), salt.begin(), salt.end());
    srtp_policy_t policy{};
    const auto id = static_cast<srtp_profile_t>(static_cast<int>(profile));
    EXPECT_EQ(srtp_crypto_policy_set_from_profile_for_rtp(&policy.rtp, id), srtp_err_status_ok);
    EXPECT_EQ(srtp_crypto_policy_set_from_profile_for_rtcp(&policy.rtcp, id), srtp_err_status_ok);
    policy.ssrc.type = direction == SrtpContext::Direction::protect ? ssrc_any_outbound : ssrc_any_inbound;
    policy.key = joined_.data();
    policy.window_size = 1024;
    policy.allow_repeat_tx = 1;
    EXPECT_EQ(srtp_create(&session_, &policy), srtp_err_status_ok);
    protect_ = direction == SrtpContext::Direction::protect;
  }
  ~SrtpOracle() {
    if (session_ != nullptr) srtp_dealloc(session_);
  }
  SrtpOracle(const SrtpOracle&) = delete;
  SrtpOracle& operator=(const SrtpOracle&) = delete;

  /// In place; false when libsrtp refuses.
  bool rtp(proto::Packet& packet) { return run(packet, protect_ ? srtp_protect : srtp_unprotect); }
  bool rtcp(proto::Packet& packet) { return run(packet, protect_ ? srtp_protect_rtcp : srtp_unprotect_rtcp); }

 private:
  bool run(proto::Packet& packet, srtp_err_status_t (*step)(srtp_t, void*, int*)) {
    int size = static_cast<int>(packet.size);
    if (step(session_, packet.data().data(), &size) != srtp_err_status_ok) return false;
    packet.size = static_cast<std::size_t>(size);
    return true;
  }
  base::Buffer joined_;
  srtp_t session_ = nullptr;
  bool protect_ = false;
};

}  // namespace parley::rtc
