/* Core locks. */
#include "server/transport/core_locks.h"

#include <absl/synchronization/mutex.h>

void
rc_core_locks_unwatched(void)
{
    absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
}
