# A room is a folder with one static library and an include path of its own.
#
# Every include in the tree is written from the root ("engine/store/slab/slab.h"). A room's library exports a
# directory that holds nothing but a link to that room's folder, so a file can include the rooms that
# its library links and no others: a wrong include does not compile.

set(RC_INCLUDE_FARM "${CMAKE_BINARY_DIR}/include")

# rc_room(NAME FOLDER [SOURCES ...] [ROOMS room ...] [LIBRARIES target ...] [PRIVATE_LIBRARIES target ...])
#   NAME     the library is rc_NAME
#   FOLDER   the room's folder, from the project's root
#   ROOMS    the rooms it stands on: their headers become visible here and to whoever uses this room
function(rc_room name folder)
    cmake_parse_arguments(ARG "" "" "SOURCES;ROOMS;LIBRARIES;PRIVATE_LIBRARIES" ${ARGN})
    get_filename_component(parent "${folder}" DIRECTORY)
    set(farm "${RC_INCLUDE_FARM}/${name}")
    file(MAKE_DIRECTORY "${farm}/${parent}")
    file(CREATE_LINK "${PROJECT_SOURCE_DIR}/${folder}" "${farm}/${folder}" SYMBOLIC)
    list(TRANSFORM ARG_SOURCES PREPEND "${PROJECT_SOURCE_DIR}/${folder}/")
    list(TRANSFORM ARG_ROOMS PREPEND "rc_")
    add_library(rc_${name} STATIC ${ARG_SOURCES})
    target_include_directories(rc_${name} PUBLIC "${farm}")
    target_link_libraries(rc_${name} PUBLIC ${ARG_ROOMS} ${ARG_LIBRARIES}
                          PRIVATE rc_warnings ${ARG_PRIVATE_LIBRARIES})
endfunction()

# rc_test(NAME SOURCE [ROOMS room ...] [LIBRARIES target ...] [THREADS])
# One cmocka program; ctest runs it as NAME with the label unit, and the target rc_tests builds it.
#   THREADS  threads meet in it: its label is unit and threads, and rc_tests_threads builds it too
function(rc_test name source)
    cmake_parse_arguments(ARG "THREADS" "" "ROOMS;LIBRARIES" ${ARGN})
    set(labels unit)
    set_property(GLOBAL APPEND PROPERTY RC_TESTS test_${name})
    if(ARG_THREADS)
        list(APPEND labels threads)
        set_property(GLOBAL APPEND PROPERTY RC_TESTS_THREADS test_${name})
    endif()
    list(TRANSFORM ARG_ROOMS PREPEND "rc_")
    add_executable(test_${name} "${CMAKE_CURRENT_SOURCE_DIR}/${source}")
    target_link_libraries(test_${name} PRIVATE rc_warnings rc_test_environment ${ARG_ROOMS} ${ARG_LIBRARIES} cmocka)
    target_link_options(test_${name} PRIVATE -fuse-ld=gold) # Many, with much debug information: the quickest.
    add_test(NAME ${name} COMMAND test_${name})
    set_tests_properties(${name} PROPERTIES TIMEOUT 300 LABELS "${labels}")
endfunction()
