// The input is one RTCP datagram: every block goes through every parser, and every view is read whole.
#include <array>
#include <cstdlib>

#include "proto/rtcp.h"
#include "proto/rtcp_transport_cc.h"

namespace {
using namespace parley;
volatile std::uint64_t sink;  // Keeps the reads.

void require(bool condition) {
  if (!condition) std::abort();
}

void readReports(const proto::RtcpBlock& block) {
  const auto report = proto::parseReport(block);
  if (!report) return;
  std::array<std::uint8_t, 1024> buffer;
  for (std::size_t i = 0; i < report->size(); ++i) {
    const auto one = report->block(i);
    proto::RtcpWriter writer(buffer);
    writer.receiverReport(report->ssrc, {&one, 1});
    proto::RtcpReader reader(writer.written());
    const auto again = proto::parseReport(*reader.next());
    require(again && again->block(0) == one);
  }
}

void readFeedback(const proto::RtcpBlock& block) {
  if (const auto nack = proto::parseNack(block))
    for (std::size_t i = 0; i < nack->size(); ++i) sink = sink + nack->packetId(i) + nack->bitmask(i);
  if (const auto pli = proto::parsePli(block)) sink = sink + pli->mediaSsrc;
  if (const auto fir = proto::parseFir(block))
    for (std::size_t i = 0; i < fir->size(); ++i) sink = sink + fir->ssrc(i) + fir->sequence(i);
  if (const auto remb = proto::parseRemb(block))
    for (std::size_t i = 0; i < remb->ssrcs.size(); ++i) sink = sink + remb->ssrcs[i] + remb->bitrate;
  if (const auto feedback = proto::parseTransportCc(block)) {
    proto::TransportCcReader reader(*feedback);
    std::size_t statuses = 0;
    while (reader.next()) ++statuses;
    require(statuses <= feedback->statusCount);
    require(!reader.ok() || statuses == feedback->statusCount);
  }
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  proto::RtcpReader reader(base::Bytes(data, size));
  while (const auto block = reader.next()) {
    readReports(*block);
    readFeedback(*block);
    if (const auto bye = proto::parseBye(*block))
      for (std::size_t i = 0; i < bye->size(); ++i) sink = sink + (*bye)[i];
    proto::RtcpSdesReader sdes(*block);
    while (const auto item = sdes.next()) sink = sink + item->ssrc + item->text.size();
  }
  return 0;
}
