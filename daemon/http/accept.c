/* SPDX-License-Identifier: MIT */
#include "http/accept.h"

#include "core/span.h"

#define QUALITY_MAX 1000

/* How a type is accepted. */
struct acceptance {
    int specificity; /* of the media range: 0 none, 1 any type, 2 any subtype, 3 the type itself */
    int quality;     /* in thousandths */
    size_t position; /* of the media range */
};

/* "0.5" is 500. More than three decimals are ignored; -1 if it is malformed. */
static int read_quality(struct span text)
{
    int quality = 0, digit = QUALITY_MAX;

    if (text.length == 0 || text.at[0] < '0' || text.at[0] > '1' ||
        (text.length > 1 && text.at[1] != '.'))
        return -1;
    for (size_t i = 0; i < text.length; i++) {
        if (i == 1)
            continue;
        if (text.at[i] < '0' || text.at[i] > '9')
            return -1;
        quality += digit * (text.at[i] - '0');
        digit /= 10;
    }
    return quality <= QUALITY_MAX ? quality : -1;
}

/* The `q` among parameters; 1 by default. */
static int find_quality(struct span parameters)
{
    int quality = QUALITY_MAX;

    while (parameters.length > 0) {
        struct span parameter = span_trim(span_split(&parameters, ';'));
        if (span_skip_nocase(&parameter, "q="))
            quality = read_quality(parameter);
    }
    return quality;
}

static int specificity_of(struct span range, const char *type)
{
    size_t main_length = strcspn(type, "/") + 1;

    if (span_equals_nocase(range, type))
        return 3;
    if (range.length == main_length + 1 && range.at[main_length] == '*' &&
        strncasecmp(range.at, type, main_length) == 0)
        return 2;
    return span_equals(range, "*/*") ? 1 : 0;
}

/* Considers one media range. The most specific one applies, of those the first. */
static void consider(struct acceptance *found, const char *type, struct span item, size_t position)
{
    struct span range = span_trim(span_split(&item, ';'));
    int specificity = specificity_of(range, type), quality = find_quality(item);

    if (specificity > found->specificity && quality >= 0)
        *found = (struct acceptance){specificity, quality, position};
}

static struct acceptance find_acceptance(const struct field_values *accept, const char *type)
{
    struct acceptance found = {0};
    size_t position = 0;

    for (size_t i = 0; i < accept->count; i++) {
        struct span list = span_of(field_values_array(accept)[i]), item;
        while (span_next_item(&list, &item))
            consider(&found, type, item, position++);
    }
    return found;
}

bool accept_prefers(const struct field_values *accept, const char *type, const char *usual)
{
    struct acceptance one = find_acceptance(accept, type), other = find_acceptance(accept, usual);

    if (one.quality != other.quality)
        return one.quality > other.quality;
    if (one.specificity != other.specificity)
        return one.quality > 0 && one.specificity > other.specificity;
    return one.quality > 0 && one.position < other.position;
}
