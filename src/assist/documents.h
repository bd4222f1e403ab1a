// Documents, the supervisors' library and short codes as a part of the application server, with their HTTP
// interfaces (docs/assist-documents.md). Shared sessions use it to check and hand out what is pushed. Loop
// thread only.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "assist/content_store.h"
#include "assist/fetch_trust.h"
#include "assist/fetcher.h"
#include "assist/kept_documents.h"
#include "assist/library.h"
#include "assist/push_source.h"
#include "assist/short_codes.h"
#include "base/guard.h"
#include "link/extension.h"
#include "link/rate_limiter.h"

namespace parley::assist {

class Documents final : public link::Extension, public PushSource {
 public:
  Documents() = default;
  ~Documents() override;

  base::Result<void> start(const link::Host& host) override;
  void applySettings() override;

  /// For a shared session's push: a content that is kept, an enabled item of the library, or what a URL
  /// gives.
  void provide(const PushWish& wish, std::function<void(base::Result<PushContent>)> done) override;
  void ended(const std::string& cid) override;
  void shown(const std::string& cid, const std::string& src) override;
  bool has(const std::string& cid, const std::string& src) override;
  void goesOn(const std::vector<std::string>& cids) override;
  ContentStore& contents() { return *contents_; }
  const Library& library() const { return *library_; }
  /// Fetches and keeps it for a session. The content's pointer is valid inside the call only.
  void fetch(const std::string& url, const std::string& name, const std::string& user, const std::string& cid,
             std::function<void(base::Result<const Content*>)> done);
  /// A library item's content for a session; of a user who may use it.
  void share(const std::string& item, const std::string& user, const std::string& cid,
             std::function<void(base::Result<const Content*>)> done);
  /// Whether a session of this cid is open: only then anybody may ask for a short code for it.
  void setSessionOpen(std::function<bool(const std::string& cid)> open) { sessionOpen_ = std::move(open); }

 private:
  void addContentRoutes(net::Router& router);
  void addLibraryRoutes(net::Router& router);
  void addShortCodeRoutes(net::Router& router);

  void onUpload(net::HttpRequest request, net::HttpReply reply);
  void onDownload(const net::HttpRequest& request, net::HttpReply reply);
  void onFetch(const net::HttpRequest& request, net::HttpReply reply);
  void onShare(const net::HttpRequest& request, net::HttpReply reply);
  void onLibrary(const net::HttpRequest& request, net::HttpReply reply);
  void onLibraryAdd(net::HttpRequest request, net::HttpReply reply);
  void onLibraryAddJson(const net::HttpRequest& request, const std::string& user, net::HttpReply reply);
  void onLibraryChange(const net::HttpRequest& request, net::HttpReply reply);
  void onLibraryOrder(const net::HttpRequest& request, net::HttpReply reply);
  void onLibraryRemove(const net::HttpRequest& request, net::HttpReply reply);
  void onPreview(const net::HttpRequest& request, net::HttpReply reply);
  void onCodeCreate(const net::HttpRequest& request, net::HttpReply reply);
  base::Result<void> loadKept();
  base::Result<void> loadCodes();
  void saveCodes();
  void onCodeRedeem(const net::HttpRequest& request, net::HttpReply reply, ShortCodes::Side side);

  /// Who may bring documents: an agent or supervisor by cookie or by token. Empty: nobody.
  std::string bringer(const net::HttpRequest& request) const;
  const identity::User* supervisorOf(const net::HttpRequest& request) const;
  void allowOrigin(const net::HttpRequest& request, net::HttpResponse& response) const;
  bool mayCreateCode(const net::HttpRequest& request, const std::string& applicationId) const;
  void keepInLibrary(const std::string& name, std::string bytes, const std::string& user,
                     net::HttpReply reply);
  void fetchFor(const std::string& user, const std::string& url, Fetcher::Done done);
  void count() const;

  std::optional<link::Host> host_;
  std::unique_ptr<ContentStore> contents_;
  std::unique_ptr<FetchTrust> fetchTrust_;
  std::unique_ptr<KeptDocuments> kept_;
  std::unique_ptr<Fetcher> fetcher_;
  std::unique_ptr<Library> library_;
  std::unique_ptr<ShortCodes> codes_;
  std::shared_ptr<store::Bucket> codeBucket_;
  std::unique_ptr<net::Timer> sweeper_;
  std::function<bool(const std::string&)> sessionOpen_;
  link::RateLimiter uploads_, fetches_, creates_;
  std::map<std::string, std::size_t> fetching_;  // By user: now under way.
  base::LifeGuard guard_;
};

}  // namespace parley::assist
