# One folder = one namespace = one library with declared dependencies.
#
# A module's include path holds nothing but links to itself and to the modules it depends on, so an
# include that the dependency list does not allow does not compile (tests/layers shows it).
#
#   parley_module(rtc DEPENDS proto base LINK OpenSSL::Crypto)
#
# Files: *.cpp is the library, x_test.cpp beside the code goes to <name>_test, x_fuzz.cpp is compiled once and
# linked to a replay of its corpus, which is an ordinary test, and with PARLEY_FUZZ to libFuzzer, too;
# test_x.cpp helps tests and fuzz targets and is in no program, parley_x.cpp is the main() of a program.
include(GoogleTest)

# All libraries and programs, without tests: what `./dev lint` looks at.
add_custom_target(products)

function(parley_module name)
  cmake_parse_arguments(M "" "" "DEPENDS;LINK;TEST_LINK" ${ARGN})
  set(dir ${CMAKE_CURRENT_SOURCE_DIR}/${name})
  file(GLOB all CONFIGURE_DEPENDS ${dir}/*.cpp)
  file(GLOB headers CONFIGURE_DEPENDS ${dir}/*.h)
  set(sources ${all})
  list(FILTER sources EXCLUDE REGEX "_(test|fuzz)\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "/(test|parley)_[^/]*\\.cpp$")
  set(helpers ${all})
  list(FILTER helpers INCLUDE REGEX "/test_[^/]*\\.cpp$")
  set(tests ${all})
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  set(fuzzers ${all})
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cpp$")

  set(inc ${CMAKE_BINARY_DIR}/inc/${name})
  file(MAKE_DIRECTORY ${inc})
  file(CREATE_LINK ${dir} ${inc}/${name} SYMBOLIC)

  if(sources)
    add_library(${name} STATIC ${sources})
    set(scope PUBLIC)
  else()
    add_library(${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  add_dependencies(products ${name})
  target_include_directories(${name} ${scope} ${inc})
  target_link_libraries(${name} ${scope} ${M_DEPENDS} ${M_LINK} fmt::fmt Threads::Threads)
  set_property(GLOBAL APPEND PROPERTY PARLEY_MODULES ${name})

  set(testing ${name})
  if(helpers)
    add_library(${name}_testing STATIC EXCLUDE_FROM_ALL ${helpers})
    target_link_libraries(${name}_testing PUBLIC ${name} ${M_TEST_LINK})
    set(testing ${name}_testing)
  endif()

  if(tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE ${testing} ${M_TEST_LINK} GTest::gmock GTest::gtest_main)
    target_compile_definitions(${name}_test PRIVATE PARLEY_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    gtest_discover_tests(${name}_test TEST_PREFIX "${name}." DISCOVERY_TIMEOUT 60
      PROPERTIES TIMEOUT 120 LABELS unit)
  endif()

  foreach(fuzzer ${fuzzers})
    get_filename_component(target ${fuzzer} NAME_WE)
    add_library(${target}_entry OBJECT ${fuzzer})
    target_link_libraries(${target}_entry PRIVATE ${testing})
    string(REGEX REPLACE "_fuzz$" "_replay" replay ${target})
    add_executable(${replay} ${CMAKE_SOURCE_DIR}/fuzz/replay_main.cpp)
    target_link_libraries(${replay} PRIVATE ${target}_entry ${testing})
    # A prefix of these is a whole session played again, not one message parsed.
    set(cuts 512)
    if(target MATCHES "^(assist_message|gateway_message|negotiator|topics)_fuzz$")
      set(cuts 32)
    endif()
    add_test(NAME fuzz.${target} COMMAND ${replay} ${cuts} ${CMAKE_SOURCE_DIR}/fuzz/corpus/${target})
    set_tests_properties(fuzz.${target} PROPERTIES LABELS unit TIMEOUT 300)
    if(PARLEY_FUZZ)
      add_executable(${target} $<TARGET_OBJECTS:${target}_entry>)
      target_link_libraries(${target} PRIVATE ${testing})
      target_link_options(${target} PRIVATE -fsanitize=fuzzer)
    endif()
  endforeach()

  if(PARLEY_CHECK_HEADERS AND headers)
    set(alone)
    foreach(header ${headers})
      get_filename_component(stem ${header} NAME_WE)
      set(file ${CMAKE_BINARY_DIR}/headers/${name}/${stem}.cpp)
      file(GENERATE OUTPUT ${file} CONTENT "#include \"${name}/${stem}.h\"\n#include \"${name}/${stem}.h\"\n")
      list(APPEND alone ${file})
    endforeach()
    add_library(${name}_headers OBJECT ${alone})
    target_link_libraries(${name}_headers PRIVATE ${name})
    target_compile_definitions(${name}_headers PRIVATE PARLEY_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  endif()
endfunction()

function(parley_program name)
  cmake_parse_arguments(P "" "MAIN" "DEPENDS" ${ARGN})
  add_executable(${name} ${P_MAIN})
  add_dependencies(products ${name})
  target_link_libraries(${name} PRIVATE ${P_DEPENDS})
  target_compile_definitions(${name} PRIVATE PARLEY_VERSION="${PROJECT_VERSION}")
endfunction()
