// The last shared sessions, with masking receipts and timeline, kept over a restart. Loop thread only.
#pragma once
#include <deque>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/guard.h"
#include "store/store.h"

namespace parley::assist {

class Records {
 public:
  static constexpr std::size_t kMaxRecords = 200;
  /// Reads what is there; it is known a moment later.
  explicit Records(store::Store& store);
  /// `summary` and `record` of a session that is over; `endedAt` orders them.
  void add(const std::string& cid, std::int64_t endedAt, const nlohmann::json& summary,
           const nlohmann::json& record);
  /// Summaries as texts of JSON objects, newest first; `record` names each.
  std::vector<std::string> recent() const;
  /// The whole record of the session with this cid that `record` names, the last one without; empty: none.
  std::string find(const std::string& cid, std::string_view record = {}) const;
  std::size_t size() const { return records_.size(); }

 private:
  struct Record {
    std::string key, cid, summary, whole;
  };
  void load();
  std::shared_ptr<store::Bucket> bucket_;
  std::deque<Record> records_;  // Oldest first.
  std::uint64_t last_ = 0;
  base::LifeGuard guard_;
};

}  // namespace parley::assist
