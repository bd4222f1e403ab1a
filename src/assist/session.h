// One shared session: who is there, what the consumer agreed to, who may act, what is drawn, and which
// pictures go to whom. docs/protocols/topic.md is the contract. An engine: no socket, no clock; time comes in
// as milliseconds since 1970, what follows goes out through SessionOut.
#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "assist/annotations.h"
#include "assist/messages.h"
#include "assist/party.h"
#include "assist/permissions.h"
#include "assist/picture_log.h"
#include "assist/push_source.h"
#include "assist/timeline.h"

namespace parley::assist {

enum CloseCode : std::uint16_t {
  kEnded = 4020,
  kUnknownSession = 4021,
  kPartiesFull = 4022,
  kCidTaken = 4023,
  kRemoved = 4024,
  kSwitchedOff = 4025,
};

class SessionOut {
 public:
  virtual ~SessionOut() = default;
  /// The text of a JSON object. Of those that wait, one with a key takes the place of the one before with it.
  virtual void send(const std::string& party, std::string object, const std::string& key) = 0;
  virtual void show(const std::string& party, const Picture& picture) = 0;
  virtual void fail(const std::string& party, const base::Error& error, const std::string& request) = 0;
  /// Closes the party's connection, after what was sent.
  virtual void part(const std::string& party, std::uint16_t code, std::string_view reason) = 0;
  virtual void provide(const PushWish& wish) = 0;
};

struct SessionOptions {
  std::set<Feature> features;
  std::int64_t imageScalePercent = 100;
  std::string maskDefault = "marked";
  std::vector<std::string> maskSelectors;
  std::string agentName;  ///< Shown to consumers instead of agents' names (CON-4); empty: the names.
  std::size_t maxParties = 4;
  std::int64_t consentMillis = 120'000;
  std::int64_t maxKbps = 1'000;
  std::int64_t maxDocumentBytes = 25 << 20;
};

/// For metrics; only rises.
struct SessionTotals {
  std::uint64_t picturesIn = 0, bytesIn = 0, picturesOut = 0, bytesOut = 0, refusedPictures = 0,
                refreshes = 0;
};

class AssistSession {
 public:
  /// `options` may change while the session lives.
  AssistSession(std::string cid, SessionOut& out, const SessionOptions& options, SessionTotals& totals,
                std::int64_t now);

  /// May this one come in? Errors: assist.full, assist.cid_taken.
  base::Result<void> mayJoin(Role role, const std::string& user) const;
  /// A page is there for the first time. One of the same person gives its place to it. `party` has id, role,
  /// user, name.
  void join(Party party, std::int64_t now);
  /// Its connection is back.
  void up(const std::string& party, std::int64_t now);
  /// It broke; the party may come back.
  void down(const std::string& party, std::int64_t now);
  /// It did not come back.
  void gone(const std::string& party, std::int64_t now);
  void onMessage(const std::string& party, const Message& message, std::int64_t now);
  void onPicture(const std::string& party, base::Bytes bytes, std::int64_t now);
  /// The answer to SessionOut::provide.
  void provided(const PushWish& wish, const base::Result<PushContent>& content, std::int64_t now);
  /// The customer of the call was taken back from hold.
  void retrieved(std::int64_t now);
  /// About twice a second.
  void tick(std::int64_t now);
  void end(const std::string& reason, const std::string& text, std::int64_t now);
  /// The options are others now: what was switched off is over at once.
  void optionsChanged(std::int64_t now);

  /// For another process: who is here, what the consumer agreed to, and which document is open; without
  /// pictures and drawings, which begin anew. Nothing by which anybody proves who he is.
  nlohmann::json save() const;
  nlohmann::json saveHistory() const;  ///< Receipts and timeline.
  /// Into a fresh session: nobody is connected yet. False: not understood; the session is of no use.
  bool restore(const nlohmann::json& saved);
  void restoreHistory(const nlohmann::json& saved);
  /// What save() gives has changed since this was true; not more often than the store should be written to.
  bool takeChanged(std::int64_t now);
  bool takeHistoryChanged(std::int64_t now);
  std::string shownDocument() const { return document_ ? document_->src : std::string(); }
  /// Its content is not there any more.
  void forgetDocument() { document_.reset(); }
  std::vector<std::string> partyIds() const;
  std::string consumerId() const { return consumer_ ? consumer_->id : std::string(); }

  bool over() const { return endedAt_ != 0; }
  const std::string& cid() const { return cid_; }
  std::size_t parties() const { return others_.size() + (consumer_ ? 1 : 0); }
  Sharing sharing() const;

  /// As in `session` for that party. Who is not let in learns nothing of the page.
  nlohmann::json stateFor(const std::string& party, Role role) const;
  nlohmann::json settings(Role viewer) const;  ///< As in `welcome`.
  nlohmann::json summary() const;              ///< For lists of administrators.
  /// For the supervisors' list: the page's title only where this one has been let in and the page is shared
  /// now.
  nlohmann::json summaryFor(const std::string& user) const;
  nlohmann::json record() const;  ///< With receipts and timeline.

