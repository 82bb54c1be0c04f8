# Compiler settings that every room shares.
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Without these two allowances ccache never reuses a file that was built with a precompiled header.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE_PROGRAM})
endif()

add_library(orc_flags INTERFACE)
target_include_directories(orc_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(orc_flags INTERFACE -Wall -Wextra -Wpedantic -Wnon-virtual-dtor -Woverloaded-virtual)
target_compile_definitions(orc_flags INTERFACE BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_SEPARATE_COMPILATION)
if(ORC_WARNINGS_AS_ERRORS)
  target_compile_options(orc_flags INTERFACE -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(orc_flags INTERFACE -Wthread-safety -Wthread-safety-beta -Wshadow-uncaptured-local
                         -Wno-missing-designated-field-initializers -Wno-missing-field-initializers)
  # A precompiled header stands for the content of its sources, not for their dates; a fresh clone may reuse it.
  target_compile_options(orc_flags INTERFACE "SHELL:-Xclang -fno-pch-timestamp")
  find_program(LLD_PROGRAM ld.lld-19)
  if(LLD_PROGRAM)
    target_link_options(orc_flags INTERFACE -fuse-ld=${LLD_PROGRAM})
  endif()
else()
  # GCC 12 reports designated initialisers that leave defaulted members out, and sees ghosts in inlined variants.
  target_compile_options(orc_flags INTERFACE -Wno-missing-field-initializers -Wno-maybe-uninitialized)
endif()
if(ORC_FUZZ)
  # Every room tells the fuzzer which of its branches an input took; the target itself links the fuzzer.
  target_compile_options(orc_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(ORC_SANITIZE)
  # A finding ends the test; undefined behaviour would otherwise only leave a line in its output.
  target_compile_options(orc_flags INTERFACE -fsanitize=${ORC_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(orc_flags INTERFACE -fsanitize=${ORC_SANITIZE})
endif()
