/* SPDX-License-Identifier: BSD-2-Clause
 * httpd_other.c: the parser of the demos, which test/httpd.c calls. */
#include "../demos/http/parse.c"
