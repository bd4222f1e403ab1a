// Memory that Debian's sofia-sip keeps, beside sip_core_bench's: heap in use for a confirmed dialog whose
// transactions are over (nta's leg alone, and nua's whole call) and for a finished UDP transaction that waits
// its 32 s. The requests are those of sip_core_bench and come over loopback into the same thread. sofia's
// clock is the real one: for dialogs its waits are made short.
#include <arpa/inet.h>
#include <malloc.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#define NTA_AGENT_MAGIC_T void
#define NTA_LEG_MAGIC_T nta_agent_t
#define NTA_INCOMING_MAGIC_T void
#define NUA_MAGIC_T void
#define NUA_HMAGIC_T void
#include <sofia-sip/nta.h>
#include <sofia-sip/nta_tag.h>
#include <sofia-sip/nua.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/su_wait.h>

namespace {

constexpr unsigned kCount = 2'000;
constexpr unsigned kShortMillis = 300;  // The waits of transactions where only dialogs are to be left.

const std::string kSdp =
    "v=0\r\no=- 1 1 IN IP4 10.0.0.9\r\ns=-\r\nc=IN IP4 10.0.0.9\r\nt=0 0\r\n"
    "m=audio 17000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n";

unsigned confirmed = 0;  ///< ACKs that sofia took.

std::size_t heapBytes() { return mallinfo2().uordblks; }

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "sofia-sip: %s\n", what);
  std::exit(1);
}

/// Who calls: a UDP socket; sofia works while something is waited for.
class Caller {
 public:
  Caller(su_root_t* root, unsigned port) : root_(root), port_(std::to_string(port)) {
    sockaddr_in peer{};
    peer.sin_family = AF_INET;
    peer.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    peer.sin_port = htons(static_cast<std::uint16_t>(port));
    socklen_t size = sizeof(own_);
    if (connect(socket_, reinterpret_cast<const sockaddr*>(&peer), sizeof(peer)) != 0 ||
        getsockname(socket_, reinterpret_cast<sockaddr*>(&own_), &size) != 0)
      fail("no socket");
  }
  ~Caller() { close(socket_); }
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;

  void call(unsigned number) {
    send("INVITE", number, 1, {}, kSdp);
    const std::string answer = answered();
    const std::size_t to = answer.find("\r\nTo: "), at = answer.find(";tag=", to);
    if (to == std::string::npos || at == std::string::npos) fail("a 200 without a tag");
    const unsigned before = confirmed;
    send("ACK", number, 1, answer.substr(at, answer.find('\r', at) - at), {});
    for (int i = 0; confirmed == before; ++i) {
      if (i > kTries) fail("the ACK was not taken");
      su_root_step(root_, kStepMillis);
    }
  }
  void ask(unsigned number) {
    send("OPTIONS", number, 1, {}, {});
    answered();
  }
  void pass(std::chrono::milliseconds time) {
    const auto end = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < end) su_root_step(root_, kStepMillis);
  }

 private:
  static constexpr int kTries = 5'000;
  static constexpr int kStepMillis = 2;

  void send(const std::string& method, unsigned call, unsigned cseq, const std::string& tag,
            const std::string& body) const {
    const std::string number = std::to_string(call), own = std::to_string(ntohs(own_.sin_port));
    std::string text = method + " sip:8000@127.0.0.1:" + port_ +
                       " SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:" + own + ";rport;branch=z9hG4bK" + number +
                       "-" + method +
                       "\r\nMax-Forwards: 70\r\nFrom: \"Customer\" <sip:+4930123@10.0.0.9>;tag=f" + number +
                       "\r\nTo: <sip:8000@10.0.0.1>" + tag + "\r\nCall-ID: 843817637684230-" + number +
                       "@10.0.0.9\r\nCSeq: " + std::to_string(cseq) + " " + method +
                       "\r\nContact: <sip:customer@127.0.0.1:" + own +
                       ">\r\nUser-Agent: A call manager\r\nAllow: INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, "
                       "INFO\r\nSupported: timer\r\n";
    if (!body.empty()) text += "Content-Type: application/sdp\r\n";
    text += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    if (::send(socket_, text.data(), text.size(), 0) < 0) fail("nobody listens");
  }
  /// The next final response, which must be a 200.
  std::string answered() {
    std::array<char, 8192> buffer{};
    for (int i = 0; i < kTries; ++i) {
      const ssize_t size = recv(socket_, buffer.data(), buffer.size(), MSG_DONTWAIT);
      const std::string text(buffer.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
      if (text.starts_with("SIP/2.0 200")) return text;
      if (!text.empty() && !text.starts_with("SIP/2.0 1")) fail(text.c_str());
      if (text.empty()) su_root_step(root_, kStepMillis);
    }
    fail("no answer");
  }

  su_root_t* root_;
  std::string port_;
  int socket_ = socket(AF_INET, SOCK_DGRAM, 0);
  sockaddr_in own_{};
};

std::size_t transactionsOf(nta_agent_t* agent) {
  usize_t used = 0;
  nta_agent_get_stats(agent, NTATAG_S_IRQ_HASH_USED_REF(used), TAG_END());
  return used;
}
std::size_t dialogsOf(nta_agent_t* agent) {
  usize_t used = 0;
  nta_agent_get_stats(agent, NTATAG_S_LEG_HASH_USED_REF(used), TAG_END());
  return used;
}

int inDialog(nta_agent_t*, nta_leg_t*, nta_incoming_t*, const sip_t*) { return 200; }

