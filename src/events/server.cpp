#include "events/server.h"

#include "base/log.h"
#include "link/json.h"

namespace parley::events {
namespace {

const base::Logger logger{"events"};
using link::Json;

constexpr base::Millis kSweepEvery{30'000};
// So much is on its way to a page; the rest waits in the topics, where it can still be made less.
constexpr std::size_t kWindow = 32;
constexpr std::size_t kWindowBytes = 256 * 1024;

std::int64_t wallMillis() { return base::millisOf(base::wallNow()); }

store::BucketOptions durable(std::size_t entries) { return {base::Millis{0}, true, entries}; }

/// Connections break and pages are loaded anew; this name of a page stays, if it gives one.
std::string originOf(const link::Peer& peer, const Json& hello) {
  const auto client = hello.find("client");
  const std::string id =
      client != hello.end() && client->is_object() ? link::stringAt(*client, "id").value_or("") : "";
  // Of another user, the same name is another.
  return isItemId(id) ? peer.token.user + "/" + id : peer.id;
}

}  // namespace

link::PeersOptions Server::peersOptions() {
  link::PeersOptions options;
  options.part = "events";
  options.audience = "assist";
  options.maxTextBytes = 2 * kMaxValueBytes;
  options.unnumbered = {"pong"};
  return options;
}

Server::Server(net::EventLoop& loop, const identity::TokenSigner& signer, base::Random& random,
               store::Store& store, Limits limits, link::PeersOptions options)
    : peers_(loop, signer, random, std::move(options)),
      topics_(random, limits),
      topicBucket_(store.bucket("aed_topics", durable(limits.maxTopics + 1'000))),
      dataBucket_(store.bucket("aed_data", durable(1'000'000))),
      sweeper_(loop) {
  peers_.setListener(this);
  auto& metrics = base::Metrics::instance();
  topicsGauge_ = metrics.gauge("parley_events_topics", "Topics of application events.");
  bytesGauge_ = metrics.gauge("parley_events_data_bytes", "Data in topics.");
  dropped_ = metrics.counter("parley_events_messages_dropped_total",
                             "Messages that were too many for their receivers.");
  notStored_ = metrics.counter("parley_events_not_stored_total", "Changes that the store did not take.");
  requests_ = metrics.counter("parley_events_requests_total", "Requests of clients.");
}

void Server::load(std::function<void(base::Result<void>)> done) {
  topicBucket_->list("", guard_.wrap([this, done](base::Result<std::vector<store::Entry>> found) {
    if (!found) return done(std::unexpected(found.error()));
    for (const store::Entry& entry : *found) {
      if (topics_.restoreTopic(entry.value, wallMillis())) continue;
      logger.error("stored topic is unreadable", {{"topic", entry.key}});
      topicBucket_->remove(entry.key, [](base::Result<void>) {});
    }
    loadItems(done);
  }));
}

void Server::loadItems(std::function<void(base::Result<void>)> done) {
  dataBucket_->list("", guard_.wrap([this, done](base::Result<std::vector<store::Entry>> found) {
    if (!found) return done(std::unexpected(found.error()));
    for (const store::Entry& entry : *found) {
      if (topics_.restoreItem(entry.value, wallMillis())) continue;
      logger.error("stored data of a topic is unreadable", {{"key", entry.key}});
      dataBucket_->remove(entry.key, [](base::Result<void>) {});
    }
    sweeper_.startEvery(kSweepEvery, [this] { sweep(); });
    count();
    done({});
  }));
}

std::expected<void, link::Refusal> Server::admit(const link::Peer& peer, const Json& hello) {
  if (draining_) {
    return std::unexpected(
        link::Refusal{link::kDraining, {"server.draining", "The server is being stopped."}});
  }
  Rights rights = rightsOf(peer.token.role, peer.token.cid);
  rights.insert(rights.end(), shared_.begin(), shared_.end());
  for (const std::string& text : peer.token.grants) {
    if (auto right = parseRight(text)) rights.push_back(std::move(*right));
  }
  const bool label = peer.token.role != "consumer" && !agentName_.empty();
  const Json by = {
      {"role", peer.token.role}, {"name", label ? agentName_ : peer.token.name}, {"party", peer.id}};
  // Anybody may be a consumer: what those of one network make is a part of all there may be.
  const bool anybody = peer.token.role == "consumer" && peer.token.grants.empty();
  topics_.addClient(peer.id, {.by = link::dumpJson(by),
                              .origin = originOf(peer, hello),
                              .rights = std::move(rights),
                              .payer = anybody ? peer.network : std::string()});
  return {};
}

std::string Server::welcomeOf(const link::Peer&) {
  return link::dumpJson(
      {{"topics", {{"maxValue", kMaxValueBytes}, {"maxTopics", Limits{}.maxTopicsOfClient}}}});
}

void Server::onUp(const std::string& peer, bool) { pump(peer); }
void Server::onDown(const std::string&, std::uint16_t) {}

void Server::onGone(const link::Peer& peer) {
  topics_.removeClient(peer.id, wallMillis());
  settle();
}

void Server::onMessage(const std::string& peer, const std::string& type, const Json& message) {
  if (type == "pong") return;
  if (type == "leave") {
    if (const auto left = peers_.end(peer, 1000, "left")) onGone(*left);
    return;
  }
  requests_.add();
  if (auto request = parseRequest(message)) {
    topics_.handle(peer, std::move(*request), wallMillis());
  } else {
    std::string id = link::stringAt(message, "request").value_or("");
    if (!link::isLabel(id, kMaxRequestId)) id.clear();
    topics_.refuse(peer, request.error(), id);
  }
  settle();
}

void Server::onAcknowledged(const std::string& peer) { pump(peer); }

/// Stores what changed, tells what is told already.
void Server::settle() {
  for (StoreOp& op : topics_.takeStoreOps()) write(std::move(op));
  // Who is too slow is sent away in between, which others are told of.
  for (auto touched = topics_.takeTouched(); !touched.empty(); touched = topics_.takeTouched()) {
    for (const std::string& peer : touched) pump(peer);
  }
  count();
}

void Server::write(StoreOp op) {
  const auto& bucket = op.where == StoreOp::Where::topics ? topicBucket_ : dataBucket_;
  const auto told = [this, topic = op.topic, version = op.version](const base::Error* error) {
    if (error != nullptr && error->reason != "store.not_found") {
      // The clients go on; what they see may not outlive this process.
      logger.error("change of a topic is not stored", {{"topic", topic}, {"reason", error->reason}});
      notStored_.add();
    }
    topics_.stored(topic, version);
    settle();
  };
  if (op.value) {
    bucket->put(op.key, std::move(*op.value), guard_.wrap([told](base::Result<store::Revision> put) {
      told(put ? nullptr : &put.error());
    }));
  } else {
    bucket->remove(op.key,
                   guard_.wrap([told](base::Result<void> gone) { told(gone ? nullptr : &gone.error()); }));
  }
}

void Server::pump(const std::string& id) {
  if (topics_.overflowed(id)) {
    peers_.end(id, link::kOverflow, "session.overflow");
    return topics_.removeClient(id, wallMillis());
  }
  while (const link::Peer* peer = peers_.find(id)) {
    const std::size_t waiting = peer->waiting.size() + peer->numbers.kept();
    if (!peer->up() || waiting >= kWindow || peer->waitingBytes + peer->numbers.keptBytes() >= kWindowBytes) {
      return;
    }
    auto text = topics_.next(id);
    if (!text) return;
    peers_.send(id, std::move(*text));
  }
}

void Server::sweep() {
  topics_.expire(wallMillis());
  settle();
}

void Server::count() {
  topicsGauge_.set(static_cast<std::int64_t>(topics_.topics()));
  bytesGauge_.set(static_cast<std::int64_t>(topics_.bytes()));
  dropped_.add(topics_.messagesDropped() - droppedBefore_);
  droppedBefore_ = topics_.messagesDropped();
}

}  // namespace parley::events
