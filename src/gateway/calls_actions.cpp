// The actions of step(), carried out: at the broker, at phones, at pages.
#include "base/log.h"
#include "base/overloaded.h"
#include "gateway/calls_running.h"
#include "gateway/json.h"

namespace parley::gateway {
namespace {

constexpr std::size_t kMaxBrokerQueue = 64;

/// Whose call it is, as the phone network is to see it. Where a label stands for agents (CON-4) they have no
/// address but their number: the other one is the name that they sign in with.
std::string callerAddress(const Party& party, bool labelled) {
  if (!party.number.empty()) return party.number;
  if (party.isPhone()) return party.address;
  return party.agent && !labelled ? party.user : std::string();
}

/// What a telephone reads of who is at the other end.
std::string nameShown(const CallState& s, const Party& party) {
  return party.agent && !s.agentLabel.empty() ? s.agentLabel : party.name;
}

/// A phone that was called reads whom it talks with, also after somebody else has taken that place, or has
/// come to nothing there. What belongs to the customer's call goes with the offer that joins it.
PhoneOffer offerOf(const CallState& s, const action::Phone& a) {
  PhoneOffer out{.leg = a.leg, .sdp = a.sdp};
  const Transfer& t = s.transfer;
  const bool joins = t.running() && !t.otherCall.empty() && t.target.leg == a.leg;
  const Side place = joins ? t.by : s.agent.leg == a.leg ? Side::agent : Side::consumer;
  if (!joins && !s.party(place).called) return out;
  const Party& from = s.party(otherSide(place));
  out.tells = true;
  out.fromAddress = callerAddress(from, !s.agentLabel.empty());
  out.fromName = nameShown(s, from);
  if (!joins) return out;
  out.uui = s.uui;
  out.uuiElement = s.uuiElement;
  out.correlationId = s.correlationId;
  return out;
}

}  // namespace

void Calls::carryOut(Running& running, const Action& action) {
  if (auto entry = entryOf(action, running.state, base::millisOf(base::wallNow()))) {
    running.timeline.add(std::move(*entry));
  }
  const std::string& id = running.state.id;
  std::visit(
      base::Overloaded{
          [](const action::Persist&) {}, [&](const action::Broker& a) { askBroker(running, a.request); },
          [&](const action::BrokerDelete&) { removeAtBroker(running); },
          [&](const action::Phone& a) { askPhone(running, a); },
          [&](const action::NextMember&) {
            // Later: it looks at other calls and delivers to this one.
            loop_.post(guard_.wrap([this, id] {
              if (const CallState* state = find(id); state != nullptr && state->live()) {
                listener_->onNextMember(*state);
              }
            }));
          },
          [&](const action::OtherCall& a) {
            loop_.post(guard_.wrap([this, a] {
              if (a.absorb) {
                deliver(a.call, event::Absorbed{a.leg});
              } else {
                deliver(a.call, event::Renegotiate{a.leg});
              }
            }));
          },
          [&](const action::StartTimer& a) {
            if (running.state.phase == CallPhase::ended) return;
            running.timers[static_cast<std::size_t>(a.timer)]->start(
                base::Millis{a.millis},
                [this, id, timer = a.timer] { deliver(id, event::TimerFired{timer}); });
          },
          [&](const action::StopTimer& a) { running.timers[static_cast<std::size_t>(a.timer)]->stop(); },
          [&](const action::Finish&) { finish(running); },
          [&](const auto&) { sendMessages(running, action); }},
      action);
}

void Calls::sendMessages(Running& running, const Action& action) {
  const std::string& id = running.state.id;
  const auto send = [this](const std::string& session, Json out, const std::string& request) {
    if (!request.empty()) out["request"] = request;
    listener_->sendToPage(session, dumpJson(out), "");
  };
  if (const auto* call = std::get_if<action::SendCall>(&action)) return this->send(running, *call);
  if (const auto* sdp = std::get_if<action::SendSdp>(&action)) {
    Json out = {{"type", "sdp"}, {"call", id}, {"kind", sdp->offer ? "offer" : "answer"}, {"sdp", sdp->sdp}};
    if (sdp->offer) out["media"] = {{"audio", true}, {"video", sdp->video}};
    return send(running.state.party(sdp->side).session, std::move(out), sdp->request);
  }
  if (const auto* dtmf = std::get_if<action::SendDtmf>(&action)) {
    // Digits for a page that is away are told in bounds, by their key (sessions.h).
    return listener_->sendToPage(running.state.party(dtmf->side).session,
                                 dumpJson({{"type", "dtmf"}, {"call", id}, {"digits", dtmf->digits}}),
                                 "dtmf");
  }
  if (const auto* error = std::get_if<action::SendError>(&action)) {
    return send(
        error->session,
        {{"type", "error"}, {"fatal", false}, {"call", id}, {"reason", error->reason}, {"text", error->text}},
        error->request);
  }
  if (const auto* page = std::get_if<action::SendPage>(&action)) {
    std::string head = "{\"type\":" + dumpJson(page->type) + ",";
    if (!page->request.empty()) head += "\"request\":" + dumpJson(page->request) + ",";
    if (!page->sdp.empty()) head += "\"sdp\":" + dumpJson(page->sdp) + ",";
    listener_->sendToPage(page->session, head + page->fields.substr(1), "");
  }
}

/// As the call is when this leaves. A page that is away needs but the last of them.
void Calls::send(Running& running, const action::SendCall& a) {
  std::string head = "{\"type\":\"call\",";
  if (!a.request.empty()) head += "\"request\":" + dumpJson(a.request) + ",";
  const bool needed = !a.request.empty() || running.state.phase == CallPhase::ended;
  listener_->sendToPage(running.state.party(a.side).session,
                        head + callFields(running.state, a.side).substr(1),
                        needed ? "" : "call " + running.state.id);
}

namespace {

/// `text` is the reason's token, or for the target of a transfer that comes to nothing a sentence for who
/// wanted it, which is nothing for the phone.
EndReason hangUpReason(const action::Phone& a) {
  constexpr int kNoAnswer = 408;
  return endReasonOf(a.text).value_or(a.status == kNoAnswer ? EndReason::noAnswer : EndReason::cancelled);
}

}  // namespace

void Calls::askPhone(Running& running, const action::Phone& a) {
  const CallState& s = running.state;
  switch (a.op) {
    case PhoneOp::invite: {
      const Party& from = s.party(s.transfer.running() ? otherSide(s.transfer.by) : s.caller);
      return phones_.invite({.leg = a.leg,
                             .call = s.id,
                             .destination = a.number,
                             .fromAddress = callerAddress(from, !s.agentLabel.empty()),
                             .fromName = nameShown(s, from),
                             .sdp = a.sdp,
                             .uui = s.uui,
                             .uuiElement = s.uuiElement,
                             .correlationId = s.correlationId,
                             .replacesLeg = {},
                             .referredByLeg = a.other,
                             .replaces = a.replaces});
    }
    case PhoneOp::ring:
      return phones_.ring(a.leg, a.sdp);
    case PhoneOp::answer:
      return phones_.answer(a.leg, a.sdp);
    case PhoneOp::reject:
      return phones_.reject(a.leg, a.status, a.text);
    case PhoneOp::hangUp:
      return phones_.hangUp(a.leg, hangUpReason(a));
    case PhoneOp::offer:
      return phones_.offer(offerOf(s, a));
    case PhoneOp::answerOffer:
      return phones_.answerOffer(a.leg, a.sdp);
    case PhoneOp::refuseOffer:
      return phones_.refuseOffer(a.leg, a.status);
    case PhoneOp::dtmf:
      return phones_.sendDtmf(a.leg, a.text);
    case PhoneOp::refer:
      return phones_.refer({.leg = a.leg,
                            .target = a.text,
                            .replacesLeg = a.other,
                            .uui = s.uui,
                            .uuiElement = s.uuiElement,
                            .correlationId = s.correlationId});
    case PhoneOp::referProgress:
      return phones_.referProgress(a.leg, a.status);
  }
}

void Calls::askBroker(Running& running, const BrokerRequest& request) {
  const std::string id = running.state.id;
  queueAtBroker(
      running,
      [this, request](Running& now, MediaBrokers::Done done) {
        brokers_.ask(now.broker, now.state.id, request, std::move(done));
      },
      [this, id, request](base::Result<BrokerReply> reply) {
        if (const auto at = running_.find(id);
            request.op == BrokerOp::create && reply && at != running_.end()) {
          at->second->broker = reply->text;
        }
        deliver(id, event::BrokerDone{request, std::move(reply)});
      });
}

void Calls::queueAtBroker(Running& running, BrokerWork work, MediaBrokers::Done done) {
  if (running.finished) return;
  if (running.brokerQueue.size() >= kMaxBrokerQueue) {
    loop_.post(
        guard_.wrap([done] { done(base::fail("rate.exceeded", "Too many requests for this call.")); }));
    return;
  }
  running.brokerQueue.push_back({std::move(work), std::move(done)});
  nextBrokerRequest(running);
}

void Calls::nextBrokerRequest(Running& running) {
  if (running.brokerBusy || running.brokerQueue.empty()) return;
  auto request = std::move(running.brokerQueue.front());
  running.brokerQueue.pop_front();
  running.brokerBusy = true;
  const std::string id = running.state.id;
  request.work(running,
               guard_.wrap([this, id, done = std::move(request.done)](base::Result<BrokerReply> reply) {
                 const auto at = running_.find(id);
                 if (at == running_.end()) return;
                 at->second->brokerBusy = false;
                 done(std::move(reply));
                 // The entry may be gone by now.
                 if (const auto after = running_.find(id); after != running_.end())
                   nextBrokerRequest(*after->second);
                 forgetIfDone(id);
               }));
}

/// What is still queued is dropped; a request under way is waited for, so that nothing comes after this.
void Calls::removeAtBroker(Running& running) {
  running.brokerQueue.clear();
  const std::string id = running.state.id;
  queueAtBroker(
      running,
      [this](Running& now, MediaBrokers::Done done) {
        if (now.broker.empty()) return done(base::fail("call.unknown", "No broker has it."));
        brokers_.remove(now.broker, now.state.id, [done](base::Result<std::string> report) {
          if (!report) return done(std::unexpected(report.error()));
          done(BrokerReply{.text = std::move(*report), .renegotiate = {}});
        });
      },
      [this, id](base::Result<BrokerReply> reply) {
        const auto at = running_.find(id);
        if (at == running_.end() || !reply) return;
        const auto json = parseJson(reply->text);
        if (json && json->is_object()) at->second->media = dumpJson(*json);
      });
}

}  // namespace parley::gateway
