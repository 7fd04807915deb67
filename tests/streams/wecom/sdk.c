/* A library of the form of the vendor's header WeWorkFinanceSdk_C.h, with answers of a test's own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct { int opened; } WeWorkFinanceSdk_t;
typedef struct { char *buf; int len; } Slice_t;
typedef struct { char *outindexbuf; int out_len; char *data; int data_len; int is_finish; } MediaData_t;

static int alive = 0;
int Alive(void) { return alive; }

WeWorkFinanceSdk_t *NewSdk(void) { alive++; return calloc(1, sizeof(WeWorkFinanceSdk_t)); }
void DestroySdk(WeWorkFinanceSdk_t *sdk) { alive--; free(sdk); }
int Init(WeWorkFinanceSdk_t *sdk, const char *corp, const char *secret) {
  sdk->opened = 1;
  return strcmp(secret, "right") ? 10004 : 0;
}
Slice_t *NewSlice(void) { alive++; return calloc(1, sizeof(Slice_t)); }
void FreeSlice(Slice_t *slice) { alive--; free(slice->buf); free(slice); }
char *GetContentFromSlice(Slice_t *slice) { return slice->buf; }
int GetSliceLen(Slice_t *slice) { return slice->len; }
static void fill(Slice_t *slice, const char *text, int len) {
  slice->buf = malloc(len);
  memcpy(slice->buf, text, len);
  slice->len = len;
}
/* What stands in a file, as an answer; of an empty one nothing came. */
static int answer(const char *name, Slice_t *out) {
  static char text[1 << 20];
  FILE *file = fopen(name, "rb");
  if (!file) return 10001;
  int len = fread(text, 1, sizeof text, file);
  fclose(file);
  if (len) fill(out, text, len); else fill(out, "{\"errcode\":0}", 13);
  return 0;
}
int GetChatData(WeWorkFinanceSdk_t *sdk, unsigned long long seq, unsigned int limit, const char *proxy,
                const char *passwd, int timeout, Slice_t *out) {
  if (!sdk->opened || passwd || timeout != 10) return 10000;
  if (limit > 1000) return 10000;
  if (seq == 18446744073709551615ULL) return 10001;
  const char *name = getenv("WECOM_ANSWER");
  if (name) return answer(seq ? "/dev/null" : name, out);
  fill(out, proxy ? "{\"proxy\":1}" : "{\"errcode\":0}", proxy ? 11 : 13);
  return 0;
}
int DecryptData(const char *key, const char *message, Slice_t *out) {
  if (strcmp(key, "key")) return 10006;
  if (strcmp(message, "message")) fill(out, message, strlen(message)); else fill(out, "a\0b", 3);
  return 0;
}
MediaData_t *NewMediaData(void) { alive++; return calloc(1, sizeof(MediaData_t)); }
void FreeMediaData(MediaData_t *media) { alive--; free(media); }
char *GetOutIndexBuf(MediaData_t *media) { return media->outindexbuf; }
int GetIndexLen(MediaData_t *media) { return media->out_len; }
char *GetData(MediaData_t *media) { return media->data; }
int GetDataLen(MediaData_t *media) { return media->data_len; }
int IsMediaDataFinish(MediaData_t *media) { return media->is_finish; }
int GetMediaData(WeWorkFinanceSdk_t *sdk, const char *index, const char *file, const char *proxy, const char *passwd,
                 int timeout, MediaData_t *out) {
  if (strcmp(file, "file")) return 10005;
  out->is_finish = !strcmp(index, "next");
  out->data = out->is_finish ? "\0c" : "ab";
  out->data_len = 2;
  out->outindexbuf = out->is_finish ? "" : "next";
  out->out_len = strlen(out->outindexbuf);
  return 0;
}
