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

namespace parley::broker {

struct LegReport {
  std::string id;
  rtc::IceState ice = rtc::IceState::waiting;
  std::optional<rtc::DtlsState> dtls;  ///< Nothing before the first description.
  std::string srtp;                    ///< Profile, empty before the keys are there.
  std::string remote, local;           ///< Selected pair, empty before the first check.
  std::vector<std::string> mids;       ///< By section index.
  rtc::LegStats stats;                 ///< Drops of the bridge and of the transport together.
};

struct CallReport {
  std::string call;
  unsigned worker = 0;
  double ageSeconds = 0;
  std::vector<LegReport> legs;
};

std::string_view toString(rtc::IceState state);
std::string_view toString(rtc::DtlsState state);

std::string toJson(const CallReport& report);
std::string toJson(const LegEvent& event);
std::string toJson(const CallEnded& event);

}  // namespace parley::broker
