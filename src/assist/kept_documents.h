// The documents that sessions show, one each, in the store: another process of the server goes on showing
// them. Bounded; what finds no room is shown all the same and gone after a restart. Loop thread only.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "assist/content_store.h"
#include "base/guard.h"
#include "base/metrics.h"
#include "store/store.h"

namespace parley::assist {

class KeptDocuments {
 public:
  /// `maxBytes`: all together, and four times what one may take; 0: none is kept.
  KeptDocuments(store::Store& store, std::size_t maxBytes);
  /// The whole documents of a process before this one; what is left of others is removed.
  void load(std::function<void(base::Result<std::vector<Content>>)> done);
  /// What the content's session shows now; it takes the place of the one before.
  void keep(const Content& content);
  void remove(const std::string& cid);
  /// The same, if that is what is kept of its session.
  void remove(const Content& content);

  std::vector<std::string> sessions() const;
  std::size_t bytes() const { return bytes_; }

 private:
  struct Kept {
    std::string id;
    std::size_t size = 0;
  };
  struct Writing {
    std::string cid, id, about;
    ContentBytes bytes;
  };
  void writePiece(const Writing& writing, std::size_t piece);
  void lose(const Writing& writing, const base::Error& error);
  std::vector<Content> assemble(const std::vector<store::Entry>& documents,
                                const std::vector<store::Entry>& pieces);

  const std::size_t maxBytes_;
  std::shared_ptr<store::Bucket> documents_;  // By cid; written when all pieces are.
  std::shared_ptr<store::Bucket> pieces_;     // "<id>.<number>"
  std::map<std::string, Kept> kept_;          // By cid.
  std::size_t bytes_ = 0;
  base::Counter notStored_;
  base::LifeGuard guard_;
};

}  // namespace parley::assist
