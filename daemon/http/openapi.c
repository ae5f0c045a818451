/* SPDX-License-Identifier: MIT */
/* The document is openapi.json with the version filled in; the Makefile puts it at OPENAPI_JSON. The
 * assembler includes it: as a C string it would exceed what the standard guarantees. */
#include "http/openapi.h"

#include <stdint.h>

__asm__(".pushsection .rodata\n"
        ".globl openapi_text, openapi_length\n"
        ".hidden openapi_text, openapi_length\n"
        ".balign 8\n"
        "openapi_length: .quad openapi_end - openapi_text\n"
        "openapi_text: .incbin \"" OPENAPI_JSON "\"\n"
        "openapi_end: .byte 0\n"
        ".popsection\n");

/* Global, as link-time optimisation may put the assembler's part into another unit. */
extern const uint64_t openapi_length __attribute__((visibility("hidden")));
extern const char openapi_text[] __attribute__((visibility("hidden")));

const char *openapi_document(size_t *length)
{
    *length = (size_t)openapi_length;
    return openapi_text;
}
