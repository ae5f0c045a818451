/* The document is openapi.json with the version filled in, which the Makefile has put to
 * OPENAPI_JSON. It is the assembler that brings it in: as a C string it would be too long for the
 * standard, and hard to read. */
#include "openapi.h"

__asm__(".pushsection .rodata\n"
        ".globl openapi_begin\n"
        ".hidden openapi_begin\n"
        "openapi_begin:\n"
        ".incbin \"" OPENAPI_JSON "\"\n"
        ".globl openapi_end\n"
        ".hidden openapi_end\n"
        "openapi_end:\n"
        ".byte 0\n"
        ".popsection\n");

/* Global for the sake of link-time optimisation, which may take the assembler's part elsewhere. */
extern const char openapi_begin[] __attribute__((visibility("hidden")));
extern const char openapi_end[] __attribute__((visibility("hidden")));

const char *openapi_document(size_t *length)
{
    *length = (size_t)(openapi_end - openapi_begin);
    return openapi_begin;
}
