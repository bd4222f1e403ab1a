// A call's leg at a phone, as SipPhones keeps it: its session in the engine, and for a call that we make the
// servers still to be tried. Owned by SipPhones; on its loop.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "gateway/sip_phones.h"

namespace parley::gateway {

struct SipPhones::Leg {
  explicit Leg(std::string name) : id(std::move(name)) {}
  const std::string id;
  sip::SessionId session;
  // Of an outgoing call, until it is answered.
  PhoneInvite invite;
  std::vector<std::string> servers;  ///< Still to be tried.
  std::string server;                ///< Tried now, or the one that took the call.
  std::string serverAddress;         ///< Of the target that said something, until then the first one.
  bool heard = false;                ///< The server said something.
  unsigned generation = 0;           ///< Voids a late answer of the locator.
};

}  // namespace parley::gateway
