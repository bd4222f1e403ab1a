// The same as sip_calls PORT with Debian's sofia-sip, for comparison.
#include <cstdio>
#include <string>

#define NUA_MAGIC_T void
#define NUA_HMAGIC_T void
#include <sofia-sip/nua.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/su_wait.h>

namespace {

const char* const kSdp =
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 17000 RTP/AVP 0\r\n";

void onEvent(nua_event_t event, int, const char*, nua_t*, void*, nua_handle_t* call, void*, const sip_t*,
             tagi_t*) {
  if (event == nua_i_invite) {
    nua_respond(call, SIP_180_RINGING, TAG_END());
    nua_respond(call, SIP_200_OK, SIPTAG_CONTENT_TYPE_STR("application/sdp"), SIPTAG_PAYLOAD_STR(kSdp),
                TAG_END());
  } else if (event == nua_i_terminated) {
    nua_handle_destroy(call);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  su_init();
  su_root_t* root = su_root_create(nullptr);
  const std::string url = std::string("sip:127.0.0.1:") + argv[1];
  nua_t* nua = nua_create(root, onEvent, nullptr, NUTAG_URL(url.c_str()), NUTAG_MEDIA_ENABLE(0), TAG_END());
  if (nua == nullptr) return 1;
  su_root_run(root);
  return 0;
}
