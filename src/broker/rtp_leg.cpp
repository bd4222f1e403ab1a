#include "broker/rtp_leg.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/text.h"
#include "broker/call.h"
#include "broker/internal_log.h"
#include "proto/classify.h"
#include "proto/rtp.h"

namespace parley::broker {
namespace {

std::unique_ptr<rtc::SrtpContext> contextOf(rtc::SrtpContext::Direction direction, rtc::SrtpProfile profile,
                                            const base::Secret& key) {
  const base::Bytes bytes = base::asBytes(key.reveal());
  const std::size_t split = rtc::srtpKeyBytes(profile);
  if (bytes.size() < split) return nullptr;
  auto made = rtc::SrtpContext::create(direction, profile, bytes.first(split), bytes.subspan(split));
  return made ? std::move(*made) : nullptr;
}

bool sameAddress(const net::Endpoint& a, const net::Endpoint& b) { return a.bytes() == b.bytes(); }

}  // namespace

using rtc::DropReason;

RtpLeg::RtpLeg(LegHost& host, Call& call, rtc::LegIndex index, std::string callId, rtc::LegId id,
               rtc::RtpSecurity security)
    : Leg(host, call, index, std::move(callId), std::move(id)), security_(security) {}

RtpLeg::~RtpLeg() {
  for (Stream& stream : streams_) closeStream(stream);
}

void RtpLeg::closeStream(Stream& stream) {
  if (stream.ports) {
    host_.forget(*stream.ports->rtp);
    host_.forget(*stream.ports->rtcp);
  }
  stream = Stream{};
}

std::optional<proto::TransportAddress> RtpLeg::address(std::size_t section, std::optional<bool> isV4) {
  if (section >= streams_.size() || closed_) return std::nullopt;
  Stream& stream = streams_[section];
  if (!stream.ports) {
    const auto handler = [&](bool rtcp) {
      return [this, section, rtcp](std::span<net::Datagram> batch, base::Instant now) {
        onBatch(section, rtcp, batch, now);
      };
    };
    stream.ports = host_.rtpPorts().open(handler(false), handler(true));
    if (!stream.ports) return std::nullopt;
  }
  const auto& advertised = host_.rtpPorts().options().advertised;
  if (advertised.empty()) return std::nullopt;
  const auto fits = std::ranges::find_if(
      advertised, [&](const net::Endpoint& each) { return !isV4 || each.isV4() == *isV4; });
  const net::Endpoint& chosen = fits == advertised.end() ? advertised.front() : *fits;
  return addressOf(chosen.withPort(stream.ports->rtp->localEndpoint().port()));
}

void RtpLeg::closeUnused() {
  for (Stream& stream : streams_)
    if (stream.ports && !stream.open) closeStream(stream);
}

void RtpLeg::configure(const rtc::LegDescription& description, base::Instant now) {
  if (description.iceGeneration == generation_) return;
  generation_ = description.iceGeneration;
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    const bool open = i < description.sections.size() && !description.sections[i].rejected;
    streams_[i].open = open && streams_[i].ports != nullptr;
    if (streams_[i].open) configureStream(streams_[i], description.sections[i], now);
  }
  updateReady();
}

void RtpLeg::configureStream(Stream& stream, const rtc::MediaSection& section, base::Instant now) {
  const auto point = [&](Way& way, const proto::TransportAddress& to) {
    const net::Endpoint signalled = to.port == 0 ? net::Endpoint() : endpointOf(to);
    // The peer described itself anew: it may have moved, even if it names the address of before.
    if (signalled != way.signalled) way.latched.reset();
    way.signalled = signalled;
    if (signalled.port() != 0) way.trusted = signalled;
    way.free = true;
  };
  point(stream.rtp, section.rtp.remote);
  point(stream.rtcp, section.rtp.remoteRtcp);
  stream.mux = section.rtp.rtcpMux;
  stream.awaitedSince = now;
  stream.peerSends = section.peerSends;
  stream.payloadTypes.fill(false);
  stream.eventFormats.clear();
  for (const rtc::Codec& codec : section.codecs) {
    const auto mayCome = [&](rtc::PayloadType type) {
      const auto number = static_cast<std::uint8_t>(type.value() & 0x7f);
      stream.payloadTypes[number] = true;
      if (base::equalsIgnoreCase(codec.name, "telephone-event"))
        stream.eventFormats.push_back({number, codec.clockRate});
    };
    mayCome(codec.payloadType);
    if (codec.received && *codec.received != codec.payloadType) mayCome(*codec.received);
  }
  configureKeys(stream, section.rtp.keys);
}

