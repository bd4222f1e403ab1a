// What supervisors keep for agents to show (EA-7, CON-2): documents, pictures, links and videos, with names,
// an order, and a switch. Items are in the durable bucket "library", contents in pieces in "library_content"
// (a value of the store is at most 256 KiB); a local copy of the items is kept, contents are read when
// wanted. A content is written before its item is, and an unfinished one is removed at the next start. Loop
// thread only.
#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "assist/content_store.h"
#include "base/guard.h"
#include "base/random.h"
#include "base/result.h"
#include "store/store.h"

namespace parley::assist {

struct LibraryItem {
  std::string id;
  std::string name;
  std::string kind;  ///< "document", "image", "link", "video"
  std::string url;   ///< link, video
  ContentType type;  ///< document, image
  std::size_t size = 0;
  bool enabled = true;
  std::int64_t order = 0;
  std::string by;
  std::int64_t at = 0;   ///< ms since 1970
  bool pending = false;  ///< Its content is not complete.

  bool hasContent() const { return kind == "document" || kind == "image"; }
  std::string toJson() const;
  static std::optional<LibraryItem> fromJson(std::string_view text);
};

struct LibraryLimits {
  std::size_t maxItems = 500;
  std::size_t maxBytes = 256u << 20;
  std::size_t maxCached = 64u << 20;  ///< Contents that were read last stay in memory.
};

class Library {
 public:
  using Saved = std::function<void(base::Result<LibraryItem>)>;
  Library(store::Store& store, base::Random& random, LibraryLimits limits);
  void load(std::function<void(base::Result<std::size_t>)> done);

  std::vector<LibraryItem> items() const;  ///< By order.
  const LibraryItem* find(const std::string& id) const;
  /// Name, kind, url or type, by and at come from the caller. `content` is null for links. It becomes the
  /// last. Errors: library.full, store.*.
  void add(LibraryItem item, ContentBytes content, Saved done);
  /// Name, url and enabled of the item; the rest stays. Errors: library.unknown, store.*.
  void change(const LibraryItem& item, Saved done);
  /// `ids` first, in this order; the others behind as they were. Error: library.unknown.
  base::Result<void> reorder(const std::vector<std::string>& ids);
  base::Result<void> remove(const std::string& id);
  /// Errors: library.unknown, store.*.
  void content(const std::string& id, std::function<void(base::Result<ContentBytes>)> done);

  std::size_t size() const { return items_.size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  void put(const LibraryItem& item, Saved done);
  void writePiece(LibraryItem item, ContentBytes content, std::size_t piece, Saved done);
  void readPiece(const std::string& id, std::shared_ptr<std::string> into, std::size_t piece,
                 std::function<void(base::Result<ContentBytes>)> done);
  void erasePieces(const LibraryItem& item);
  void cache(const std::string& id, ContentBytes content);

  base::Random& random_;
  const LibraryLimits limits_;
  std::shared_ptr<store::Bucket> bucket_, contents_;
  std::map<std::string, LibraryItem> items_;
  std::list<std::pair<std::string, ContentBytes>> cached_;  // The last used first.
  std::map<std::string, std::vector<std::function<void(base::Result<ContentBytes>)>>> reading_;  // Who waits.
  std::size_t bytes_ = 0;
  base::LifeGuard guard_;
};

}  // namespace parley::assist
