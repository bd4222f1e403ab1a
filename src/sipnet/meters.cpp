#include "sipnet/meters.h"

#include "base/text.h"

namespace parley::sipnet {
namespace {

std::string labelOf(sip::TransportKind kind) { return base::toLower(sip::toString(kind)); }
std::size_t at(sip::TransportKind kind) { return static_cast<std::size_t>(kind); }

}  // namespace

Meters::Meters() {
  auto& metrics = base::Metrics::instance();
  for (std::size_t i = 0; i < kKinds; ++i) {
    const std::string label = labelOf(static_cast<sip::TransportKind>(i));
    const auto counter = [&](std::string_view name, std::string_view help, const char* direction) {
      return metrics.counter(name, help, {{"transport", label}, {"direction", direction}});
    };
    constexpr std::string_view kMessages = "parley_sip_messages_total";
    constexpr std::string_view kBytes = "parley_sip_bytes_total";
    kinds_[i].messagesIn = counter(kMessages, "SIP messages carried.", "in");
    kinds_[i].messagesOut = counter(kMessages, "SIP messages carried.", "out");
    kinds_[i].bytesIn = counter(kBytes, "Bytes of SIP messages carried.", "in");
    kinds_[i].bytesOut = counter(kBytes, "Bytes of SIP messages carried.", "out");
    kinds_[i].connections =
        metrics.gauge("parley_sip_connections", "Open SIP connections.", {{"transport", label}});
  }
}

void Meters::received(sip::TransportKind kind, std::size_t bytes) const {
  kinds_[at(kind)].messagesIn.add();
  kinds_[at(kind)].bytesIn.add(bytes);
}

void Meters::sent(sip::TransportKind kind, std::size_t bytes) const {
  kinds_[at(kind)].messagesOut.add();
  kinds_[at(kind)].bytesOut.add(bytes);
}

void Meters::connections(sip::TransportKind kind, int change) const {
  kinds_[at(kind)].connections.add(change);
}

void Meters::count(Reasons& in, std::string_view name, std::string_view help, sip::TransportKind kind,
                   std::string_view reason) {
  auto [found, fresh] = in.try_emplace({kind, std::string(reason)});
  if (fresh) {
    found->second = base::Metrics::instance().counter(
        name, help, {{"transport", labelOf(kind)}, {"reason", std::string(reason)}});
  }
  found->second.add();
}

void Meters::refused(sip::TransportKind kind, std::string_view reason) {
  count(refused_, "parley_sip_transport_refused_total", "Connections and messages refused.", kind, reason);
}

void Meters::sendFailed(sip::TransportKind kind, std::string_view reason) {
  count(failed_, "parley_sip_transport_send_failed_total", "Messages that could not be sent.", kind, reason);
}

}  // namespace parley::sipnet
