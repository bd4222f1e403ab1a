#include "broker/webrtc_leg.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "broker/call.h"
#include "broker/internal_log.h"

namespace parley::broker {
namespace {}

using rtc::DropReason;

WebrtcLeg::WebrtcLeg(LegHost& host, Call& call, rtc::LegIndex index, std::string callId, rtc::LegId id,
                     std::shared_ptr<rtc::DtlsCertificate> certificate)
    : Leg(host, call, index, std::move(callId), std::move(id)), certificate_(std::move(certificate)) {}

WebrtcLeg::~WebrtcLeg() {
  for (const std::string& ufrag : ufrags_) host_.removeUfrag(ufrag, *this);
  for (const Pair& pair : pairs_) host_.removePair(pair, *this);
}

void WebrtcLeg::configure(const rtc::LegDescription& description, base::Instant now) {
  const bool restarted = configureIce(description);
  configureDtls(description, restarted, now);
}

bool WebrtcLeg::configureIce(const rtc::LegDescription& description) {
  if (description.localIce.ufrag.empty()) return false;
  const bool restarted = ice_ && ice_->local() != description.localIce;
  if (!ice_) ice_.emplace(description.localIce);
  if (restarted) ice_->restart(description.localIce);
  const std::string& ufrag = description.localIce.ufrag;
  if (std::ranges::find(ufrags_, ufrag) == ufrags_.end()) {
    if (ufrags_.size() == 2) {  // Restarted twice without a check between: the oldest serves no more.
      host_.removeUfrag(ufrags_.front(), *this);
      ufrags_.erase(ufrags_.begin());
    }
    ufrags_.push_back(ufrag);
    host_.addUfrag(ufrag, *this);
  }
  ice_->setRemoteUfrag(description.remoteIce.ufrag);
  return restarted;
}

void WebrtcLeg::configureDtls(const rtc::LegDescription& description, bool restarted, base::Instant now) {
  const bool known = !description.remoteFingerprints.empty();
  // Before the first answer the association has no generation yet; another peer may come for the next offer.
  const bool same = dtls_ && description.ourDtlsRole == role_ &&
                    (dtlsGeneration_ ? *dtlsGeneration_ == description.dtlsGeneration : !restarted);
  if (!same) {
    if (restarted && !pairs_.empty()) awaitFreshCheck_ = true;
    newAssociation(description);
  } else if (known) {
    dtls_->setRemoteFingerprints(description.remoteFingerprints);
  }
  if (known) dtlsGeneration_ = description.dtlsGeneration;
  startClient(now);
  afterDtls();  // Fingerprints may have completed a handshake that came early.
}

void WebrtcLeg::newAssociation(const rtc::LegDescription& description) {
  protect_.reset();
  unprotect_.reset();
  profile_.clear();
  dtlsPair_.reset();
  role_ = description.ourDtlsRole;
  dtlsState_ = rtc::DtlsState::idle;
  auto created = rtc::DtlsEndpoint::create(certificate_, role_, description.remoteFingerprints,
                                           [this](base::Bytes datagram) { sendDtls(datagram); });
  if (created) {
    dtls_ = std::move(*created);
  } else {
    legLogger.error("no DTLS endpoint", {{"reason", created.error().reason}, {"text", created.error().text}});
    dtls_.reset();
  }
  updateReady();
}

/// A client speaks first, but only to an address that passed a check, and once it knows whom to expect.
void WebrtcLeg::startClient(base::Instant now) {
  if (!dtls_ || closed_ || role_ != rtc::DtlsRole::client || dtls_->state() != rtc::DtlsState::idle) return;
  if (socket_ != nullptr && !awaitFreshCheck_ && dtlsGeneration_) dtls_->start(now);
}

void WebrtcLeg::onStun(base::Bytes message, std::string_view ufrag, const Pair& pair, base::Instant now) {
  if (!ice_) return drop(DropReason::stunUnknownUser);
  std::array<std::uint8_t, rtc::IceLiteAgent::kMaxResponseBytes> response;
  const auto result = ice_->onCheck(message, pair, now, response);
  if (result.responseSize > 0) {
    const net::Endpoint local = endpointOf(pair.local);
    host_.socketFor(local).queueCopy(endpointOf(pair.remote), local,
                                     std::span(response).first(result.responseSize));
  }
  if (result.dropped) return drop(*result.dropped);

  if (ufrag == ice_->local().ufrag) {
    awaitFreshCheck_ = false;
    for (const std::string& each : std::exchange(ufrags_, {ice_->local().ufrag})) {
      if (each != ice_->local().ufrag) host_.removeUfrag(each, *this);
    }
  }
  if (result.pairRemoved) {
    std::erase(pairs_, *result.pairRemoved);
    host_.removePair(*result.pairRemoved, *this);
  }
  if (std::ranges::find(pairs_, pair) == pairs_.end()) pairs_.push_back(pair);
  host_.addPair(pair, *this);  // Each time: the address may have been another leg's meanwhile.

  const bool first = socket_ == nullptr;
  if (result.selectedChanged && ice_->selected()) select(*ice_->selected());
  checkIce(now);
  if (result.selectedChanged && !first) emit("ice-selected", pairDetail(), base::wallNow());
  startClient(now);
}

void WebrtcLeg::select(const Pair& pair) {
  remote_ = endpointOf(pair.remote);
  local_ = endpointOf(pair.local);
  socket_ = &host_.socketFor(local_);
}

std::vector<std::pair<std::string, std::string>> WebrtcLeg::pairDetail() const {
  return {{"remote", remote_.toString()}, {"local", local_.toString()}};
}

bool WebrtcLeg::holds(const Pair& pair) const {
  return ice_ && ice_->selected() == pair && iceState_ == rtc::IceState::connected;
}

void WebrtcLeg::checkIce(base::Instant now) {
  if (!ice_) return;
  const rtc::IceState state = ice_->state(now);
  if (state == iceState_) return;
  iceState_ = state;
  switch (state) {
    case rtc::IceState::waiting:
      break;
    case rtc::IceState::connected:
      emit("ice-connected", pairDetail(), base::wallNow());
      break;
    case rtc::IceState::disconnected:
      emit("ice-disconnected", pairDetail(), base::wallNow());
      break;
    case rtc::IceState::expired:
      emit("ice-expired", pairDetail(), base::wallNow());
      break;
  }
  updateReady();
}

std::optional<DropReason> WebrtcLeg::refuseDtls() const {
  if (!dtls_ || closed_) return DropReason::callClosed;
  if (awaitFreshCheck_) return DropReason::dtlsUncheckedAddress;
  return std::nullopt;
}

void WebrtcLeg::onDtls(base::Bytes datagram, const Pair& from, base::Instant now) {
  if (const auto refused = refuseDtls()) return drop(*refused);
  if (dtlsState_ != rtc::DtlsState::connected) dtlsPair_ = from;
  // A server's time limit runs from the first datagram: the peer's user may take long to answer.
  if (role_ == rtc::DtlsRole::server && dtls_->state() == rtc::DtlsState::idle) dtls_->start(now);
  dtls_->onDatagram(datagram, now);
  afterDtls();
}

void WebrtcLeg::onTimer(base::Instant now) {
  if (!dtls_) return;
  if (const auto due = dtls_->nextTimer(); !due || *due > now) return;
  dtls_->onTimer(now);
  afterDtls();
}

base::Instant WebrtcLeg::nextTimer() const {
  return dtls_ ? dtls_->nextTimer().value_or(base::Instant::max()) : base::Instant::max();
}

void WebrtcLeg::afterDtls() {
  if (!dtls_ || dtls_->state() == dtlsState_) return;
  dtlsState_ = dtls_->state();
  switch (dtlsState_) {
    case rtc::DtlsState::idle:
    case rtc::DtlsState::handshaking:
      break;
    case rtc::DtlsState::connected:
      onConnected();
      break;
    case rtc::DtlsState::closed:
      emit("peer-bye", {{"by", "dtls"}}, base::wallNow());
      break;
    case rtc::DtlsState::failed: {
      const auto& error = dtls_->error();
      const std::string reason = error ? error->reason : "dtls.failed";
      if (reason == "dtls.bad_fingerprint") drop(DropReason::dtlsBadFingerprint);
      host_.countHandshake(false, reason);
      emit("dtls-failed", {{"reason", reason}, {"text", error ? error->text : ""}}, base::wallNow());
      break;
    }
  }
  updateReady();
}

void WebrtcLeg::onConnected() {
  const rtc::SrtpKeys& keys = *dtls_->keys();
  using Direction = rtc::SrtpContext::Direction;
  auto protect = rtc::SrtpContext::create(Direction::protect, keys.profile, keys.sendKey, keys.sendSalt);
  auto unprotect =
      rtc::SrtpContext::create(Direction::unprotect, keys.profile, keys.receiveKey, keys.receiveSalt);
  if (!protect || !unprotect) {
    legLogger.error("no SRTP context", {{"call", callId_}, {"leg", id_.value()}});
    return;
  }
  protect_ = std::move(*protect);
  unprotect_ = std::move(*unprotect);
  profile_ = rtc::toString(keys.profile);
  dtlsPair_.reset();
  host_.countHandshake(true, "");
  emit("dtls-connected", {{"srtp", profile_}, {"role", role_ == rtc::DtlsRole::client ? "client" : "server"}},
       base::wallNow());
}

/// The handshake answers where it was asked from; the peer may nominate another pair later.
void WebrtcLeg::sendDtls(base::Bytes datagram) {
  if (closed_) return;
  if (dtlsPair_) {
    const net::Endpoint local = endpointOf(dtlsPair_->local);
    host_.socketFor(local).queueCopy(endpointOf(dtlsPair_->remote), local, datagram);
  } else if (socket_ != nullptr && iceState_ != rtc::IceState::expired) {
    socket_->queueCopy(remote_, local_, datagram);
  }
}

bool WebrtcLeg::unprotectRtp(proto::Packet& packet) {
  if (!unprotect_) return drop(DropReason::srtpNoKeys), false;
  const auto done = unprotect_->rtp(packet);
  if (!done) drop(done.error());
  return done.has_value();
}

bool WebrtcLeg::unprotectRtcp(proto::Packet& packet) {
  if (!unprotect_) return drop(DropReason::srtpNoKeys), false;
  const auto done = unprotect_->rtcp(packet);
  if (!done) drop(done.error());
  return done.has_value();
}

void WebrtcLeg::sendRtp(std::size_t, proto::Packet packet, bool mustCopy) {
  if (!ready_)
    return drop(iceState_ == rtc::IceState::expired ? DropReason::consentExpired : DropReason::peerNotReady);
  if (const auto done = protect_->rtp(packet); !done) return drop(done.error());
  if (mustCopy) {
    socket_->queueCopy(remote_, local_, packet.data());
  } else {
    socket_->queue(remote_, local_, packet.data());
  }
}

void WebrtcLeg::sendRtcp(std::size_t, proto::Packet packet) {
  if (!ready_) return;  // Reports of a leg that cannot send are nobody's loss.
  if (const auto done = protect_->rtcp(packet); !done) return drop(done.error());
  socket_->queueCopy(remote_, local_, packet.data());
}

void WebrtcLeg::updateReady() {
  setReady(protect_ && socket_ != nullptr && dtlsState_ == rtc::DtlsState::connected &&
           (iceState_ == rtc::IceState::connected || iceState_ == rtc::IceState::disconnected) && !closed_);
}

void WebrtcLeg::close() {
  if (dtls_ && dtlsState_ == rtc::DtlsState::connected) dtls_->close();
  closed_ = true;
  ready_ = false;
}

LegReport WebrtcLeg::report(base::Instant now) const {
  LegReport report;
  report.id = id_.value();
  report.kind = rtc::LegKind::webrtc;
  if (ice_) report.ice = ice_->state(now);
  if (dtls_) report.dtls = dtls_->state();
  report.srtp = profile_;
  if (socket_ != nullptr) {
    report.remote = remote_.toString();
    report.local = local_.toString();
  }
  report.stats.drops = drops_;
  return report;
}

}  // namespace parley::broker