/// A context lives as long as its key: its packet counts go on over any number of descriptions.
void RtpLeg::configureKeys(Stream& stream, const std::optional<rtc::SdesKeys>& keys) {
  using Direction = rtc::SrtpContext::Direction;
  const auto same = [&](auto key) {
    return stream.keys && keys && stream.keys->profile == keys->profile &&
           key(*stream.keys).reveal() == key(*keys).reveal();
  };
  const bool sameOurs = same([](const rtc::SdesKeys& k) -> const base::Secret& { return k.ours; });
  const bool samePeers = same([](const rtc::SdesKeys& k) -> const base::Secret& { return k.peers; });
  if (!sameOurs) stream.protect = keys ? contextOf(Direction::protect, keys->profile, keys->ours) : nullptr;
  if (!samePeers)
    stream.unprotect = keys ? contextOf(Direction::unprotect, keys->profile, keys->peers) : nullptr;
  stream.keys = keys;
  if (keys && (!stream.protect || !stream.unprotect))
    legLogger.error("no SRTP context", {{"call", callId_}, {"leg", id_.value()}});
}

void RtpLeg::onBatch(std::size_t section, bool rtcpPort, std::span<net::Datagram> batch, base::Instant now) {
  for (net::Datagram& datagram : batch) {
    host_.countReceived(datagram.data.size());
    onDatagram(section, rtcpPort, datagram, now);
  }
  host_.batchDone(call_);
}

void RtpLeg::onDatagram(std::size_t section, bool rtcpPort, net::Datagram& datagram, base::Instant now) {
  Stream& stream = streams_[section];
  if (closed_ || !stream.open) return drop(DropReason::callClosed);
  const auto kind = proto::classify(datagram.data);
  if (kind != proto::PacketKind::rtp && kind != proto::PacketKind::rtcp)
    return drop(DropReason::notClassified);
  const bool rtcp = kind == proto::PacketKind::rtcp;
  if (rtcpPort && !rtcp) return drop(DropReason::rtpMalformed);
  Way& way = rtcp && !stream.mux ? stream.rtcp : stream.rtp;
  if (!allowed(way, datagram.remote, now)) return drop(DropReason::rtpOtherSource);
  const auto offset = static_cast<std::size_t>(datagram.data.data() - datagram.storage.data());
  proto::Packet packet{datagram.storage, offset, datagram.data.size()};
  if (!rtcp) {
    const auto view = proto::parseRtp(datagram.data);
    if (!view) return drop(DropReason::rtpMalformed);
    if (!stream.payloadTypes[view->header.payloadType & 0x7f]) return drop(DropReason::rtpUnknownPayloadType);
  }
  if (!unprotect(stream, packet, rtcp)) return;
  latch(section, way, datagram, rtcp, now);
  if (rtcp) return call_.onRtcp(*this, packet, now);
  if (!stream.eventFormats.empty()) detectKeys(stream, packet.data(), now);
  call_.onRtp(*this, packet, now, section);
}

/// Before it is passed on: the other side's transport works on the packet in place.
void RtpLeg::detectKeys(Stream& stream, base::Bytes rtp, base::Instant now) {
  const std::uint8_t payloadType = rtp[1] & 0x7f;
  const auto format = std::ranges::find(stream.eventFormats, payloadType, &EventFormat::payloadType);
  if (format == stream.eventFormats.end()) return tellKey(stream.keypad.onTime(now));
  const auto view = proto::parseRtp(rtp);
  if (!view) return;
  const auto found = stream.keypad.onPacket(view->header, rtp.subspan(view->headerSize, view->payloadSize),
                                            format->clockRate, now);
  tellKey(found.first);
  tellKey(found.second);
}

void RtpLeg::tellKey(const std::optional<rtc::DetectedKey>& key) {
  if (!key) return;
  emit(keyEvents_, "dtmf", {{"digit", std::string(1, key->key)}, {"millis", std::to_string(key->millis)}},
       base::wallNow());
}

bool RtpLeg::unprotect(Stream& stream, proto::Packet& packet, bool rtcp) {
  if (!stream.keys) return true;
  if (!stream.unprotect) return drop(DropReason::srtpNoKeys), false;
  const auto done = rtcp ? stream.unprotect->rtcp(packet) : stream.unprotect->rtp(packet);
  if (!done) drop(done.error());
  return done.has_value();
}

bool RtpLeg::allowed(const Way& way, const net::Endpoint& from, base::Instant now) const {
  if (way.latched == from) return true;
  // Somebody is heard: nobody else is until it was silent for a while.
  if (way.latched && !way.free && now - way.heardAt < kSilence) return false;
  if (host_.rtpPorts().options().latch == RtpLatch::any) return true;
  return sameAddress(way.trusted, from);
}

