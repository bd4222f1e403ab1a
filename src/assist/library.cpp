#include "assist/library.h"

#include <fmt/format.h>

#include <algorithm>

#include "assist/internal_log.h"
#include "base/log.h"
#include "link/json.h"

namespace parley::assist {
namespace {

using link::Json;

constexpr std::size_t kPiece = 192 * 1024;
constexpr std::size_t kItemIdLength = 16;

std::size_t piecesOf(std::size_t size) { return (size + kPiece - 1) / kPiece; }
std::string pieceKey(const std::string& id, std::size_t piece) { return fmt::format("{}.{}", id, piece); }

/// The types that contentTypeOf() gives have static names; a stored one is looked up.
std::optional<ContentType> typeNamed(std::string_view name) {
  constexpr std::string_view kPictures[] = {"image/png", "image/jpeg", "image/gif", "image/webp"};
  if (name == "application/pdf") return ContentType{"application/pdf", "document"};
  for (const std::string_view each : kPictures) {
    if (each == name) return ContentType{each, "image"};
  }
  return std::nullopt;
}

}  // namespace

std::string LibraryItem::toJson() const {
  Json out = {{"id", id}, {"name", name},   {"kind", kind}, {"enabled", enabled},
              {"by", by}, {"order", order}, {"at", at},     {"pending", pending}};
  if (!url.empty()) out["url"] = url;
  if (hasContent()) {
    out["type"] = type.type;
    out["size"] = size;
    out["width"] = type.width;
    out["height"] = type.height;
  }
  return link::dumpJson(out);
}

std::optional<LibraryItem> LibraryItem::fromJson(std::string_view text) {
  const auto json = link::parseJson(text);
  if (!json || !json->is_object()) return std::nullopt;
  LibraryItem item;
  item.id = link::stringAt(*json, "id").value_or("");
  item.name = link::stringAt(*json, "name").value_or("");
  item.kind = link::stringAt(*json, "kind").value_or("");
  item.url = link::stringAt(*json, "url").value_or("");
  item.by = link::stringAt(*json, "by").value_or("");
  item.enabled = link::boolAt(*json, "enabled").value_or(false);
  item.pending = link::boolAt(*json, "pending").value_or(false);
  item.order = link::integerAt(*json, "order").value_or(0);
  item.at = link::integerAt(*json, "at").value_or(0);
  if (item.id.empty()) return std::nullopt;
  if (!item.hasContent()) return item;
  const auto type = typeNamed(link::stringAt(*json, "type").value_or(""));
  const auto size = link::integerAt(*json, "size");
  if (!type || !size || *size < 1) return std::nullopt;
  item.type = *type;
  item.type.width = static_cast<std::uint32_t>(link::integerAt(*json, "width").value_or(0));
  item.type.height = static_cast<std::uint32_t>(link::integerAt(*json, "height").value_or(0));
  item.size = static_cast<std::size_t>(*size);
  return item;
}

Library::Library(store::Store& store, base::Random& random, LibraryLimits limits)
    : random_(random),
      limits_(limits),
      bucket_(store.bucket("library", {base::Millis{0}, true, limits.maxItems + 10})),
      contents_(store.bucket("library_content",
                             {base::Millis{0}, true, piecesOf(limits.maxBytes) + 2 * limits.maxItems})) {}

void Library::load(std::function<void(base::Result<std::size_t>)> done) {
  bucket_->list("", guard_.wrap([this, done](base::Result<std::vector<store::Entry>> found) {
    if (!found) return done(std::unexpected(found.error()));
    for (const store::Entry& entry : *found) {
      auto item = LibraryItem::fromJson(entry.value);
      if (item && !item->pending) {
        bytes_ += item->size;
        items_.insert_or_assign(item->id, std::move(*item));
        continue;
      }
      logger.warn("unfinished library item is removed", {{"item", entry.key}});
      if (item) erasePieces(*item);
      bucket_->remove(entry.key, [](base::Result<void>) {});
    }
    done(items_.size());
  }));
}

std::vector<LibraryItem> Library::items() const {
  std::vector<LibraryItem> out;
  for (const auto& [id, item] : items_) {
    if (!item.pending) out.push_back(item);
  }
  std::ranges::sort(out, [](const LibraryItem& a, const LibraryItem& b) {
    return std::pair(a.order, a.at) < std::pair(b.order, b.at);
  });
  return out;
}

const LibraryItem* Library::find(const std::string& id) const {
  const auto at = items_.find(id);
  return at == items_.end() || at->second.pending ? nullptr : &at->second;
}

void Library::add(LibraryItem item, ContentBytes content, Saved done) {
  item.size = content ? content->size() : 0;
  if (items_.size() >= limits_.maxItems || bytes_ + item.size > limits_.maxBytes) {
    return done(base::fail("library.full", "The library has no room for more."));
  }
  item.id = random_.alphanumeric(kItemIdLength);
  item.order = 1;
  for (const auto& [id, other] : items_) item.order = std::max(item.order, other.order + 1);
  bytes_ += item.size;
  item.pending = content != nullptr;
  items_[item.id] = item;
  // What the store did not take is not there, nor does it take room.
  put(item, guard_.wrap([this, id = item.id, content, done](base::Result<LibraryItem> saved) mutable {
    if (!saved) static_cast<void>(remove(id));
    if (!saved || !content) return done(std::move(saved));
    writePiece(std::move(*saved), std::move(content), 0, std::move(done));
  }));
}

/// The item goes with what was written of it when that fails.
void Library::writePiece(LibraryItem item, ContentBytes content, std::size_t piece, Saved done) {
  if (!items_.contains(item.id))
    return done(base::fail("library.unknown", "The item was removed meanwhile."));
  if (piece == piecesOf(content->size())) {
    item.pending = false;
    return put(item, guard_.wrap([this, id = item.id, content, done](base::Result<LibraryItem> saved) {
      if (!saved) static_cast<void>(remove(id));
      const auto at = items_.find(id);
      if (!saved || at == items_.end()) return done(std::move(saved));
      at->second.pending = false;
      cache(id, content);
      done(at->second);
    }));
  }
  contents_->put(pieceKey(item.id, piece), content->substr(piece * kPiece, kPiece),
                 guard_.wrap([this, item, content, piece, done](base::Result<store::Revision> put) mutable {
                   if (!put) {
                     static_cast<void>(remove(item.id));
                     return done(std::unexpected(put.error()));
                   }
                   writePiece(std::move(item), std::move(content), piece + 1, std::move(done));
                 }));
}

void Library::put(const LibraryItem& item, Saved done) {
  bucket_->put(item.id, item.toJson(), guard_.wrap([item, done](base::Result<store::Revision> put) {
    if (!put) {
      logger.error("library item is not stored", {{"item", item.id}, {"reason", put.error().reason}});
      return done(std::unexpected(put.error()));
    }
    done(item);
  }));
}

void Library::change(const LibraryItem& item, Saved done) {
  const auto at = items_.find(item.id);
  if (at == items_.end()) return done(base::fail("library.unknown", "There is no such item."));
  const LibraryItem before = at->second;
  at->second.name = item.name;
  at->second.url = item.url;
  at->second.enabled = item.enabled;
  put(at->second, guard_.wrap([this, before, done](base::Result<LibraryItem> saved) {
    const auto changed = items_.find(before.id);
    if (!saved && changed != items_.end()) {
      changed->second.name = before.name;
      changed->second.url = before.url;
      changed->second.enabled = before.enabled;
    }
    done(std::move(saved));
  }));
}

base::Result<void> Library::reorder(const std::vector<std::string>& ids) {
  for (const std::string& id : ids) {
    if (!items_.contains(id)) return base::fail("library.unknown", "There is no such item.");
  }
  std::vector<std::string> order = ids;
  for (const LibraryItem& item : items()) {
    if (std::ranges::find(ids, item.id) == ids.end()) order.push_back(item.id);
  }
  for (std::size_t i = 0; i < order.size(); ++i) {
    LibraryItem& item = items_.at(order[i]);
    const auto place = static_cast<std::int64_t>(i) + 1;
    if (item.order == place) continue;
    item.order = place;
    put(item, [](base::Result<LibraryItem>) {});
  }
  return {};
}

base::Result<void> Library::remove(const std::string& id) {
  const auto at = items_.find(id);
  if (at == items_.end()) return base::fail("library.unknown", "There is no such item.");
  bytes_ -= at->second.size;
  bucket_->remove(id, [](base::Result<void>) {});
  erasePieces(at->second);
  std::erase_if(cached_, [&](const auto& each) { return each.first == id; });
  items_.erase(at);
  return {};
}

void Library::erasePieces(const LibraryItem& item) {
  for (std::size_t i = 0; i < piecesOf(item.size); ++i) {
    contents_->remove(pieceKey(item.id, i), [](base::Result<void>) {});
  }
}

void Library::content(const std::string& id, std::function<void(base::Result<ContentBytes>)> done) {
  const LibraryItem* const item = find(id);
  if (item == nullptr || !item->hasContent())
    return done(base::fail("library.unknown", "There is no such content."));
  const auto known = std::ranges::find(cached_, id, &std::pair<std::string, ContentBytes>::first);
  if (known != cached_.end()) {
    cached_.splice(cached_.begin(), cached_, known);
    return done(cached_.front().second);
  }
  // However many ask meanwhile: it is read once, and held once.
  auto& waiting = reading_[id];
  waiting.push_back(std::move(done));
  if (waiting.size() > 1) return;
  readPiece(id, std::make_shared<std::string>(), 0, [this, id](const base::Result<ContentBytes>& read) {
    const auto ended = reading_.extract(id);
    for (const auto& each : ended.mapped()) each(read);
  });
}

void Library::readPiece(const std::string& id, std::shared_ptr<std::string> into, std::size_t piece,
                        std::function<void(base::Result<ContentBytes>)> done) {
  const LibraryItem* const item = find(id);
  if (item == nullptr) return done(base::fail("library.unknown", "The item was removed meanwhile."));
  if (piece == piecesOf(item->size)) {
    if (into->size() != item->size) return done(base::fail("library.broken", "The content is not complete."));
    cache(id, into);
    return done(ContentBytes(into));
  }
  contents_->get(pieceKey(id, piece),
                 guard_.wrap([this, id, into, piece, done](base::Result<store::Entry> entry) mutable {
                   if (!entry) return done(std::unexpected(entry.error()));
                   into->append(entry->value);
                   readPiece(id, std::move(into), piece + 1, std::move(done));
                 }));
}

void Library::cache(const std::string& id, ContentBytes content) {
  std::erase_if(cached_, [&](const auto& each) { return each.first == id; });
  cached_.emplace_front(id, std::move(content));
  std::size_t total = 0;
  auto at = cached_.begin();
  while (at != cached_.end() && (at == cached_.begin() || total + at->second->size() <= limits_.maxCached)) {
    total += at->second->size();
    ++at;
  }
  cached_.erase(at, cached_.end());
}

}  // namespace parley::assist
