#include "sip/refusal.h"

namespace parley::sip {

std::string_view toString(Refusal refusal) {
  switch (refusal) {
    case Refusal::malformed:
      return "malformed";
    case Refusal::badVia:
      return "bad_via";
    case Refusal::tableFull:
      return "table_full";
    case Refusal::sessionsFull:
      return "sessions_full";
    case Refusal::draining:
      return "draining";
    case Refusal::forbidden:
      return "forbidden";
    case Refusal::silenced:
      return "silenced";
    case Refusal::challenged:
      return "challenged";
    case Refusal::merged:
      return "merged";
    case Refusal::tooManyHops:
      return "too_many_hops";
    case Refusal::unknownMethod:
      return "unknown_method";
    case Refusal::badExtension:
      return "bad_extension";
    case Refusal::badUri:
      return "bad_uri";
    case Refusal::badBody:
      return "bad_body";
    case Refusal::badRequest:
      return "bad_request";
    case Refusal::noDialog:
      return "no_dialog";
    case Refusal::oldCSeq:
      return "old_cseq";
    case Refusal::glare:
      return "glare";
    case Refusal::overlapping:
      return "overlapping";
    case Refusal::intervalTooSmall:
      return "interval_too_small";
    case Refusal::notHere:
      return "not_here";
    case Refusal::strayResponse:
      return "stray_response";
    case Refusal::strayAck:
      return "stray_ack";
    case Refusal::answerTimeout:
      return "answer_timeout";
    case Refusal::count_:
      break;
  }
  return "unknown";
}

}  // namespace parley::sip
