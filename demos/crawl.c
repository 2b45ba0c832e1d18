/* You will see a site crawled, 5 pages at a time; started again after Ctrl-C, it goes on. */
#define _POSIX_C_SOURCE 200809L
#include "fetch.h"
#include "options.h"
#include "seen.h"
#include "thread.h"

struct crawl {
    co_frame;
    const struct options *options;
    const char *url;                    /* where it begins */
    struct seen seen;
    struct co_semaphore room;              /* how many may work at a time */
    struct co_group pages;            /* all of them, those that wait for room too */
    int done, old;                      /* pages visited now, and in runs before */
    double start;
};
struct page {
    co_frame;
    struct crawl *crawl;
    struct http_url url;
    struct fetch fetch;
    struct seen_page record;
    intptr_t n;
};
co_declare(page);

/* Starts a page for each link that was not seen. 0, or negative errno. */
static int follow(struct crawl *crawl, const char *links)
{
    struct http_url url;
    int n;

    while ((n = seen_next_new(&crawl->seen, &links, &url)) > 0)
        if ((n = co_group_go(&crawl->pages, page, .crawl = crawl, .url = url)) < 0)
            break;
    return n;
}

co_define(page) {
    co_begin;
    co_try(co_semaphore_acquire(&self->crawl->room));
    co_await(self->n, fetch_page(&self->fetch, &self->url));
    self->record = (struct seen_page){ &self->crawl->seen, &self->fetch, "" };
    if (self->n >= 0)
        co_await(self->n, co_thread(seen_keep, &self->record));         /* it waits for a disk */
    co_semaphore_release(&self->crawl->room);
    self->crawl->done += self->n >= 0;
    printf("%s %s\n", self->n < 0 ? strerror((int)-self->n) : "visited", self->url.text);
    co_return(self->n < 0 ? self->n : follow(self->crawl, self->record.text));
    co_end;
}

co_define(crawl) {
    co_begin;
    self->start = co_time();
    co_group_init(&self->pages, &(struct co_group_options){ .collect = 1 });
    co_semaphore_init(&self->room, (unsigned)self->options->count, 0);
    co_try(self->old, co_done(seen_open(&self->seen, self->options->seen, self->url)));
    co_try(co_done(follow(self, self->seen.text)));
    co_try(co_group_wait(&self->pages));
    co_finally;
    co_await(co_group_wait(&self->pages));
    printf("Cost time: %.2f; %d pages, %d old\n", co_time() - self->start, self->done, self->old);
    seen_close(&self->seen);
    co_end;
}

int main(int argc, char **argv)
{
    struct options options = options_read(argc, argv, "[--count N] [--seen FILE] URL_OR_PORT");
    struct http_url url;
    if (http_url_parse(&url, options.url) < 0)
        return fprintf(stderr, "crawl: %s: write http://127.0.0.1:PORT/\n", options.url), 2;
    intptr_t result = co_main(crawl, .options = &options, .url = url.text);
    if (result < 0)
        fprintf(stderr, "crawl: %s: start it again, and it goes on\n", strerror((int)-result));
    return result < 0;
}
