# Packs text files into a C++ source as one table of (name, text).
# orc_embed(OUT out.cpp SYMBOL orchestrator::store::kMigrations FILES a.sql b.sql)
set(ORC_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/embed_files.cmake)
function(orc_embed)
  cmake_parse_arguments(ARG "" "OUT;NAMESPACE;NAME" "FILES" ${ARGN})
  string(REPLACE ";" "|" joined "${ARG_FILES}")
  add_custom_command(OUTPUT ${ARG_OUT}
    COMMAND ${CMAKE_COMMAND} -DOUT=${ARG_OUT} -DNAMESPACE=${ARG_NAMESPACE} -DNAME=${ARG_NAME} "-DFILES=${joined}" -P ${ORC_EMBED_SCRIPT}
    DEPENDS ${ARG_FILES} ${ORC_EMBED_SCRIPT} VERBATIM)
endfunction()
