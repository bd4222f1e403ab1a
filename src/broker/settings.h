// The settings of the media broker and the values made from them.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/settings.h"
#include "broker/rtp_ports.h"
#include "net/endpoint.h"
#include "rtc/bridge.h"
#include "rtc/negotiator.h"

namespace parley::broker {

/// Declares media.* and log.*.
void declareSettings(base::Settings& settings);

// Each reads the present values, so that changes apply to the next call.
rtc::NegotiatorOptions negotiatorOptions(const base::Settings& settings);
rtc::BridgeOptions bridgeOptions(const base::Settings& settings);

/// media.workers, or what the machine's cores suggest (at most kDefaultWorkers).
unsigned workerCount(const base::Settings& settings);
constexpr unsigned kDefaultWorkers = 5;  ///< Ports 16000–16004.

/// media.bind_addresses with `port`; all addresses when none is set.
std::vector<net::Endpoint> bindEndpoints(const base::Settings& settings, std::uint16_t port);
/// The addresses that peers are told, best first, port 0: media.advertised_addresses; else the bound ones;
/// else every address of this machine, loopback last.
std::vector<net::Endpoint> advertisedAddresses(const base::Settings& settings);

/// Where the control interface listens, the address that is told first: media.control_bind; else the
/// management, internal or external address (the first that is set and is not "all"), and loopback for a
/// server beside it.
std::vector<net::Endpoint> controlEndpoints(const base::Settings& settings);

/// media.rtp_*: the share of worker `index` of `count`.
RtpPortOptions rtpPortOptions(const base::Settings& settings, unsigned index, unsigned count);
/// Macroblocks of a picture of that size ("vga"); 0 for "none"; nothing for what is no such name.
std::optional<std::uint32_t> frameBlocksOf(std::string_view resolution);

}  // namespace parley::broker
