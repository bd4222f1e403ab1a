// Session timers (RFC 4028): who refreshes, how often, and the end of a call that nobody refreshes.
#include <algorithm>

#include "base/text.h"
#include "sip/invite_session.h"

namespace parley::sip {
namespace {

std::uint32_t minSeOf(const Message& message, std::uint32_t standard) {
  const auto text = message.header(HeaderId::minSe);
  const auto parsed = text ? SessionExpires::parse(*text) : base::Result<SessionExpires>(SessionExpires{});
  // A peer cannot make it a week.
  return parsed ? std::clamp<std::uint32_t>(parsed->seconds, standard, 86'400) : standard;
}

}  // namespace

bool AgentCore::checkInterval(TransactionId id, const Message& request, base::Instant now) {
  const auto text = request.header(HeaderId::sessionExpires);
  if (!text) return true;
  const auto wanted = SessionExpires::parse(*text);
  if (!wanted) {
    refuse(Refusal::badRequest);
    answer(id, 400, now);
    return false;
  }
  if (wanted->seconds >= options.minSe || !request.lists(HeaderId::supported, "timer")) return true;
  refuse(Refusal::intervalTooSmall);
  answer(id, 422, now, {{HeaderId::minSe, {}, std::to_string(options.minSe)}});
  return false;
}

/// Our request in the dialog: the interval goes on as it is, by who refreshed before.
void InviteSession::askForTimer(Message& request) const {
  const std::uint32_t least = std::max(core_.options.minSe, state_.minSe);
  std::uint32_t seconds = state_.interval != 0 ? state_.interval : core_.options.sessionExpires;
  if (seconds == 0) return;
  seconds = std::max(seconds, least);  // The settings may have changed since the call began.
  std::string refresher;
  if (state_.refresher == Refresher::us) refresher = "uac";
  if (state_.refresher == Refresher::them) refresher = "uas";
  request.set(HeaderId::sessionExpires, SessionExpires{seconds, refresher}.toString());
  request.set(HeaderId::minSe, std::to_string(least));
}

/// RFC 4028 section 9: what our 2xx says.
void InviteSession::agreeAsServer(const Message& request, Message& response, base::Instant now) {
  state_.peerTimer = request.lists(HeaderId::supported, "timer");
  const auto text = request.header(HeaderId::sessionExpires);
  const auto wanted =
      text ? SessionExpires::parse(*text) : base::fail("sip.missing_header", "Session-Expires");
  const std::uint32_t ours = core_.options.sessionExpires;
  const std::uint32_t least = minSeOf(request, core_.options.minSe);
  if (least > core_.options.minSe) state_.minSe = std::max(state_.minSe, least);
  state_.interval = 0;
  state_.refresher = Refresher::none;
  if (wanted) {
    state_.interval = std::max(ours == 0 ? wanted->seconds : std::min(wanted->seconds, ours), least);
    if (wanted->refresher == "uas" || (wanted->refresher.empty() && !state_.peerTimer))
      state_.refresher = Refresher::us;
    else
      state_.refresher = Refresher::them;
  } else if (ours != 0) {
    state_.interval = std::max(ours, least);
    state_.refresher = Refresher::us;
  }
  if (state_.interval != 0) {
    const bool theirs = state_.refresher == Refresher::them;
    response.set(HeaderId::sessionExpires,
                 SessionExpires{state_.interval, theirs ? "uac" : "uas"}.toString());
    if (theirs) response.add(HeaderId::require, "timer");
  }
  startTimer(now);
}

/// RFC 4028 section 7.2: what their 2xx says.
void InviteSession::agreeAsClient(const Message& response, base::Instant now) {
  const auto text = response.header(HeaderId::sessionExpires);
  const auto agreed =
      text ? SessionExpires::parse(*text) : base::fail("sip.missing_header", "Session-Expires");
  state_.interval = 0;
  state_.refresher = Refresher::none;
  if (agreed && agreed->seconds != 0) {
    state_.interval = std::clamp<std::uint32_t>(agreed->seconds, 32, 86'400);
    state_.refresher = agreed->refresher == "uas" ? Refresher::them : Refresher::us;
  }
  startTimer(now);
}

void InviteSession::startTimer(base::Instant now) {
  refreshAt_ = expireAt_ = kNever;
  const std::chrono::seconds interval{state_.interval};
  if (state_.refresher == Refresher::us) {
    refreshAt_ = now + interval / 2;
    expireAt_ = now + interval;
  } else if (state_.refresher == Refresher::them) {  // RFC 4028 section 10
    expireAt_ = now + interval - std::min(std::chrono::seconds{32}, interval / 3);
    state_.localSdp.clear();
    state_.remoteSdp.clear();
  }
  arm();
}

void InviteSession::refresh(base::Instant now) {
  refreshAt_ = kNever;
  if (phase_ != SessionPhase::confirmed || state_.refresher != Refresher::us) return;
  if (!mayOffer()) {  // something is under way that refreshes as well
    refreshAt_ = now + std::chrono::seconds{5};
    return arm();
  }
  const bool update = state_.peerUpdates || state_.localSdp.empty();
  Message request = makeRequest(update ? Method::update : Method::invite, state_.dialog);
  askForTimer(request);
  if (!update) {
    request.setBody(state_.localSdp, "application/sdp");
    localOffer_ = true;
  }
  const auto purpose = update ? Pending::Purpose::refreshUpdate : Pending::Purpose::refreshInvite;
  const Target hop = state_.dialog.hop;
  if (sendRequest(std::move(request), hop, purpose, now) == TransactionId{}) {
    localOffer_ = false;
    refreshAt_ = now + std::chrono::seconds{10};
  }
  arm();
}

}  // namespace parley::sip