 private:
  Party* find(const std::string& party);
  bool consented() const;
  nlohmann::json state(Role viewer, bool letIn) const;
  nlohmann::json documentState() const;
  void ask(Party& party, bool control, std::int64_t now);
  void drop(const std::string& party, std::uint16_t code, const std::string& why, std::int64_t now);
  static base::Error switchedOff();
  void dismiss(const std::string& party, std::uint16_t code, const base::Error& why, std::int64_t now);
  void releaseControl(const std::string& party);
  void tellState();
  void tell(const nlohmann::json& message, const std::string& key, const std::string& except);
  void tellWatchers(const nlohmann::json& message, const std::string& key, bool alsoAbsent = false,
                    const std::string& except = {});
  void tellErased(const nlohmann::json& message, const std::string& except);
  bool pesters(const Party& party, std::int64_t now);
  void cancelAsked(const std::string& party, bool controlOnly);
  void note(std::int64_t now, const Party& from, std::string_view what,
            nlohmann::json detail = nlohmann::json::object());

  void onConsent(const Message& message, std::int64_t now);
  void settle(const ConsentRequest& request, bool grant, std::int64_t now);
  void withdraw(Party& party, bool control, std::int64_t now);
  void onShare(const Message& message, std::int64_t now);
  void onControl(Party& from, const Message& message, std::int64_t now);
  void onAsk(Party& from, const Message& message, std::int64_t now);
  void onQuality(const Party& from, const Message& message, std::int64_t now);
  void onView(const Message& message, std::int64_t now);
  void onReceipt(const Message& message, std::int64_t now);
  void onAct(Party& from, const Message& message, std::int64_t now);
  void onForm(const Message& message);
  void onDraw(Party& from, const Message& message, std::int64_t now);
  void onErase(const Party& from, const Message& message, std::int64_t now);
  void clearDrawings(const std::string& why, const std::string& party, std::int64_t now);
  void replayDrawings(Party& to);
  void onPush(Party& from, const Message& message, std::int64_t now);
  void showPushed(const PushWish& wish, const std::string& kind, const std::string& src, std::int64_t now);
  void onDocument(const Party& from, const Message& message, std::int64_t now);
  void onWindow(const Party& from, const Message& message);
  void handle(Party& from, const Message& message, std::int64_t now);

  // Pictures: session_pictures.cpp.
  base::Result<PictureHeader> check(base::Bytes bytes, std::int64_t now);
  void pictureProblem(const base::Error& error, std::int64_t now);
  void serve(Party& viewer);
  void serveAll();
  void forgetPictures();
  void askForWhole(std::int64_t now);
  bool someoneNeedsWhole(std::int64_t now);
  void sharingChanged();
  void pace(std::int64_t now);

  const std::string cid_;
  SessionOut& out_;
  const SessionOptions& options_;
  SessionTotals& totals_;
  std::optional<Party> consumer_;
  std::vector<Party> others_;
  std::vector<ConsentRequest> asked_;
  std::map<std::string, Allowance> joins_;  // By user: a refused one does not ask anew by coming anew.
  std::uint64_t lastId_ = 0;
  Sharing wish_ = Sharing::off;  // What the consumer's page says of itself.
  std::string control_;          // The party that acts; empty: none.
  nlohmann::json view_ = nlohmann::json::object();
  nlohmann::json page_;  // Changes with each page load.
  nlohmann::json unsupported_ = nlohmann::json::array();
  std::string fidelity_ = "painter";
  std::string quality_ = "sharp";  ///< What agents chose last; the consumer's page makes pictures so.
  std::optional<OpenDocument> document_;
  nlohmann::json window_;
  Annotations drawings_;
  nlohmann::json carried_;  ///< Where boxes of the page have carried shapes since; null: nowhere.
  Allowance pushes_{10.0 / 60, 10};
  Allowance qualities_{0.5, 5};  // Each one is a whole picture.

  PictureLog log_;
  bool hasBase_ = false;  // Changes fit to what came last.
  std::uint32_t epoch_ = 0, lastFrame_ = 0;
  Allowance pictureBytes_{512 * 1024, 4 << 20};
  Allowance pictureCount_{30, 90};
  Allowance problems_{1, 1};
  Allowance refreshes_{1, 1};
  Allowance forced_{8.0 / 60, 8};
  std::int64_t askedWholeAt_ = 0;
  std::int64_t emptySince_ = 0;
  std::int64_t pacedAt_ = 0;
  static constexpr std::size_t kNeverTold = SIZE_MAX;
  std::size_t toldViewers_ = 0;
  bool toldBehind_ = false;

  std::vector<nlohmann::json> receipts_;
  std::size_t droppedReceipts_ = 0, receiptBytes_ = 0;
  Timeline timeline_;
  std::uint64_t pictures_ = 0, bytes_ = 0;
  const std::int64_t startedAt_;
  std::int64_t endedAt_ = 0;
  std::string reason_, text_;
  bool changed_ = true, historyChanged_ = true;  // Since it was saved.
  Allowance saves_{2, 10}, historySaves_{0.1, 1};
};

}  // namespace parley::assist
