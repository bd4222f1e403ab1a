#include "gateway/record_store.h"

#include <algorithm>

#include "base/log.h"
#include "gateway/internal_log.h"
#include "gateway/json.h"

namespace parley::gateway {
namespace {

constexpr std::size_t kMaxStoredBytes = 250 * 1024;  // The store takes 256 KiB.

}  // namespace

std::string serialise(const CallRecord& record) {
  const std::string head = "{\"state\":" + serialise(record.state);
  const std::string timeline = ",\"timeline\":" + record.timeline.json(record.state.startedAt);
  std::string whole = head + timeline + ",\"media\":" + record.media + "}";
  if (whole.size() <= kMaxStoredBytes) return whole;
  whole = head + timeline + "}";
  return whole.size() <= kMaxStoredBytes ? whole : head + "}";
}

std::optional<CallRecord> deserialiseRecord(std::string_view text) {
  const auto json = parseJson(text);
  if (!json || !json->is_object() || !json->contains("state")) return std::nullopt;
  auto state = deserialise(dumpJson((*json)["state"]));
  if (!state || state->phase != CallPhase::ended) return std::nullopt;
  CallRecord record;
  if (const auto at = json->find("timeline"); at != json->end()) {
    record.timeline = Timeline::parse(dumpJson(*at), state->startedAt);
  }
  if (const auto at = json->find("media"); at != json->end() && at->is_object()) record.media = dumpJson(*at);
  record.state = std::move(*state);
  return record;
}

RecordStore::RecordStore(store::Store& store, CallRecords& records)
    : records_(records),
      bucket_(store.bucket("call-records", {base::Millis{0}, true, 2 * CallRecords::kMaxRecords})) {}

RecordStore::~RecordStore() { records_.setKeeper(nullptr, nullptr); }

void RecordStore::load(std::function<void(std::size_t)> done) {
  bucket_->list("", guard_.wrap([this, done](base::Result<std::vector<store::Entry>> found) {
    std::vector<CallRecord> old;
    if (found) {
      for (const store::Entry& entry : *found) {
        if (auto record = deserialiseRecord(entry.value)) {
          old.push_back(std::move(*record));
        } else {
          bucket_->remove(entry.key, [](base::Result<void>) {});
        }
      }
    } else {
      log.error("stored call records cannot be read", {{"reason", found.error().reason}});
    }
    std::ranges::sort(old, {}, [](const CallRecord& record) { return record.state.endedAt; });
    for (CallRecord& record : old) {
      if (records_.find(record.state.id) == nullptr) records_.add(std::move(record));
    }
    records_.setKeeper([this](const CallRecord& record) { put(record); },
                       [this](const std::string& call) { bucket_->remove(call, [](base::Result<void>) {}); });
    done(old.size());
  }));
}

void RecordStore::put(const CallRecord& record) {
  bucket_->put(record.state.id, serialise(record), [](base::Result<store::Revision> result) {
    if (!result) log.warn("call record is not stored", {{"reason", result.error().reason}});
  });
}

}  // namespace parley::gateway
