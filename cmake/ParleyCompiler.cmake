# Warnings, sanitizers, compiler cache and linker: the same for every target.
add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
  -Wimplicit-fallthrough -Wundef -Werror -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports these falsely in optimised standard library code; they stay warnings.
  add_compile_options(-Wno-error=restrict -Wno-error=maybe-uninitialized -Wno-error=array-bounds
    -Wno-error=stringop-overflow -Wno-error=stringop-overread -Wno-error=dangling-pointer)
  if(CMAKE_UNITY_BUILD)
    # It takes the .cpp files of a batch for headers.
    add_compile_options(-Wno-subobject-linkage)
  endif()
endif()
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  # libstdc++ uses what it deprecates (get_temporary_buffer in stable_sort); clang reports that as ours.
  add_compile_options(-Wno-deprecated-declarations)
endif()
# Sanitizer and debug builds compile much and run little: no optimisation is the faster whole.
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1")
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1 -DNDEBUG")
if(PARLEY_SANITIZE)
  add_compile_options(-fsanitize=${PARLEY_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${PARLEY_SANITIZE})
endif()
if(PARLEY_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
find_program(PARLEY_CCACHE ccache)
if(PARLEY_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${PARLEY_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${PARLEY_CCACHE})
endif()
find_program(PARLEY_MOLD mold)
if(PARLEY_MOLD)
  add_link_options(-fuse-ld=mold)
endif()
# Linking is light, but the one HTTP file takes over a gigabyte: two compile jobs at most by default.
