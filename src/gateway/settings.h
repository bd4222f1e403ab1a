// The application server's settings (design decision 7), declared once.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/settings.h"
#include "gateway/call_desk.h"
#include "gateway/sessions.h"
#include "net/endpoint.h"
#include "net/handshake_limiter.h"

namespace parley::gateway {

void declareSettings(base::Settings& settings);

std::vector<net::Endpoint> bindEndpoints(const base::Settings& settings);
net::HandshakeLimiter::Limits handshakeLimits(const base::Settings& settings);
SessionsOptions sessionsOptions(const base::Settings& settings);
CallDeskOptions callDeskOptions(const base::Settings& settings);
std::vector<NumberPattern> refusedDestinations(const base::Settings& settings);  ///< GW-13.

/// GW-2.
enum class AnonymousAccess { enabled, disabled, trusted };
AnonymousAccess anonymousAccess(const base::Settings& settings);

}  // namespace parley::gateway
