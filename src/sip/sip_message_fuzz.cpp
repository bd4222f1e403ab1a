// Any bytes as a SIP message: what is accepted means the same when it is written and read again, every value
// that is read on demand can be asked for, and what is refused has an answer of one message.
#include <cstdlib>

#include "sip/identity.h"
#include "sip/message.h"

namespace {

using namespace parley;

void require(bool condition) {
  if (!condition) std::abort();
}

void refused(const sip::ParseFailure& failure) {
  require(failure.reason.starts_with("sip.") && !failure.text.empty());
  require(failure.status >= 400 && failure.status < 600);
  if (!failure.head) return;
  const auto answer = sip::Message::responseTo(*failure.head, failure.status, "tag").write();
  require(answer.find("\r\n\r\n") == answer.size() - 4);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto message = sip::Message::parse({reinterpret_cast<const char*>(data), size});
  if (!message) {
    refused(message.error());
    return 0;
  }
  const auto text = message->write();
  const auto again = sip::Message::parse(text);
  require(again.has_value());
  require(again->write() == text);
  require(again->requestUri() == message->requestUri() && again->vias() == message->vias());
  require(again->from() == message->from() && again->to() == message->to());
  require(again->cseq() == message->cseq() && again->callId() == message->callId());
  require(again->body() == message->body() && again->headers().size() == message->headers().size());
  for (const auto id : {sip::HeaderId::via, sip::HeaderId::contact, sip::HeaderId::supported}) {
    (void)message->list(id);
    (void)message->addresses(id);
  }
  (void)message->contentType();
  for (const bool trusted : {false, true}) {
    const auto caller = sip::callerOf(*message, trusted);
    require(caller.name.size() <= sip::kMaxDisplayBytes && caller.number.size() <= sip::kMaxDisplayBytes);
  }
  require(sip::redirectionsOf(*message).size() <= sip::kMaxRedirections);
  for (const auto& note : sip::userToUserOf(*message)) require(note.data.size() <= sip::kMaxUserToUserBytes);
  (void)sip::reasonText(*message);
  return 0;
}
