/* SPDX-License-Identifier: BSD-2-Clause
 * stream.h: the program's own streams. */
#ifndef STREAM_H
#define STREAM_H
struct stream { int position; };

#ifdef __cplusplus
extern "C" {
#endif
void stream_init(struct stream *stream);
int stream_write(struct stream *stream, int bytes);
int stream_output(const struct stream *stream);
#ifdef __cplusplus
}
#endif
#endif
