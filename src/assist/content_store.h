// Documents and pictures of running sessions (EA-6): what an agent uploaded, had fetched, or took from the
// library, under an id that cannot be guessed (128 bits and more) and that is all a consumer's page needs to
// read it. In memory, bounded; gone with the session, or when nobody used it for a while. Time is passed in.
// Loop thread only.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "assist/content_type.h"
#include "base/random.h"
#include "base/result.h"
#include "base/time.h"

namespace parley::assist {

/// Shared: the library's contents are not copied for each session.
using ContentBytes = std::shared_ptr<const std::string>;

struct Content {
  std::string id;
  std::string name;
  ContentType type;
  ContentBytes bytes;
  std::string cid;    ///< The session it belongs to; empty: to none yet.
  std::string owner;  ///< The user who brought it.
  base::Instant used{};
  std::uint64_t order = 0;
  std::size_t size() const { return bytes->size(); }
};

struct ContentLimits {
  std::size_t maxBytes = 25 << 20;         ///< One file.
  std::size_t maxTotalBytes = 256u << 20;  ///< All together.
  std::size_t maxOwnerBytes = 100u << 20;  ///< One user's; beyond it the oldest go.
  std::size_t maxContents = 2'000;
  std::size_t maxOwnerContents = 200;  ///< One user's; beyond it the oldest go.
  std::size_t maxUploads = 16;         ///< At a time: each is held in memory while it comes.
  base::Millis unused{3'600'000};      ///< Gone when not read for so long.
};

class ContentStore {
 public:
  ContentStore(base::Random& random, ContentLimits limits) : random_(random), limits_(limits) {}
  /// Called with each content that is gone; not when the store itself goes.
  void onErased(std::function<void(const Content&)> erased) { erased_ = std::move(erased); }
  void setUnused(base::Millis unused) { limits_.unused = unused; }

  /// Keeps a file if it is one of the right kinds. Errors: those of contentTypeOf(), content.too_large,
  /// content.full. The pointer is valid until the loop goes on.
  base::Result<const Content*> add(std::string_view name, std::string bytes, std::string cid,
                                   std::string owner, base::Instant now);
  /// A content that is kept elsewhere, too (the library); of a known type.
  base::Result<const Content*> share(std::string name, ContentType type, ContentBytes bytes, std::string cid,
                                     std::string owner, base::Instant now);
  /// One that a process before this one had, under its id. False: there is no room.
  bool restore(Content content, base::Instant now);
  /// Null when unknown or over. Reading keeps it alive.
  const Content* find(const std::string& id, base::Instant now);
  /// Gives a content that has no session yet to a session (who knows its id has a right to it). False: it is
  /// unknown, or another session's.
  bool bind(const std::string& id, const std::string& cid);
  /// Everything of a session goes.
  void endSession(const std::string& cid);
  void expire(base::Instant now);

  /// A place for an upload under way, free again when the pointer goes. Null: all are taken.
  std::shared_ptr<void> upload();

  const ContentLimits& limits() const { return limits_; }
  std::size_t size() const { return contents_.size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  base::Result<const Content*> keep(Content content, base::Instant now);
  const Content* put(Content content, base::Instant now);
  void makeRoomOf(const std::string& owner, std::size_t bytes);
  void erase(std::map<std::string, Content>::iterator at);

  base::Random& random_;
  ContentLimits limits_;
  std::map<std::string, Content> contents_;
  std::size_t bytes_ = 0;
  std::uint64_t order_ = 0;
  std::function<void(const Content&)> erased_;
  std::shared_ptr<std::size_t> uploads_ = std::make_shared<std::size_t>(0);
};

}  // namespace parley::assist
