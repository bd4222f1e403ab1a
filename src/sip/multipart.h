// Bodies of several parts (RFC 2046 section 5.1, RFC 5621): finds the session description among them.
//
// multipart/mixed is read part by part, the first description counts; of multipart/alternative the last part
// that we understand. Parts inside of parts are followed kMaxDepth deep. What we do not understand is passed
// over, unless its Content-Disposition says handling=required. RFC 5621 takes a part without the word for
// required; we do not: devices send locations and ISUP that way, and expect the call to come about.
//
// Views point into the caller's text.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace parley::sip {

struct BodyPart {
  std::string type;         ///< Lower case, without parameters; text/plain if the part has none.
  std::string contentType;  ///< As written.
  std::string disposition;  ///< Lower case, without parameters; may be empty.
  bool required = false;    ///< handling=required
  bool encoded = false;     ///< By a Content-Encoding or Content-Transfer-Encoding that we do not undo.
  std::string_view content;
};

constexpr std::size_t kMaxBodyParts = 16;

/// The parts of a multipart body; nothing when it is malformed: no boundary, no beginning or end, too many.
std::optional<std::vector<BodyPart>> parseMultipart(std::string_view contentType, std::string_view body);

struct FoundSdp {
  /// The status to refuse the message with: 400 malformed, 415 a part that is required is not understood, or
  /// there is no description. 0: take it.
  int status = 0;
  std::string sdp;
};
/// `contentType`: of a message, as written; it must be multipart.
FoundSdp findSdp(std::string_view contentType, std::string_view body);

/// multipart/mixed or one of its kin, by its lower-case type.
bool isMultipart(std::string_view type);

}  // namespace parley::sip
