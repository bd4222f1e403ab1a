#include "assist/kept_documents.h"

#include <fmt/format.h>

#include <unordered_map>

#include "assist/internal_log.h"
#include "base/log.h"
#include "link/json.h"

namespace parley::assist {
namespace {

using link::Json;

constexpr std::size_t kPieceBytes = 192 * 1024;
constexpr std::size_t kMaxDocuments = 2'000;

std::size_t countOf(std::size_t size) { return (size + kPieceBytes - 1) / kPieceBytes; }
std::string keyOf(const std::string& id, std::size_t piece) { return fmt::format("{}.{}", id, piece); }

}  // namespace

KeptDocuments::KeptDocuments(store::Store& store, std::size_t maxBytes)
    : maxBytes_(maxBytes),
      documents_(store.bucket("assist-documents", {base::Millis{0}, true, kMaxDocuments})),
      pieces_(
          store.bucket("assist-document-pieces", {base::Millis{0}, true, countOf(maxBytes) + kMaxDocuments})),
      notStored_(base::Metrics::instance().counter(
          "parley_assist_not_stored_total",
          "Changes of shared sessions that the store did not take: a restart would lose them.")) {}

void KeptDocuments::load(std::function<void(base::Result<std::vector<Content>>)> done) {
  using Entries = base::Result<std::vector<store::Entry>>;
  documents_->list("", guard_.wrap([this, done](Entries documents) {
    if (!documents) return done(std::unexpected(documents.error()));
    pieces_->list("", guard_.wrap([this, done, whole = std::move(*documents)](const Entries& pieces) {
      if (!pieces) return done(std::unexpected(pieces.error()));
      done(assemble(whole, *pieces));
    }));
  }));
}

std::vector<Content> KeptDocuments::assemble(const std::vector<store::Entry>& documents,
                                             const std::vector<store::Entry>& pieces) {
  std::unordered_map<std::string, const store::Entry*> unclaimed;
  for (const store::Entry& piece : pieces) unclaimed[piece.key] = &piece;
  std::vector<Content> out;
  for (const store::Entry& entry : documents) {
    const Json about = link::parseJson(entry.value).value_or(Json());
    const auto text = [&](const char* key) {
      return about.is_object() ? link::stringAt(about, key).value_or("") : std::string();
    };
    Content content{.id = text("id"),
                    .name = text("name"),
                    .type = {},
                    .bytes = {},
                    .cid = entry.key,
                    .owner = text("owner")};
    std::string bytes;
    for (std::size_t i = 0; unclaimed.contains(keyOf(content.id, i)); ++i) {
      bytes += unclaimed.extract(keyOf(content.id, i)).mapped()->value;
    }
    const auto type = contentTypeOf(base::asBytes(bytes));
    kept_[entry.key] = {content.id, bytes.size()};
    bytes_ += bytes.size();
    if (content.id.empty() || !type ||
        link::integerAt(about, "size") != static_cast<std::int64_t>(bytes.size())) {
      logger.warn("stored document is unreadable", {{"cid", entry.key}});
      remove(entry.key);
      continue;
    }
    // The administration allows less than before.
    if (bytes.size() > maxBytes_ / 4 || bytes_ > maxBytes_) {
      remove(entry.key);
      continue;
    }
    content.type = *type;
    content.bytes = std::make_shared<const std::string>(std::move(bytes));
    out.push_back(std::move(content));
  }
  for (const auto& [key, orphan] : unclaimed) pieces_->remove(key, [](base::Result<void>) {});
  return out;
}

void KeptDocuments::keep(const Content& content) {
  if (maxBytes_ == 0) return;
  const auto at = kept_.find(content.cid);
  if (at != kept_.end() && at->second.id == content.id) return;
  remove(content.cid);
  Writing writing{
      content.cid, content.id,
      link::dumpJson(
          {{"id", content.id}, {"name", content.name}, {"owner", content.owner}, {"size", content.size()}}),
      content.bytes};
  kept_[content.cid] = {content.id, content.size()};
  bytes_ += content.size();
  if (content.size() > maxBytes_ / 4 || bytes_ > maxBytes_)
    return lose(writing, {"store.full", "There is no room for more documents."});
  writePiece(writing, 0);
}

/// One after the other: no more than one waits for the store.
void KeptDocuments::writePiece(const Writing& writing, std::size_t piece) {
  const auto at = kept_.find(writing.cid);
  if (at == kept_.end() || at->second.id != writing.id) return;  // Another one is shown meanwhile, or none.
  const auto put = [&](store::Bucket& bucket, const std::string& key, std::string value, bool last) {
    bucket.put(key, std::move(value),
               guard_.wrap([this, writing, piece, last](base::Result<store::Revision> done) {
                 if (!done) return lose(writing, done.error());
                 if (!last) writePiece(writing, piece + 1);
               }));
  };
  if (piece == countOf(writing.bytes->size())) return put(*documents_, writing.cid, writing.about, true);
  put(*pieces_, keyOf(writing.id, piece), writing.bytes->substr(piece * kPieceBytes, kPieceBytes), false);
}

void KeptDocuments::lose(const Writing& writing, const base::Error& error) {
  notStored_.add();
  logger.warn("shown document is not stored", {{"cid", writing.cid}, {"reason", error.reason}});
  const auto at = kept_.find(writing.cid);
  if (at == kept_.end() || at->second.id != writing.id) return;
  remove(writing.cid);
  // Known, so that it is not tried again with every change of the session.
  kept_[writing.cid] = {writing.id, 0};
}

void KeptDocuments::remove(const std::string& id) {
  // A copy: `id` may be the entry's own. NOLINTNEXTLINE(performance-unnecessary-copy-initialization)
  const std::string cid = id;
  const auto at = kept_.find(cid);
  if (at == kept_.end()) return;
  documents_->remove(cid, [](base::Result<void>) {});
  for (std::size_t i = 0; i < countOf(at->second.size); ++i) {
    pieces_->remove(keyOf(at->second.id, i), [](base::Result<void>) {});
  }
  bytes_ -= at->second.size;
  kept_.erase(at);
}

void KeptDocuments::remove(const Content& content) {
  const auto at = kept_.find(content.cid);
  if (at != kept_.end() && at->second.id == content.id) remove(content.cid);
}

std::vector<std::string> KeptDocuments::sessions() const {
  std::vector<std::string> out;
  out.reserve(kept_.size());
  for (const auto& [cid, kept] : kept_) out.push_back(cid);
  return out;
}

}  // namespace parley::assist
