// The last calls in the store, so that a new process knows them, too (DIAG-4). Loop thread only.
#pragma once
#include <functional>
#include <memory>

#include "base/guard.h"
#include "gateway/timeline.h"
#include "store/store.h"

namespace parley::gateway {

class RecordStore {
 public:
  RecordStore(store::Store& store, CallRecords& records);
  ~RecordStore();
  /// Reads what is there into `records`, then keeps what comes. `done` gets how many there were.
  void load(std::function<void(std::size_t)> done);

 private:
  void put(const CallRecord& record);
  CallRecords& records_;
  std::shared_ptr<store::Bucket> bucket_;
  base::LifeGuard guard_;
};

/// As text, without what makes it too large for the store; and back. Nothing: not a whole record.
std::string serialise(const CallRecord& record);
std::optional<CallRecord> deserialiseRecord(std::string_view text);

}  // namespace parley::gateway
