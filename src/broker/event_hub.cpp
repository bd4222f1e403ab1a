#include "broker/event_hub.h"

#include <utility>
#include <vector>

#include "base/log.h"

namespace parley::broker {
namespace {
const base::Logger eventsLogger{"events"};
}

EventHub::EventHub(std::string instance) : instance_(std::move(instance)) {}

EventHub::~EventHub() {
  *alive_ = false;
  for (const auto& [id, socket] : std::exchange(sockets_, {})) socket->close(1001, "stopping");
}

void EventHub::add(std::shared_ptr<net::WebSocket> socket) {
  if (full()) return socket->close(1013, "too many listeners");
  const std::uint64_t id = ++last_;
  net::WebSocket& added = *socket;
  sockets_.emplace(id, std::move(socket));
  eventsLogger.info("listener came", {{"remote", added.remote().toString()}, {"listeners", sockets_.size()}});
  added.start([](std::string_view) {}, [](base::Bytes) {},
              [this, id, alive = alive_](std::uint16_t code, std::string_view reason) {
                if (!*alive || sockets_.erase(id) == 0) return;
                eventsLogger.info("listener left", {{"code", code}, {"reason", reason}});
              });
  added.sendText(R"({"event":"hello","version":1,"instance":")" + instance_ + "\"}");
}

void EventHub::broadcast(const std::string& json) {
  // A copy: sending may close a slow one, which then leaves the table.
  std::vector<std::shared_ptr<net::WebSocket>> all;
  all.reserve(sockets_.size());
  for (const auto& [id, socket] : sockets_) all.push_back(socket);
  for (const auto& socket : all) socket->sendText(json);
}

}  // namespace parley::broker
