#include "assist/content_store.h"

#include <fmt/format.h>

#include "base/text.h"

namespace parley::assist {
namespace {

constexpr std::size_t kIdLength = 24;  // 142 bits.

}  // namespace

base::Result<const Content*> ContentStore::add(std::string_view name, std::string bytes, std::string cid,
                                               std::string owner, base::Instant now) {
  if (bytes.size() > limits_.maxBytes) {
    return base::fail("content.too_large", fmt::format("A file is at most {} bytes.", limits_.maxBytes));
  }
  const auto type = contentTypeOf(base::asBytes(bytes));
  if (!type) return std::unexpected(type.error());
  return keep({.id = {},
               .name = contentName(name, *type),
               .type = *type,
               .bytes = std::make_shared<const std::string>(std::move(bytes)),
               .cid = std::move(cid),
               .owner = std::move(owner)},
              now);
}

base::Result<const Content*> ContentStore::share(std::string name, ContentType type, ContentBytes bytes,
                                                 std::string cid, std::string owner, base::Instant now) {
  return keep({.id = {},
               .name = std::move(name),
               .type = type,
               .bytes = std::move(bytes),
               .cid = std::move(cid),
               .owner = std::move(owner)},
              now);
}

base::Result<const Content*> ContentStore::keep(Content content, base::Instant now) {
  expire(now);
  makeRoomOf(content.owner, content.size());
  content.id = random_.alphanumeric(kIdLength);
  if (const Content* kept = put(std::move(content), now)) return kept;
  return base::fail("content.full", "There is no room for more documents at the moment.");
}

bool ContentStore::restore(Content content, base::Instant now) {
  return put(std::move(content), now) != nullptr;
}

/// Null: there is no room.
const Content* ContentStore::put(Content content, base::Instant now) {
  if (contents_.size() >= limits_.maxContents || bytes_ + content.size() > limits_.maxTotalBytes) {
    return nullptr;
  }
  content.used = now;
  content.order = ++order_;
  bytes_ += content.size();
  std::string id = content.id;
  return &contents_.insert_or_assign(std::move(id), std::move(content)).first->second;
}

/// One user's documents take nobody else's room.
void ContentStore::makeRoomOf(const std::string& owner, std::size_t bytes) {
  std::map<std::uint64_t, std::map<std::string, Content>::iterator> byAge;
  std::size_t held = bytes, count = 1;
  for (auto at = contents_.begin(); at != contents_.end(); ++at) {
    if (at->second.owner != owner) continue;
    byAge.emplace(at->second.order, at);
    held += at->second.size();
    ++count;
  }
  for (const auto& [order, at] : byAge) {
    if (held <= limits_.maxOwnerBytes && count <= limits_.maxOwnerContents) return;
    held -= at->second.size();
    --count;
    erase(at);
  }
}

const Content* ContentStore::find(const std::string& id, base::Instant now) {
  const auto at = contents_.find(id);
  if (at == contents_.end()) return nullptr;
  if (at->second.used + limits_.unused <= now) {
    erase(at);
    return nullptr;
  }
  at->second.used = now;
  return &at->second;
}

bool ContentStore::bind(const std::string& id, const std::string& cid) {
  const auto at = contents_.find(id);
  if (at == contents_.end() || cid.empty()) return false;
  Content& content = at->second;
  if (content.cid == cid) return true;
  if (!content.cid.empty()) return false;
  content.cid = cid;
  return true;
}

void ContentStore::endSession(const std::string& cid) {
  if (cid.empty()) return;
  for (auto at = contents_.begin(); at != contents_.end();) {
    const auto here = at++;
    if (here->second.cid == cid) erase(here);
  }
}

void ContentStore::expire(base::Instant now) {
  for (auto at = contents_.begin(); at != contents_.end();) {
    const auto here = at++;
    if (here->second.used + limits_.unused <= now) erase(here);
  }
}

void ContentStore::erase(std::map<std::string, Content>::iterator at) {
  bytes_ -= at->second.size();
  const Content gone = std::move(contents_.extract(at).mapped());
  if (erased_) erased_(gone);
}

std::shared_ptr<void> ContentStore::upload() {
  if (*uploads_ >= limits_.maxUploads) return nullptr;
  ++*uploads_;
  // The counter outlives the store for uploads that end later.
  return {uploads_.get(), [count = uploads_](void*) { --*count; }};
}

}  // namespace parley::assist
