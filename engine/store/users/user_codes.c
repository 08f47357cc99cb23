/* User codes. Values are found again by open addressing over four times as many slots. */
#include "engine/store/users/user_codes.h"

#include <string.h>

#include "engine/base/hash.h"

struct rc_user_codes *
rc_user_codes_new(uint32_t person_count,
                  const struct rc_user_codes *base,
                  uint32_t base_count,
                  struct rc_account *account)
{
    struct rc_user_codes *codes = rc_alloc_in(account, sizeof(*codes) + person_count);
    if (codes == NULL)
        return NULL;
    const size_t copied = base == NULL ? 0 : sizeof(*codes) + base_count;
    if (copied > 0)
        memcpy(codes, base, copied);
    memset((char *)codes + copied, 0, sizeof(*codes) + person_count - copied);
    if (base == NULL)
        codes->cell_count = 1;
    return codes;
}

bool
rc_user_codes_set(struct rc_user_codes *codes, uint32_t person, rc_cell cell)
{
    uint32_t slot = (uint32_t)rc_hash_u64(cell) % RC_USER_CODES_SLOTS;
    uint32_t code = 0;
    if (cell != 0) {
        while (codes->slots[slot] != 0 && codes->cells[codes->slots[slot] - 1] != cell)
            slot = (slot + 1) % RC_USER_CODES_SLOTS;
        if (codes->slots[slot] == 0) {
            if (codes->cell_count == RC_USER_CODES_MAX)
                return false;
            codes->cells[codes->cell_count++] = cell;
            codes->slots[slot] = (uint16_t)codes->cell_count;
        }
        code = codes->slots[slot] - 1u;
    }
    codes->codes[person] = (uint8_t)code;
    return true;
}
