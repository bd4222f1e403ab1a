// The application server's program.
#include <memory>

#include "assist/documents.h"
#include "assist/documents_settings.h"
#include "assist/extension.h"
#include "assist/settings.h"
#include "events/extension.h"
#include "events/settings.h"
#include "gateway/server.h"
#include "gateway/settings.h"
#include "programs/program.h"

namespace {

using namespace parley;

int run(programs::Start& start) {
  net::EventLoop loop("main");
  gateway::Server::Extensions extensions;
  auto documents = std::make_unique<assist::Documents>();
  auto sessions = assist::makeExtension(documents.get());
  // Before the sessions that go on showing what is in there.
  extensions.push_back(std::move(documents));
  extensions.push_back(std::move(sessions));
  extensions.push_back(events::makeExtension());
  auto made = gateway::Server::start(
      loop, start.settings, start.stateDirectory, PARLEY_VERSION, [&loop] { loop.stop(); },
      std::move(extensions));
  if (!made) return programs::cannotStart(made.error());
  gateway::Server& server = **made;
  programs::serve(
      loop, start,
      {.ready =
           "parley-server ready https_port=" + std::to_string(server.port()) + " version=" PARLEY_VERSION,
       .draining = [&] { return server.draining(); },
       .drain = [&] { server.drain(); },
       .stop = [&] { server.stop(); },
       .isAlive = [] { return true; },  // The loop itself asks.
       .drainLimit =
           [&] {
             return base::Millis(std::chrono::seconds{start.settings.integer("server.drain_seconds")});
           }});
  return 0;
}

void declareSettings(base::Settings& settings) {
  gateway::declareSettings(settings);
  assist::declareSettings(settings);
  assist::declareDocumentSettings(settings);
  events::declareSettings(settings);
}

}  // namespace

int main(int argc, char** argv) {
  return programs::runProgram(argc, argv,
                              {.name = "parley-server",
                               .description = "Parley's application server",
                               .version = PARLEY_VERSION,
                               .stateSetting = "server.state_directory",
                               .declareSettings = declareSettings,
                               .run = run});
}
