// The three steps of the negotiator on copies of its state: offer on, settle by an answer, settle here.
#pragma once
#include <string>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "rtc/negotiator_state.h"

namespace parley::rtc::negotiation {

/// From `next` with legs, sections and the peer's offer in `remote`: plans and writes the offer for `toLeg`.
base::Result<std::string> planOffer(Pending& next, const NegotiatorOptions& options, base::Random& random);

/// Before a device's answer is settled: it may number codecs anew, add some that nobody offered, and leave
/// out m-lines at the end that it does not know (negotiator_rtp.cpp).
void adaptAnswer(const Pending& next, RemoteSdp& answer);

/// Takes `toLeg`'s answer and writes the one for `fromLeg`, "" to an offer of ours; legs and sections of
/// `next` are then as agreed.
base::Result<std::string> settle(Pending& next, RemoteSdp answer, const NegotiatorOptions& options,
                                 base::Random& random);

/// Answers `leg`'s offer from what was agreed before. `other` (may be nullptr) is who is on the other side.
base::Result<std::string> settleLocally(Leg& leg, const RemoteSdp& remote, const Leg* other,
                                        const std::vector<Section>& agreed, const NegotiatorOptions& options,
                                        base::Random& random);

/// What an offer of ours to `to` is made of (negotiator_own.cpp): as if a leg that speaks like `towards` (may
/// be nullptr) offered it. Then for planOffer().
Pending planOwn(const LegId& id, const Leg& to, const Leg* towards, const std::vector<Section>& sections,
                const NegotiatorOptions& options);
/// Which of two joined legs should get an offer of ours so that their codecs fit; nothing if they do.
std::optional<bool> secondNeedsOffer(const Leg& first, const Leg& second);

}  // namespace parley::rtc::negotiation
