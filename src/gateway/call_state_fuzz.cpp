// Stored calls that are damaged or hostile: what deserialises must serialise to the same call, and step()
// must bear it in any state.
#include <cstdlib>

#include "gateway/call_step.h"

using namespace parley::gateway;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto state = deserialise({reinterpret_cast<const char*>(data), size});
  if (!state) return 0;
  // Bytes that are not UTF-8 cannot come out of a parse, so the round trip is exact.
  if (deserialise(serialise(*state)) != *state) std::abort();
  static_cast<void>(callFields(*state, Side::consumer));
  static_cast<void>(callFields(*state, Side::agent));
  const Event events[] = {{1, event::HungUp{Side::consumer, "r"}},
                          {2, event::SessionBack{Side::agent, "s", true}},
                          {3, event::LegChanged{Side::agent, event::LegChange::dtlsUp, "x", "{}"}},
                          {4, event::TimerFired{CallTimer::ring}},
                          {5, event::ServerStopping{}}};
  for (const Event& event : events) {
    const Step next = step(*state, event);
    if (deserialise(serialise(next.state)) != next.state) std::abort();
  }
  return 0;
}
