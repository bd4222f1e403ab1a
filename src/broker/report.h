// What the broker knows of a call, as values made on its worker and written as JSON on the main loop.
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/events.h"
#include "rtc/bridge.h"
#include "rtc/dtls.h"
#include "rtc/ice_lite.h"
#include "rtc/media_config.h"

namespace parley::broker {

struct LegReport {
  std::string id;
  rtc::LegKind kind = rtc::LegKind::webrtc;
  std::string peer;    ///< The leg that hears this one, empty: none.
  bool held = false;   ///< By us.
  bool holds = false;  ///< The peer takes no audio.
  rtc::IceState ice = rtc::IceState::waiting;
  std::optional<rtc::DtlsState> dtls;  ///< Nothing before the first description.
  std::string srtp;                    ///< Profile, empty before the keys are there.
  std::string remote, local;           ///< Selected pair, empty before the first check.
  std::vector<std::string> mids;       ///< By section index.
  // Of rtp legs:
  rtc::RtpSecurity security = rtc::RtpSecurity::none;  ///< As asked for; `srtp` says what it became.
  bool connected = false;                              ///< RTP comes.
  rtc::LegStats stats;                                 ///< Drops of the bridge and of the transport together.
};

struct CallReport {
  std::string call;
  unsigned worker = 0;
  double ageSeconds = 0;
  std::vector<LegReport> legs;
};

std::string_view toString(rtc::IceState state);
std::string_view toString(rtc::DtlsState state);
std::string_view toString(rtc::LegKind kind);
std::string_view toString(rtc::RtpSecurity security);

std::string toJson(const CallReport& report);
std::string toJson(const LegReport& report);
std::string toJson(const LegEvent& event);
std::string toJson(const CallEnded& event);

}  // namespace parley::broker
