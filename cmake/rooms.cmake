# The JSON header and the standard containers are a third of the time that a file takes to compile: orc_base precompiles
# them for all rooms. A file still includes what it uses: the gcc preset and scripts/tidy do without precompiled headers.
set(ORC_PRECOMPILED "${CMAKE_SOURCE_DIR}/orchestrator/base/json.hpp" <algorithm> <chrono> <functional> <map> <memory>
  <optional> <set> <string> <unordered_map> <variant> <vector>)

# A room is one folder, one static library, one list of rooms that it may link. PRECOMPILED names further headers that
# most of its files include.
# orc_room(store SOURCES a.cpp b.cpp DEPENDS orc_core)
function(orc_room NAME)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;PRIVATE_DEPENDS;PRECOMPILED" ${ARGN})
  if(ARG_SOURCES)
    add_library(orc_${NAME} STATIC ${ARG_SOURCES})
    target_link_libraries(orc_${NAME} PUBLIC orc_flags ${ARG_DEPENDS} PRIVATE ${ARG_PRIVATE_DEPENDS})
    if(ARG_PRECOMPILED OR NAME STREQUAL base)
      target_precompile_headers(orc_${NAME} PRIVATE ${ORC_PRECOMPILED} ${ARG_PRECOMPILED})
    else()
      target_precompile_headers(orc_${NAME} REUSE_FROM orc_base)
    endif()
  else()
    add_library(orc_${NAME} INTERFACE)
    target_link_libraries(orc_${NAME} INTERFACE orc_flags ${ARG_DEPENDS})
  endif()
endfunction()

# A library of test code. orc_test_library(orc_core_driver SOURCES core_driver.cpp DEPENDS orc_core)
function(orc_test_library NAME)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;PRIVATE_DEPENDS" ${ARGN})
  add_library(${NAME} STATIC ${ARG_SOURCES})
  target_link_libraries(${NAME} PUBLIC orc_flags ${ARG_DEPENDS} PRIVATE ${ARG_PRIVATE_DEPENDS})
  target_precompile_headers(${NAME} REUSE_FROM orc_base)
endfunction()

# Optimizing a test file takes three times as long as compiling it; the rooms under test keep their -O2.
set(ORC_TEST_OPTIONS $<$<CONFIG:Release>:-O0>)

# orc_test(unit_core SOURCES a_test.cpp DEPENDS orc_core LABELS unit)
# UNSANITIZED: left out of the sanitizers' builds, for what would bring rooms there that nothing else needs.
function(orc_test NAME)
  cmake_parse_arguments(ARG "UNSANITIZED" "TIMEOUT" "SOURCES;DEPENDS;LABELS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  if(NOT TARGET orc_precompiled_tests)
    add_library(orc_precompiled_tests OBJECT ${CMAKE_SOURCE_DIR}/cmake/precompiled/tests.cpp)
    target_link_libraries(orc_precompiled_tests PRIVATE orc_base GTest::gmock)
    target_compile_options(orc_precompiled_tests PRIVATE ${ORC_TEST_OPTIONS})
    target_precompile_headers(orc_precompiled_tests PRIVATE ${ORC_PRECOMPILED} <gmock/gmock.h> <gtest/gtest.h>)
  endif()
  add_executable(${NAME} ${ARG_SOURCES})
  target_compile_options(${NAME} PRIVATE ${ORC_TEST_OPTIONS})
  target_precompile_headers(${NAME} REUSE_FROM orc_precompiled_tests)
  target_link_libraries(${NAME} PRIVATE ${ARG_DEPENDS} GTest::gmock_main)
  gtest_discover_tests(${NAME} DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT})
  if(NOT ARG_UNSANITIZED AND ("unit" IN_LIST ARG_LABELS OR "simulation" IN_LIST ARG_LABELS))
    set_property(GLOBAL APPEND PROPERTY ORC_SANITIZED_TESTS ${NAME})
  endif()
endfunction()
