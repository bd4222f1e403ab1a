#include "gateway/test_fake_phones.h"

#include <algorithm>
#include <ranges>

namespace parley::gateway::rig {

void FakePhones::invite(const PhoneInvite& invite) {
  invited = invite;
  legs.insert(invite.leg);
  log.push_back("invite " + invite.destination + " " + invite.sdp);
}

void FakePhones::ring(const std::string& leg, const std::string& sdp) {
  log.push_back("ring " + leg + (sdp.empty() ? "" : " " + sdp));
}

void FakePhones::answer(const std::string& leg, const std::string& sdp) {
  log.push_back("answer " + leg + " " + sdp);
}

void FakePhones::reject(const std::string& leg, int status, const std::string&) {
  legs.erase(leg);
  log.push_back("reject " + leg + " " + std::to_string(status));
}

void FakePhones::hangUp(const std::string& leg, EndReason reason) {
  legs.erase(leg);
  log.push_back("hangUp " + leg + " " + std::string(toString(reason)));
}

void FakePhones::offer(const PhoneOffer& offer) {
  offered = offer;
  log.push_back("offer " + offer.leg + " " + offer.sdp);
}

void FakePhones::answerOffer(const std::string& leg, const std::string& sdp) {
  log.push_back("answerOffer " + leg + " " + sdp);
}

void FakePhones::refuseOffer(const std::string& leg, int status) {
  log.push_back("refuseOffer " + leg + " " + std::to_string(status));
}

void FakePhones::sendDtmf(const std::string& leg, const std::string& digits) {
  log.push_back("dtmf " + leg + " " + digits);
}

void FakePhones::refer(const PhoneRefer& refer) {
  referred = refer;
  log.push_back("refer " + refer.leg + " " + refer.target +
                (refer.replacesLeg.empty() ? "" : " replaces " + refer.replacesLeg));
}

void FakePhones::referProgress(const std::string& leg, int status) {
  log.push_back("referProgress " + leg + " " + std::to_string(status));
}

bool FakePhones::restore(const std::string& leg, const std::string& saved) {
  log.push_back("restore " + leg);
  if (!restorable || saved != dialog) return false;
  legs.insert(leg);
  return true;
}

void FakePhones::call(IncomingPhoneCall call) {
  legs.insert(call.leg);
  later([call](PhonesListener& l) { l.onPhoneCall(call); });
}

void FakePhones::progress(const std::string& leg, int status, const std::string& sdp) {
  later([=](PhonesListener& l) { l.onPhoneProgress(leg, status, sdp); });
}

void FakePhones::answers(const std::string& leg, const std::string& sdp) {
  later([=](PhonesListener& l) { l.onPhoneAnswered(leg, sdp); });
}

void FakePhones::fails(const std::string& leg, int status, const std::string& reason) {
  legs.erase(leg);
  later([=](PhonesListener& l) { l.onPhoneFailed(leg, status, reason, "scripted"); });
}

void FakePhones::reinvites(const std::string& leg, const std::string& sdp) {
  later([=](PhonesListener& l) { l.onPhoneOffer(leg, sdp); });
}

void FakePhones::answersOffer(const std::string& leg, const std::string& sdp) {
  later([=](PhonesListener& l) { l.onPhoneOfferAnswered(leg, sdp); });
}

void FakePhones::failsOffer(const std::string& leg, int status) {
  later([=](PhonesListener& l) { l.onPhoneOfferFailed(leg, status, "sip.refused"); });
}

void FakePhones::presses(const std::string& leg, const std::string& digits) {
  later([=](PhonesListener& l) { l.onPhoneDtmf(leg, digits); });
}

void FakePhones::refers(const std::string& leg, const std::string& target, const std::string& replaces,
                        const std::string& replacesLeg) {
  later([=](PhonesListener& l) { l.onPhoneRefer(leg, target, replaces, replacesLeg); });
}

void FakePhones::tellsRefer(const std::string& leg, int status) {
  later([=](PhonesListener& l) { l.onReferProgress(leg, status); });
}

void FakePhones::ends(const std::string& leg, const std::string& reason) {
  legs.erase(leg);
  later([=](PhonesListener& l) { l.onPhoneEnded(leg, reason, "scripted"); });
}

void FakePhones::traces(const std::string& leg, const std::string& what) {
  later([=](PhonesListener& l) { l.onPhoneTrace(leg, false, what, "{}"); });
}

void FakePhones::changes(const std::string& leg, const std::string& now) {
  dialog = now;
  later([=](PhonesListener& l) { l.onPhoneChanged(leg); });
}

bool FakePhones::has(const std::string& line) const {
  return std::ranges::any_of(log, [&](const std::string& one) { return one.starts_with(line); });
}

std::string FakePhones::last(const std::string& start) const {
  for (const std::string& line : log | std::views::reverse) {
    if (line.starts_with(start)) return line;
  }
  return {};
}

}  // namespace parley::gateway::rig
