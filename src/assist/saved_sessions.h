// Running sessions in the store, so that another process of the server can go on with them: who is there and
// what the consumer agreed to ("assist-sessions", written with every change), receipts and timeline
// ("assist-history", written now and then). No pictures. Loop thread only.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/guard.h"
#include "base/metrics.h"
#include "store/store.h"

namespace parley::assist {

class SavedSessions {
 public:
  struct Saved {
    std::string cid;
    std::string state, history;  ///< As they were put; `history` may be empty.
  };
  SavedSessions(store::Store& store, std::size_t maxSessions);
  void putState(const std::string& cid, std::string state);
  void putHistory(const std::string& cid, std::string history);
  void remove(const std::string& cid);
  void load(std::function<void(base::Result<std::vector<Saved>>)> done);

 private:
  void put(store::Bucket& bucket, const std::string& cid, std::string value);
  std::shared_ptr<store::Bucket> states_, histories_;
  base::Counter notStored_;
  base::LifeGuard guard_;
};

}  // namespace parley::assist
