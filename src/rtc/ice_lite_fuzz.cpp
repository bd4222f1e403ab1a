// Checks from anyone: the bytes as they are, and once more with the integrity made right, so that what comes
// after authentication is reached, too.
#include <array>
#include <cstdlib>

#include "rtc/hmac_sha1.h"
#include "rtc/ice_lite.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace parley;
  using rtc::IceLiteAgent;
  const rtc::IceParameters local{"evtj", "VOkJxbRl1RmTxUk/WvJxBt"};
  const IceLiteAgent::Pair pair{};
  std::array<std::uint8_t, IceLiteAgent::kMaxResponseBytes> response;
  IceLiteAgent agent(local);
  (void)IceLiteAgent::usernameOf({data, size});
  base::Instant now{base::Millis{1}};
  for (const bool authentic : {false, true}) {
    base::Buffer message(data, data + size);
    const auto parsed = proto::StunMessage::parse(message);
    if (authentic) {
      if (!parsed || size > 1'400) return 0;
      base::Buffer out(size + 100);
      proto::StunWriter writer(out, parsed->kind, parsed->method, parsed->transactionId);
      writer.username("evtj:x");
      if (parsed->useCandidate) writer.useCandidate();
      if (parsed->iceControlled) writer.iceControlled(*parsed->iceControlled);
      for (std::size_t i = 0; i < parsed->unknownRequiredCount && i < proto::StunMessage::kMaxUnknown; ++i)
        writer.attribute(parsed->unknownRequired[i], {});
      writer.integrity(base::asBytes(local.pwd), rtc::hmacSha1);
      writer.fingerprint();
      if (!writer.ok()) return 0;
      message.assign(writer.message().begin(), writer.message().end());
    }
    const auto result = agent.onCheck(message, pair, now, response);
    if (result.responseSize > response.size()) std::abort();
    if (result.responseSize > 0 &&
        !proto::StunMessage::parse(base::Bytes(response).first(result.responseSize)))
      std::abort();
    if (!result.dropped && (!agent.selected() || result.responseSize == 0)) std::abort();
  }
  return 0;
}
