/* SPDX-License-Identifier: MIT */
/* Explains to a person why a text is not an address. Pure. */
#ifndef NET_ADDRESS_FAULT_H
#define NET_ADDRESS_FAULT_H

#include <stddef.h>

#define ADDRESS_FAULT_SIZE 128

/* Fills `detail` with a phrase about the `length` bytes at `text`, which p0f_addr_parse() has refused and
 * which may be any bytes: what is wrong with them and, where an address is recognisable in them, which was
 * probably meant. Printable ASCII, without a full stop. */
void address_fault(const char *text, size_t length, char detail[ADDRESS_FAULT_SIZE]);

#endif
