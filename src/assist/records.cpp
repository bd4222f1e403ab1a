#include "assist/records.h"

#include <fmt/format.h>

#include <algorithm>

#include "assist/internal_log.h"
#include "base/log.h"
#include "link/json.h"

namespace parley::assist {
namespace {

using link::Json;

std::string named(Json summary, const std::string& key) {
  summary["record"] = key;
  return link::dumpJson(summary);
}

}  // namespace

Records::Records(store::Store& store)
    : bucket_(store.bucket("assist-records", {base::Millis{0}, true, 2 * kMaxRecords})) {
  load();
}

void Records::load() {
  bucket_->list("", guard_.wrap([this](base::Result<std::vector<store::Entry>> found) {
    if (!found) return logger.error("stored sessions cannot be read", {{"reason", found.error().reason}});
    std::deque<Record> old;
    for (store::Entry& entry : *found) {
      const auto json = link::parseJson(entry.value);
      const bool good = json && json->is_object() && json->contains("summary") && json->contains("record");
      if (!good) {
        bucket_->remove(entry.key, [](base::Result<void>) {});
        continue;
      }
      old.push_back({entry.key, (*json)["summary"].value("cid", ""), named((*json)["summary"], entry.key),
                     link::dumpJson((*json)["record"])});
    }
    std::ranges::sort(old, {}, &Record::key);
    records_.insert(records_.begin(), std::make_move_iterator(old.begin()),
                    std::make_move_iterator(old.end()));
  }));
}

void Records::add(const std::string& cid, std::int64_t endedAt, const Json& summary, const Json& record) {
  // Sorts by time; the count keeps apart what ends in the same millisecond.
  const std::string key = fmt::format("{:015}-{:06}", endedAt, ++last_ % 1'000'000);
  Record kept{key, cid, named(summary, key), link::dumpJson(record)};
  bucket_->put(kept.key, fmt::format("{{\"summary\":{},\"record\":{}}}", kept.summary, kept.whole),
               [](base::Result<store::Revision> result) {
                 if (!result)
                   logger.warn("a session's record is not stored", {{"reason", result.error().reason}});
               });
  records_.push_back(std::move(kept));
  while (records_.size() > kMaxRecords) {
    bucket_->remove(records_.front().key, [](base::Result<void>) {});
    records_.pop_front();
  }
}

std::vector<std::string> Records::recent() const {
  std::vector<std::string> out;
  for (auto at = records_.rbegin(); at != records_.rend(); ++at) out.push_back(at->summary);
  return out;
}

std::string Records::find(const std::string& cid, std::string_view record) const {
  const auto at = std::find_if(records_.rbegin(), records_.rend(), [&](const Record& r) {
    return r.cid == cid && (record.empty() || r.key == record);
  });
  return at == records_.rend() ? std::string() : at->whole;
}

}  // namespace parley::assist
