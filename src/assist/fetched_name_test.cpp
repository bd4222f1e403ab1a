#include "assist/fetched_name.h"

#include <gtest/gtest.h>

namespace parley::assist {
namespace {

TEST(FetchedName, ComesFromTheServerOrThePath) {
  EXPECT_EQ(fetchedName("attachment; filename=a.pdf; x=y", "/z"), "a.pdf");
  EXPECT_EQ(fetchedName("attachment; FILENAME=\"a b.pdf\"", "/z"), "a b.pdf");
  EXPECT_EQ(fetchedName("inline", "/x/y.pdf?q=/z"), "y.pdf");
  EXPECT_EQ(fetchedName("filename=\"", "/"), "");
  EXPECT_EQ(fetchedName("attachment; x=\"; filename=no.pdf\"; filename = yes.pdf", "/z"), "yes.pdf");
  EXPECT_EQ(fetchedName("attachment; filename=\"a \\\"b\\\" \\\\c.pdf\"", "/z"), "a \"b\" \\c.pdf");
}

TEST(FetchedName, NamesInOtherAlphabetsCount) {
  const std::string path = "/download.php";
  EXPECT_EQ(fetchedName("attachment; filename*=UTF-8''Preisliste%20f%C3%BCr%20Ada.pdf", path),
            "Preisliste für Ada.pdf");
  EXPECT_EQ(fetchedName("attachment; filename=\"EURO rates\"; filename*=utf-8'en'%e2%82%ac%20rates", path),
            "€ rates");
  EXPECT_EQ(fetchedName("attachment; filename*=UTF-8''%E2%82%AC.pdf; filename=e.pdf", path), "€.pdf");
  EXPECT_EQ(fetchedName("attachment; filename*=iso-8859-1'en'%A3%20rates", path), "£ rates");
  // What cannot be read counts as not there.
  for (const char* bad : {"UTF-8''%C3%28.pdf", "UTF-8''%zz", "UTF-8''%4", "UTF-8''a%", "a.pdf", "UTF-8'a.pdf",
                          "KOI8-R''a.pdf", "''a.pdf"}) {
    EXPECT_EQ(fetchedName("attachment; filename=plain.pdf; filename*=" + std::string(bad), path), "plain.pdf")
        << bad;
    EXPECT_EQ(fetchedName("attachment; filename*=" + std::string(bad), path), "download.php") << bad;
  }
}

}  // namespace
}  // namespace parley::assist
