// The application server's program: arguments, settings, signals.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/service_notify.h"
#include "base/settings.h"
#include "gateway/server.h"
#include "gateway/settings.h"
#include "net/event_loop.h"

namespace {

using namespace parley;

constexpr int kWrongUse = 2;
const base::Logger logger{"server"};

struct Arguments {
  std::string config, state, print;
  std::vector<std::string> set;
};

/// Errors go to standard error, one line each, before any log is there.
bool report(const base::SettingProblem& problem) {
  std::fprintf(stderr, "%s\n", problem.format().c_str());
  return false;
}

bool loadSettings(base::Settings& settings, const Arguments& arguments) {
  bool good = true;
  if (!arguments.config.empty()) {
    for (const auto& problem : settings.loadFile(arguments.config)) good = report(problem);
  }
  for (const std::string& each : arguments.set) {
    const auto equals = each.find('=');
    if (equals == std::string::npos) {
      std::fprintf(stderr, "--set %s: name=value is wanted\n", each.c_str());
      good = false;
    } else if (const auto problem = settings.setText(each.substr(0, equals), each.substr(equals + 1))) {
      good = report(*problem);
    }
  }
  return good;
}

int run(base::Settings& settings, const std::string& state) {
  net::EventLoop loop("main");
  const base::ServiceNotifier notifier;
  auto server = gateway::Server::start(loop, settings, state, PARLEY_VERSION, [&loop] { loop.stop(); });
  if (!server) {
    logger.error("cannot start", {{"reason", server.error().reason}, {"text", server.error().text}});
    return 1;
  }
  net::onTerminationSignals(loop, [&](int) {
    notifier.stopping("draining");
    if ((*server)->draining()) return (*server)->stop();  // The second signal.
    (*server)->drain();
  });
  net::Timer watchdog(loop);
  if (notifier.aliveEvery() > base::Millis{0}) {
    watchdog.startEvery(notifier.aliveEvery(), [&] { notifier.alive(); });
  }
  const std::string port = std::to_string((*server)->port());
  logger.info("parley-server ready", {{"https_port", port}, {"version", PARLEY_VERSION}});
  notifier.ready("https port " + port);
  loop.run();
  logger.info("ended");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Parley's application server");
  Arguments arguments;
  app.add_option("--config", arguments.config, "Settings file (TOML)")->check(CLI::ExistingFile);
  app.add_option("--set", arguments.set, "One setting, name=value; repeatable")
      ->take_all()
      ->allow_extra_args(false);
  app.add_option("--state", arguments.state, "State folder: certificates and secrets");
  app.add_option("--print-settings", arguments.print, "Print all settings and end: md or toml")
      ->check(CLI::IsMember({"md", "toml"}));
  app.set_version_flag("--version", PARLEY_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kWrongUse;
  }

  base::Settings settings;
  gateway::declareSettings(settings);
  if (!arguments.print.empty()) {
    const std::string text =
        arguments.print == "md" ? settings.referenceMarkdown("parley-server") : settings.sampleToml();
    std::fputs(text.c_str(), stdout);
    return 0;
  }
  if (!loadSettings(settings, arguments)) return kWrongUse;
  base::startLogging(gateway::logOptions(settings));
  settings.onChange("log.level", [&] { base::setLogLevel("", gateway::logOptions(settings).level); });
  const int result = run(settings, gateway::stateDirectory(settings, arguments.state));
  base::flushLogging();
  return result;
}