int acknowledged(void*, nta_incoming_t* request, const sip_t* sip) {
  if (sip != nullptr && sip->sip_request != nullptr && sip->sip_request->rq_method == sip_method_ack)
    ++confirmed;
  nta_incoming_destroy(request);
  return 0;
}

/// Outside of dialogs: an INVITE makes one and is answered, OPTIONS is answered.
int onRequest(nta_agent_t* agent, nta_leg_t*, nta_incoming_t* request, const sip_t* sip) {
  if (sip->sip_request->rq_method != sip_method_invite) return 200;
  nta_leg_t* leg =
      nta_leg_tcreate(agent, inDialog, agent, SIPTAG_CALL_ID(sip->sip_call_id), SIPTAG_CSEQ(sip->sip_cseq),
                      SIPTAG_TO(sip->sip_from), SIPTAG_FROM(sip->sip_to), TAG_END());
  nta_leg_tag(leg, nta_incoming_tag(request, nullptr));
  nta_leg_server_route(leg, sip->sip_record_route, sip->sip_contact);
  nta_incoming_bind(request, acknowledged, nullptr);
  nta_incoming_treply(request, SIP_180_RINGING, TAG_END());
  nta_incoming_treply(request, SIP_200_OK, SIPTAG_CONTACT(nta_agent_contact(agent)),
                      SIPTAG_CONTENT_TYPE_STR("application/sdp"), SIPTAG_PAYLOAD_STR(kSdp.c_str()),
                      TAG_END());
  return 0;
}

nta_agent_t* agentAt(su_root_t* root, unsigned port, unsigned waitMillis) {
  const std::string url = "sip:127.0.0.1:" + std::to_string(port) + ";transport=udp";
  nta_agent_t* agent = nta_agent_create(root, reinterpret_cast<const url_string_t*>(url.c_str()), nullptr,
                                        nullptr, NTATAG_UA(1), TAG_END());
  if (agent == nullptr) fail("the port is taken");
  if (waitMillis != 0)
    nta_agent_set_params(agent, NTATAG_SIP_T1X64(waitMillis), NTATAG_SIP_T4(waitMillis), TAG_END());
  nta_leg_tcreate(agent, onRequest, agent, NTATAG_NO_DIALOG(1), TAG_END());
  return agent;
}

void measureLegs(su_root_t* root, unsigned port) {
  nta_agent_t* agent = agentAt(root, port, kShortMillis);
  Caller caller(root, port);
  caller.call(0);
  caller.pass(std::chrono::milliseconds{4 * kShortMillis});
  const std::size_t before = heapBytes(), dialogs = dialogsOf(agent);
  for (unsigned i = 1; i <= kCount; ++i) caller.call(i);
  caller.pass(std::chrono::milliseconds{4 * kShortMillis});
  if (dialogsOf(agent) != dialogs + kCount || transactionsOf(agent) != 0) fail("not what was to be measured");
  std::printf("sofia-sip nta   bytes_per_dialog=%zu\n", (heapBytes() - before) / kCount);
}

void measureTransactions(su_root_t* root, unsigned port) {
  nta_agent_t* agent = agentAt(root, port, 0);
  Caller caller(root, port);
  caller.ask(0);
  const std::size_t before = heapBytes();
  for (unsigned i = 1; i <= kCount; ++i) caller.ask(i);
  if (transactionsOf(agent) != kCount + 1) fail("not what was to be measured");
  std::printf("sofia-sip nta   bytes_per_transaction=%zu\n", (heapBytes() - before) / kCount);
}

void onEvent(nua_event_t event, int, const char*, nua_t*, void*, nua_handle_t* call, void*, const sip_t*,
             tagi_t*) {
  if (event == nua_i_ack) ++confirmed;
  if (event != nua_i_invite) return;
  nua_respond(call, SIP_180_RINGING, TAG_END());
  nua_respond(call, SIP_200_OK, SIPTAG_CONTENT_TYPE_STR("application/sdp"), SIPTAG_PAYLOAD_STR(kSdp.c_str()),
              TAG_END());
}

void measureCalls(su_root_t* root, unsigned port) {
  const std::string url = "sip:127.0.0.1:" + std::to_string(port) + ";transport=udp";
  nua_t* nua = nua_create(root, onEvent, nullptr, NUTAG_URL(url.c_str()), NUTAG_MEDIA_ENABLE(0),
                          NTATAG_SIP_T1X64(kShortMillis), NTATAG_SIP_T4(kShortMillis), TAG_END());
  if (nua == nullptr) fail("the port is taken");
  Caller caller(root, port);
  caller.call(0);
  caller.pass(std::chrono::milliseconds{4 * kShortMillis});
  const std::size_t before = heapBytes();
  for (unsigned i = 1; i <= kCount; ++i) caller.call(i);
  caller.pass(std::chrono::milliseconds{4 * kShortMillis});
  std::printf("sofia-sip nua   bytes_per_dialog=%zu (its call, as the other parts of bench/sip use it)\n",
              (heapBytes() - before) / kCount);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const unsigned port = static_cast<unsigned>(std::strtoul(argv[1], nullptr, 10));
  su_init();
  su_root_t* root = su_root_create(nullptr);
  su_root_threading(root, 0);  // All in this thread, and so in one heap.
  // Each has a stack of its own, which the process's end takes away.
  measureLegs(root, port);
  measureTransactions(root, port + 1);
  measureCalls(root, port + 2);
  return 0;
}