void RtpLeg::latch(std::size_t section, Way& way, const net::Datagram& datagram, bool rtcp,
                   base::Instant now) {
  way.heardAt = now;
  way.free = false;
  way.local = datagram.local;
  const bool moved = way.latched != datagram.remote;
  way.latched = datagram.remote;
  Stream& stream = streams_[section];
  // Reports say that it is there (again), not where its media come from.
  if (rtcp && !stream.timedOut) return;
  const bool first = !stream.heard || stream.timedOut;
  stream.heard = stream.heard || !rtcp;
  stream.timedOut = stream.told = false;
  if (!first && !moved) return;
  updateReady();
  emit("rtp-connected",
       {{"remote", stream.rtp.target().toString()},
        {"local", datagram.local.toString()},
        {"section", std::to_string(section)}},
       base::wallNow());
}

void RtpLeg::sendRtp(std::size_t section, proto::Packet packet, bool mustCopy) {
  if (section >= streams_.size() || !ready_) return drop(DropReason::peerNotReady);
  Stream& stream = streams_[section];
  if (!stream.open || stream.rtp.target().port() == 0) return drop(DropReason::peerNotReady);
  if (stream.keys) {
    if (!stream.protect) return drop(DropReason::srtpNoKeys);
    if (const auto done = stream.protect->rtp(packet); !done) return drop(done.error());
  }
  net::UdpSocket& socket = *stream.ports->rtp;
  if (mustCopy) {
    socket.queueCopy(stream.rtp.target(), stream.rtp.local, packet.data());
  } else {
    socket.queue(stream.rtp.target(), stream.rtp.local, packet.data());
  }
  host_.queued(socket);
}

void RtpLeg::sendRtcp(std::size_t section, proto::Packet packet) {
  if (section >= streams_.size() || !ready_) return;
  Stream& stream = streams_[section];
  const Way& way = stream.mux ? stream.rtp : stream.rtcp;
  if (!stream.open || way.target().port() == 0) return;
  if (stream.keys) {
    if (!stream.protect) return;
    if (const auto done = stream.protect->rtcp(packet); !done) return drop(done.error());
  }
  net::UdpSocket& socket = stream.mux ? *stream.ports->rtp : *stream.ports->rtcp;
  socket.queueCopy(way.target(), way.local, packet.data());
  host_.queued(socket);
}

bool RtpLeg::mayRepeat() const {
  return std::ranges::all_of(streams_, [](const Stream& s) { return !s.protect || s.protect->mayRepeat(); });
}

void RtpLeg::updateReady() {
  setReady(!closed_ && std::ranges::any_of(streams_, [](const Stream& s) {
    return s.open && s.rtp.target().port() != 0 && (!s.keys || s.protect);
  }));
}

void RtpLeg::onSecond(base::Instant now) {
  if (closed_) return;
  for (Stream& stream : streams_) tellKey(stream.keypad.onTime(now));
  const auto timeout = host_.rtpPorts().options().timeout;
  if (timeout.count() == 0) return;
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    Stream& stream = streams_[i];
    if (!stream.open) continue;
    if (!stream.peerSends || !call_.expectsMedia(*this, i)) {
      stream.awaitedSince = now;
      stream.told = false;
      continue;
    }
    if (stream.told) continue;
    // Reports count, too: with silence suppression there is nothing else while nobody speaks.
    const base::Instant last = std::max({stream.awaitedSince, stream.rtp.heardAt, stream.rtcp.heardAt});
    if (now - last < timeout) continue;
    stream.timedOut = stream.told = true;
    emit("rtp-timeout",
         {{"section", std::to_string(i)},
          {"seconds", std::to_string(std::chrono::duration_cast<std::chrono::seconds>(timeout).count())}},
         base::wallNow());
  }
}

void RtpLeg::close() {
  closed_ = true;
  ready_ = false;
}

std::string RtpLeg::profile() const {
  for (const Stream& stream : streams_)
    if (stream.open && stream.keys) return std::string(rtc::toString(stream.keys->profile));
  return {};
}

LegReport RtpLeg::report(base::Instant) const {
  LegReport report;
  report.id = id_.value();
  report.kind = rtc::LegKind::rtp;
  report.security = security_;
  report.srtp = profile();
  for (const Stream& stream : streams_) {
    if (!stream.open) continue;
    report.connected |= stream.heard && !stream.timedOut;
    if (!report.remote.empty() || stream.rtp.target().port() == 0) continue;
    report.remote = stream.rtp.target().toString();
    const bool heard = stream.rtp.local.port() != 0;
    report.local = (heard ? stream.rtp.local : stream.ports->rtp->localEndpoint()).toString();
  }
  report.stats.drops = drops_;
  return report;
}

}  // namespace parley::broker
