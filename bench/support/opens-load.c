/*
 * The load of "connections opened": applications, and the destination that they reach, with as little CPU of its own as can
 * be, since what it takes of the machine is missing to every way alike and hides the difference between them.
 *
 *   opens-load serve
 *     A destination on 127.0.0.1: answers the first byte of a connection with 1 KiB, and closes after its peer has. Says where
 *     on standard error.
 *   opens-load open HOST PORT COUNT PARALLEL [TARGET_HOST TARGET_PORT]
 *     Opens COUNT connections there, PARALLEL at a time, by SOCKS5 to TARGET if there is one. Each asks once it is open, that
 *     is once SOCKS has said so, and closes when it has the answer. That the destination does not end the connection first is
 *     on purpose: an sshd has Nagle's algorithm on, and would keep an end behind an answer back for 40 ms. Prints one line of
 *     JSON: the seconds of all, and the median of the times to the first byte of an answer, ms.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER = 1024, SOCKS_REPLIES = 12, EVENTS = 256, BACKLOG = 1024 };

/* An application's connection, or one that the destination has accepted. */
struct connection {
  int fd;
  int has_asked;
  int received;
  double began;
};

static int poller;
static char buffer[65536];

static void die(const char *what) {
  perror(what);
  exit(1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static struct sockaddr_in address_of(const char *host, int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  if (inet_pton(AF_INET, host, &address.sin_addr) != 1) die(host);
  return address;
}

static void watch(struct connection *connection) {
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, connection->fd, &event) < 0) die("epoll_ctl");
}

static void say(int fd, const void *bytes, int length) {
  if (send(fd, bytes, length, MSG_NOSIGNAL) != length) die("send");
}

static void serve(void) {
  struct connection listener = {.fd = socket(AF_INET, SOCK_STREAM, 0)};
  struct sockaddr_in address = address_of("127.0.0.1", 0);
  socklen_t length = sizeof address;
  if (bind(listener.fd, (struct sockaddr *)&address, length) < 0 || listen(listener.fd, BACKLOG) < 0) die("listen");
  getsockname(listener.fd, (struct sockaddr *)&address, &length);
  fprintf(stderr, "{\"msg\":\"ready\",\"listen\":\"127.0.0.1:%d\"}\n", ntohs(address.sin_port));
  watch(&listener);
  for (;;) {
    struct epoll_event events[EVENTS];
    int count = epoll_wait(poller, events, EVENTS, -1);
    for (int i = 0; i < count; i++) {
      struct connection *one = events[i].data.ptr;
      if (one == &listener) {
        one = calloc(1, sizeof *one);
        one->fd = accept(listener.fd, NULL, NULL);
        if (one->fd < 0) die("accept");
        watch(one);
      } else if (recv(one->fd, buffer, sizeof buffer, 0) > 0) {
        if (one->has_asked) continue;
        one->has_asked = 1;
        static const char answer[ANSWER];
        say(one->fd, answer, ANSWER);
      } else {
        close(one->fd);
        free(one);
      }
    }
  }
}

/* Greeting and request of SOCKS5 (RFC 1928), which may follow at once; the target as a name, as most applications have it. */
static int socks_request(unsigned char *request, const char *host, int port) {
  int length = strlen(host);
  unsigned char start[] = {5, 1, 0, 5, 1, 0, 3, length};
  memcpy(request, start, sizeof start);
  memcpy(request + sizeof start, host, length);
  request[sizeof start + length] = port >> 8;
  request[sizeof start + length + 1] = port;
  return sizeof start + length + 2;
}

static int by_value(const void *a, const void *b) {
  double difference = *(const double *)a - *(const double *)b;
  return (difference > 0) - (difference < 0);
}

static struct sockaddr_in way;
static unsigned char request[300];
static int request_length;

static void begin(struct connection *one) {
  *one = (struct connection){.fd = socket(AF_INET, SOCK_STREAM, 0), .began = now()};
  setsockopt(one->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
  if (connect(one->fd, (struct sockaddr *)&way, sizeof way) < 0) die("connect");
  one->has_asked = request_length == 0;
  if (one->has_asked) say(one->fd, "k", 1);
  else say(one->fd, request, request_length);
  watch(one);
}

static void fail(const char *what) {
  fprintf(stderr, "%s\n", what);
  exit(1);
}

/* True when it is over. `first` is when its answer began, if that has come now. */
static int go_on(struct connection *one, double *first) {
  int length = recv(one->fd, buffer, sizeof buffer, 0);
  int before = one->received;
  if (length <= 0) fail("a connection has ended before its answer");
  one->received += length;
  if (!one->has_asked) {
    if (before <= 3 && one->received > 3 && buffer[3 - before] != 0) fail("SOCKS has refused a connection");
    if (one->received < SOCKS_REPLIES) return 0;
    one->has_asked = 1;
    one->received = 0;
    say(one->fd, "k", 1);
    return 0;
  }
  if (before == 0) *first = now() - one->began;
  if (one->received < ANSWER) return 0;
  close(one->fd);
  return 1;
}

static void open_all(int count, int parallel) {
  struct connection *all = calloc(parallel, sizeof *all);
  double *times = calloc(count, sizeof *times);
  int begun = 0, answered = 0, over = 0;
  double start = now();
  while (begun < count && begun < parallel) begin(&all[begun++]);
  while (over < count) {
    struct epoll_event events[EVENTS];
    int ready = epoll_wait(poller, events, EVENTS, -1);
    for (int i = 0; i < ready; i++) {
      struct connection *one = events[i].data.ptr;
      double first = 0;
      int is_over = go_on(one, &first);
      if (first > 0) times[answered++] = first;
      if (!is_over) continue;
      over += 1;
      if (begun < count) {
        begun += 1;
        begin(one);
      }
    }
  }
  double seconds = now() - start;
  qsort(times, count, sizeof *times, by_value);
  printf("{\"seconds\":%.6f,\"firstByte\":%.4f}\n", seconds, times[count / 2] * 1000);
}

int main(int argc, char **argv) {
  poller = epoll_create1(0);
  if (argc == 2 && strcmp(argv[1], "serve") == 0) serve();
  if ((argc != 6 && argc != 8) || strcmp(argv[1], "open") != 0) {
    fprintf(stderr, "usage: opens-load serve | open HOST PORT COUNT PARALLEL [TARGET_HOST TARGET_PORT]\n");
    return 2;
  }
  way = address_of(argv[2], atoi(argv[3]));
  if (argc == 8) request_length = socks_request(request, argv[6], atoi(argv[7]));
  open_all(atoi(argv[4]), atoi(argv[5]));
  return 0;
}
