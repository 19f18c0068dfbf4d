#ifndef IP_SET_H
#define IP_SET_H

#include <stddef.h>
#include <stdint.h>

/*
 * Entries of the kernel's IP sets of type hash:net, over raw netlink (linux/netfilter/ipset/ip_set.h).
 *
 * Entries are text, one a line, in the words of `ipset save`:
 * `192.0.2.0/24 timeout 60 packets 1 bytes 40 nomatch`; all but the address may be missing.
 *
 * Results are 0, an errno, or a number of the kernel's own for sets (from IPSET_ERR_PRIVATE on).
 */

enum { IP_SET_LONGEST_LINE = 160 };

/** Opens a netlink socket in the network namespace of that path; NULL: that of the process. */
int ip_set_socket(const char *network_namespace, int *fd);

/**
 * Adds or removes entries (IPSET_CMD_ADD, _DEL). What is there already gets the time given; what is not there to be
 * removed is no error. Many lines go with one system call. Stops at the first error.
 *
 * @param done  how many lines were carried out
 * @return EILSEQ when a line is not an entry
 */
int ip_set_change(int fd, int command, const char *set, const char *lines, size_t length, size_t *done);

/** 0: the set has this entry (for a whole address: one that covers it); IPSET_ERR_EXIST: it has not. */
int ip_set_test(int fd, const char *set, const char *line, size_t length);

/** Adds an entry that is not there yet; IPSET_ERR_EXIST: it is, and stays as it is. */
int ip_set_add_new(int fd, const char *set, const char *line, size_t length);

/** IPSET_CMD_FLUSH, _DESTROY (of `set`), _SWAP (with `other`), _HEADER (is there such a set?). */
int ip_set_command(int fd, int command, const char *set, const char *other);

/**
 * Makes a set of type hash:net with counters and time-outs. It has a bucket for each of `capacity` entries, so that
 * the kernel never rehashes it in the middle of an addition.
 *
 * @param family  AF_INET or AF_INET6
 * @param timeout seconds of an entry without a time of its own
 */
int ip_set_create(int fd, const char *set, int family, uint32_t capacity, uint32_t timeout);

struct ip_set_listing {
  int fd;
  uint32_t sequence;
  /** Nothing of the last listing is left to be read. */
  int ended;
};

/** Room for what one datagram of the kernel may become. */
enum { IP_SET_LIST_SIZE = 256 * 1024 };

/** Asks for all entries of a set; ip_set_list_next brings them. */
int ip_set_list(struct ip_set_listing *listing, const char *set);

/**
 * Writes lines into `text`, as many as came together.
 *
 * @param length  bytes written; 0 when there are no more
 * @return EMSGSIZE when `size` is below IP_SET_LIST_SIZE
 */
int ip_set_list_next(struct ip_set_listing *listing, char *text, size_t size, size_t *length);

/**
 * Number of entries (IPSET_CMD_LIST, header only). The kernel walks through sets with time-outs to tell it.
 */
int ip_set_count(struct ip_set_listing *listing, const char *set, uint32_t *entries);

/** Adds every entry of `from`, with time left and counters, to `to`. */
int ip_set_copy(struct ip_set_listing *listing, int fd, const char *from, const char *to);

/**
 * The number that every change of the tables of nf_tables in this namespace makes another (NFT_MSG_GETGEN,
 * linux/netfilter/nf_tables.h).
 */
int table_generation(int fd, uint32_t *generation);

#endif
