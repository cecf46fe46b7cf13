# sb_protobuf_c(<target> <folder> <file.proto>...): a static library of the code
# that protoc-c makes of the files, named relative to <folder>, with its headers
# as SYSTEM includes so that our warnings do not apply to it.
function(sb_protobuf_c target folder)
  set(out ${CMAKE_BINARY_DIR}/gen)
  file(MAKE_DIRECTORY ${out})
  set(sources)
  list(TRANSFORM ARGN PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/ OUTPUT_VARIABLE protos)
  foreach(proto ${ARGN})
    string(REGEX REPLACE "\\.proto$" "" name ${proto})
    add_custom_command(
      OUTPUT ${out}/${name}.pb-c.c ${out}/${name}.pb-c.h
      COMMAND ${PROTOC_C} --c_out=${out} -I${CMAKE_CURRENT_SOURCE_DIR}/${folder} ${proto}
      DEPENDS ${protos}
      COMMENT "protoc-c ${proto}" VERBATIM)
    list(APPEND sources ${out}/${name}.pb-c.c ${out}/${name}.pb-c.h)
  endforeach()
  add_library(${target} STATIC ${sources})
  target_include_directories(${target} SYSTEM PUBLIC ${out})
  target_link_libraries(${target} PUBLIC PkgConfig::protobuf_c)
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
endfunction()
