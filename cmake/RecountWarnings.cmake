# Warnings are errors. rc_warnings is for our own sources only; generated ones do not link it.
add_library(rc_warnings INTERFACE)
target_compile_options(rc_warnings INTERFACE
    -Wall -Wextra -Werror -Wshadow -Wvla
    $<$<COMPILE_LANGUAGE:C>:-Wconversion -Wstrict-prototypes -Wmissing-prototypes>)
target_compile_definitions(rc_warnings INTERFACE _GNU_SOURCE $<$<BOOL:${RC_AUDIT}>:RC_AUDIT_BUILD=1>)

if(RC_SANITIZE)
    add_compile_options(-fsanitize=${RC_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${RC_SANITIZE})
    set(RC_JEMALLOC OFF)
endif()
if(RC_COVERAGE)
    add_compile_options(--coverage)
    add_link_options(--coverage)
endif()
if(RC_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
    add_link_options(-fsanitize=fuzzer-no-link)
endif()
