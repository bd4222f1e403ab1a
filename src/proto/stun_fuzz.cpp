// Any bytes as a STUN message: parsing and the integrity check stay within bounds, and what was parsed can be
// written and parsed again with the same result.
#include <cstdlib>

#include "proto/stun.h"

namespace {

using namespace parley;

/// Touches every byte; the real HMAC would only hide what it reads.
proto::Sha1Digest sum(base::Bytes key, std::span<const base::Bytes> parts) {
  proto::Sha1Digest digest{};
  std::size_t at = key.size();
  for (const base::Bytes part : parts)
    for (const std::uint8_t b : part) digest[at++ % digest.size()] ^= b;
  return digest;
}

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto message = proto::StunMessage::parse({data, size});
  if (!message) return 0;
  const base::Bytes key = base::asBytes("password");
  (void)message->verifyIntegrity(key, sum);

  base::Buffer out(size + 128);
  proto::StunWriter writer(out, message->kind, message->method, message->transactionId);
  if (message->username) writer.username(*message->username);
  if (message->software) writer.software(*message->software);
  if (message->mappedAddress) writer.xorMappedAddress(*message->mappedAddress);
  if (message->priority) writer.priority(*message->priority);
  if (message->useCandidate) writer.useCandidate();
  if (message->iceControlled) writer.iceControlled(*message->iceControlled);
  if (message->iceControlling) writer.iceControlling(*message->iceControlling);
  if (message->errorCode) writer.errorCode(message->errorCode->code, message->errorCode->reason);
  writer.integrity(key, sum);
  writer.fingerprint();
  require(writer.ok());
  const auto again = proto::StunMessage::parse(writer.message());
  require(again.has_value());
  require(again->kind == message->kind && again->method == message->method);
  require(again->username == message->username && again->software == message->software);
  require(again->mappedAddress == message->mappedAddress && again->priority == message->priority);
  require(again->iceControlled == message->iceControlled && again->iceControlling == message->iceControlling);
  require(again->useCandidate == message->useCandidate && again->verifyIntegrity(key, sum));
  return 0;
}
