/* What a Content-Type field says (RFC 9110, 8.3). Pure. */
#ifndef MEDIA_TYPE_H
#define MEDIA_TYPE_H

#include <stdbool.h>

/* Whether it is application/json, alone or with charset=utf-8 (which JSON is in anyway), in any case
 * of letters. Another charset or parameter is refused: who says more means something by it. */
bool media_type_is_json(const char *field);

#endif
