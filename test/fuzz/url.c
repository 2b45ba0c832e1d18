/* SPDX-License-Identifier: BSD-2-Clause
 * url.c: fuzz target: URLs of the demos' client. One that is taken prints as itself, and makes a
 * request that our own strict parser takes: nothing of a URL ends a line or adds a field. */
#include "fuzz.h"

#include "demos/http/http.h"

static void is_plain(const struct http_url *url)
{
    size_t size = strlen(url->text);

    CHECK(strncmp(url->text, "http://", 7) == 0 && size < sizeof url->text);
    CHECK(url->host[0] != '\0' && strlen(url->host) < sizeof url->host);
    CHECK(url->port >= 1 && url->port <= 65535);
    CHECK(url->path > 7 && (size_t)url->path < size && url->text[url->path] == '/');
    for (size_t i = 0; i < size; i++)
        CHECK(url->text[i] > ' ' && url->text[i] <= '~');
}

static void is_a_request(const struct http_url *url)
{
    struct http_message m = { .lines = 0 };
    char text[512];
    size_t size = http_get(text, url);
    struct http_part host;

    CHECK(size < sizeof text);
    CHECK(http_parse(&m, text, size) == (intptr_t)size);
    CHECK(m.is_get && m.close && !m.has_length && !m.is_coded);
    CHECK(m.target.size == strlen(url->text + url->path));
    CHECK(memcmp(text + m.target.at, url->text + url->path, m.target.size) == 0);
    host = m.field[HTTP_HOST];
    CHECK(host.size == (size_t)url->path - 7);
    CHECK(memcmp(text + host.at, url->text + 7, host.size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_url url, again;
    char *text = malloc(size + 1);

    CHECK(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    memset(&url, 0xA5, sizeof url);
    if (http_url_parse(&url, text) == 0) {
        is_plain(&url);
        is_a_request(&url);
        CHECK(http_url_parse(&again, url.text) == 0);
        CHECK(strcmp(again.text, url.text) == 0 && strcmp(again.host, url.host) == 0);
        CHECK(again.port == url.port && again.path == url.path);
    }
    free(text);
    return 0;
}
