#include "sipnet/error_answer.h"

#include "net/endpoint.h"

namespace parley::sipnet {

std::optional<ErrorAnswer> errorAnswer(const sip::ParseFailure& failure, const sip::Source& source,
                                       base::Random& random) {
  if (!failure.isRequest || failure.isAck || !failure.head || failure.head->topVia() == nullptr) return {};
  sip::Message head = *failure.head;
  if (head.callId().empty()) return {};
  sip::Via& via = *head.topVia();
  ErrorAnswer answer;
  answer.target = source.target();
  if (source.kind == sip::TransportKind::udp && !via.params.has("rport")) {
    answer.target.address.port = via.port.value_or(5060);
  }
  const std::string seen = net::Endpoint::fromBytes(source.remote.ip, 0).address();
  if (via.params.has("rport")) via.params.set("rport", std::to_string(source.remote.port));
  if (via.host != seen || via.params.has("rport")) via.params.set("received", seen);
  answer.bytes = sip::Message::responseTo(head, failure.status, random.alphanumeric(12)).write();
  return answer;
}

}  // namespace parley::sipnet
