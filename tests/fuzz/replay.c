/* SPDX-License-Identifier: MIT */
/* Runs a fuzz target once over each file named, without a fuzzer: seeds and past crashes as tests. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX (1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t input[INPUT_MAX];

static int replay(const char *path)
{
    FILE *file = fopen(path, "rb");

    if (!file) {
        perror(path);
        return 1;
    }
    size_t size = fread(input, 1, sizeof input, file);
    fclose(file);
    /* Exactly as large as the input, so that a sanitizer sees what is read beyond it. */
    uint8_t *data = malloc(size ? size : 1);
    if (!data) {
        perror(path);
        return 1;
    }
    memcpy(data, input, size);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    return 0;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (replay(argv[i]) != 0)
            return 1;
    printf("%s: %d inputs\n", argv[0], argc - 1);
    return 0;
}
