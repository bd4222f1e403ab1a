#include "assist/saved_sessions.h"

#include <map>
#include <utility>

#include "assist/internal_log.h"

namespace parley::assist {

SavedSessions::SavedSessions(store::Store& store, std::size_t maxSessions)
    : states_(store.bucket("assist-sessions", {base::Millis{0}, true, 2 * maxSessions})),
      histories_(store.bucket("assist-history", {base::Millis{0}, true, 2 * maxSessions})),
      notStored_(base::Metrics::instance().counter(
          "parley_assist_not_stored_total",
          "Changes of shared sessions that the store did not take: a restart would lose them.")) {}

void SavedSessions::put(store::Bucket& bucket, const std::string& cid, std::string value) {
  bucket.put(cid, std::move(value), guard_.wrap([this, cid](base::Result<store::Revision> put) {
    if (put) return;
    notStored_.add();
    logger.warn("shared session is not stored", {{"cid", cid}, {"reason", put.error().reason}});
  }));
}

void SavedSessions::putState(const std::string& cid, std::string state) {
  put(*states_, cid, std::move(state));
}

void SavedSessions::putHistory(const std::string& cid, std::string history) {
  put(*histories_, cid, std::move(history));
}

void SavedSessions::remove(const std::string& cid) {
  states_->remove(cid, [](base::Result<void>) {});
  histories_->remove(cid, [](base::Result<void>) {});
}

void SavedSessions::load(std::function<void(base::Result<std::vector<Saved>>)> done) {
  using Entries = base::Result<std::vector<store::Entry>>;
  states_->list("", guard_.wrap([this, done](Entries states) {
    if (!states) return done(std::unexpected(states.error()));
    histories_->list("", guard_.wrap([this, done, entries = std::move(*states)](Entries histories) {
      if (!histories) return done(std::unexpected(histories.error()));
      std::map<std::string, std::string> history;
      for (store::Entry& entry : *histories) history[entry.key] = std::move(entry.value);
      std::vector<Saved> out;
      for (const store::Entry& entry : entries) {
        out.push_back({entry.key, entry.value, std::move(history[entry.key])});
        history.erase(entry.key);
      }
      for (const auto& [cid, orphan] : history) histories_->remove(cid, [](base::Result<void>) {});
      done(std::move(out));
    }));
  }));
}

}  // namespace parley::assist
