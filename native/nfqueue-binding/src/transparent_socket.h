/* A listening TCP socket to which firewall rules may lead connections made to other ports (TPROXY). */
#ifndef PORTCULLIS_TRANSPARENT_SOCKET_H
#define PORTCULLIS_TRANSPARENT_SOCKET_H

/* Binds to a free port of the loopback address of AF_INET or AF_INET6. Returns 0 or an errno. */
int transparent_listen(int family, int backlog, int *fd);

#endif
