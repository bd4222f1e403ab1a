// What sessions show outlives the process.
#include <algorithm>
#include <string>

#include "assist/documents.h"
#include "assist/documents_http.h"

namespace parley::assist {
namespace {

/// Of contentAddress(); empty for other addresses.
std::string idIn(const std::string& src) {
  const std::string path = contentAddress("");
  return src.starts_with(path) ? src.substr(path.size()) : std::string();
}

}  // namespace

base::Result<void> Documents::loadKept() {
  kept_ = std::make_unique<KeptDocuments>(
      host_->store, static_cast<std::size_t>(host_->settings.integer("assist.kept_documents_bytes")));
  std::optional<base::Result<void>> loaded;
  kept_->load(guard_.wrap([this, &loaded](base::Result<std::vector<Content>> found) {
    if (!found) {
      loaded = std::unexpected(found.error());
      return;
    }
    for (Content& content : *found) {
      const std::string cid = content.cid;
      if (!contents_->restore(std::move(content), base::steadyNow())) kept_->remove(cid);
    }
    // What nobody reads any more, or has no room in memory, is kept nowhere.
    contents_->onErased([this](const Content& content) { kept_->remove(content); });
    loaded = base::Result<void>();
  }));
  host_->loop.runUntil([&loaded] { return loaded.has_value(); }, link::kLoadPatience);
  if (!loaded) return base::fail("server.slow_start", "Shown documents could not be loaded in time.");
  return *loaded;
}

void Documents::ended(const std::string& cid) {
  contents_->endSession(cid);
  kept_->remove(cid);
}

void Documents::shown(const std::string& cid, const std::string& src) {
  if (!has(cid, src)) return kept_->remove(cid);
  kept_->keep(*contents_->find(idIn(src), base::steadyNow()));
}

bool Documents::has(const std::string& cid, const std::string& src) {
  const Content* const content = contents_->find(idIn(src), base::steadyNow());
  return content != nullptr && content->cid == cid;
}

void Documents::goesOn(const std::vector<std::string>& cids) {
  for (const std::string& cid : kept_->sessions()) {
    if (std::ranges::find(cids, cid) == cids.end()) ended(cid);
  }
}

}  // namespace parley::assist
