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

/// Takes `toLeg`'s answer and writes the one for `fromLeg`; legs and sections of `next` are then as agreed.
base::Result<std::string> settle(Pending& next, const RemoteSdp& answer, const NegotiatorOptions& options,
                                 base::Random& random);

/// Answers `leg`'s offer from what was agreed before. `other` (may be nullptr) is who is on the other side.
base::Result<std::string> settleLocally(Leg& leg, const RemoteSdp& remote, const Leg* other,
                                        const std::vector<Section>& agreed, const NegotiatorOptions& options,
                                        base::Random& random);

}  // namespace parley::rtc::negotiation
