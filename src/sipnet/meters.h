// Counters of the SIP transports, per transport.
#pragma once
#include <array>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "base/metrics.h"
#include "sip/transport.h"

namespace parley::sipnet {

class Meters {
 public:
  Meters();
  void received(sip::TransportKind kind, std::size_t bytes) const;
  void sent(sip::TransportKind kind, std::size_t bytes) const;
  void connections(sip::TransportKind kind, int change) const;
  /// `reason` must be one of a fixed set.
  void refused(sip::TransportKind kind, std::string_view reason);
  void sendFailed(sip::TransportKind kind, std::string_view reason);

 private:
  static constexpr std::size_t kKinds = 5;
  using Reasons = std::map<std::pair<sip::TransportKind, std::string>, base::Counter>;
  void count(Reasons& in, std::string_view name, std::string_view help, sip::TransportKind kind,
             std::string_view reason);

  struct PerKind {
    base::Counter messagesIn, messagesOut, bytesIn, bytesOut;
    base::Gauge connections;
  };
  std::array<PerKind, kKinds> kinds_;
  Reasons refused_, failed_;
};

}  // namespace parley::sipnet
