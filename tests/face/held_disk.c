#include "tests/face/held_disk.h"

#include <stdatomic.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/file_ops.h"

static const struct rc_disk_ops *true_ops;
static const char *meant_bytes;
static _Atomic(bool) syncs_wait;
static _Atomic(bool) sync_waits;
static _Atomic(uint32_t) syncs;
static _Atomic(int) write_fails;
static _Atomic(int) sync_fails;
static struct rc_file *_Atomic failing;

static enum rc_status
sync_later(struct rc_file *file, struct rc_error *reterr_error)
{
    atomic_fetch_add(&syncs, 1);
    while (atomic_load(&syncs_wait)) {
        atomic_store(&sync_waits, true);
        rc_clock_sleep_ns(100000);
    }
    return true_ops->sync(file, reterr_error);
}

static enum rc_status
sync_or_fail(struct rc_file *file, struct rc_error *reterr_error)
{
    if (atomic_load(&failing) != file)
        return sync_later(file, reterr_error);
    atomic_store(&failing, NULL);
    return rc_error_set(reterr_error, (enum rc_status)atomic_load(&sync_fails), "the test says so");
}

static enum rc_status
write_or_fail(struct rc_file *file,
              const void *data,
              size_t size,
              uint64_t offset,
              struct rc_error *reterr_error)
{
    const bool meant = memmem(data, size, meant_bytes, strlen(meant_bytes)) != NULL;
    const int status = meant ? atomic_exchange(&write_fails, RC_OK) : RC_OK;
    if (status != RC_OK)
        return rc_error_set(reterr_error, (enum rc_status)status, "the test says so");
    if (meant && atomic_load(&sync_fails) != RC_OK)
        atomic_store(&failing, file);
    return true_ops->write_at(file, data, size, offset, reterr_error);
}

void
held_disk_wrap(struct rc_disk *disk, const char *meant)
{
    static struct rc_disk_ops ops;
    true_ops = disk->ops;
    meant_bytes = meant;
    ops = *true_ops;
    ops.sync = sync_or_fail;
    ops.write_at = write_or_fail;
    disk->ops = &ops;
}

void
held_disk_hold(void)
{
    atomic_store(&sync_waits, false);
    atomic_store(&syncs_wait, true);
}

void
held_disk_let_go(void)
{
    atomic_store(&syncs_wait, false);
}

bool
held_disk_waits(void)
{
    return atomic_load(&sync_waits);
}

uint32_t
held_disk_syncs(void)
{
    return atomic_load(&syncs);
}

void
held_disk_fail_write(enum rc_status status)
{
    atomic_store(&write_fails, (int)status);
}

void
held_disk_fail_sync(enum rc_status status)
{
    atomic_store(&sync_fails, (int)status);
}
