// What is pushed to customers besides links: documents and pictures, stored by the server. The session engine
// knows no more of them than this.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace parley::assist {

/// An agent's wish to show something: `content` names what is stored already, else `url` is fetched.
struct PushWish {
  std::string cid, party;
  std::string user;  ///< Who signed in: bounds are each user's.
  std::string request;
  std::string kind;  ///< "document" or "image".
  std::string content, url, name;
};

struct PushContent {
  std::string src;   ///< Path with an unguessable id, for the pages of the session.
  std::string name;  ///< For people.
  std::string kind;  ///< "document" or "image".
};

class PushSource {
 public:
  virtual ~PushSource() = default;
  /// Finds or fetches; ends always, maybe within the call.
  virtual void provide(const PushWish& wish, std::function<void(base::Result<PushContent>)> done) = 0;
  /// The session is over: what was kept for it is of no use any more.
  virtual void ended(const std::string& cid) = 0;
  /// The session shows this now, and is to show it after a restart, too; empty: nothing.
  virtual void shown(const std::string& cid, const std::string& src) = 0;
  /// Whether it is there to be read, for this session.
  virtual bool has(const std::string& cid, const std::string& src) = 0;
  /// After a restart: no session goes on but these.
  virtual void goesOn(const std::vector<std::string>& cids) = 0;
};

}  // namespace parley::assist
