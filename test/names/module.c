/* A source for nsswitch.conf, `module`: knows every name below .module, as 192.0.2.7. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <nss.h>
#include <string.h>

enum nss_status _nss_module_gethostbyname4_r(const char *name, struct gaih_addrtuple **tuples, char *buffer,
                                             size_t length, int *error, int *host_error, int32_t *ttl) {
  (void)ttl;
  const char *top = strrchr(name, '.');
  if (top == NULL || strcmp(top, ".module") != 0) {
    *error = ENOENT;
    *host_error = HOST_NOT_FOUND;
    return NSS_STATUS_NOTFOUND;
  }
  if (length < sizeof **tuples + strlen(name) + 1) {
    *error = ERANGE;
    *host_error = NETDB_INTERNAL;
    return NSS_STATUS_TRYAGAIN;
  }
  char *copy = strcpy(buffer + sizeof **tuples, name);
  if (*tuples == NULL) *tuples = (struct gaih_addrtuple *)buffer;
  **tuples = (struct gaih_addrtuple){.name = copy, .family = AF_INET, .addr = {inet_addr("192.0.2.7")}};
  return NSS_STATUS_SUCCESS;
}
