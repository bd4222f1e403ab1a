// The input is one RTP packet: parse it, walk its extensions, rewrite it in a slot of varying room, wrap and
// unwrap it as RTX. Every result must parse again.
#include <cstdlib>
#include <vector>

#include "proto/rtp.h"

namespace {
using namespace parley;

void require(bool condition) {
  if (!condition) std::abort();
}

void rewrite(base::Bytes input, const proto::RtpView& view, std::size_t room, std::size_t skip) {
  std::vector<std::uint8_t> slot(room);
  slot.insert(slot.end(), input.begin(), input.end());
  proto::Packet packet{slot, room, input.size()};
  proto::RtpExtensionWriter writer(room % 2 == 0 ? proto::RtpExtensionWriter::Form::oneByte
                                                 : proto::RtpExtensionWriter::Form::twoByte);
  auto reader = proto::RtpExtensionReader(view);
  while (const auto element = reader.next()) writer.add(element->id, element->value);
  const proto::RtpHeader header{true, 99, 1, 2, 3};
  if (!proto::rewriteRtp(packet, view, header, writer.finish(), skip)) return;
  const auto again = proto::parseRtp(packet.data());
  require(again && again->header == header && again->payloadSize == view.payloadSize - skip);
  require(again->csrcCount == view.csrcCount && again->paddingSize == 0);
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const base::Bytes input(data, size);
  const auto view = proto::parseRtp(input);
  if (!view) return 0;
  require(view->headerSize + view->payloadSize + view->paddingSize == size);
  for (const std::size_t room : {0u, 1u, 64u, 257u}) {
    rewrite(input, *view, room, 0);
    rewrite(input, *view, room, 2);
  }
  std::vector<std::uint8_t> rtx(size + 2);
  const std::size_t written = proto::writeRtx(input, 97, 7, 8, rtx);
  require(written != 0);
  const base::MutableBytes wrapped = base::MutableBytes(rtx).first(written);
  const auto wrappedView = proto::parseRtp(wrapped);
  require(wrappedView && proto::rtxOriginalSequence(wrapped, *wrappedView) == view->header.sequence);
  proto::patchRtpExtension(wrapped, 2, std::vector<std::uint8_t>(3, 0xff));
  require(proto::parseRtp(wrapped).has_value());
  return 0;
}
