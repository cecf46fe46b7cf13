# sb_test(<name> <source>... LIBS <target>...): one GoogleTest program; its cases
# are listed one by one in CTest.
include(GoogleTest)
function(sb_test name)
  cmake_parse_arguments(T "" "TIMEOUT" "LIBS;LABELS" ${ARGN})
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 60)
  endif()
  add_executable(${name} ${T_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE sb_compile ${T_LIBS} GTest::gtest_main)
  # Those of the engine are of another C++, for which it is not compiled.
  if(NOT "sb_test_engine" IN_LIST T_LIBS)
    target_precompile_headers(${name} REUSE_FROM sb_gtest)
  endif()
  gtest_discover_tests(${name} TEST_PREFIX ${name}. DISCOVERY_TIMEOUT 60
    PROPERTIES TIMEOUT ${T_TIMEOUT} LABELS "${T_LABELS}")
endfunction()
