// What a worker tells the main loop.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/time.h"

namespace parley::broker {

/// Tells two calls with the same id apart.
using CallSerial = std::uint64_t;

struct LegEvent {
  std::string call, leg;
  std::string_view what;  ///< A literal, e.g. "ice-connected"; see docs/protocols/broker-control.md.
  base::WallTime at;
  std::vector<std::pair<std::string, std::string>> detail;
};

/// The worker removed a call by itself.
struct CallEnded {
  std::string call;
  CallSerial serial = 0;
  std::string_view reason;
  base::WallTime at;
};

using WorkerEvent = std::variant<LegEvent, CallEnded>;
using EmitEvent = std::function<void(WorkerEvent)>;

}  // namespace parley::broker
