/* libre's parser, for comparison; in C, since its headers are. See parse.h. */
#include <stdint.h>

#include <re/re.h>
#include <stdio.h>
#include <stdlib.h>

static int parse(const uint8_t* bytes, size_t size) {
  struct mbuf* buffer = mbuf_alloc(size);
  struct sip_msg* message = NULL;
  int failed;
  mbuf_write_mem(buffer, bytes, size);
  mbuf_set_pos(buffer, 0);
  failed = sip_msg_decode(&message, buffer);
  mem_deref(message);
  mem_deref(buffer);
  return failed;
}

int main(int argc, char** argv) {
  static uint8_t bytes[65536];
  FILE* in = argc == 3 ? fopen(argv[1], "rb") : NULL;
  size_t size;
  int i;
  if (!in) return 2;
  size = fread(bytes, 1, sizeof bytes, in);
  fclose(in);
  for (i = atoi(argv[2]); i > 0; --i) {
    if (parse(bytes, size)) {
      fprintf(stderr, "%s: not accepted\n", argv[1]);
      return 1;
    }
  }
  return 0;
}
