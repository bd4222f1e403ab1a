// The media broker's program.
#include "broker/broker.h"
#include "broker/settings.h"
#include "programs/program.h"

namespace {

using namespace parley;

int run(programs::Start& start) {
  net::EventLoop loop("main");
  auto made = broker::Broker::start(loop, start.settings, start.stateDirectory, PARLEY_VERSION,
                                    [&loop] { loop.stop(); });
  if (!made) return programs::cannotStart(made.error());
  broker::Broker& broker = **made;
  programs::serve(
      loop, start,
      {.ready = "parley-media ready control=https://" + broker.controlEndpoint().toString() +
                " media=" + broker.mediaPorts(),
       .draining = [&] { return broker.draining(); },
       .drain = [&] { broker.drain(); },
       .stop = [&] { broker.stop(); },
       .isAlive = [&] { return broker.workersAlive(); },
       .drainLimit =
           [&] {
             return base::Millis(std::chrono::seconds{start.settings.integer("media.drain_seconds")});
           }});
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return programs::runProgram(argc, argv,
                              {.name = "parley-media",
                               .description = "Parley's media broker",
                               .version = PARLEY_VERSION,
                               .stateSetting = "media.state_directory",
                               .declareSettings = broker::declareSettings,
                               .run = run});
}
