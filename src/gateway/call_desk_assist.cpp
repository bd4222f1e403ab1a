// The shared session beside a call (EA-10), and what a hold means for it (EA-5).
//
// Where an exchange stands between the customer's page and the agent's, the one call of theirs is two of
// ours: page to trunk, and trunk to page. What joins them is the correlation id that went out with the first
// and came in with the second. An id is no secret and a page may choose its own, so it alone proves nothing:
// - A session goes only from a customer's page to agents of ours that talk with a telephone's leg, and such a
//   leg is there only from a configured trunk or peer. A page is never told another page's session.
// - The agent's call must have come after the page's went out: who picks a call's id up later and dials with
//   it does not get before that agent.
// - What an agent dials is never a page's call here, although a consult has the customer's id: a colleague
//   behind the exchange whom it reaches may so be let into the session before the customer is passed on.
// - Two pages with calls out under one id: nobody can say which of them is meant, and neither is.
#include "base/log.h"
#include "base/metrics.h"
#include "gateway/call_desk.h"
#include "gateway/internal_log.h"

namespace parley::gateway {
namespace {

/// A customer's page that is called on through a trunk.
bool isPageAtTrunk(const CallState& s) {
  return s.live() && !s.consumer.isPhone() && !s.consumer.agent && s.agent.isPhone();
}

/// A call from a trunk with our agents.
bool isTrunkAtAgent(const CallState& s) {
  return s.live() && s.caller == Side::consumer && s.consumer.isPhone() && !s.agent.isPhone();
}

}  // namespace

/// The one customer's page whose call went out under this id; null: none, or more than one.
const CallState* CallDesk::pageOf(const std::string& correlationId) const {
  const CallState* found = nullptr;
  for (const CallState* each : calls_.correlated(correlationId)) {
    if (!isPageAtTrunk(*each)) continue;
    if (found != nullptr) {
      base::Metrics::instance()
          .counter("parley_gateway_correlations_ambiguous_total",
                   "Shared sessions kept from agents, as two calls of pages had one correlation id.")
          .add();
      log.warn("two calls of pages have one correlation id", {{"reason", "correlation.ambiguous"}});
      return nullptr;
    }
    found = each;
  }
  return found;
}

/// The customer's page has opened a shared session, or closed it: its agents behind an exchange know, too.
void CallDesk::shareAssist(const Session& session, const std::string& call) {
  const CallState* state = calls_.find(call);
  if (state == nullptr || !isPageAtTrunk(*state) || state->consumer.session != session.id) return;
  if (pageOf(state->correlationId) != state) return;
  const std::string cid = state->assist;
  std::vector<std::string> agents;
  for (const CallState* each : calls_.correlated(state->correlationId)) {
    if (isTrunkAtAgent(*each) && each->startedAt >= state->startedAt && each->assist != cid) {
      agents.push_back(each->id);
    }
  }
  for (const std::string& id : agents) calls_.deliver(id, event::AssistShared{cid});
}

/// What a call that comes in now from a trunk joins; empty: nothing.
std::string CallDesk::assistOf(const std::string& correlationId) const {
  const CallState* page = pageOf(correlationId);
  return page == nullptr ? std::string() : page->assist;
}

/// What was drawn before a hold is of no use after it.
void CallDesk::tellRetrieved(const Session& session, const std::string& call) {
  const CallState* state = calls_.find(call);
  if (state == nullptr || state->assist.empty() || !knowsCall(*state, session.id)) return;
  if (retrieved_ && session.isAgent()) retrieved_(state->assist);
}

}  // namespace parley::gateway
