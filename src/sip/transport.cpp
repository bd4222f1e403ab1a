#include "sip/transport.h"

namespace parley::sip {

std::string_view toString(TransportKind kind) {
  switch (kind) {
    case TransportKind::udp:
      return "UDP";
    case TransportKind::tcp:
      return "TCP";
    case TransportKind::tls:
      return "TLS";
    case TransportKind::ws:
      return "WS";
    case TransportKind::wss:
      return "WSS";
  }
  return {};
}

}  // namespace parley::sip
